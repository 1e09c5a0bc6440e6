/*
 * micro.c - what single operations cost, seen from inside.
 *
 *	micro NAME	print nanoseconds for each operation: the median of several runs
 *	micro --list
 *
 * The same program runs natively and in the box; bench/bench.py compares.  Static, so that what is
 * measured is the operation and not the dynamic linker.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

static char buffer[PAGE];
static int file_fd, to_child[2], to_parent[2];
static char file_name[64];
static volatile uint32_t *word;
static char *self;
static volatile int handled;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void getppid_inline(long n)
{
	while (n--) {
		long result;

		__asm__ volatile("mov $110, %%eax\n\tsyscall"
				 : "=a"(result)
				 :
				 : "rcx", "r11", "memory");
	}
}

static void getppid_libc(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void clock_vdso(long n)
{
	while (n--)
		now_ns();
}

static void file_open(void)
{
	snprintf(file_name, sizeof(file_name), "/tmp/ukernel-bench.%d", (int)getpid());
	file_fd = open(file_name, O_CREAT | O_RDWR | O_TRUNC, 0600);
	must(file_fd >= 0 && write(file_fd, buffer, PAGE) == (ssize_t)PAGE, file_name);
}

static void file_close(void)
{
	unlink(file_name);
}

static void read_4k(long n)
{
	while (n--)
		must(pread(file_fd, buffer, PAGE, 0) == (ssize_t)PAGE, "pread");
}

static void open_fstat_close(long n)
{
	struct stat st;

	while (n--) {
		int fd = open(file_name, O_RDONLY);

		fstat(fd, &st);
		must(close(fd) == 0, "close");
	}
}

static pid_t partner;

static void partner_stop(void)
{
	kill(partner, SIGKILL);
	waitpid(partner, NULL, 0);
}

static void pipe_start(void)
{
	must(pipe(to_child) == 0 && pipe(to_parent) == 0, "pipe");
	partner = fork();
	if (partner == 0)
		for (char c;;)
			if (read(to_child[0], &c, 1) != 1 || write(to_parent[1], &c, 1) != 1)
				_exit(1);
}

static void pipe_round_trip(long n)
{
	char c = 0;

	while (n--)
		must(write(to_child[1], &c, 1) == 1 && read(to_parent[0], &c, 1) == 1, "pipe");
}

/* word[0] says whose turn it is. */
static void pass_turn(uint32_t mine, uint32_t other)
{
	while (word[0] != mine)
		syscall(SYS_futex, word, FUTEX_WAIT, other, NULL, NULL, 0);
	word[0] = other;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_start(void)
{
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	partner = fork();
	if (partner == 0)
		for (;;)
			pass_turn(1, 0);
}

static void futex_round_trip(long n)
{
	while (n--)
		pass_turn(0, 1);
	while (word[0] != 0)
		syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void on_signal(int sig)
{
	handled++;
}

static void signal_start(void)
{
	signal(SIGUSR1, on_signal);
}

static void signal_self(long n)
{
	pid_t me = getpid();

	while (n--)
		kill(me, SIGUSR1);
}

static void touch(char *p, long pages)
{
	for (long i = 0; i < pages; i++)
		((volatile char *)p)[i * (long)PAGE] = 1;
}

/* n counts pages; 64 of them at a time. */
static void map_touch_unmap(long n)
{
	for (; n > 0; n -= 64) {
		char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		must(p != MAP_FAILED, "mmap");
		touch(p, 64);
		munmap(p, 64 * PAGE);
	}
}

static void first_touch(long n)
{
	char *p = mmap(NULL, (size_t)n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	must(p != MAP_FAILED, "mmap");
	madvise(p, (size_t)n * PAGE, MADV_NOHUGEPAGE);
	touch(p, n);
	munmap(p, (size_t)n * PAGE);
}

static void fork_exit_wait(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		must(waitpid(pid, NULL, 0) == pid, "fork");
	}
}

static void fork_exec_wait(long n)
{
	while (n--) {
		int status = 1;
		pid_t pid = vfork();

		if (pid == 0) {
			execl(self, self, "--nothing", (char *)NULL);
			_exit(1);
		}
		must(waitpid(pid, &status, 0) == pid && status == 0, "exec");
	}
}

static void loop(long n)
{
	for (long i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
}

/* Two of them on one CPU, so that the tick has something to do. */
static void loop_shared(long n)
{
	pid_t pid = fork();

	loop(n / 2);
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid, "fork");
}

static const struct bench {
	const char *name;
	void (*start)(void);
	void (*run)(long n);
	void (*stop)(void);
	long n; /* operations a run */
	int runs;
} benches[] = {
    {"getppid_inline", NULL, getppid_inline, NULL, 20000, 9},
    {"getppid_libc", NULL, getppid_libc, NULL, 20000, 9},
    {"clock_gettime", NULL, clock_vdso, NULL, 1000000, 9},
    {"read_4k", file_open, read_4k, file_close, 10000, 9},
    {"open_fstat_close", file_open, open_fstat_close, file_close, 3000, 9},
    {"pipe_round_trip", pipe_start, pipe_round_trip, partner_stop, 3000, 9},
    {"futex_round_trip", futex_start, futex_round_trip, partner_stop, 3000, 9},
    {"signal_self", signal_start, signal_self, NULL, 5000, 9},
    {"map_touch_unmap", NULL, map_touch_unmap, NULL, 64 * 200, 9},
    {"first_touch", NULL, first_touch, NULL, 8192, 9},
    {"fork_exit_wait", NULL, fork_exit_wait, NULL, 100, 9},
    {"fork_exec_wait", NULL, fork_exec_wait, NULL, 100, 9},
    {"cpu_loop", NULL, loop, NULL, 300000000, 5},
    {"cpu_loop_shared", NULL, loop_shared, NULL, 300000000, 5},
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct bench *b)
{
	double took[16];

	if (b->start)
		b->start();
	b->run(b->n / 10 + 64);
	for (int i = 0; i < b->runs; i++) {
		uint64_t began = now_ns();

		b->run(b->n);
		took[i] = (double)(now_ns() - began) / (double)b->n;
	}
	if (b->stop)
		b->stop();
	qsort(took, (size_t)b->runs, sizeof(took[0]), compare);
	printf("%.3f\n", took[b->runs / 2]);
}

int main(int argc, char **argv)
{
	size_t n = sizeof(benches) / sizeof(benches[0]);

	self = argv[0];
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "--nothing") == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(argv[1], "--list") == 0) {
			puts(benches[i].name);
		} else if (strcmp(argv[1], benches[i].name) == 0) {
			measure(&benches[i]);
			return 0;
		}
	}
	return strcmp(argv[1], "--list") != 0;
}
