/*
 * ptrace.c - the plain machine: every guest thread runs under PTRACE_SYSEMU, so that each system
 * call stops it before the host has done anything, and the host then skips the call.
 *
 * It needs nothing but ptrace, and is the reference for the other backend.  Waiting is the dear
 * part.  A sleeping supervisor costs two wake-ups a call; but on one core a guest that traps at
 * once can be given the CPU by sched_yield(), and its stop is then found by asking.  When a guest
 * takes its time, we sleep in epoll like everyone else.
 *
 * One thing passes it by: the legacy vsyscall page, where the host still has it.  The host emulates
 * its three calls (gettimeofday, time, getcpu) in the page fault, without a system-call stop.  They
 * read the clock and the core's number, and write where the guest itself could write.
 */
#include "sandbox.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "events.h"
#include "host_cpu.h"
#include "inject.h"
#include "peak.h"
#include "regs.h"
#include "thread.h"
#include "trap.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"
#include "zygote.h"

#define POLL_EVERY 32 /* traps taken by asking before timers and descriptors get a look */

static struct vthread *latest; /* resumed last; only it is worth yielding to */
static unsigned since_poll;

static int ptrace_init(const struct machine_config *config, struct machine_info *info)
{
	const struct zygote_config zc = {
	    .ptrace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL,
	};
	int ret;

	trap_request = PTRACE_SYSEMU;
	latest = NULL;
	since_poll = 0;
	ret = events_init(config);
	if (ret < 0)
		return ret;
	threads_init();
	host_cpu_init(config->cpus);
	ret = zygote_start(&zc, info);
	if (ret < 0) {
		threads_fini();
		host_cpu_fini();
		events_fini();
	}
	return ret;
}

static void ptrace_fini(void)
{
	threads_fini();
	zygote_stop();
	host_cpu_fini();
	events_fini();
}

static int ptrace_resume(struct vthread *th, int vcpu)
{
	latest = th;
	return thread_resume_stopped(th);
}

static void ptrace_destroy(struct vthread *th)
{
	if (latest == th)
		latest = NULL;
	thread_destroy(th);
}

/* Give the core to the thread that was resumed last and see if it has trapped. */
static bool yield_and_look(struct event *out)
{
	if (latest == NULL || latest->hold != HOLD_RUNNING || since_poll++ >= POLL_EVERY)
		return false;
	if (!host_cpu_yield(latest))
		return false;
	if (trap_look_syscall(latest, out))
		return true;
	host_cpu_yield_failed();
	return false;
}

static int ptrace_wait(struct event *out, bool block)
{
	for (;;) {
		int ret;

		out->type = EVENT_NONE;
		if (events_dequeue(out) || (block && yield_and_look(out)))
			return 0;
		ret = events_poll(out, block && since_poll <= POLL_EVERY);
		since_poll = 0;
		if (ret < 0)
			return ret;
		if (ret > 0 || !block)
			return 0;
	}
}

const struct machine_ops ptrace_machine = {
    .name = "ptrace",
    .init = ptrace_init,
    .fini = ptrace_fini,
    .space_create = space_create,
    .space_clone = space_clone,
    .thread_clone = thread_clone,
    .thread_destroy = ptrace_destroy,
    .vm_apply = vm_apply,
    .mem_read = mem_read,
    .mem_write = mem_write,
    .mem_cmpxchg = inject_cmpxchg,
    .peak_ticket = peak_ticket,
    .peak_take = peak_take,
    .mem_resident = mem_resident,
    .mem_pages = mem_pages,
    .regs_get = regs_get,
    .regs_set = regs_set,
    .xstate_get = xstate_get,
    .xstate_set = xstate_set,
    .set_result = regs_set_result,
    .resume = ptrace_resume,
    .stop = thread_interrupt,
    .wait = ptrace_wait,
    .clock_ns = clock_ns,
    .cpu_ns = thread_cpu_ns,
    .tick_arm = tick_arm,
    .alarm_set = alarm_set,
    .fd_watch = fd_watch,
    .fd_unwatch = fd_unwatch,
};
