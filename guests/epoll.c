/*
 * epoll.c - epoll(7): level, edge, one-shot, exclusive, nesting, life of an interest, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int add(int ep, int fd, uint32_t events, int data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int mod(int ep, int fd, uint32_t events, int data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
}

/* What epoll_wait says without waiting: count, and the first event's mask. */
static int ask(int ep, uint32_t *events)
{
	struct epoll_event ev[8] = {{0}};
	int n = epoll_wait(ep, ev, 8, 0);

	*events = n > 0 ? ev[0].events : 0;
	return n;
}

static void level(void)
{
	int ep = epoll_create1(0), fd[2];
	uint32_t e;

	CHECK_OK(pipe(fd));
	CHECK_OK(add(ep, fd[0], EPOLLIN, 1));
	CHECK(ask(ep, &e) == 0);
	CHECK(write(fd[1], "ab", 2) == 2);
	CHECK(ask(ep, &e) == 1 && e == EPOLLIN);
	CHECK(ask(ep, &e) == 1 && e == EPOLLIN);
	CHECK(read(fd[0], &e, 2) == 2);
	CHECK(ask(ep, &e) == 0);
	CHECK_OK(mod(ep, fd[0], 0, 1));
	CHECK(ask(ep, &e) == 0);
	close(fd[1]);
	CHECK(ask(ep, &e) == 1 && e == EPOLLHUP); /* which is always asked for */
	close(fd[0]);
	CHECK(ask(ep, &e) == 0); /* the interest went with the file */
	close(ep);
}

static void edge(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), fd[2];
	uint32_t e;

	CHECK(fcntl(ep, F_GETFD) == FD_CLOEXEC);
	CHECK_OK(pipe(fd));
	CHECK_OK(add(ep, fd[0], EPOLLIN | EPOLLET, 1));
	CHECK(write(fd[1], "abcd", 4) == 4);
	CHECK(ask(ep, &e) == 1);
	CHECK(ask(ep, &e) == 0);
	CHECK(read(fd[0], &e, 1) == 1);
	CHECK(ask(ep, &e) == 0);
	CHECK(write(fd[1], "e", 1) == 1); /* a new edge, though it was not empty */
	CHECK(ask(ep, &e) == 1);
	CHECK_OK(mod(ep, fd[0], EPOLLIN | EPOLLET, 1)); /* asks again */
	CHECK(ask(ep, &e) == 1);
	CHECK(ask(ep, &e) == 0);
	close(fd[0]);
	close(fd[1]);
	close(ep);
}

static void oneshot(void)
{
	int ep = epoll_create1(0), ev = eventfd(1, 0);
	uint32_t e;

	CHECK_OK(add(ep, ev, EPOLLIN | EPOLLONESHOT, 7));
	CHECK(ask(ep, &e) == 1);
	CHECK(ask(ep, &e) == 0);
	CHECK_OK(mod(ep, ev, EPOLLIN | EPOLLONESHOT, 8));
	CHECK(ask(ep, &e) == 1);
	CHECK(ask(ep, &e) == 0);
	close(ev);
	close(ep);
}

static void life(void)
{
	int ep = epoll_create(1), ev = eventfd(1, 0), copy = dup(ev);
	struct epoll_event out[2];
	uint32_t e;

	CHECK_OK(add(ep, ev, EPOLLIN, 1));
	CHECK_ERR(add(ep, ev, EPOLLIN, 1), EEXIST);
	CHECK_OK(add(ep, copy, EPOLLIN, 2)); /* another number is another interest */
	CHECK(epoll_wait(ep, out, 2, 0) == 2);
	CHECK(out[0].data.u64 + out[1].data.u64 == 3);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL));
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL), ENOENT);
	CHECK_ERR(mod(ep, copy, EPOLLIN, 2), ENOENT);
	close(ev);
	CHECK(ask(ep, &e) == 1); /* the file is still open through its copy */
	close(copy);
	CHECK(ask(ep, &e) == 0);
	close(ep);
}

static void fair(void)
{
	int ep = epoll_create1(0), ev[5];
	struct epoll_event out[2];
	unsigned seen = 0;

	for (int i = 0; i < 5; i++) {
		ev[i] = eventfd(1, 0);
		CHECK_OK(add(ep, ev[i], EPOLLIN, i));
	}
	for (int round = 0; round < 3; round++) {
		int n = epoll_wait(ep, out, 2, 0);

		CHECK(n == 2);
		for (int i = 0; i < n; i++)
			seen |= 1u << out[i].data.u64;
	}
	CHECK(seen == 31); /* a small array gets round to all */
	for (int i = 0; i < 5; i++)
		close(ev[i]);
	close(ep);
}

static void nested(void)
{
	int a = epoll_create1(0), b = epoll_create1(0), ev = eventfd(0, 0), chain[8];
	uint64_t one = 1;
	uint32_t e;
	int i;

	CHECK_OK(add(a, b, EPOLLIN, 1));
	CHECK_OK(add(b, ev, EPOLLIN, 2));
	CHECK(ask(a, &e) == 0);
	CHECK(write(ev, &one, 8) == 8);
	CHECK(ask(a, &e) == 1 && e == EPOLLIN);
	CHECK(read(ev, &one, 8) == 8);
	CHECK(ask(a, &e) == 0);
	CHECK_ERR(add(b, a, EPOLLIN, 3), ELOOP);
	CHECK_ERR(add(a, a, EPOLLIN, 3), EINVAL);
	for (i = 0; i < 8; i++)
		chain[i] = epoll_create1(0);
	for (i = 1; i < 8; i++)
		if (add(chain[i], chain[i - 1], EPOLLIN, 0) < 0)
			break;
	printf("a chain of %d epolls\n", i);
	CHECK(errno == ELOOP);
	for (i = 0; i < 8; i++)
		close(chain[i]);
	close(a);
	close(b);
	close(ev);
}

static void errors(void)
{
	int ep = epoll_create1(0), file = open("file", O_RDWR | O_CREAT, 0600), ev = eventfd(0, 0);
	struct epoll_event out[1];

	CHECK_ERR(epoll_create(0), EINVAL);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_ERR(add(ep, file, EPOLLIN, 0), EPERM);
	CHECK_ERR(add(ep, 999, EPOLLIN, 0), EBADF);
	CHECK_ERR(add(999, ev, EPOLLIN, 0), EBADF);
	CHECK_ERR(add(ev, ep, EPOLLIN, 0), EINVAL);
	CHECK_ERR(epoll_ctl(ep, 77, ev, out), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ev, NULL), EFAULT);
	CHECK_ERR(epoll_wait(ep, out, 0, 0), EINVAL);
	CHECK_ERR(epoll_wait(ev, out, 1, 0), EINVAL);
	CHECK_ERR(epoll_wait(999, out, 1, 0), EBADF);
	CHECK_OK(add(ep, ev, EPOLLOUT, 0));
	CHECK_ERR(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
	CHECK(epoll_wait(ep, out, 1, 0) == 1);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
	CHECK_ERR(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0), EINVAL);
	CHECK_OK(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE, 0));
	CHECK_ERR(mod(ep, ev, EPOLLIN, 0), EINVAL);
	close(file);
	close(ev);
	close(ep);
}

static void *waker(void *arg)
{
	uint64_t one = 1;

	usleep(30000);
	CHECK(write(*(int *)arg, &one, 8) == 8);
	return NULL;
}

static void on_alarm(int sig)
{
}

static void waiting(void)
{
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	int ep = epoll_create1(0), ev = eventfd(0, 0);
	struct timespec ts = {0, 20000000};
	struct epoll_event out[1];
	sigset_t empty, block;
	pthread_t th;

	CHECK(epoll_wait(ep, out, 1, 20) == 0);
	CHECK_OK(add(ep, ev, EPOLLIN, 5));
	pthread_create(&th, NULL, waker, &ev);
	CHECK(epoll_wait(ep, out, 1, -1) == 1 && out[0].data.u64 == 5);
	pthread_join(th, NULL);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
	/* Added while somebody waits. */
	sigaction(SIGALRM, &sa, NULL);
	ualarm(40000, 0);
	CHECK_ERR(epoll_wait(ep, out, 1, -1), EINTR);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	CHECK(epoll_wait(ep, out, 1, 10) == 0);
	CHECK_ERR(epoll_pwait(ep, out, 1, -1, &empty), EINTR);
	CHECK(syscall(SYS_epoll_pwait2, ep, out, 1, &ts, NULL, 8) == 0);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	close(ev);
	close(ep);
}

/* One event, many waiters, one wake-up: the others sleep on until theirs comes. */
static void crowd(void)
{
	int ep = epoll_create1(0), ev = eventfd(0, EFD_SEMAPHORE), served = 0, status;
	uint64_t three = 3;

	CHECK_OK(add(ep, ev, EPOLLIN | EPOLLET, 0));
	for (int i = 0; i < 3; i++) {
		if (fork())
			continue;
		struct epoll_event out;
		uint64_t v;

		do {
			if (epoll_wait(ep, &out, 1, 5000) != 1)
				_exit(0);
		} while (fcntl(ev, F_SETFL, O_NONBLOCK) || read(ev, &v, 8) != 8);
		v = 1;
		if (write(ev, &v, 8) < 0) /* pass the edge on */
			_exit(0);
		_exit(1);
	}
	CHECK(write(ev, &three, 8) == 8);
	for (int i = 0; i < 3; i++) {
		wait(&status);
		served += WEXITSTATUS(status);
	}
	printf("served %d\n", served);
	close(ev);
	close(ep);
}

int main(void)
{
	level();
	edge();
	oneshot();
	life();
	fair();
	nested();
	errors();
	waiting();
	fflush(stdout);
	crowd();
	return check_done();
}
