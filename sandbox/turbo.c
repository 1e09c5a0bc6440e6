/*
 * turbo.c - the quickest machine: seccomp's, with call sites rewritten and mailboxes.
 */
#include "turbo.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "ahead.h"
#include "carry.h"
#include "early.h"
#include "events.h"
#include "host.h"
#include "host_cpu.h"
#include "inject.h"
#include "late.h"
#include "mailbox.h"
#include "module.h"
#include "peak.h"
#include "poll.h"
#include "regs.h"
#include "sandbox.h"
#include "seccomp_machine.h"
#include "site.h"
#include "stub.h"
#include "thread.h"
#include "trap.h"
#include "unwind.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"
#include "zygote.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define LOW_SIZE (TURBO_PUBLISHED - TURBO_SLOTS) /* what all spaces share there */

extern const char turbo_stub[], turbo_stub_end[], turbo_stub_entry[];

struct turbo_parts turbo_parts;
struct turbo turbo = {.trampolines_fd = -1};

static int low_fd = -1, code_fd = -1;
static void *low_view;

/* A memfd of that size and our view of it. */
static int shared_make(const char *name, size_t size, int *fd, void **view)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
	if (*fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)size) < 0)
		return -errno;
	if (view == NULL)
		return 0;
	*view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (*view != MAP_FAILED)
		return 0;
	*view = NULL;
	return -errno;
}

/* Calls that need a trace stop (filter.c), that the host may be told to make (vm.c), or that end
 * the thread's process. */
static const uint16_t direct[] = {
    SYS_mmap,	SYS_mremap, SYS_madvise,    SYS_brk,	      SYS_mincore,  SYS_clone,
    SYS_clone3, SYS_fork,   SYS_vfork,	    SYS_execve,	      SYS_execveat, SYS_kill,
    SYS_tkill,	SYS_tgkill, SYS_arch_prctl, SYS_rt_sigreturn, SYS_munmap,   SYS_mprotect,
};

static const uint16_t published[PUBLISHED_MAX] = {
    [PUBLISHED_PID] = SYS_getpid,   [PUBLISHED_TID] = SYS_gettid,   [PUBLISHED_PPID] = SYS_getppid,
    [PUBLISHED_UID] = SYS_getuid,   [PUBLISHED_EUID] = SYS_geteuid, [PUBLISHED_GID] = SYS_getgid,
    [PUBLISHED_EGID] = SYS_getegid,
};

static void shapes_set(void)
{
	memset(turbo.control->shape, SHAPE_REQUEST, SHAPES_MAX);
	for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++)
		turbo.control->shape[direct[i]] = SHAPE_DIRECT;
	for (int i = 0; i < PUBLISHED_MAX; i++)
		turbo.control->shape[published[i]] = (uint8_t)(SHAPE_PUBLISHED + i);
	early_shapes(turbo.control);
	carry_shapes(turbo.control);
}

static int shared_make_all(const struct machine_info *info)
{
	size_t len = turbo_stub_end - turbo_stub;
	void *view;
	int ret = shared_make("ukernel-low", LOW_SIZE, &low_fd, &low_view);

	if (ret < 0)
		return ret;
	turbo.slots = low_view;
	turbo.control = (void *)((char *)low_view + TURBO_CONTROL - TURBO_SLOTS);
	turbo.control->entry = turbo.entry;
	carry_init(info);
	shapes_set();
	ret = shared_make("ukernel-trampolines", TURBO_TRAMPOLINES_SIZE, &turbo.trampolines_fd,
			  &view);
	if (ret < 0)
		return ret;
	turbo.trampolines_view = view;
	ret = shared_make("ukernel-turbo", TURBO_CODE_SIZE, &code_fd, NULL);
	if (ret == 0 && pwrite(code_fd, turbo_stub, len, 0) != (ssize_t)len)
		ret = -errno;
	return ret;
}

static int zygote_map(uaddr_t at, size_t len, int prot, int fd)
{
	const uint64_t arg[6] = {at, len, (uint64_t)prot, MAP_SHARED | MAP_FIXED, (uint64_t)fd, 0};
	long result = 0;
	int ret = inject_call(zygote, SYS_mmap, arg, &result);

	return ret == 0 && (unsigned long)result >= -4095UL ? (int)result : ret;
}

/* Into the zygote, from where all spaces inherit it. */
static int shared_map_all(void)
{
	int ret = zygote_map(TURBO_LOW, LOW_SIZE, PROT_READ, low_fd);

	if (ret == 0)
		ret = zygote_map(turbo.trampolines, TURBO_TRAMPOLINES_SIZE, PROT_READ | PROT_EXEC,
				 turbo.trampolines_fd);
	if (ret == 0)
		ret = zygote_map(turbo.code, TURBO_CODE_SIZE, PROT_READ | PROT_EXEC, code_fd);
	return ret;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void shared_fini(void)
{
	if (low_view != NULL)
		munmap(low_view, LOW_SIZE);
	if (turbo.trampolines_view != NULL)
		munmap(turbo.trampolines_view, TURBO_TRAMPOLINES_SIZE);
	fd_close(&low_fd);
	fd_close(&code_fd);
	fd_close(&turbo.trampolines_fd);
	low_view = NULL;
	turbo = (struct turbo){.trampolines_fd = -1};
}

/* ---- hooks ---- */

#define MISSES 8 /* of a forked child: many make a few calls, and exec or exit */

/* The thread came to the stub and has no mailbox: now it shall. */
static void box_missed(struct vthread *th)
{
	bool forked = th->own_gs != 0;

	if (th->box == NULL && (!forked || ++th->missed >= MISSES))
		box_give(th); /* or else it stays without: slow, but right */
	else if (th->box != NULL && th->regs.gs_base == 0)
		th->dirt = DIRT_ALL; /* it had cleared its gs */
}

static bool turbo_fault(struct vthread *th, int signo, int code, struct event *out)
{
	bool call = false, stale;
	int ret = -1;

	if ((signo != SIGSEGV && signo != SIGILL && signo != SIGBUS && signo != SIGTRAP) ||
	    regs_load(th) < 0)
		return false;
	if (th->regs.rip - turbo.code < TURBO_CODE_SIZE) {
		bool restoring = unwind_restoring(th);

		if (!restoring && unwind_copy_fault(th)) {
			out->type = EVENT_NONE;
			return regs_flush(th) == 0;
		}
		call = !restoring && unwind_fault(th, signo);
	} else if (turbo_parts.fault != NULL) {
		ret = turbo_parts.fault(th, signo);
		call = ret == 1;
		if (call)
			unwind_site(th);
	}
	if (call)
		box_missed(th);
	if (call)
		trap_syscall_fill(th, out);
	else
		out->type = EVENT_NONE;
	stale = th->fault_stale && signo != SIGTRAP && !call && ret != 0;
	th->fault_stale = false;
	if (stale)
		regs_forget(th);
	return call || ret == 0 || stale;
}

/*
 * The host shows a stop before the fault that the thread has just raised: rewritten code raises
 * some on purpose.  What the kernel does to the registers in between makes the fault void.  So the
 * first one after a stop is not believed; a true one comes again.
 */
static bool turbo_stopped(struct vthread *th, struct event *out)
{
	th->fault_stale = true;
	if (regs_load(th) < 0 || unwind(th) != UNWOUND_PENDING)
		return false;
	trap_syscall_fill(th, out);
	return true;
}

static bool is_carried(uint64_t nr)
{
	return nr < SHAPES_MAX && turbo.control->shape[nr] >= SHAPE_CARRY;
}

/* A call that the stub makes for real only while nobody looks into its mailbox says that somebody
 * should. */
static void turbo_called(struct vthread *th)
{
	if (th->call_open && th->regs.rip == unwind_called() && is_carried(th->regs.orig_rax))
		poll_called(th);
	else
		poll_elsewhere(th);
	unwind_behind(th);
	carry_settled(th);
}

static void turbo_trapped(struct vthread *th, struct event *out)
{
	uaddr_t ip = out->syscall.ip;

	if (ip != unwind_called())
		poll_elsewhere(th);
	else
		box_called(th, out);
	site_trapped(th, ip);
}

/* Most calls that stop their thread will always. */
static void turbo_traced(struct vthread *th, uaddr_t ip, uint64_t nr)
{
	if (is_carried(nr))
		site_trapped(th, ip);
}

static const struct machine_hooks turbo_hooks = {
    .cloned = box_cloned,
    .destroyed = box_destroyed,
    .reaped = box_reaped,
    .watch = box_watch,
    .left = box_left,
    .called = turbo_called,
    .stopped = turbo_stopped,
    .fault = turbo_fault,
    .notified = box_notified,
    .trapped = turbo_trapped,
    .traced = turbo_traced,
    .unsent = late_untaken,
};

/* ---- the ops that differ ---- */

#define EPOLL_CYCLES 100000 /* how long to take calls from mailboxes without looking elsewhere */

static uint64_t epolled_tsc;

static int wait_any(struct event *out, bool block)
{
	for (;;) {
		bool look_around = __rdtsc() - epolled_tsc > EPOLL_CYCLES;
		int ret;

		out->type = EVENT_NONE;
		if (events_dequeue(out) || (!look_around && poll_look(out)))
			return 0;
		if (block && seccomp_yield_and_look(out))
			return 0;
		if (!look_around && block && poll_wait(out))
			return 0;
		ret = events_poll(out, block && !look_around);
		epolled_tsc = __rdtsc();
		if (ret < 0)
			return ret;
		if (ret > 0 || poll_look(out) || !block)
			return 0;
	}
}

static bool of_thread(const struct event *e)
{
	return e->type == EVENT_SYSCALL || e->type == EVENT_FAULT || e->type == EVENT_STOPPED;
}

/* Has it come by the stub, in the mailbox or as a notification? */
static bool by_stub(const struct event *e)
{
	const struct vthread *th = e->thread;

	if (e->type != EVENT_SYSCALL || th->box == NULL)
		return false;
	return th->hold == HOLD_BOXED ||
	       (th->hold == HOLD_NOTIFIED && (th->carry.open || e->syscall.ip == unwind_called()));
}

static int turbo_wait(struct event *out, bool block)
{
	int ret;

	early_end();
	late_flush();
	vm_settle();
	ret = wait_any(out, block);
	if (ret == 0 && of_thread(out)) {
		out->thread->late = 0;
		out->thread->by_stub = by_stub(out);
		if (out->thread->by_stub)
			early_begin(out->thread);
	}
	return ret;
}

static size_t turbo_mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	if (early_read(th, from, to, len))
		return len;
	late_flush();
	return modules_mem_read(th, from, to, len);
}

static size_t turbo_mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	early_end();
	late_flush();
	return mem_write(th, to, from, len);
}

static bool turbo_mem_write_late(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	early_end();
	return late_write(th, to, from, len);
}

static int turbo_mem_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
			     uint32_t *seen)
{
	early_end();
	late_flush();
	return inject_cmpxchg(th, addr, expect, desire, seen);
}

static int turbo_vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	early_end();
	late_flush();
	return modules_vm_apply(th, ops, n, done);
}

static int turbo_space_clone(struct vthread *from, void *cookie, struct vthread **out)
{
	early_end();
	late_flush();
	return space_clone(from, cookie, out);
}

static void turbo_publish(struct vthread *th, enum published what, uint32_t value)
{
	if (th->box != NULL)
		__atomic_store_n(&th->box->known[what], value + 1UL, __ATOMIC_RELAXED);
}

static void turbo_publish_not(struct vthread *th)
{
	for (int i = 0; th->box != NULL && i < PUBLISHED_MAX; i++)
		__atomic_store_n(&th->box->known[i], 0, __ATOMIC_RELAXED);
}

static int turbo_resume(struct vthread *th, int vcpu)
{
	poll_given(th);
	early_forget(th);
	if (th->hold == HOLD_NOTIFIED && th->by_stub) {
		late_give(th);
		carry_give(th);
	} else if (th->hold != HOLD_BOXED) {
		late_flush();
	}
	if (th->hold != HOLD_BOXED)
		return seccomp_resume(th, vcpu);
	vm_settle();
	if (th->hold != HOLD_BOXED)
		return thread_resume_stopped(th);
	host_cpu_resumed(th);
	box_answer(th);
	return 0;
}

/* ---- start and end ---- */

static void turbo_fini(void)
{
	seccomp_fini();
	boxes_fini();
	sites_fini();
	machine_hooks = (struct machine_hooks){NULL};
	shared_fini();
	vm_low_lo = vm_low_hi = 0;
}

static int turbo_init(const struct machine_config *config, struct machine_info *info)
{
	int ret = seccomp_start(config, info, TURBO_ROOM);

	if (ret < 0)
		return ret;
	turbo.code = stub.base - TURBO_CODE_SIZE;
	turbo.trampolines = turbo.code - TURBO_TRAMPOLINES_SIZE;
	turbo.boxes = turbo.trampolines - TURBO_BOXES_SIZE;
	turbo.entry = turbo.code + (turbo_stub_entry - turbo_stub);
	info->low_lo = vm_low_lo = TURBO_LOW;
	info->low_hi = vm_low_hi = TURBO_LOW_END;
	ret = info->user_lo > TURBO_LOW ? -EACCES : shared_make_all(info);
	if (ret == 0)
		ret = shared_map_all();
	if (ret == 0)
		ret = boxes_init();
	poll_init();
	if (ret == 0)
		machine_hooks = turbo_hooks;
	if (ret == 0)
		sites_init(config->note);
	if (ret < 0) {
		machine_fail(
		    "cannot map the pages for rewritten calls (vm.mmap_min_addr is %#lx): %s",
		    info->user_lo, strerror(-ret));
		turbo_fini();
	}
	return ret;
}

const struct machine_ops turbo_machine = {
    .name = "turbo",
    .init = turbo_init,
    .fini = turbo_fini,
    .space_create = space_create,
    .space_clone = turbo_space_clone,
    .thread_clone = thread_clone,
    .thread_destroy = seccomp_destroy,
    .vm_apply = turbo_vm_apply,
    .mem_read = turbo_mem_read,
    .mem_write = turbo_mem_write,
    .mem_have = early_have,
    .mem_write_late = turbo_mem_write_late,
    .mem_cmpxchg = turbo_mem_cmpxchg,
    .peak_ticket = peak_ticket,
    .peak_take = peak_take,
    .mem_resident = mem_resident,
    .mem_pages = mem_pages,
    .regs_get = regs_get,
    .regs_set = regs_set,
    .xstate_get = xstate_get,
    .xstate_set = xstate_set,
    .set_result = regs_set_result,
    .publish = turbo_publish,
    .publish_not = turbo_publish_not,
    .foretell = ahead_give,
    .foretold_used = ahead_used,
    .foretold_not = ahead_take_back,
    .foretold_made = ahead_made,
    .resume = turbo_resume,
    .stop = thread_interrupt,
    .wait = turbo_wait,
    .clock_ns = clock_ns,
    .cpu_ns = thread_cpu_ns,
    .tick_arm = tick_arm,
    .alarm_set = alarm_set,
    .fd_watch = fd_watch,
    .fd_unwatch = fd_unwatch,
};
