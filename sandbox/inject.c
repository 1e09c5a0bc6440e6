/*
 * inject.c - orders to a held thread: host calls that the supervisor wrote, carried out by the
 * stub in the thread's own space.
 *
 * The thread is sent to a stub entry point with registers of ours, runs a handful of instructions
 * and stops at int3: one stop for a whole list of calls.  This is the only place where a guest
 * process runs without its system calls being trapped, so the thread is never left running here:
 * each function waits until the stub has come back.  Registers are put back by regs_flush() when
 * the thread is resumed.
 */
#include "inject.h"

#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "events.h"
#include "host.h"
#include "host_cpu.h"
#include "regs.h"
#include "stub.h"
#include "thread.h"
#include "vm.h"
#include "vthread.h"

#define NO_RESULT 0x8000000000000001UL /* nothing that a host call returns */
#define EFLAGS_IF 0x202UL	       /* what a fresh thread has: interrupts on, all else clear */

/* Registers for the stub: through eflags from us, the rest as the guest has them. */
static int stub_enter(struct vthread *th, struct regs *stub_regs)
{
	struct iovec part = {stub_regs, REGS_TO_FLAGS};
	int ret;

	stub_regs->cs = GUEST_CS;
	stub_regs->eflags = EFLAGS_IF;
	stub_regs->orig_rax = (uint64_t)-1;
	if (th->regs.cs == GUEST_CS && th->dirt != DIRT_ALL) {
		ret = host_ptrace(PTRACE_SETREGSET, th->host_pid, NT_PRSTATUS, &part);
		th->dirt = DIRT_GENERAL;
		return ret;
	}
	memcpy(&stub_regs->rsp, &th->regs.rsp, sizeof(*stub_regs) - offsetof(struct regs, rsp));
	if (th->own_gs != 0 && stub_regs->gs_base == 0)
		stub_regs->gs_base = th->own_gs;
	stub_regs->ss = GUEST_DS;
	th->dirt = DIRT_ALL;
	return host_ptrace(PTRACE_SETREGS, th->host_pid, 0, stub_regs);
}

/* Did the CPU raise that signal, or did it come from outside?  -EFAULT, or 0: go on. */
static int stub_faulted(struct vthread *th)
{
	siginfo_t si;
	int ret = host_ptrace(PTRACE_GETSIGINFO, th->host_pid, 0, &si);

	return ret < 0 ? ret : si.si_code > 0 ? -EFAULT : 0;
}

/* The stub takes no time: give it the core and look, before going to sleep for it.  A result in r15
 * says that it has come to its int3, or to the instruction before. */
static bool stub_look(struct vthread *th, struct iovec *part)
{
	const struct regs *stub_regs = part->iov_base;

	if (!host_cpu_yield(th) ||
	    host_ptrace(PTRACE_GETREGSET, th->host_pid, NT_PRSTATUS, part) < 0 ||
	    stub_regs->r15 == NO_RESULT)
		return false;
	events_stale_signal();
	return true;
}

/* Run from stub_regs->rip until the stub comes back by int3.  On 0, r15 and r14 of stub_regs are as
 * it left them.  -EFAULT: it faulted.  -ESRCH: the thread died. */
static int stub_run(struct vthread *th, struct regs *stub_regs)
{
	struct iovec part = {stub_regs, REGS_RESULT};
	int status, sig, ret;

	vm_settle();
	stub_regs->r15 = NO_RESULT;
	ret = thread_settle(th);
	if (ret == 0)
		ret = regs_load(th);
	if (ret == 0)
		ret = stub_enter(th, stub_regs);
	while (ret == 0) {
		ret = host_ptrace(PTRACE_CONT, th->host_pid, 0, NULL);
		if (ret == 0 && stub_look(th, &part))
			return 0;
		if (ret == 0)
			ret = thread_stop_wait(th, &status);
		if (ret < 0)
			break;
		sig = WSTOPSIG(status);
		if (status >> 16 == PTRACE_EVENT_STOP)
			th->interrupt_owed = false; /* a stop() that lost the race */
		if (status >> 16 != 0 || (sig != SIGTRAP && sig != SIGSEGV && sig != SIGBUS))
			continue; /* a signal from outside is dropped */
		ret = host_ptrace(PTRACE_GETREGSET, th->host_pid, NT_PRSTATUS, &part);
		if (ret == 0 && stub_regs->r15 != NO_RESULT)
			return 0;
		if (ret == 0 && sig != SIGTRAP && !th->fault_stale)
			ret = stub_faulted(th);
		th->fault_stale = false;
	}
	return ret;
}

/* Where the seccomp filter looks for the secret; see stub_code.S and filter.c. */
static void secret_apply(struct regs *r)
{
	if (r->rax == SYS_mmap) {
		r->r10 |= stub.secret & 0xffffffff00000000UL;
		r->r8 = (r->r8 & 0xffffffffUL) | stub.secret << 32;
	} else {
		r->r9 |= stub.secret;
	}
}

int inject_call(struct vthread *th, uint64_t nr, const uint64_t arg[6], long *result)
{
	struct regs r = {
	    .rax = nr,
	    .rdi = arg[0],
	    .rsi = arg[1],
	    .rdx = arg[2],
	    .r10 = arg[3],
	    .r8 = arg[4],
	    .r9 = arg[5],
	    .rip = stub.call,
	};
	int ret;

	secret_apply(&r);
	ret = stub_run(th, &r);
	if (ret == 0)
		*result = (long)r.r15;
	return ret;
}

int inject_batch(struct vthread *th, size_t n, size_t *done)
{
	uaddr_t orders = stub.base + PAGE_SIZE;
	struct regs r = {
	    .rbx = orders,
	    .rbp = orders + n * sizeof(struct order),
	    .r12 = stub.secret & 0xffffffff00000000UL,
	    .r13 = stub.secret << 32,
	    .r14 = stub.secret,
	    .rip = stub.batch,
	};
	int ret = stub_run(th, &r);

	*done = ret == 0 ? (r.r14 - orders) / sizeof(struct order) : 0;
	memset(stub.orders, 0, n * sizeof(struct order));
	if (ret == 0 && *done < n)
		ret = (int)r.r15;
	return ret;
}

int inject_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
		   uint32_t *seen)
{
	struct regs r = {
	    .rdi = addr,
	    .rax = expect,
	    .rsi = desire,
	    .rip = stub.cmpxchg,
	};
	int ret;

	if (addr % 4 != 0)
		return -EINVAL;
	ret = stub_run(th, &r);
	if (ret == 0)
		*seen = (uint32_t)r.r15;
	return ret;
}
