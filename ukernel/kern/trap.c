/*
 * trap.c - the kernel side of a task: take a trap, handle it, go back to user mode; for ever.
 *
 * This is the only place that turns events of a thread into work.  How the event arrived is the
 * machine's secret.
 */
#include "fs/foretell.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/log.h"
#include "machine.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscall.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define PF_WRITE 2u /* x86 page-fault error code: the access was a write */

static inline bool is_restart_code(long result)
{
	return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

static void trap_syscall(struct task *t)
{
	const struct event *ev = &t->trap;
	long result;

	t->in_syscall = true;
	if (foretold_live)
		foretell_trap(ev->syscall.nr, ev->syscall.arg);
	if (__builtin_expect(trace_on, 0))
		trace_enter(t);
	if (__builtin_expect(explain_on, 0))
		explain_call(t);
	if (__builtin_expect(ev->syscall.abi == SYSCALL_ABI_64, 1))
		result = syscall_dispatch(t, ev->syscall.nr, ev->syscall.arg);
	else
		result = -ENOSYS;
	if (__builtin_expect(trace_on, 0))
		trace_exit(t, result);
	if (__builtin_expect(explain_on, 0) && t->in_syscall)
		explain_result(t, result);

	if (__builtin_expect(!t->in_syscall, 0)) {
		if (signal_pending(t))
			signal_deliver(t, false, 0);
	} else if (__builtin_expect(is_restart_code(result) || t->restore_mask || signal_pending(t),
				    0)) {
		signal_deliver(t, true, result);
	} else {
		machine->set_result(t->thread, result);
	}
	t->in_syscall = false;
}

static void trap_fault(struct task *t)
{
	const struct event *ev = &t->trap;

	if (ev->fault.signo == SIGSEGV && mm_fault(t, ev->fault.addr, ev->fault.err & PF_WRITE)) {
		EXPLAIN(BY_OS, t, "handle page fault: the stack grows");
		return;
	}

	struct abi_siginfo info = {.signo = ev->fault.signo, .code = ev->fault.code};
	info.fault.addr = ev->fault.addr;
	log_debug(signal, "task %d: exception, signal %d code %d at %#lx", t->tid, ev->fault.signo,
		  ev->fault.code, (unsigned long)ev->fault.addr);
	EXPLAIN(BY_OS, t, "handle exception: signal %d (%s) to task %d", ev->fault.signo,
		sigabbrev_np(ev->fault.signo), t->tid);
	signal_force(t, ev->fault.signo, &info);
}

static void trap_handle(struct task *t)
{
	switch (t->trap.type) {
	case EVENT_SYSCALL:
		trap_syscall(t);
		return;
	case EVENT_FAULT:
		trap_fault(t);
		break;
	case EVENT_DEAD:
		log_info(task, "task %d was killed from outside", t->tid);
		process_exit(t, SIGKILL);
	default: /* EVENT_STOPPED: it was asked in because something waits for it */
		break;
	}
	if (signal_pending(t))
		signal_deliver(t, false, 0);
}

void task_main(void *arg)
{
	struct task *t = arg;

	if (t->first)
		t->first(t);
	if (t->set_child_tid) {
		/* A bad address is the guest's problem (clone(2) says nothing of an error). */
		(void)put_user(t, t->tid, t->set_child_tid);
		t->set_child_tid = 0;
	}
	t->in_syscall = false;
	if (signal_pending(t))
		signal_deliver(t, false, 0);
	for (;;) {
		sched_run_user();
		trap_handle(t);
	}
}
