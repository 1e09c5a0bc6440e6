/*
 * tracee.c - calls of many kinds, for comparing how --trace and strace show them (tests/trace.py).
 *
 * The comparison begins at getppid().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-result"
#define BAD ((void *)1)

static void handler(int sig)
{
	(void)sig;
}

static void files(void)
{
	struct stat st;
	char buf[100];

	int fd = open("file", O_CREAT | O_RDWR | O_TRUNC, 0640);
	write(fd, "plain \"quoted\" \\ \t\n\001\0019\200", 23);
	write(fd, "a long string that has to be cut off somewhere", 46);
	lseek(fd, -4, SEEK_END);
	read(fd, buf, 2);
	read(fd, buf, 0);
	pread(fd, buf, 5, 1);
	syscall(SYS_read, fd, BAD, 5);
	struct iovec iov[2] = {{buf, 3}, {buf + 50, 40}};
	lseek(fd, 0, SEEK_SET);
	readv(fd, iov, 2);
	writev(fd, iov, 2);
	fchmod(fd, 0600);
	ftruncate(fd, 10);
	dup3(fd, 9, O_CLOEXEC);
	fcntl(9, F_GETFD);
	fcntl(9, F_SETFD, 0);
	fcntl(9, F_GETFL);
	fcntl(9, F_SETFL, O_APPEND | O_NONBLOCK);
	close(9);
	close(fd);
	close(77);
	access("file", R_OK | W_OK);
	access("nothing", F_OK);
	mkdir("dir", 0755);
	rename("file", "dir/file");
	symlink("dir/file", "link");
	readlink("link", buf, sizeof(buf));
	syscall(SYS_newfstatat, AT_FDCWD, "link", BAD, AT_SYMLINK_NOFOLLOW);
	stat("nothing", &st);
	openat(AT_FDCWD, "dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	unlink("dir/file");
	unlink("link");
	rmdir("dir");
	umask(022);
}

static void waiting(void)
{
	int p[2], e;
	struct epoll_event ev = {EPOLLIN | EPOLLET, {.u64 = 7}};
	struct timespec ts = {0, 1000}, no_time = {0, 0};
	struct itimerspec it = {{0, 0}, {5, 0}};
	uint64_t n = 1;
	sigset_t set;
	char buf[8];

	pipe2(p, O_CLOEXEC);
	struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
	poll(f, 2, 5);
	poll(f, 1, 0);
	ppoll(f, 2, &no_time, NULL);
	e = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(e, EPOLL_CTL_ADD, p[1], &(struct epoll_event){EPOLLOUT, {.u64 = 9}});
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev);
	epoll_ctl(e, EPOLL_CTL_MOD, 99, &ev);
	syscall(SYS_epoll_wait, e, &ev, 1, -1);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	read(p[0], buf, sizeof(buf));
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	write(fd, &n, sizeof(n));
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timerfd_settime(fd, 0, &it, NULL);
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
	syscall(SYS_nanosleep, &ts, BAD);
	syscall(SYS_nanosleep, BAD, NULL);
	sigfillset(&set);
	sigdelset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void memory(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mmap(p, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	mprotect(p, 8192, PROT_READ | PROT_EXEC);
	madvise(p + 4096, 4096, MADV_DONTNEED);
	msync(p, 4096, MS_SYNC);
	mmap(NULL, 0, PROT_READ, MAP_PRIVATE, 3, 0);
	munmap(p, 8192);
}

static void processes(void)
{
	struct rusage ru;
	struct rlimit r = {0, 4096};
	int status, sv[2];

	/* strace sees a signal that is ignored, we do not: it is dropped when it is sent. */
	signal(SIGCHLD, handler);
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv);
	setrlimit(RLIMIT_CORE, &r);
	getrlimit(RLIMIT_CORE, &r);
	getrlimit(99, &r);
	getrusage(99, &ru);
	syscall(SYS_gettimeofday, BAD, NULL);
	syscall(SYS_sched_yield);
	if (vfork() == 0)
		_exit(3);
	wait4(-1, &status, WUNTRACED, NULL);
	sigprocmask(SIG_UNBLOCK, &chld, NULL);
	wait4(-1, &status, WNOHANG, NULL);
	kill(getpid(), 0);
	kill(1 << 22, SIGTERM);
}

static void signals(void)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval it = {{0, 0}, {0, 10000}};

	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigset_t blocked, none;
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	sigsuspend(&none);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	raise(SIGALRM);
	fflush(stdout);
	*(volatile int *)8 = 1;
}

int main(void)
{
	puts("traced");
	fflush(stdout);
	fclose(stdin);
	getppid();
	files();
	waiting();
	memory();
	processes();
	signals();
	return 0;
}
