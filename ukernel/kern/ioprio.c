/*
 * ioprio.c - I/O priorities: ioprio_set(2), ioprio_get(2).
 *
 * The values are checked, kept and given back; guests' reads and writes do not queue, so they
 * have no effect.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE };
#define CLASS_SHIFT 13
#define LEVEL_MASK  7 /* above it lie ten bits of hints, of which any are taken */

static bool is_selected(const struct task *t, int which, int who, const struct task *self)
{
	switch (which) {
	case WHO_PROCESS:
		return who ? t->tid == who : t == self;
	case WHO_PGRP:
		return t->proc->pgid == (who ? who : self->proc->pgid);
	default:
		return t->cred->uid == (who ? (uid_t)who : self->cred->uid);
	}
}

/* Call fn on each task that which and who select, until it fails.  -ESRCH when there was none. */
static int for_each_selected(struct task *self, int which, int who,
			     int (*fn)(struct task *self, struct task *t, int *arg), int *arg)
{
	struct process *p;
	struct task *t;
	int err = -ESRCH;

	list_for_each (p, &process_list, all)
		list_for_each (t, &p->threads, in_process) {
			if (!t->cred || !is_selected(t, which, who, self))
				continue;
			err = fn(self, t, arg);
			if (err)
				return err;
		}
	return err;
}

static int set_one(struct task *self, struct task *t, int *prio)
{
	const struct cred *c = self->cred;

	if (t->cred->uid != c->euid && t->cred->uid != c->uid && !cred_capable(c, CAP_SYS_NICE_BIT))
		return -EPERM;
	t->ioprio = (uint16_t)*prio;
	return 0;
}

/* Of several the highest counts: a lower class is better, but for NONE. */
static int get_one(struct task *self, struct task *t, int *best)
{
	if (*best < 0 || *best >> CLASS_SHIFT == CLASS_NONE ||
	    (t->ioprio >> CLASS_SHIFT != CLASS_NONE && t->ioprio < *best))
		*best = t->ioprio;
	return 0;
}

long sys_ioprio_set(struct task *t, int which, int who, int prio)
{
	int class = prio >> CLASS_SHIFT, level = prio & LEVEL_MASK;

	switch (class) {
	case CLASS_RT:
		if (!cred_capable(t->cred, CAP_SYS_ADMIN_BIT) &&
		    !cred_capable(t->cred, CAP_SYS_NICE_BIT))
			return -EPERM;
		break;
	case CLASS_BE:
	case CLASS_IDLE:
		break;
	case CLASS_NONE:
		if (level)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	return for_each_selected(t, which, who, set_one, &prio);
}

long sys_ioprio_get(struct task *t, int which, int who)
{
	int best = -1;

	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	int err = for_each_selected(t, which, who, get_one, &best);
	return err ? err : best;
}
