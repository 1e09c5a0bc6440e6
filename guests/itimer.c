/*
 * itimer.c - setitimer(2), getitimer(2), alarm(2): real and CPU time, periods, what is left, and
 * RLIMIT_CPU and RLIMIT_RTTIME.
 */
#include "check.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int hits, code;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	hits++;
	code = info->si_code;
}

static void install(int sig)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	CHECK_OK(sigaction(sig, &sa, NULL));
}

/* pause(), but a signal that is quicker is not missed; in between it is blocked. */
static void pause_until(int sig, int wanted)
{
	sigset_t only, before;

	sigemptyset(&only);
	sigaddset(&only, sig);
	sigprocmask(SIG_BLOCK, &only, &before);
	while (hits < wanted)
		CHECK_ERR(sigsuspend(&before), EINTR);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static struct itimerval val(long value_us, long interval_us)
{
	return (struct itimerval){.it_value = {value_us / 1000000, value_us % 1000000},
				  .it_interval = {interval_us / 1000000, interval_us % 1000000}};
}

static void errors(void)
{
	struct itimerval v = val(1, 0), o;

	CHECK_ERR(setitimer(3, &v, NULL), EINVAL);
	CHECK_ERR(getitimer(-1, &o), EINVAL);
	CHECK_ERR(setitimer(ITIMER_REAL, (void *)8, NULL), EFAULT);
	CHECK_ERR(getitimer(ITIMER_REAL, (void *)8), EFAULT);
	v.it_value.tv_usec = 1000000;
	CHECK_ERR(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v = val(1, 0);
	v.it_interval.tv_sec = -1;
	CHECK_ERR(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
}

static void real(void)
{
	struct itimerval v = val(30000000, 0), o;

	install(SIGALRM);
	hits = 0;
	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	CHECK_OK(getitimer(ITIMER_REAL, &o));
	CHECK(o.it_value.tv_sec < 30 && (o.it_value.tv_sec > 0 || o.it_value.tv_usec > 0));
	v = val(20000, 0);
	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	pause_until(SIGALRM, 1);
	CHECK(hits == 1 && code == SI_KERNEL);
	CHECK_OK(getitimer(ITIMER_REAL, &o));
	CHECK(o.it_value.tv_sec == 0 && o.it_value.tv_usec == 0);
	v = val(5000, 5000);
	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	pause_until(SIGALRM, 6);
	CHECK_OK(getitimer(ITIMER_REAL, &o));
	CHECK(o.it_interval.tv_usec == 5000);
	v = val(0, 5000); /* value 0 disarms whatever the interval */
	CHECK_OK(setitimer(ITIMER_REAL, &v, &o));
	CHECK(o.it_interval.tv_usec == 5000);
	int before = hits;
	usleep(20000);
	CHECK(hits == before);
	/* A child does not inherit it. */
	v = val(30000, 0);
	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	pid_t pid = fork();
	if (pid == 0) {
		CHECK_OK(getitimer(ITIMER_REAL, &o));
		_exit(o.it_value.tv_usec || o.it_value.tv_sec);
	}
	int status;
	while (waitpid(pid, &status, 0) != pid)
		;
	CHECK(status == 0);
	pause_until(SIGALRM, before + 1);
}

static void alarms(void)
{
	hits = 0;
	CHECK(alarm(10000) == 0);
	unsigned left = alarm(5000); /* less, if a busy host takes its time */
	CHECK(left > 9900 && left <= 10000);
	left = alarm(0);
	CHECK(left > 4900 && left <= 5000);
	CHECK(alarm(0) == 0);
	alarm(1);
	pause_until(SIGALRM, 1);
	CHECK(hits == 1);
}

static void burn_until(int n)
{
	volatile unsigned long x = 0;

	for (unsigned long i = 0; hits < n && i < 20000000000UL; i++)
		x++;
}

static void cpu(int which, int sig)
{
	struct itimerval v = val(20000, 10000), o;
	struct timespec from, to;

	install(sig);
	hits = 0;
	CHECK_OK(setitimer(which, &v, NULL));
	usleep(40000); /* sleeping does not count */
	CHECK(hits == 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	burn_until(3);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	CHECK((to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec >= 25000000);
	CHECK_OK(getitimer(which, &o));
	CHECK(o.it_interval.tv_usec == 10000);
	v = val(0, 0);
	CHECK_OK(setitimer(which, &v, NULL));
}

/* Burns CPU for two seconds, beside what the others do. */
static pid_t cpu_limit_start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit rl = {1, 2};

		install(SIGXCPU);
		hits = 0;
		setrlimit(RLIMIT_CPU, &rl);
		burn_until(1);
		if (hits != 1)
			_exit(1);
		burn_until(5); /* the hard limit kills */
		_exit(2);
	}
	return pid;
}

static void cpu_limit_end(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void spin_ms(int ms)
{
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
}

/* Who sleeps in between may go on; who does not is told, then killed.  Needs a privilege. */
static void rt_limit(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct sched_param prio = {.sched_priority = 1};
		struct rlimit rl = {200000, 300000};

		install(SIGXCPU);
		hits = 0;
		setrlimit(RLIMIT_RTTIME, &rl);
		spin_ms(220);
		if (hits)
			_exit(1);
		if (sched_setscheduler(0, SCHED_FIFO, &prio) != 0)
			raise(SIGKILL);
		/* Little at a time; unless a busy host made it long, by its clock. */
		struct timespec from, to;
		long longest = 0;
		for (int i = 0; i < 12; i++) {
			clock_gettime(CLOCK_MONOTONIC, &from);
			spin_ms(20);
			usleep(1000);
			clock_gettime(CLOCK_MONOTONIC, &to);
			long ms = (to.tv_sec - from.tv_sec) * 1000 +
				  (to.tv_nsec - from.tv_nsec) / 1000000;
			longest = ms > longest ? ms : longest;
		}
		if (hits && longest < 200)
			_exit(2);
		while (!hits)
			spin_ms(10);
		spin_ms(10000);
		_exit(4);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	pid_t limited = cpu_limit_start();

	errors();
	real();
	alarms();
	cpu(ITIMER_VIRTUAL, SIGVTALRM);
	cpu(ITIMER_PROF, SIGPROF);
	cpu_limit_end(limited);
	rt_limit();
	return check_done();
}
