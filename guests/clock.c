/*
 * clock.c - the clocks through the calls themselves and through the vDSO: they agree, go forward,
 * and cannot be set; CPU clocks count what was used; nanosleep's and clock_nanosleep's errors.
 */
#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t read_call(int clock)
{
	struct timespec ts;

	CHECK_OK(syscall(SYS_clock_gettime, clock, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int64_t read_libc(int clock)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void agree(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};

	for (unsigned i = 0; i < 3; i++) {
		int64_t a = read_libc(clocks[i]), b = read_call(clocks[i]),
			c = read_libc(clocks[i]);

		CHECK(a <= b && b <= c);
	}
	for (int clock = 0; clock <= 11; clock++) {
		struct timespec ts;

		if (clock == 8 || clock == 9 || clock == 10) /* need a battery-backed clock */
			continue;
		CHECK_OK(syscall(SYS_clock_getres, clock, &ts));
		printf("clock %d: resolution %ld.%09ld\n", clock, (long)ts.tv_sec, ts.tv_nsec);
		CHECK_OK(syscall(SYS_clock_getres, clock, NULL));
	}
	struct timeval tv;
	int64_t from = read_libc(CLOCK_REALTIME);
	CHECK_OK(syscall(SYS_gettimeofday, &tv, NULL));
	CHECK(tv.tv_sec - from / 1000000000 <= 1);
	time_t t, u = syscall(SYS_time, &t);
	CHECK(t == u && t - from / 1000000000 <= 2);
}

static void errors(void)
{
	struct timespec ts = {0, 1000}, bad = {0, 1000000000}, neg = {-1, 0};

	CHECK_ERR(syscall(SYS_clock_gettime, 77, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8), EFAULT);
	CHECK_ERR(syscall(SYS_clock_getres, 77, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
	CHECK_ERR(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_time, 8), EFAULT);
	CHECK_ERR(syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_nanosleep, &neg, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_nanosleep, 8, NULL), EFAULT);
	CHECK_OK(syscall(SYS_nanosleep, &ts, NULL));
	for (int clock = 0; clock <= 11; clock++) {
		long ret;

		ts.tv_nsec = 1000;
		if (clock == CLOCK_PROCESS_CPUTIME_ID || (clock >= 8 && clock <= 10))
			continue;
		errno = 0;
		ret = syscall(SYS_clock_nanosleep, clock, 0, &ts, NULL);
		printf("sleep on clock %d: %ld %s\n", clock, ret,
		       ret ? errno == EINVAL	   ? "EINVAL"
			     : errno == EOPNOTSUPP ? "EOPNOTSUPP"
						   : "?"
			   : "");
	}
	CHECK_ERR(syscall(SYS_clock_nanosleep, 77, 0, &ts, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, 8, NULL), EFAULT);
	ts = (struct timespec){1, 0}; /* long past */
	CHECK_OK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL));
	CHECK_OK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
}

static void sleeps_long_enough(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};

	for (unsigned i = 0; i < 4; i++) {
		struct timespec ts = {0, 15000000};
		int64_t from = read_libc(CLOCK_MONOTONIC);

		CHECK_OK(clock_nanosleep(clocks[i], 0, &ts, NULL));
		CHECK(read_libc(CLOCK_MONOTONIC) - from >= 15000000);
		int64_t at = read_libc(clocks[i]) + 15000000;
		ts = (struct timespec){at / 1000000000, at % 1000000000};
		CHECK_OK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &ts, NULL));
		CHECK(read_libc(clocks[i]) >= at);
	}
}

static void burn(int64_t ns)
{
	int64_t from = read_call(CLOCK_THREAD_CPUTIME_ID);

	while (read_call(CLOCK_THREAD_CPUTIME_ID) - from < ns)
		for (volatile int i = 0; i < 100000; i++)
			;
}

static void *burner(void *arg)
{
	clockid_t clock;

	burn(30000000);
	CHECK_OK(pthread_getcpuclockid(pthread_self(), &clock));
	CHECK(read_libc(clock) >= 30000000);
	return NULL;
}

static void cpu_clocks(void)
{
	int64_t process = read_libc(CLOCK_PROCESS_CPUTIME_ID),
		thread = read_libc(CLOCK_THREAD_CPUTIME_ID);
	struct rusage ru, before;
	struct tms tms;
	clockid_t clock;
	pthread_t t;

	CHECK_OK(getrusage(RUSAGE_SELF, &before));
	CHECK_OK(pthread_create(&t, NULL, burner, NULL));
	CHECK_OK(pthread_join(t, NULL));
	burn(20000000);
	CHECK(read_libc(CLOCK_PROCESS_CPUTIME_ID) - process >= 50000000);
	CHECK(read_libc(CLOCK_THREAD_CPUTIME_ID) - thread >= 20000000);
	CHECK(read_libc(CLOCK_THREAD_CPUTIME_ID) <= read_libc(CLOCK_PROCESS_CPUTIME_ID));
	usleep(20000); /* costs nothing */
	CHECK_OK(getrusage(RUSAGE_SELF, &ru));
	CHECK(ru.ru_utime.tv_sec > 0 || ru.ru_stime.tv_sec > 0 ||
	      ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 45000);
	CHECK(times(&tms) != -1);
	CHECK(tms.tms_utime + tms.tms_stime >= 4);
	CHECK_OK(getrusage(RUSAGE_THREAD, &ru));
	CHECK_ERR(getrusage(77, &ru), EINVAL);
	CHECK_ERR(getrusage(RUSAGE_SELF, (void *)8), EFAULT);
	CHECK_OK(clock_getcpuclockid(0, &clock));
	CHECK(read_libc(clock) >= 50000000);
	CHECK_OK(clock_getcpuclockid(getpid(), &clock));
	CHECK(read_libc(clock) >= 50000000);
	CHECK(clock_getcpuclockid(0x3fffff, &clock) == ESRCH);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(read_libc(CLOCK_PROCESS_CPUTIME_ID) < 30000000); /* starts anew */
		burn(30000000);
		fflush(stdout);
		_exit(check_failures);
	}
	int status;
	CHECK(wait4(pid, &status, 0, &ru) == pid && status == 0);
	CHECK(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 25000 || ru.ru_utime.tv_sec);
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &ru));
	CHECK(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 25000 || ru.ru_utime.tv_sec);
	times(&tms);
	CHECK(tms.tms_cutime + tms.tms_cstime >= 2);
}

/* Asked only: a clock that is really set would be the host's. */
static void steering(void)
{
	struct timeval left, now = {1, 2000000};
	struct timex tx = {0};
	struct utsname u;
	int state = adjtimex(&tx);

	CHECK(state >= TIME_OK && state <= TIME_ERROR);
	CHECK(tx.tick >= 9000 && tx.tick <= 11000 && tx.time.tv_sec >= 1700000000);
	CHECK(clock_adjtime(CLOCK_REALTIME, &tx) >= TIME_OK);
	CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
	CHECK_ERR(clock_adjtime(77, &tx), EINVAL);
	CHECK_ERR(syscall(SYS_adjtimex, 8L), EFAULT);
	CHECK_OK(adjtime(NULL, &left));
	CHECK(syscall(SYS_settimeofday, NULL, NULL) == (geteuid() ? -1 : 0));
	CHECK_ERR(syscall(SYS_settimeofday, &now, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_settimeofday, 8L, NULL), EFAULT);
	if (uname(&u) || !strstr(u.version, "ukernel"))
		return;
	tx.modes = ADJ_TICK;
	CHECK_ERR(adjtimex(&tx), EPERM);
	now = (struct timeval){1700000000, 0};
	CHECK_ERR(syscall(SYS_settimeofday, &now, NULL), EPERM);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	agree();
	errors();
	sleeps_long_enough();
	cpu_clocks();
	steering();
	return check_done();
}
