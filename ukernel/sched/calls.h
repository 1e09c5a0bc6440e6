/*
 * calls.h - what the files with the scheduler's system calls share.
 */
#ifndef SCHED_CALLS_H
#define SCHED_CALLS_H

#include "kern/task.h"
#include "mm/uaccess.h"
#include "sched/sched.h"

#define NICE_MIN (-20)
#define NICE_MAX 19

/* The task with this number (0: the caller itself); NULL: none. */
static inline struct task *sched_task_named(struct task *t, int pid)
{
	return pid ? task_find(pid) : t;
}

/* May t, without a privilege, change how other is scheduled?  (sched_setscheduler(2)) */
bool sched_same_owner(const struct task *t, const struct task *other);
/* ... with one, too. */
bool sched_may_change(const struct task *t, const struct task *other);
/* Does other's RLIMIT_NICE allow this nice value? */
bool sched_may_nice(const struct task *other, int nice);
#endif
