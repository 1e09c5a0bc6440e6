/*
 * nice.c - getpriority(2) and setpriority(2).
 */
#include "kern/cred.h"
#include "sched/calls.h"
#include "syscall.h"

#include <errno.h>
#include <sys/resource.h>

/* Call f for the leader and every thread of what (which, who) names; the number of them. */
static int for_each_named(struct task *t, int which, int who,
			  void (*f)(struct task *t, struct task *other, void *arg), void *arg)
{
	struct process *p;
	struct task *other;
	int n = 0;

	if (which == PRIO_PROCESS) {
		other = sched_task_named(t, who);
		if (other) {
			f(t, other, arg);
			n = 1;
		}
		return n;
	}
	if (which == PRIO_PGRP && who == 0)
		who = t->proc->pgid;
	uid_t uid = who ? (uid_t)who : t->cred->uid;
	list_for_each (p, &process_list, all) {
		list_for_each (other, &p->threads, in_process) {
			if (which == PRIO_PGRP ? p->pgid != who : other->cred->uid != uid)
				continue;
			f(t, other, arg);
			n++;
		}
	}
	return n;
}

struct nice_change {
	int nice, err;
};

static void nice_lowest(struct task *t, struct task *other, void *arg)
{
	int *best = arg;

	(void)t;
	if (other->se.nice < *best)
		*best = other->se.nice;
}

static void nice_write(struct sched_entity *se, const void *arg)
{
	se->nice = *(const int *)arg;
}

static void nice_set(struct task *t, struct task *other, void *arg)
{
	struct nice_change *c = arg;

	if (!sched_may_change(t, other)) {
		c->err = -EPERM;
		return;
	}
	if (c->nice < other->se.nice && !sched_may_nice(other, c->nice) &&
	    !cred_capable(t->cred, CAP_SYS_NICE_BIT)) {
		c->err = -EACCES;
		return;
	}
	sched_change(other, nice_write, &c->nice);
	if (c->err == -ESRCH)
		c->err = 0;
}

long sys_getpriority(struct task *t, int which, int who)
{
	int best = NICE_MAX;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (!for_each_named(t, which, who, nice_lowest, &best))
		return -ESRCH;
	return 20 - best; /* so that it is never negative; the library turns it back */
}

long sys_setpriority(struct task *t, int which, int who, int prio)
{
	struct nice_change c = {.err = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	c.nice = prio < NICE_MIN ? NICE_MIN : prio > NICE_MAX ? NICE_MAX : prio;
	for_each_named(t, which, who, nice_set, &c);
	return c.err;
}
