/*
 * usage.c - what has been used: getrusage(2), times(2), and the sums behind them.
 */
#include "kern/clock.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define NS_PER_CLOCK_TICK 10000000ULL /* times() counts in USER_HZ, 100 a second */

static void usage_add(struct rusage_sum *to, const struct rusage_sum *from)
{
	to->user_ns += from->user_ns;
	to->sys_ns += from->sys_ns;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->minflt += from->minflt;
	if (from->maxrss_kb > to->maxrss_kb)
		to->maxrss_kb = from->maxrss_kb;
}

void process_sample_memory(struct task *t)
{
	struct rusage_sum *sum = &t->proc->dead_threads;

	if (!t->mm || !t->thread || !machine->mem_resident)
		return;
	uint64_t kb = machine->mem_resident(t->thread) / 1024;
	if (kb > sum->maxrss_kb)
		sum->maxrss_kb = kb;
}

static void usage_of_task(struct task *t, struct rusage_sum *out)
{
	memset(out, 0, sizeof(*out));
	out->user_ns = task_cpu_ns(t);
	out->sys_ns = task_sys_ns(t);
	out->nvcsw = t->sched.switches_voluntary;
	out->nivcsw = t->sched.switches_involuntary;
	out->minflt = t->min_faults;
}

static void usage_of_process(struct process *p, struct rusage_sum *out)
{
	struct rusage_sum one;
	struct task *t;

	*out = p->dead_threads;
	list_for_each (t, &p->threads, in_process) {
		if (t->state == TASK_DEAD)
			continue;
		usage_of_task(t, &one);
		usage_add(out, &one);
	}
}

static void usage_to_abi(const struct rusage_sum *from, struct abi_rusage *to)
{
	memset(to, 0, sizeof(*to));
	to->utime = ns_to_timeval(from->user_ns);
	to->stime = ns_to_timeval(from->sys_ns);
	to->maxrss = (int64_t)from->maxrss_kb;
	to->minflt = (int64_t)from->minflt;
	to->nvcsw = (int64_t)from->nvcsw;
	to->nivcsw = (int64_t)from->nivcsw;
}

long sys_getrusage(struct task *t, int who, uaddr_t usage)
{
	struct rusage_sum sum;
	struct abi_rusage out;

	peaks_collect(true);
	switch (who) {
	case RUSAGE_SELF:
		process_sample_memory(t);
		usage_of_process(t->proc, &sum);
		break;
	case RUSAGE_CHILDREN:
		sum = t->proc->dead_children;
		break;
	case RUSAGE_THREAD:
		process_sample_memory(t);
		usage_of_task(t, &sum);
		sum.maxrss_kb = t->proc->dead_threads.maxrss_kb;
		break;
	default:
		return -EINVAL;
	}
	usage_to_abi(&sum, &out);
	return put_user(t, out, usage);
}

long sys_times(struct task *t, uaddr_t buf)
{
	struct rusage_sum self;

	if (buf) {
		usage_of_process(t->proc, &self);
		const struct rusage_sum *children = &t->proc->dead_children;
		struct abi_tms tms = {
		    .utime = (int64_t)(self.user_ns / NS_PER_CLOCK_TICK),
		    .stime = (int64_t)(self.sys_ns / NS_PER_CLOCK_TICK),
		    .cutime = (int64_t)(children->user_ns / NS_PER_CLOCK_TICK),
		    .cstime = (int64_t)(children->sys_ns / NS_PER_CLOCK_TICK),
		};
		if (put_user(t, tms, buf))
			return -EFAULT;
	}
	return (long)(time_boot_ns() / NS_PER_CLOCK_TICK);
}
