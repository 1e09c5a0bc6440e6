/*
 * posix_timer.c - timer_create(2) and its calls: each way to notify, overruns, absolute times, CPU
 * clocks, each error.
 */
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000L
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int hits, code, value, overrun, tid_seen;
static _Thread_local volatile int here;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	hits++;
	here++;
	code = info->si_code;
	value = info->si_value.sival_int;
	overrun += info->si_overrun;
}

static long create(int clock, struct sigevent *ev, int *id)
{
	return syscall(SYS_timer_create, clock, ev, id);
}

static long set(int id, int flags, int64_t value_ns, int64_t interval_ns, struct itimerspec *old)
{
	struct itimerspec its = {
	    .it_value = {value_ns / 1000000000, value_ns % 1000000000},
	    .it_interval = {interval_ns / 1000000000, interval_ns % 1000000000}};
	return syscall(SYS_timer_settime, id, flags, &its, old);
}

static void errors(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its = {0};
	int id;

	CHECK_ERR(create(77, &ev, &id), EINVAL);
	CHECK_ERR(create(CLOCK_MONOTONIC_RAW, &ev, &id), EOPNOTSUPP);
	CHECK_ERR(create(CLOCK_REALTIME_COARSE, &ev, &id), EOPNOTSUPP);
	CHECK_ERR(create(CLOCK_REALTIME, (void *)8, &id), EFAULT);
	CHECK_ERR(create(CLOCK_REALTIME, &ev, (void *)8), EFAULT);
	ev.sigev_signo = 65;
	CHECK_ERR(create(CLOCK_REALTIME, &ev, &id), EINVAL);
	ev.sigev_signo = SIGUSR1;
	ev.sigev_notify = 77;
	CHECK_ERR(create(CLOCK_REALTIME, &ev, &id), EINVAL);
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_notify_thread_id = getppid();
	CHECK_ERR(create(CLOCK_REALTIME, &ev, &id), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, 999, 0, &its, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_gettime, 999, &its), EINVAL);
	CHECK_ERR(syscall(SYS_timer_getoverrun, 999), EINVAL);
	CHECK_ERR(syscall(SYS_timer_delete, 999), EINVAL);
	ev.sigev_notify = SIGEV_SIGNAL;
	CHECK_OK(create(CLOCK_REALTIME, &ev, &id));
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
	its.it_value.tv_nsec = -1;
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &its, NULL), EINVAL);
	its.it_value.tv_nsec = 1000000000;
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &its, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_gettime, id, 8), EFAULT);
	CHECK_OK(syscall(SYS_timer_delete, id));
	CHECK_ERR(syscall(SYS_timer_delete, id), EINVAL);
}

static void notifies(int clock)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5};
	struct itimerspec its;
	struct timespec now;
	int id;

	hits = 0;
	CHECK_OK(create(clock, &ev, &id));
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_sec == 0 && its.it_value.tv_nsec == 0);
	CHECK_OK(set(id, 0, 30000 * MS, 0, NULL));
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_sec < 30 && (its.it_value.tv_sec > 0 || its.it_value.tv_nsec > 0));
	CHECK_OK(set(id, 0, 10 * MS, 0, NULL));
	while (hits < 1)
		usleep(1000);
	CHECK(hits == 1 && code == SI_TIMER && value == 5);
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_sec == 0 && its.it_value.tv_nsec == 0);
	clock_gettime(clock, &now);
	CHECK_OK(
	    set(id, TIMER_ABSTIME, now.tv_sec * 1000000000LL + now.tv_nsec + 10 * MS, 0, NULL));
	while (hits < 2)
		usleep(1000);
	CHECK(hits == 2);
	CHECK_OK(set(id, 0, 100000 * MS, 7 * MS, NULL));
	CHECK_OK(set(id, 0, 0, 5 * MS, &its));
	CHECK(its.it_value.tv_sec == 99 && its.it_interval.tv_nsec == 7 * MS);
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_nsec == 0 && its.it_interval.tv_nsec == 0);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

static void by_default(void)
{
	int id;

	hits = 0;
	CHECK_OK(create(CLOCK_MONOTONIC, NULL, &id)); /* SIGALRM, and the value is the timer */
	CHECK_OK(set(id, 0, 1, 0, NULL));
	while (!hits)
		usleep(1000);
	CHECK(value == id);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

/* Periods that pass while the signal is blocked are counted. */
static void overruns(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	sigset_t s;
	int id;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	hits = overrun = 0;
	CHECK_OK(create(CLOCK_MONOTONIC, &ev, &id));
	CHECK_OK(set(id, 0, 2 * MS, 2 * MS, NULL));
	usleep(50000);
	CHECK(syscall(SYS_timer_getoverrun, id) == 0);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	CHECK(hits >= 1 && overrun >= 20);
	sigprocmask(SIG_BLOCK, &s, NULL);
	long n = syscall(SYS_timer_getoverrun, id);
	CHECK(n >= 0 && n <= overrun);
	CHECK_OK(syscall(SYS_timer_delete, id));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	CHECK(syscall(SYS_timer_getoverrun, id) == -1);
}

static void *waits(void *arg)
{
	tid_seen = (int)syscall(SYS_gettid);
	while (here < 3)
		usleep(1000);
	return NULL;
}

static void to_a_thread(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	pthread_t t;
	int id;

	tid_seen = 0;
	CHECK_OK(pthread_create(&t, NULL, waits, NULL));
	while (!tid_seen)
		usleep(1000);
	here = 0;
	ev.sigev_notify_thread_id = tid_seen;
	CHECK_OK(create(CLOCK_MONOTONIC, &ev, &id));
	CHECK_OK(set(id, 0, 2 * MS, 2 * MS, NULL));
	CHECK_OK(pthread_join(t, NULL));
	CHECK(here == 0);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

static void silent(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	struct itimerspec its;
	int id;

	hits = 0;
	CHECK_OK(create(CLOCK_REALTIME, &ev, &id));
	CHECK_OK(set(id, 0, 5 * MS, 0, NULL));
	usleep(10000);
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_sec == 0 && its.it_value.tv_nsec == 0);
	CHECK_OK(set(id, 0, 5 * MS, 5 * MS, NULL));
	usleep(12000);
	CHECK_OK(syscall(SYS_timer_gettime, id, &its));
	CHECK(its.it_value.tv_nsec > 0 && its.it_value.tv_nsec <= 5 * MS);
	CHECK(hits == 0);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

static void cpu(int clock)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timespec from, to;
	volatile unsigned long x = 0;
	int id;

	hits = 0;
	CHECK_OK(create(clock, &ev, &id));
	CHECK_OK(set(id, 0, 15 * MS, 10 * MS, NULL));
	usleep(30000);
	CHECK(hits == 0);
	clock_gettime(clock, &from);
	while (hits < 3)
		x++;
	clock_gettime(clock, &to);
	CHECK((to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec >= 25 * MS);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

static void ignored(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int id;

	signal(SIGUSR2, SIG_IGN);
	hits = 0;
	CHECK_OK(create(CLOCK_MONOTONIC, &ev, &id));
	CHECK_OK(set(id, 0, 1 * MS, 1 * MS, NULL));
	usleep(20000);
	CHECK(hits == 0);
	CHECK_OK(sigaction(SIGUSR2, &sa, NULL));
	while (hits < 2) /* it goes on once somebody listens */
		usleep(1000);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	errors();
	notifies(CLOCK_REALTIME);
	notifies(CLOCK_MONOTONIC);
	notifies(CLOCK_BOOTTIME);
	by_default();
	overruns();
	to_a_thread();
	silent();
	cpu(CLOCK_PROCESS_CPUTIME_ID);
	cpu(CLOCK_THREAD_CPUTIME_ID);
	ignored();
	return check_done();
}
