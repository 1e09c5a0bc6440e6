/*
 * call_args.c - what calls point to, where it is hard to read: at the end of the last page that is
 * there, beyond it, in memory that the same call writes to, that is program text, or that another
 * thread changes.  A machine that fetches such bytes early must not show.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE   4096UL
#define WARM   80   /* calls until a machine may have done something about a call site */
#define LENGTH 1100 /* more than anybody fetches early */

static char *edge; /* the first byte that is not there */
static int pipes[2];

/* A string that ends where the memory does. */
static char *string_at_edge(const char *s)
{
	return memcpy(edge - strlen(s) - 1, s, strlen(s) + 1);
}

static void strings(void)
{
	char *null = string_at_edge("/dev/null"), name[300];
	struct stat st;
	int fd;

	for (int i = 0; i < WARM; i++) {
		fd = open(null, O_RDONLY);
		CHECK(fd >= 0);
		close(fd);
		CHECK(stat(null, &st) == 0 && S_ISCHR(st.st_mode));
		CHECK(access(null, R_OK) == 0);
	}
	memset(edge - PAGE, '/', PAGE); /* no end */
	for (int i = 0; i < 4; i++) {
		CHECK_ERR(open(edge - 1, O_RDONLY), EFAULT);
		CHECK_ERR(stat(edge - 100, &st), EFAULT);
		CHECK_ERR(stat(edge, &st), EFAULT);
		CHECK_ERR(stat(NULL, &st), EFAULT);
		CHECK_ERR(access((char *)1, R_OK), EFAULT);
		CHECK_ERR(access((char *)0x7fffffffffffff00, R_OK), EFAULT);
		CHECK_ERR(access((char *)-100L, R_OK), EFAULT);
	}
	/* around the length up to which it might be fetched */
	for (size_t len = 1; len < 300; len++) {
		memset(name, '/', len);
		name[len] = 0;
		CHECK_OK(stat(string_at_edge(name), &st));
		name[0] = '/';
		memset(name + 1, 'x', len - 1);
		errno = 0;
		CHECK(stat(string_at_edge(name), &st) == (len > 1 ? -1 : 0));
		CHECK(errno == (len > 256 ? ENAMETOOLONG : len > 1 ? ENOENT : 0));
	}
}

static void buffers(void)
{
	char got[LENGTH];
	struct iovec iov[2];

	for (size_t len = 0; len < LENGTH; len++) {
		char *from = edge - len;

		for (size_t i = 0; i < len; i++)
			from[i] = (char)(i * 7 + len);
		CHECK(write(pipes[1], from, len) == (ssize_t)len);
		CHECK(len == 0 || read(pipes[0], got, sizeof(got)) == (ssize_t)len);
		CHECK(memcmp(got, from, len) == 0);
		if (len % 8 != 0)
			continue;
		iov[0] = (struct iovec){from, len / 2};
		iov[1] = (struct iovec){from + len / 2, len - len / 2};
		CHECK(writev(pipes[1], iov, 2) == (ssize_t)len);
		CHECK(len == 0 || read(pipes[0], got, sizeof(got)) == (ssize_t)len);
		CHECK(memcmp(got, from, len) == 0);
	}
	CHECK_ERR(write(pipes[1], edge, 1), EFAULT);
	CHECK_ERR(write(pipes[1], edge, 1000), EFAULT);
	CHECK_ERR(write(pipes[1], NULL, 8), EFAULT);
	CHECK_ERR(writev(pipes[1], (struct iovec *)(edge - 8), 1), EFAULT);
	CHECK_ERR(writev(pipes[1], (struct iovec *)(edge - 8), 1 << 28), EINVAL);
	CHECK_ERR(poll((struct pollfd *)(edge - 4), 1, 0), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, edge - 4, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_nanosleep, edge - 15, NULL), EFAULT);
	/* a third argument that is no pointer for this operation */
	CHECK(fcntl(pipes[0], F_GETFD, edge) >= 0);
	CHECK(syscall(SYS_futex, got, 1, 1, edge, NULL, 0) == 0);
}

/* What the call writes lies where it has read. */
static void in_and_out(void)
{
	uint64_t both, all = 1UL << (SIGUSR1 - 1);
	struct {
		uint64_t handler, flags, restorer, mask;
	} act = {(uint64_t)SIG_IGN, 0, 0, 0};
	struct itimerval timer = {{0, 0}, {1000, 0}};
	struct pollfd p[2] = {{pipes[0], POLLIN, 0}, {pipes[1], POLLOUT, 0}};
	struct timespec ts = {0, 1000};

	for (int i = 0; i < WARM; i++) {
		both = i & 1 ? 0 : all;
		CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &both, &both, 8));
		CHECK(both == (i & 1 ? all : 0));
		CHECK_OK(syscall(SYS_rt_sigaction, SIGUSR2, &act, &act, 8));
		CHECK(act.handler == (uint64_t)(i & 1 ? SIG_IGN : SIG_DFL));
		CHECK(poll(p, 2, 0) == 1 && p[0].revents == 0 && p[1].revents == POLLOUT);
		CHECK_OK(syscall(SYS_setitimer, ITIMER_REAL, &timer, &timer));
		CHECK(i == 0 ? timer.it_value.tv_sec == 0 : timer.it_value.tv_sec >= 990);
		timer.it_value.tv_sec = 1000;
		CHECK_OK(nanosleep(&ts, &ts));
	}
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The calls of this very function's surroundings, before and after they may have been rewritten. */
static void text(void)
{
	const char *at = (const char *)((uintptr_t)&write & ~15UL);
	char first[256], now[256];

	for (int i = 0; i < WARM; i++) {
		CHECK(write(pipes[1], at, sizeof(now)) == sizeof(now));
		CHECK(read(pipes[0], i == 0 ? first : now, sizeof(now)) == sizeof(now));
		CHECK(i == 0 || memcmp(first, now, sizeof(now)) == 0);
	}
}

/* A timer interrupts the fetching anywhere. */

static volatile int ticks;

static void on_tick(int sig)
{
	char byte = 'y';
	int saved = errno;

	ticks++;
	CHECK(pwrite(pipes[1], &byte, 1, 0) == -1); /* a fetch within a fetch */
	errno = saved;
}

/* write of rdx bytes, and whether the other registers are as they were, flags in r11 too. */
static long write_checked(int fd, const char *from, size_t len)
{
	register uint64_t r10 __asm__("r10") = 10, r8 __asm__("r8") = 8, r9 __asm__("r9") = 9;
	uint64_t rdi = (uint64_t)fd, rsi = (uint64_t)from, rdx = len, r11, flags, ret;

	__asm__ volatile("sub $128, %%rsp\n"
			 "cmp %%r8, %%r9\n"
			 "mov $1, %%eax\n"
			 "syscall\n"
			 "mov %%r11, %%rcx\n"
			 "pushf\n pop %%r11\n"
			 "lea 128(%%rsp), %%rsp\n"
			 : "=a"(ret), "=&c"(r11), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10),
			   "+r"(r8), "+r"(r9)
			 :
			 : "r11", "memory", "cc");
	__asm__ volatile("sub $128, %%rsp\n cmp %1, %2\n pushf\n pop %0\n lea 128(%%rsp), %%rsp"
			 : "=r"(flags)
			 : "r"(r8), "r"(r9)
			 : "cc", "memory");
	CHECK(rdi == (uint64_t)fd && rsi == (uint64_t)from && rdx == len && r10 == 10 && r8 == 8 &&
	      r9 == 9);
	CHECK(((r11 ^ flags) & 0xcd5) == 0);
	return (long)ret;
}

static void interrupted(void)
{
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	char from[1024], got[1024];
	struct stat st;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200000 && ticks < 60; i++) {
		memset(from, i, sizeof(from));
		CHECK(write_checked(pipes[1], from, sizeof(from)) == sizeof(from));
		CHECK(read(pipes[0], got, sizeof(got)) == sizeof(got));
		CHECK(memcmp(from, got, sizeof(got)) == 0);
		CHECK_OK(stat("/dev/../dev/../dev/../dev/../dev/../dev/../dev/null", &st));
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

/* Another thread changes a name: it is one or the other, or one that begins like one of them. */

static char name[32] = "/dev/null";
static volatile int done;

static void *renamer(void *arg)
{
	while (!done) {
		memcpy(name, "/dev/zero", 10);
		memcpy(name, "/dev/null", 10);
	}
	return NULL;
}

static void raced(void)
{
	pthread_t thread;
	struct stat st;

	CHECK_OK(pthread_create(&thread, NULL, renamer, NULL));
	for (int i = 0; i < 300; i++)
		CHECK(stat(name, &st) == 0 ? S_ISCHR(st.st_mode) : errno == ENOENT);
	done = 1;
	pthread_join(thread, NULL);
}

int main(void)
{
	edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(edge != MAP_FAILED);
	edge += PAGE;
	CHECK_OK(mprotect(edge, PAGE, PROT_NONE));
	CHECK_OK(pipe(pipes));
	strings();
	buffers();
	in_and_out();
	text();
	interrupted();
	raced();
	return check_done();
}
