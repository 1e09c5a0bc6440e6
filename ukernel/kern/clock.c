/*
 * clock.c - reading the clocks.
 *
 * Most programs never come here: the vDSO in their own address space reads the host's clocks.  So
 * ours must show the same time; they differ only in that nobody can set them.
 */
#include "kern/clock.h"

#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <time.h>

#define COARSE_NS 4000000ULL /* the host's own tick: what the vDSO says too */

/* A CPU clock of somebody: ~pid << 3, then two bits of kind and one for "a thread". */
#define CPUCLOCK_THREAD	   4
#define CPUCLOCK_KIND_MASK 3
#define CPUCLOCK_FD	   3 /* not a CPU clock: a device */

bool timespec_valid(const struct abi_timespec *ts)
{
	return ts->sec >= 0 && ts->nsec >= 0 && ts->nsec < (int64_t)NSEC_PER_SEC;
}

bool timeval_valid(const struct abi_timeval *tv)
{
	return tv->sec >= 0 && tv->usec >= 0 && tv->usec < 1000000;
}

uint64_t timespec_to_ns(const struct abi_timespec *ts)
{
	if ((uint64_t)ts->sec >= TIME_MAX_NS / NSEC_PER_SEC)
		return TIME_MAX_NS;
	return (uint64_t)ts->sec * NSEC_PER_SEC + (uint64_t)ts->nsec;
}

uint64_t timeval_to_ns(const struct abi_timeval *tv)
{
	const struct abi_timespec ts = {tv->sec, tv->usec * (int64_t)NSEC_PER_USEC};
	return timespec_to_ns(&ts);
}

struct abi_timespec ns_to_timespec(uint64_t ns)
{
	return (struct abi_timespec){(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)};
}

struct abi_timeval ns_to_timeval(uint64_t ns)
{
	return (struct abi_timeval){(int64_t)(ns / NSEC_PER_SEC),
				    (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
}

uint64_t time_add_ns(uint64_t a, uint64_t b)
{
	if (a > TIME_MAX_NS || b > TIME_MAX_NS || a + b > TIME_MAX_NS)
		return TIME_MAX_NS;
	return a + b;
}

/* --- which clock --- */

bool clock_has_timers(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_TAI;
}

bool clock_is_cpu(int clock)
{
	return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ||
	       (clock < 0 && (clock & CPUCLOCK_KIND_MASK) != CPUCLOCK_FD);
}

uint64_t clock_wall_now(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: /* the host's offset is not known here: none, as without NTP */
		return time_wall_ns();
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return time_boot_ns();
	case CLOCK_REALTIME_COARSE:
		return machine->clock_ns(CLOCK_OF_WALL_COARSE);
	case CLOCK_MONOTONIC_COARSE:
		return machine->clock_ns(CLOCK_OF_TICKS_COARSE);
	case CLOCK_MONOTONIC_RAW:
		return machine->clock_ns(CLOCK_OF_TICKS_RAW);
	default:
		return time_now_ns();
	}
}

uint64_t clock_deadline(int clock, uint64_t at_ns)
{
	uint64_t now = clock_wall_now(clock);

	return at_ns <= now ? time_now_ns() : time_add_ns(time_now_ns(), at_ns - now);
}

int cpu_clock_target(struct task *t, int clock, struct task **task, struct process **process)
{
	*task = NULL;
	*process = NULL;
	if (clock == CLOCK_PROCESS_CPUTIME_ID) {
		*process = t->proc;
		return 0;
	}
	if (clock == CLOCK_THREAD_CPUTIME_ID) {
		*task = t;
		return 0;
	}
	if (!clock_is_cpu(clock))
		return -EINVAL;
	pid_t pid = ~(clock >> 3);
	if (clock & CPUCLOCK_THREAD) {
		*task = pid ? task_find(pid) : t;
		return *task && (*task)->proc == t->proc ? 0 : -EINVAL;
	}
	*process = pid ? process_find(pid) : t->proc;
	return *process ? 0 : -EINVAL;
}

uint64_t cpu_clock_ns(struct task *task, struct process *process)
{
	if (task)
		return task_cpu_ns(task) + task_sys_ns(task);
	return process_cpu_ns(process) + process_sys_ns(process);
}

int clock_now(struct task *t, int clock, uint64_t *ns)
{
	struct task *task;
	struct process *process;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
	case CLOCK_BOOTTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = clock_wall_now(clock);
		return 0;
	}
	int err = cpu_clock_target(t, clock, &task, &process);
	if (err)
		return err;
	*ns = cpu_clock_ns(task, process);
	return 0;
}

/* --- the calls --- */

long sys_clock_gettime(struct task *t, int clock, uaddr_t time)
{
	uint64_t ns;
	int err = clock_now(t, clock, &ns);

	if (err)
		return err;
	struct abi_timespec ts = ns_to_timespec(ns);
	return put_user(t, ts, time);
}

long sys_clock_getres(struct task *t, int clock, uaddr_t res)
{
	uint64_t ns;
	int err = clock_now(t, clock, &ns);

	if (err)
		return err;
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	struct abi_timespec ts = ns_to_timespec(coarse ? COARSE_NS : 1);
	return res ? put_user(t, ts, res) : 0;
}

/* The box has no clock of its own to set: what the vDSO shows is the host's. */
long sys_clock_settime(struct task *t, int clock, uaddr_t time)
{
	struct abi_timespec ts;

	if (clock != CLOCK_REALTIME && !(clock_is_cpu(clock)))
		return -EINVAL;
	if (get_user(t, ts, time))
		return -EFAULT;
	if (clock == CLOCK_REALTIME && !timespec_valid(&ts))
		return -EINVAL;
	return -EPERM;
}

long sys_gettimeofday(struct task *t, uaddr_t tv, uaddr_t tz)
{
	struct abi_timeval now = ns_to_timeval(time_wall_ns());
	const int32_t zone[2] = {0, 0};

	if (tv && put_user(t, now, tv))
		return -EFAULT;
	return tz && put_user(t, zone, tz) ? -EFAULT : 0;
}

long sys_time(struct task *t, uaddr_t tloc)
{
	int64_t now = (int64_t)(clock_wall_now(CLOCK_REALTIME_COARSE) / NSEC_PER_SEC);

	return tloc && put_user(t, now, tloc) ? -EFAULT : now;
}
