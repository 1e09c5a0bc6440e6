/*
 * sigrestart.c - which calls go on after a handler with SA_RESTART and which answer EINTR
 * (signal(7)).
 */
#include "asleep.h"
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONG_S	15 /* nobody waits for so long: a signal comes */
#define LONG_MS (1000 * LONG_S)

static int fds[2], full[2], ep;
static pid_t child;
static volatile int hits;

static void on_signal(int sig)
{
	hits++;
}

static long do_read(void)
{
	char c;
	return read(fds[0], &c, 1);
}

static long do_write(void)
{
	char c = 0;
	return write(full[1], &c, 1);
}

static long do_wait(void)
{
	return waitpid(child, NULL, 0) > 0 ? 1 : -1;
}

static long do_poll(void)
{
	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	return poll(&p, 1, LONG_MS);
}

static long do_ppoll(void)
{
	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	struct timespec ts = {LONG_S, 0};
	return ppoll(&p, 1, &ts, NULL);
}

static long do_select(void)
{
	struct timeval tv = {LONG_S, 0};
	return select(0, NULL, NULL, NULL, &tv);
}

static long do_pselect(void)
{
	struct timespec ts = {LONG_S, 0};
	return pselect(0, NULL, NULL, NULL, &ts, NULL);
}

static long do_epoll(void)
{
	struct epoll_event ev;
	return epoll_wait(ep, &ev, 1, LONG_MS);
}

static long do_pause(void)
{
	return pause();
}

static long do_nanosleep(void)
{
	struct timespec ts = {LONG_S, 0}, rem = {0, 0};
	int ret = nanosleep(&ts, &rem), err = errno;

	CHECK(ret == 0 || (rem.tv_sec < LONG_S && (rem.tv_sec > 0 || rem.tv_nsec > 0)));
	errno = err;
	return ret;
}

static long do_clock_nanosleep(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += LONG_S;
	int err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	errno = err;
	return err ? -1 : 0;
}

static long do_futex(void)
{
	static int word;
	struct timespec ts = {LONG_S, 0};
	return syscall(SYS_futex, &word, 0, 0, &ts, NULL, 0);
}

static long do_futex_forever(void)
{
	static int word = 1;
	long ret = syscall(SYS_futex, &word, 128, 1, NULL, NULL, 0);
	return ret;
}

static long do_sigtimedwait(void)
{
	sigset_t s;
	struct timespec ts = {LONG_S, 0};

	sigemptyset(&s);
	return syscall(SYS_rt_sigtimedwait, &s, NULL, &ts, 8); /* musl's would go on */
}

/* Somebody signals us once; then, for what would wait for ever, a byte or a death comes. */
static void *helper(void *arg)
{
	pthread_t *main_thread = arg;
	char c = 'x', room[4096];

	wait_asleep(getpid());
	pthread_kill(*main_thread, SIGUSR1);
	while (!hits)
		usleep(1000);
	wait_asleep(getpid()); /* in its call, or behind it as it waits for us */
	if (write(fds[1], &c, 1) != 1 || read(full[0], room, sizeof(room)) < 1)
		return arg;
	if (child > 0)
		kill(child, SIGKILL);
	return NULL;
}

static void attempt(const char *name, long (*call)(void), int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
	pthread_t self = pthread_self(), other;
	char c;

	sigaction(SIGUSR1, &sa, NULL);
	hits = 0;
	child = 0;
	if (call == do_wait && (child = fork()) == 0)
		for (;;)
			pause();
	CHECK_OK(pthread_create(&other, NULL, helper, &self));
	errno = 0;
	long ret = call();
	int err = errno;
	CHECK(hits == 1);
	printf("%s%s: %s%s\n", name, flags ? " (SA_RESTART)" : "", ret < 0 ? "failed, " : "went on",
	       ret >= 0	      ? ""
	       : err == EINTR ? "EINTR"
			      : strerror(err));
	void *failed;
	pthread_join(other, &failed);
	CHECK(!failed);
	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	while (poll(&p, 1, 0) == 1)
		CHECK(read(fds[0], &c, 1) == 1);
	p.fd = full[1];
	p.events = POLLOUT;
	static char page[4096];
	while (poll(&p, 1, 0) == 1)
		CHECK(write(full[1], page, sizeof(page)) > 0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

int main(void)
{
	static char page[4096];
	struct epoll_event ev = {.events = EPOLLIN};

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK_OK(pipe(fds));
	CHECK_OK(pipe(full));
	ep = epoll_create1(0);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	struct pollfd p = {.fd = full[1], .events = POLLOUT};
	while (poll(&p, 1, 0) == 1)
		CHECK(write(full[1], page, sizeof(page)) > 0);
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		attempt("read", do_read, flags);
		attempt("write", do_write, flags);
		attempt("waitpid", do_wait, flags);
		attempt("poll", do_poll, flags);
		attempt("ppoll", do_ppoll, flags);
		attempt("select", do_select, flags);
		attempt("pselect", do_pselect, flags);
		attempt("epoll_wait", do_epoll, flags);
		attempt("pause", do_pause, flags);
		attempt("nanosleep", do_nanosleep, flags);
		attempt("clock_nanosleep", do_clock_nanosleep, flags);
		attempt("futex", do_futex, flags);
		if (!flags)
			attempt("futex for ever", do_futex_forever, flags);
		attempt("sigtimedwait", do_sigtimedwait, flags);
	}
	return check_done();
}
