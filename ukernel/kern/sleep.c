/*
 * sleep.c - nanosleep(2) and clock_nanosleep(2).
 */
#include "kern/clock.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <time.h>

/* How often to look at a CPU clock that somebody sleeps on: no finer than a tick. */
#define CPU_POLL_MIN_NS 1000000ULL

static int sleep_on_wall(int clock, uint64_t at_ns)
{
	/* Look again after a wake-up: the host may have set its clock. */
	while (clock_wall_now(clock) < at_ns) {
		int err = task_sleep_until(clock_deadline(clock, at_ns));
		if (err == -ERESTARTSYS)
			return err;
	}
	return 0;
}

static int sleep_on_cpu(struct task *t, int clock, uint64_t at_ns)
{
	uint64_t now;

	for (;;) {
		int err = clock_now(t, clock, &now);
		if (err || now >= at_ns)
			return err;
		uint64_t left = (at_ns - now) / (uint64_t)sched_cpus();
		if (left < CPU_POLL_MIN_NS)
			left = CPU_POLL_MIN_NS;
		err = task_sleep_until(time_add_ns(time_now_ns(), left));
		if (err == -ERESTARTSYS)
			return err;
	}
}

static int sleep_until(struct task *t, int clock, uint64_t at_ns)
{
	return clock_is_cpu(clock) ? sleep_on_cpu(t, clock, at_ns) : sleep_on_wall(clock, at_ns);
}

static long sleep_relative(struct task *t, int clock, uint64_t at_ns, uaddr_t rem);

static long sleep_restart(struct task *t)
{
	return sleep_relative(t, (int)t->restart_arg[0], t->restart_arg[1], t->restart_arg[2]);
}

/* A relative sleep that was interrupted goes on until the time first chosen. */
static long sleep_relative(struct task *t, int clock, uint64_t at_ns, uaddr_t rem)
{
	int err = sleep_until(t, clock, at_ns);
	uint64_t now;

	if (err != -ERESTARTSYS)
		return err;
	if (clock_now(t, clock, &now) < 0 || now >= at_ns)
		return 0;
	struct abi_timespec left = ns_to_timespec(at_ns - now);
	if (rem && put_user(t, left, rem))
		return -EFAULT;
	t->restart = sleep_restart;
	t->restart_arg[0] = (uint64_t)(int64_t)clock;
	t->restart_arg[1] = at_ns;
	t->restart_arg[2] = rem;
	return -ERESTART_RESTARTBLOCK;
}

static int sleep_clock_check(struct task *t, int clock)
{
	struct task *task;
	struct process *process;

	if (clock_has_timers(clock))
		return 0;
	if (clock_is_cpu(clock)) {
		if (clock == CLOCK_THREAD_CPUTIME_ID)
			return -EOPNOTSUPP;
		int err = cpu_clock_target(t, clock, &task, &process);
		/* Nobody can sleep on the time that he does not use. */
		return err ? err : task == t ? -EINVAL : 0;
	}
	if (clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_BOOTTIME_ALARM)
		return -EOPNOTSUPP;
	return -EINVAL;
}

long sys_clock_nanosleep(struct task *t, int clock, unsigned long flags, uaddr_t req, uaddr_t rem)
{
	struct abi_timespec ts;
	uint64_t now;
	int err = sleep_clock_check(t, clock);

	if (err)
		return err;
	if (get_user(t, ts, req))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	uint64_t ns = timespec_to_ns(&ts);
	if (flags & TIMER_ABSTIME) {
		err = sleep_until(t, clock, ns);
		return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
	}
	/* Setting the wall clock must not change how long a relative sleep takes. */
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
		clock = CLOCK_MONOTONIC;
	err = clock_now(t, clock, &now);
	return err ? err : sleep_relative(t, clock, time_add_ns(now, ns), rem);
}

long sys_nanosleep(struct task *t, uaddr_t req, uaddr_t rem)
{
	return sys_clock_nanosleep(t, CLOCK_MONOTONIC, 0, req, rem);
}
