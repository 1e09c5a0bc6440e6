/*
 * sigdeliver.c - delivery: what happens to pending signals on a task's way out of the kernel.
 *
 * Here a system call's result meets the signals that interrupted it (signal(7), "Interruption of
 * system calls"), default actions are carried out, and handlers are entered.  The frame itself is
 * sigframe.c's.  Registers are read and written at most once however many frames are pushed: most
 * of what a signal costs is register traffic.
 */
#include "kern/signal.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "lib/log.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define CORE_FLAG	 0x80
#define CORE_MIN_BYTES	 4096 /* a smaller RLIMIT_CORE means no dump (binfmt_elf's min_coredump) */
#define SYSCALL_INSN_LEN 2

struct delivery {
	struct task *t;
	bool in_syscall; /* result still has to be given, or the call restarted */
	int64_t result;
	bool have_regs;
	struct regs regs;
};

/* Registers as the guest will have them; from here on regs_set() at the end gives the result. */
static struct regs *delivery_regs(struct delivery *d)
{
	if (!d->have_regs) {
		if (machine->regs_get(d->t->thread, &d->regs) < 0)
			process_exit(d->t, SIGKILL);
		d->have_regs = true;
		d->regs.orig_rax = (uint64_t)-1;
		if (d->in_syscall)
			d->regs.rax = (uint64_t)d->result;
	}
	return &d->regs;
}

static bool is_restart(int64_t result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	       result == -ERESTART_RESTARTBLOCK;
}

static void restart_call(struct delivery *d, uint64_t nr)
{
	struct regs *r = delivery_regs(d);

	r->rax = nr;
	r->rip -= SYSCALL_INSN_LEN;
	d->in_syscall = false;
}

/* No handler ran: every interrupted call goes on. */
static void restart_without_handler(struct delivery *d)
{
	if (d->result == -ERESTART_RESTARTBLOCK)
		restart_call(d, SYS_restart_syscall);
	else
		restart_call(d, d->t->trap.syscall.nr);
}

static void restart_before_handler(struct delivery *d, uint64_t sa_flags)
{
	struct regs *r = delivery_regs(d);

	if (!d->in_syscall)
		return;
	if (d->result == -ERESTARTNOINTR || (d->result == -ERESTARTSYS && (sa_flags & SA_RESTART)))
		restart_call(d, d->t->trap.syscall.nr);
	else if (is_restart(d->result))
		r->rax = (uint64_t)-EINTR;
	d->in_syscall = false;
}

/* --- default actions --- */

static _Noreturn void die_of(struct task *t, int sig)
{
	int status = sig;

	if ((SIGMASK(sig) & SIGSET_CORE) && t->proc->dumpable &&
	    t->proc->rlimit[RLIMIT_CORE].cur >= CORE_MIN_BYTES)
		status |= CORE_FLAG;
	log_debug(signal, "process %d dies of signal %d", t->proc->pid, sig);
	process_exit(t, status);
}

/* Take part in the group stop; returns when continued (or killed). */
static void stop_here(struct task *t)
{
	struct process *p = t->proc;

	t->stop_pending = false;
	/* Before the parent hears of it: it may look at us at once. */
	t->state = TASK_STOPPED;
	if (--p->stops_to_go == 0 && p->state == PROC_RUNNING) {
		p->state = PROC_STOPPED;
		p->stop_reported = false;
		p->continued_pending = false;
		signal_notify_parent(p, CLD_STOPPED, p->stop_signal);
	}
	log_debug(signal, "task %d stops", t->tid);
	if (trace_on)
		trace_stop(t, p->stop_signal);
	sched_block();
}

static void act_by_default(struct task *t, int sig)
{
	struct process *p = t->proc;

	if (SIGMASK(sig) & SIGSET_IGNORE)
		return;
	if (p->is_init)
		return;
	if (!(SIGMASK(sig) & SIGSET_STOP))
		die_of(t, sig);
	/* Nobody could continue an orphaned group. */
	if (sig != SIGSTOP && pgrp_orphaned(p->pgid, NULL))
		return;
	group_stop_begin(p, sig);
}

/* --- handlers --- */

static void enter_handler(struct delivery *d, int sig, const struct abi_siginfo *info)
{
	struct task *t = d->t;
	struct sigaction_entry sa = t->sighand->action[sig];
	sigmask_t back = t->restore_mask ? t->saved_mask : t->blocked;

	restart_before_handler(d, sa.flags);
	if (sa.flags & SA_RESETHAND)
		t->sighand->action[sig].handler = (uaddr_t)SIG_DFL;
	if (sigframe_push(t, delivery_regs(d), sig, &sa, info, back) < 0) {
		/* No place for the frame.  If it was for SIGSEGV itself there is no second try. */
		if (sig == SIGSEGV)
			t->sighand->action[sig].handler = (uaddr_t)SIG_DFL;
		signal_force(t, SIGSEGV, NULL);
		return;
	}
	t->restore_mask = false;
	sigmask_t mask = t->blocked | sa.mask;
	if (!(sa.flags & SA_NODEFER))
		mask |= SIGMASK(sig);
	signal_set_mask(t, mask);
}

/* The signal that ends the process was never taken from its queue: show it now. */
static void trace_killer(struct task *t)
{
	int sig = t->proc->exit_status & 0x7f;
	struct abi_siginfo info;

	if (sig && sig != SIGKILL && signal_dequeue(t, SIGMASK(sig), &info) == sig)
		trace_signal(t, sig, &info);
}

static void take_signals(struct delivery *d)
{
	struct task *t = d->t;
	struct abi_siginfo info;

	for (;;) {
		if (t->proc->group_exiting) {
			if (trace_on)
				trace_killer(t);
			task_exit(t, t->proc->exit_status);
		}
		if (t->must_exit)
			task_exit(t, 0);
		if (t->stop_pending) {
			stop_here(t);
			continue;
		}
		int sig = signal_dequeue(t, ~t->blocked, &info);
		if (!sig)
			return;
		uaddr_t handler = t->sighand->action[sig].handler;
		log_debug(signal, "task %d takes signal %d", t->tid, sig);
		if (trace_on)
			trace_signal(t, sig, &info);
		if (__builtin_expect(explain_on, 0))
			explain_signal(t, sig, handler);
		if (handler == (uaddr_t)SIG_IGN)
			continue;
		if (handler == (uaddr_t)SIG_DFL)
			act_by_default(t, sig);
		else
			enter_handler(d, sig, &info);
	}
}

static void restore_mask(struct task *t)
{
	t->restore_mask = false;
	signal_set_mask(t, t->saved_mask);
}

void signal_deliver(struct task *t, bool in_syscall, int64_t result)
{
	struct delivery d;

	/* ppoll and the like: what came while the call waited with the other mask counts only if
	 * it ended the wait. */
	if (t->restore_mask && !is_restart(result) && result != -EINTR)
		restore_mask(t);
	d.t = t;
	d.in_syscall = in_syscall;
	d.result = result;
	d.have_regs = false;
	if (signal_pending(t))
		take_signals(&d);
	if (d.in_syscall && is_restart(result))
		restart_without_handler(&d);
	if (t->restore_mask) {
		restore_mask(t);
		if (signal_pending(t))
			take_signals(&d);
	}
	if (d.have_regs)
		machine->regs_set(t->thread, &d.regs);
	else if (d.in_syscall)
		machine->set_result(t->thread, result);
}
