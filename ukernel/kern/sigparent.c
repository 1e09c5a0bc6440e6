/*
 * sigparent.c - what a parent hears of its child, and the rule of orphaned process groups.
 */
#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/sigqueue.h"
#include "kern/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>

#define NS_PER_CLOCK_TICK 10000000ULL /* siginfo counts in USER_HZ, 100 a second */

static void child_info(struct process *child, int sig, int cld_code, int status,
		       struct abi_siginfo *info)
{
	memset(info, 0, sizeof(*info));
	info->signo = sig;
	info->code = cld_code;
	info->chld.pid = child->pid;
	info->chld.uid = child->leader && child->leader->cred ? child->leader->cred->uid : 0;
	info->chld.status = status;
	info->chld.stime = (int64_t)(process_sys_ns(child) / NS_PER_CLOCK_TICK);
	info->chld.utime = (int64_t)(process_cpu_ns(child) / NS_PER_CLOCK_TICK);
}

static const struct sigaction_entry *parent_action(const struct process *parent)
{
	const struct task *t;

	list_for_each (t, &parent->threads, in_process)
		if (t->sighand)
			return &t->sighand->action[SIGCHLD];
	return NULL;
}

static bool parent_notify_death(struct process *child, int cld_code, int status)
{
	struct process *parent = child->parent;
	const struct sigaction_entry *a = parent_action(parent);
	struct abi_siginfo info;
	int sig = child->exit_signal;
	bool unwanted = false;

	if (sig == SIGCHLD && a) {
		bool ignored = a->handler == (uaddr_t)SIG_IGN;

		unwanted = ignored || (a->flags & SA_NOCLDWAIT);
		if (ignored)
			sig = 0;
	}
	if (sig > 0 && sig <= NSIG_GUEST) {
		child_info(child, sig, cld_code, status, &info);
		signal_send_process(parent, sig, &info);
	}
	return unwanted;
}

bool signal_notify_parent(struct process *child, int cld_code, int status)
{
	struct process *parent = child->parent;
	bool unwanted = false;

	if (!parent)
		return false;
	/* First: its wait is to end for the child, not to be interrupted by the signal. */
	waitq_wake(&parent->child_wait, EPOLLIN);
	if (cld_code == CLD_EXITED || cld_code == CLD_KILLED || cld_code == CLD_DUMPED) {
		unwanted = parent_notify_death(child, cld_code, status);
	} else {
		const struct sigaction_entry *a = parent_action(parent);

		if (a && a->handler != (uaddr_t)SIG_IGN && !(a->flags & SA_NOCLDSTOP)) {
			struct abi_siginfo info;

			child_info(child, SIGCHLD, cld_code, status, &info);
			signal_send_process(parent, SIGCHLD, &info);
		}
	}
	return unwanted;
}

bool pgrp_orphaned(pid_t pgid, const struct process *except)
{
	const struct process *p;

	list_for_each (p, &process_list, all) {
		if (p->pgid != pgid || p == except || p->state == PROC_ZOMBIE || !p->parent ||
		    p->parent->is_init)
			continue;
		if (p->parent->pgid != p->pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

static bool pgrp_has_stopped(pid_t pgid)
{
	const struct process *p;

	list_for_each (p, &process_list, all)
		if (p->pgid == pgid && p->state == PROC_STOPPED)
			return true;
	return false;
}

static void orphan_wake(pid_t pgid, const struct process *except)
{
	if (!pgrp_orphaned(pgid, except) || !pgrp_has_stopped(pgid))
		return;
	signal_send_pgrp(pgid, SIGHUP, NULL);
	signal_send_pgrp(pgid, SIGCONT, NULL);
}

void pgrp_orphan_check(struct process *p)
{
	struct process *child;
	const struct process *parent = p->parent;

	/* p was the link between its parent's group and its own ... */
	if (parent && parent->pgid != p->pgid && parent->sid == p->sid)
		orphan_wake(p->pgid, p);
	/* ... and between its own and each child's. */
	list_for_each (child, &p->children, sibling)
		if (child->pgid != p->pgid && child->sid == p->sid)
			orphan_wake(child->pgid, child);
}
