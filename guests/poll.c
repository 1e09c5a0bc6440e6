/*
 * poll.c - poll(2), ppoll(2), select(2), pselect(2): readiness, time-outs, signal masks, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	signals++;
}

static long elapsed_ms(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static void polls(void)
{
	struct pollfd p[5];
	struct timespec start;
	int fd[2], file;

	CHECK_OK(pipe(fd));
	file = open("file", O_RDWR | O_CREAT, 0600);
	p[0] = (struct pollfd){fd[0], POLLIN, 99};
	p[1] = (struct pollfd){fd[1], POLLOUT | POLLIN, 0};
	p[2] = (struct pollfd){-1, POLLIN, 77};
	p[3] = (struct pollfd){999, POLLIN, 0};
	p[4] = (struct pollfd){file, POLLIN | POLLOUT, 0};
	CHECK(poll(p, 5, 0) == 3);
	printf("%d %d %d %d %d\n", p[0].revents, p[1].revents, p[2].revents, p[3].revents,
	       p[4].revents);
	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK(poll(p, 1, 60) == 0);
	CHECK(elapsed_ms(&start) >= 59);
	CHECK(poll(NULL, 0, 10) == 0);
	CHECK(write(fd[1], "x", 1) == 1);
	CHECK(poll(p, 1, -1) == 1 && p[0].revents == POLLIN);
	p[0].events = 0;
	CHECK(poll(p, 1, 0) == 0);
	close(fd[1]);
	CHECK(poll(p, 1, -1) == 1 && p[0].revents == POLLHUP);
	close(fd[0]);
	CHECK_OK(pipe(fd));
	close(fd[0]);
	p[0] = (struct pollfd){fd[1], POLLOUT, 0};
	CHECK(poll(p, 1, -1) == 1 && p[0].revents == (POLLOUT | POLLERR));
	close(fd[1]);
	close(file);
	CHECK_ERR(poll((void *)8, 1, 0), EFAULT);
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	CHECK_ERR(syscall(SYS_poll, p, (unsigned)rl.rlim_cur + 1, 0), EINVAL);
}

/* Another thread makes it ready. */
static void *writer(void *arg)
{
	usleep(30000);
	CHECK(write(*(int *)arg, "t", 1) == 1);
	return NULL;
}

static void wakes(void)
{
	struct pollfd p;
	pthread_t th;
	int fd[2];

	CHECK_OK(pipe(fd));
	pthread_create(&th, NULL, writer, &fd[1]);
	p = (struct pollfd){fd[0], POLLIN, 0};
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	pthread_join(th, NULL);
	close(fd[0]);
	close(fd[1]);
}

static void masks(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct timespec ts = {0, 20000000}, bad = {0, 1000000000}, left;
	sigset_t block, empty, old;

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK(poll(NULL, 0, 10) == 0 && signals == 0);
	CHECK_ERR(ppoll(NULL, 0, NULL, &empty), EINTR);
	CHECK(signals == 1);
	sigprocmask(SIG_BLOCK, NULL, &old);
	CHECK(sigismember(&old, SIGUSR1));
	CHECK(ppoll(NULL, 0, &ts, &empty) == 0);
	sigprocmask(SIG_BLOCK, NULL, &old);
	CHECK(sigismember(&old, SIGUSR1));
	raise(SIGUSR1);
	CHECK_ERR(pselect(0, NULL, NULL, NULL, NULL, &empty), EINTR);
	CHECK(signals == 2);
	sigprocmask(SIG_BLOCK, NULL, &old);
	CHECK(sigismember(&old, SIGUSR1));
	CHECK_ERR(ppoll(NULL, 0, &bad, NULL), EINVAL);
	left = (struct timespec){0, 10000000};
	CHECK(syscall(SYS_ppoll, NULL, 0, &left, NULL, 8) == 0);
	CHECK(left.tv_sec == 0 && left.tv_nsec == 0);
	CHECK_ERR(syscall(SYS_ppoll, NULL, 0, NULL, &empty, 4), EINVAL);
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &sa, NULL);
	ualarm(40000, 0);
	CHECK_ERR(poll(NULL, 0, -1), EINTR); /* never restarted after a handler */
	ualarm(40000, 0);
	CHECK_ERR(select(0, NULL, NULL, NULL, NULL), EINTR);
}

/* Stopped and continued: the wait goes on.  A busy host may be late with the stop: then once more.
 */
static void stopped(void)
{
	int status, tries = 0;
	pid_t pid;

	do {
		pid = fork();
		if (pid == 0)
			_exit(poll(NULL, 0, 150) == 0 ? 0 : 1);
		usleep(30000);
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
	} while (!WIFSTOPPED(status) && ++tries < 20);
	CHECK(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void selects(void)
{
	struct timeval tv = {0, 20000};
	fd_set r, w, x;
	int fd[2];

	CHECK_OK(pipe(fd));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(fd[0], &r);
	FD_SET(fd[1], &w);
	FD_SET(fd[0], &x);
	CHECK(select(fd[1] + 1, &r, &w, &x, NULL) == 1);
	CHECK(!FD_ISSET(fd[0], &r) && FD_ISSET(fd[1], &w) && !FD_ISSET(fd[0], &x));
	FD_SET(fd[0], &r);
	CHECK(select(fd[0] + 1, &r, NULL, NULL, &tv) == 0);
	CHECK(tv.tv_sec == 0 && tv.tv_usec == 0 && !FD_ISSET(fd[0], &r));
	CHECK(write(fd[1], "x", 1) == 1);
	FD_SET(fd[0], &r);
	CHECK(select(fd[0] + 1, &r, NULL, NULL, NULL) == 1 && FD_ISSET(fd[0], &r));
	close(fd[1]);
	CHECK(read(fd[0], &tv, 1) == 1);
	CHECK(select(fd[0] + 1, &r, NULL, NULL, NULL) == 1); /* end of file is readable */
	close(fd[0]);
	CHECK_ERR(select(fd[0] + 1, &r, NULL, NULL, NULL), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	tv.tv_usec = -1;
	CHECK_ERR(select(0, NULL, NULL, NULL, &tv), EINVAL);
	CHECK_ERR(syscall(SYS_select, 1, (void *)8, NULL, NULL, NULL), EFAULT);
}

int main(void)
{
	polls();
	wakes();
	masks();
	interrupted();
	stopped();
	selects();
	return check_done();
}
