/*
 * trap.c - what a host stop of a guest process means in the terms of the contract.
 *
 *	syscall stop (SYSEMU) or seccomp trace stop	EVENT_SYSCALL
 *	about to get a signal that the CPU caused	EVENT_FAULT; the signal is never delivered
 *	about to get any other signal			dropped: it came from outside the box
 *	PTRACE_EVENT_STOP				EVENT_STOPPED if the kernel asked for it
 *	exited or killed				EVENT_DEAD
 *
 * A stop() races with every other reason to stop.  PTRACE_INTERRUPT leads to a PTRACE_EVENT_STOP,
 * perhaps after another stop was reported, or to none: a thread that was just entering another stop
 * forgets the order (the host's ptrace_stop() clears it).  So interrupt_owed only says that one may
 * come; a late one is swallowed, and who depends on one asks again.
 */
#include "trap.h"

#include <linux/audit.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "events.h"
#include "follow.h"
#include "host.h"
#include "host_cpu.h"
#include "regs.h"
#include "thread.h"
#include "vm.h"
#include "vthread.h"

#define X86_TRAP_DE 0
#define X86_TRAP_DB 1
#define X86_TRAP_BP 3
#define X86_TRAP_UD 6
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14
#define X86_TRAP_MF 16
#define X86_TRAP_AC 17
#define X86_TRAP_XF 19

#define UNREAPED_MAX 16

#define CALL_URETPROBE 335U

#define PF_PROTECTION 1U
#define PF_USER	      4U

int trap_request;
static pid_t interrupted_pid; /* who was last told to stop, 0 when that was seen to */

void event_fill(struct event *out, enum event_type type, struct vthread *th)
{
	out->type = type;
	out->thread = th;
	out->cookie = th->cookie;
}

static bool trap_dead(struct vthread *th, struct event *out)
{
	thread_set_hold(th, HOLD_DEAD);
	event_fill(out, EVENT_DEAD, th);
	return true;
}

/* From the registers, which are wanted anyway, or nothing else tells. */
static bool trap_syscall_regs(struct vthread *th, struct event *out)
{
	uaddr_t ip;

	if (regs_load(th) < 0)
		return trap_dead(th, out);
	ip = th->regs.rip;
	if (machine_hooks.called != NULL)
		machine_hooks.called(th);
	trap_syscall_fill(th, out);
	if (machine_hooks.traced != NULL)
		machine_hooks.traced(th, ip, out->syscall.nr);
	return true;
}

void trap_syscall_fill(struct vthread *th, struct event *out)
{
	const struct regs *r = &th->regs;

	event_fill(out, EVENT_SYSCALL, th);
	out->syscall.nr = (uint32_t)r->orig_rax;
	out->syscall.arg[0] = r->rdi;
	out->syscall.arg[1] = r->rsi;
	out->syscall.arg[2] = r->rdx;
	out->syscall.arg[3] = r->r10;
	out->syscall.arg[4] = r->r8;
	out->syscall.arg[5] = r->r9;
	out->syscall.ip = r->rip;
	out->syscall.abi = SYSCALL_ABI_64;
}

static void event_from_info(struct event *out, const struct __ptrace_syscall_info *info,
			    struct vthread *th)
{
	event_fill(out, EVENT_SYSCALL, th);
	/* The CPU's entry code looks at the low half of rax alone. */
	out->syscall.nr = (uint32_t)info->entry.nr;
	for (int i = 0; i < 6; i++)
		out->syscall.arg[i] = info->entry.args[i];
	out->syscall.ip = info->instruction_pointer;
	out->syscall.abi = info->arch == AUDIT_ARCH_X86_64 ? SYSCALL_ABI_64 : SYSCALL_ABI_32;
}

static bool trap_syscall(struct vthread *th, struct event *out)
{
	struct __ptrace_syscall_info info;
	long ret = host_ptrace(PTRACE_GET_SYSCALL_INFO, th->host_pid, sizeof(info), &info);

	if (ret < 0)
		return trap_dead(th, out);
	event_from_info(out, &info, th);
	return true;
}

/* The host does not tell the vector; the signal and its code nearly do. */
static void fault_vector(const siginfo_t *si, struct event *out)
{
	out->fault.err = 0;
	switch (si->si_signo) {
	case SIGSEGV:
		out->fault.trapno = si->si_code == SI_KERNEL ? X86_TRAP_GP : X86_TRAP_PF;
		if (si->si_code != SI_KERNEL)
			out->fault.err = PF_USER | (si->si_code == SEGV_ACCERR ? PF_PROTECTION : 0);
		break;
	case SIGBUS:
		out->fault.trapno = si->si_code == BUS_ADRALN ? X86_TRAP_AC : X86_TRAP_PF;
		out->fault.err = si->si_code == BUS_ADRALN ? 0 : PF_USER;
		break;
	case SIGFPE:
		out->fault.trapno = si->si_code == FPE_INTDIV ? X86_TRAP_DE : X86_TRAP_XF;
		break;
	case SIGTRAP:
		out->fault.trapno = si->si_code == SI_KERNEL ? X86_TRAP_BP : X86_TRAP_DB;
		break;
	default:
		out->fault.trapno = X86_TRAP_UD;
	}
}

static bool signal_is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP;
}

/*
 * The host lets one call pass every seccomp filter: uretprobe (335, since Linux 6.11), which does
 * nothing but raise SIGILL when it does not come from the host's own trampoline.  Undo that and
 * report the call.  (Its sister uprobe, 336, since 6.18, cannot be caught: it returns ENXIO.)
 */
static bool trap_uretprobe(struct vthread *th, const siginfo_t *si, struct event *out)
{
	if (si->si_signo != SIGILL || si->si_code != SI_KERNEL || regs_load(th) < 0)
		return false;
	if ((uint32_t)th->regs.orig_rax != CALL_URETPROBE)
		return false;
	return trap_syscall_regs(th, out);
}

/* About to get a signal.  The host's own have a positive code, which no sender can forge. */
static bool trap_signal(struct vthread *th, int sig, struct event *out)
{
	siginfo_t si;

	if (!signal_is_fault(sig))
		return false;
	if (sig == SIGTRAP && th->following && regs_load(th) == 0 && th->follow_refused)
		return follow_failed(th, out);
	if (host_ptrace(PTRACE_GETSIGINFO, th->host_pid, 0, &si) < 0)
		return trap_dead(th, out);
	if (si.si_code <= 0)
		return false;
	if (trap_uretprobe(th, &si, out))
		return true;
	if (machine_hooks.fault != NULL && machine_hooks.fault(th, si.si_signo, si.si_code, out))
		return out->type != EVENT_NONE;
	event_fill(out, EVENT_FAULT, th);
	out->fault.signo = si.si_signo;
	out->fault.code = si.si_code;
	out->fault.addr = (uaddr_t)si.si_addr;
	fault_vector(&si, out);
	return true;
}

static bool trap_stopped(struct vthread *th, struct event *out)
{
	th->interrupt_owed = false;
	if (!th->stop_wanted)
		return false;
	if (machine_hooks.stopped == NULL || !machine_hooks.stopped(th, out))
		event_fill(out, EVENT_STOPPED, th);
	return true;
}

static void trap_told(struct vthread *th)
{
	th->stop_wanted = false;
	host_cpu_trapped(th);
}

bool trap_classify(struct vthread *th, int status, struct event *out)
{
	int sig = WSTOPSIG(status), code = status >> 16;
	bool news;

	if (!WIFSTOPPED(status)) {
		thread_gone(th);
		return trap_dead(th, out);
	}
	thread_set_hold(th, HOLD_STOPPED);
	th->call_open = code == PTRACE_EVENT_SECCOMP;
	if (code == PTRACE_EVENT_STOP)
		news = trap_stopped(th, out);
	else if (code == PTRACE_EVENT_SECCOMP) /* the filter lets none but 64-bit ones come so */
		news = trap_syscall_regs(th, out);
	else if (sig == (SIGTRAP | 0x80))
		news = trap_syscall(th, out);
	else
		news = trap_signal(th, sig, out);
	if (!news && trap_continue(th) < 0)
		news = trap_dead(th, out);
	if (news)
		trap_told(th);
	return news;
}

int trap_continue(struct vthread *th)
{
	thread_set_hold(th, HOLD_RUNNING);
	return host_ptrace(trap_request, th->host_pid, 0, NULL);
}

/* Collect what the host has to report about any child; events are queued for wait().  When no guest
 * runs any more there can only be deaths left, which are in no hurry until there is nothing else to
 * do (idle). */
void trap_sweep(bool idle)
{
	struct event event;
	struct rusage usage;
	struct vthread *th;
	int status;
	pid_t pid;

	do {
		pid = wait4(-1, &status, WNOHANG | __WALL, &usage);
		if (pid <= 0)
			return;
		th = thread_find(pid);
		if (th == NULL) {
			if (!WIFSTOPPED(status))
				thread_reaped(pid, &usage);
		} else if (th->hold != HOLD_RUNNING) {
			thread_held_report(th, status);
		} else if (trap_classify(th, status, &event)) {
			events_queue(th, &event);
		}
	} while (idle || threads_running > 0 || thread_unreaped() > UNREAPED_MAX);
}

bool trap_look(struct vthread *th, struct event *out)
{
	int status;

	if (waitpid(th->host_pid, &status, WNOHANG | __WALL) <= 0)
		return false;
	return trap_classify(th, status, out);
}

/*
 * The request works on a stopped thread only, and says what the stop is: so waitpid() need not be
 * asked first.  Its report is left behind; it is void when the thread goes on, and a sweep that
 * finds it sooner ignores it because the thread is held.
 */
bool trap_look_syscall(struct vthread *th, struct event *out)
{
	struct __ptrace_syscall_info info;

	if (host_ptrace(PTRACE_GET_SYSCALL_INFO, th->host_pid, sizeof(info), &info) < 0)
		return false;
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return trap_look(th, out);
	thread_set_hold(th, HOLD_STOPPED);
	th->call_open = false;
	event_from_info(out, &info, th);
	trap_told(th);
	return true;
}

int thread_resume_stopped(struct vthread *th)
{
	int ret = thread_settle(th), follows = ret == 0 ? vm_follow(th) : 0;

	vm_settle();
	if (follows > 0)
		regs_forget(th);
	else if (ret == 0)
		ret = follows < 0 ? follows : regs_flush(th);
	th->follow_never = false;
	th->stop_wanted = false;
	host_cpu_resumed(th);
	if (ret == 0)
		ret = trap_continue(th);
	if (ret == -ESRCH) { /* died while it was held: this is how the kernel learns it */
		struct event event;

		trap_dead(th, &event);
		if (!th->queued)
			events_queue(th, &event);
		return 0;
	}
	return ret;
}

void thread_interrupt(struct vthread *th)
{
	if (th->hold != HOLD_RUNNING || th->queued)
		return;
	/* Even when one is owed: it may have been forgotten. */
	th->stop_wanted = true;
	if (host_ptrace(PTRACE_INTERRUPT, th->host_pid, 0, NULL) == 0)
		th->interrupt_owed = true;
	interrupted_pid = th->host_pid;
}

bool trap_interrupted(struct event *out)
{
	struct vthread *th = interrupted_pid != 0 ? thread_find(interrupted_pid) : NULL;
	int status;
	bool news;

	interrupted_pid = 0;
	if (th == NULL || threads_running != 1 || th->hold != HOLD_RUNNING || !th->interrupt_owed)
		return false;
	if (waitpid(th->host_pid, &status, __WALL) <= 0)
		return false;
	news = trap_classify(th, status, out);
	events_drop_signal();
	return news;
}
