/*
 * session.c - who am I and to whom do I belong: numbers, process groups, sessions.
 */
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>

long sys_getpid(struct task *t)
{
	return task_publish(t, PUBLISHED_PID, (uint32_t)t->proc->pid);
}

long sys_gettid(struct task *t)
{
	return task_publish(t, PUBLISHED_TID, (uint32_t)t->tid);
}

long sys_getppid(struct task *t)
{
	pid_t parent = t->proc->parent ? t->proc->parent->pid : 0;

	return task_publish(t, PUBLISHED_PPID, (uint32_t)parent);
}

long sys_set_tid_address(struct task *t, uaddr_t tidptr)
{
	t->clear_child_tid = tidptr;
	return t->tid;
}

/* 0 is the caller; NULL: nobody has this number. */
static struct process *process_named(struct task *t, pid_t pid)
{
	if (pid == 0)
		return t->proc;
	struct task *other = task_find(pid);
	return other ? other->proc : process_find(pid);
}

long sys_getpgid(struct task *t, int pid)
{
	struct process *p = process_named(t, pid);
	return p ? p->pgid : -ESRCH;
}

long sys_getpgrp(struct task *t)
{
	return t->proc->pgid;
}

long sys_getsid(struct task *t, int pid)
{
	struct process *p = process_named(t, pid);
	return p ? p->sid : -ESRCH;
}

static bool group_in_session(pid_t pgid, pid_t sid)
{
	struct process *p;

	list_for_each (p, &process_list, all)
		if (p->pgid == pgid && p->sid == sid)
			return true;
	return false;
}

long sys_setpgid(struct task *t, int pid, int pgid)
{
	struct process *self = t->proc;

	if (pid == 0)
		pid = self->pid;
	if (pgid == 0)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	struct process *p = process_find(pid);
	if (!p)
		return -ESRCH;
	if (p->parent == self) {
		if (p->sid != self->sid)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	} else if (p != self) {
		return -ESRCH;
	}
	if (p->sid == p->pid) /* a session leader */
		return -EPERM;
	if (pgid != pid && !group_in_session(pgid, self->sid))
		return -EPERM;
	p->pgid = pgid;
	return 0;
}

long sys_setsid(struct task *t)
{
	struct process *p = t->proc, *other;

	list_for_each (other, &process_list, all)
		if (other->pgid == p->pid)
			return -EPERM;
	p->sid = p->pgid = p->pid;
	p->ctty = NULL;
	return p->pid;
}
