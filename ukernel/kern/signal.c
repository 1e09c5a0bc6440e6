/*
 * signal.c - generation: from "send sig" to a pending signal and a thread that was woken for it.
 *
 * The rules are those of signal(7) and of Linux's send_signal(): an ignored signal is dropped here,
 * a blocked one never is; stop signals and SIGCONT cancel each other when they are generated,
 * whatever the mask says; a classic signal is pending once, a real-time one as often as it was
 * sent.  What a pending signal then does is sigdeliver.c's part.
 */
#include "kern/signal.h"

#include "kern/cred.h"
#include "kern/itimer.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "mm/mm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>

static bool thread_alive(const struct task *t)
{
	return !t->exiting && t->state != TASK_DEAD && t->sighand;
}

/* Who stands for the whole process: its leader, or another thread when that has gone. */
static struct task *process_thread(struct process *p)
{
	struct task *t;

	if (p->leader && thread_alive(p->leader))
		return p->leader;
	list_for_each (t, &p->threads, in_process)
		if (thread_alive(t))
			return t;
	return NULL;
}

/* The first process of all has no default actions: nobody may end it by accident. */
static bool process_protected(const struct process *p)
{
	return p->is_init;
}

bool signal_is_ignored(const struct task *t, int sig)
{
	uaddr_t handler = t->sighand->action[sig].handler;

	if (handler == (uaddr_t)SIG_DFL)
		return (SIGMASK(sig) & SIGSET_IGNORE) || process_protected(t->proc);
	return handler == (uaddr_t)SIG_IGN;
}

/* To be dropped at generation?  Not while blocked: the action may change before it is taken. */
static bool drops(const struct task *t, int sig)
{
	if ((t->blocked & SIGMASK(sig)) || (t->restore_mask && (t->saved_mask & SIGMASK(sig))))
		return false;
	return signal_is_ignored(t, sig);
}

/* Make t notice: leave its sleep, or come into the kernel. */
static void thread_notify(struct task *t, bool killed)
{
	switch (t->state) {
	case TASK_SLEEPING:
		sched_wake(t);
		break;
	case TASK_KILLABLE:
	case TASK_STOPPED:
		if (killed)
			sched_wake(t);
		break;
	case TASK_RUNNABLE:
		sched_kick(t);
		break;
	case TASK_DEAD:
		break;
	}
}

/* --- stop and continue --- */

static void process_discard(struct process *p, sigmask_t set)
{
	struct task *t;

	sigpending_remove(&p->pending, set);
	list_for_each (t, &p->threads, in_process)
		sigpending_remove(&t->pending, set);
}

void signal_discard(struct process *p, int sig)
{
	process_discard(p, SIGMASK(sig));
}

void group_stop_begin(struct process *p, int sig)
{
	struct task *t;

	p->stop_signal = sig;
	list_for_each (t, &p->threads, in_process) {
		if (!thread_alive(t) || t->stop_pending || t->state == TASK_STOPPED)
			continue;
		t->stop_pending = true;
		p->stops_to_go++;
		if (t != current)
			thread_notify(t, false);
	}
}

static void process_continue(struct process *p)
{
	struct task *t;

	p->stops_to_go = 0;
	list_for_each (t, &p->threads, in_process) {
		t->stop_pending = false;
		if (t->state == TASK_STOPPED)
			sched_wake(t);
	}
	if (p->state != PROC_STOPPED)
		return;
	p->state = PROC_RUNNING;
	p->stop_reported = false;
	p->continued_pending = true;
	signal_notify_parent(p, CLD_CONTINUED, SIGCONT);
}

/* What generating sig does at once, whoever takes it later. */
static void generation_effects(struct process *p, int sig)
{
	if (SIGMASK(sig) & SIGSET_STOP) {
		process_discard(p, SIGMASK(SIGCONT));
	} else if (sig == SIGCONT) {
		process_discard(p, SIGSET_STOP);
		process_continue(p);
	}
}

/* --- the choice of a thread --- */

static bool thread_wants(const struct task *t, int sig)
{
	if (!thread_alive(t) || (t->blocked & SIGMASK(sig)))
		return false;
	return t->state != TASK_STOPPED;
}

static bool fatal_by_default(const struct task *t, int sig)
{
	return t->sighand->action[sig].handler == (uaddr_t)SIG_DFL &&
	       !(SIGMASK(sig) & (SIGSET_IGNORE | SIGSET_STOP)) && !process_protected(t->proc);
}

/* Certain death needs no thread to take the signal: all of them are told to exit, so that one in
 * an unkillable-but-for-SIGKILL sleep goes too.  A core dump is still the taker's business. */
static bool kill_at_once(struct process *p, struct task *t, int sig)
{
	struct task *each;

	if (sig != SIGKILL && ((SIGMASK(sig) & SIGSET_CORE) || !fatal_by_default(t, sig)))
		return false;
	p->group_exiting = true;
	p->exit_status = sig;
	list_for_each (each, &p->threads, in_process) {
		each->stop_pending = false;
		if (thread_alive(each) && each != current)
			thread_notify(each, true);
	}
	p->stops_to_go = 0;
	return true;
}

static void wake_a_taker(struct process *p, struct task *first, bool group, int sig)
{
	struct task *t, *taker = NULL;

	if (sig == SIGKILL || thread_wants(first, sig)) {
		taker = first;
	} else if (group) {
		list_for_each (t, &p->threads, in_process) {
			if (thread_wants(t, sig)) {
				taker = t;
				break;
			}
		}
	}
	if (taker && !kill_at_once(p, taker, sig) && taker != current)
		thread_notify(taker, false);
}

/* --- sending --- */

static struct sigqueue *entry_create(const struct task *t, int sig, const struct abi_siginfo *info)
{
	/* The kernel's own and kill()'s classic signals must not get lost for a limit. */
	bool override = sig < FIRST_RT_SIGNAL && (!info || info->code >= 0);
	const struct rlimit_pair *limit = &t->proc->rlimit[RLIMIT_SIGPENDING];
	struct sigqueue *q = sigqueue_alloc(t->cred->uid, limit->cur, override);

	if (!q)
		return NULL;
	if (info)
		q->info = *info;
	else
		q->info.code = SI_KERNEL;
	q->info.signo = sig;
	return q;
}

/* first: the target itself, or for a group whoever stands for it. */
static int signal_generate(struct process *p, struct task *first, bool group, int sig,
			   const struct abi_siginfo *info, bool force)
{
	struct sigpending *pending = group ? &p->pending : &first->pending;

	if (p->group_exiting || p->state == PROC_ZOMBIE)
		return 0;
	generation_effects(p, sig);
	if (!force && drops(first, sig))
		return 0;
	if (sig < FIRST_RT_SIGNAL && (pending->set & SIGMASK(sig)))
		return 0;
	struct sigqueue *q = sig == SIGKILL ? NULL : entry_create(first, sig, info);
	if (!q && sig >= FIRST_RT_SIGNAL && info && info->code != SI_USER)
		return -EAGAIN;
	sigpending_add(pending, sig, q);
	if (waitq_active(&p->sig_waitq))
		waitq_wake(&p->sig_waitq, EPOLLIN);
	wake_a_taker(p, first, group, sig);
	return 0;
}

int signal_send_task(struct task *t, int sig, const struct abi_siginfo *info)
{
	if (sig == 0 || !thread_alive(t))
		return 0;
	return signal_generate(t->proc, t, false, sig, info, false);
}

int signal_send_process(struct process *p, int sig, const struct abi_siginfo *info)
{
	struct task *first = process_thread(p);

	if (sig == 0 || !first)
		return 0;
	return signal_generate(p, first, true, sig, info, false);
}

int signal_send_pgrp(pid_t pgrp, int sig, const struct abi_siginfo *info)
{
	struct process *p;
	int ret = -ESRCH;

	list_for_each (p, &process_list, all) {
		if (p->pgid != pgrp)
			continue;
		int err = signal_send_process(p, sig, info);
		if (ret)
			ret = err;
	}
	return ret;
}

#define TRAP_PAGE_FAULT 14
#define PF_WRITE	2u
#define PF_INSTR	16u

/* For sigcontext.  The machine may not know whether a page fault was a write; an access that a
 * readable region refused, and that was no jump, was one. */
static void fault_record(struct task *t)
{
	struct region_info r;

	t->fault_trapno = t->trap.fault.trapno;
	t->fault_err = t->trap.fault.err;
	if (t->trap.fault.trapno != TRAP_PAGE_FAULT)
		return;
	t->fault_cr2 = t->trap.fault.addr;
	if (t->trap.fault.signo == SIGSEGV && t->trap.fault.code == SEGV_ACCERR &&
	    !(t->trap.fault.err & PF_INSTR) && t->mm &&
	    mm_region_next(t->mm, t->trap.fault.addr, &r) && r.start <= t->trap.fault.addr &&
	    (r.prot & PROT_READ))
		t->fault_err |= PF_WRITE;
}

void signal_force(struct task *t, int sig, const struct abi_siginfo *info)
{
	struct sigaction_entry *a = &t->sighand->action[sig];

	if (!t->in_syscall && t->trap.type == EVENT_FAULT)
		fault_record(t);
	if ((t->blocked & SIGMASK(sig)) || a->handler == (uaddr_t)SIG_IGN) {
		a->handler = (uaddr_t)SIG_DFL;
		t->blocked &= ~SIGMASK(sig);
	}
	signal_generate(t->proc, t, false, sig, info, true);
}

bool signal_send_timer(struct process *p, struct task *t, struct sigqueue *q)
{
	bool group = t == NULL;
	struct task *first = t ? t : process_thread(p);

	if (!first || !thread_alive(first) || p->group_exiting || p->state == PROC_ZOMBIE)
		return false;
	generation_effects(p, q->info.signo);
	if (drops(first, q->info.signo))
		return false;
	sigpending_add(group ? &p->pending : &first->pending, q->info.signo, q);
	if (waitq_active(&p->sig_waitq))
		waitq_wake(&p->sig_waitq, EPOLLIN);
	wake_a_taker(p, first, group, q->info.signo);
	return true;
}

/* --- questions --- */

bool signal_pending(const struct task *t)
{
	return ((t->pending.set | t->proc->pending.set) & ~t->blocked) || t->stop_pending ||
	       t->must_exit || t->proc->group_exiting;
}

bool signal_fatal_pending(const struct task *t)
{
	return t->proc->group_exiting || t->must_exit ||
	       ((t->pending.set | t->proc->pending.set) & SIGMASK(SIGKILL));
}

int signal_permission(const struct task *t, const struct process *p, int sig)
{
	const struct cred *c = t->cred;
	const struct task *other = p->leader;

	if (t->proc == p || !other)
		return 0;
	const struct cred *o = other->cred;
	if (!o || c->euid == o->suid || c->euid == o->uid || c->uid == o->suid || c->uid == o->uid)
		return 0;
	if (cred_capable(c, CAP_KILL_BIT))
		return 0;
	if (sig == SIGCONT && t->proc->sid == p->sid)
		return 0;
	return -EPERM;
}

/* --- masks --- */

/* Signals in set wait for any thread of p but t: find one and wake it. */
static void process_retarget(struct task *t, sigmask_t set)
{
	struct process *p = t->proc;
	struct task *other;

	set &= p->pending.set;
	if (!set)
		return;
	list_for_each (other, &p->threads, in_process) {
		if (other == t || !thread_alive(other) || !(set & ~other->blocked))
			continue;
		set &= other->blocked;
		thread_notify(other, false);
	}
}

void signal_set_mask(struct task *t, sigmask_t mask)
{
	mask &= ~SIGSET_KILL_STOP;
	sigmask_t newly = mask & ~t->blocked;

	t->blocked = mask;
	if (newly & t->proc->pending.set)
		process_retarget(t, newly);
}

void signal_set_temp_mask(struct task *t, sigmask_t mask)
{
	t->saved_mask = t->blocked;
	t->restore_mask = true;
	signal_set_mask(t, mask);
}

int signal_dequeue(struct task *t, sigmask_t set, struct abi_siginfo *info)
{
	int sig = sigpending_take(&t->pending, set, info);

	if (sig)
		return sig;
	sig = sigpending_take(&t->proc->pending, set, info);
	if (sig == SIGALRM)
		itimer_real_delivered(t->proc);
	return sig;
}

void signal_task_exit(struct task *t)
{
	struct process *p = t->proc;

	if (t->stop_pending) {
		t->stop_pending = false;
		if (--p->stops_to_go == 0 && p->state == PROC_RUNNING && !p->group_exiting) {
			p->state = PROC_STOPPED;
			p->stop_reported = false;
			signal_notify_parent(p, CLD_STOPPED, p->stop_signal);
		}
	}
	sigpending_flush(&t->pending);
	if (!p->group_exiting)
		process_retarget(t, ~t->blocked);
}
