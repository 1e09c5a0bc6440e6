/*
 * seccomp.c - the quick machine: system calls arrive as seccomp notifications.
 *
 * A guest that makes a call falls asleep in the host's seccomp code; its request is read from the
 * listener and answered there: three host calls a trap, no signals, and the listener sits in epoll
 * beside the timers.  With SYNC_WAKE_UP the host moves the guest to our core as it answers, which
 * makes the wake-up cheap with no pinning.  A few calls are trace stops instead (filter.c).
 *
 * ptrace is the control plane.  A thread held in a notification has no registers to read; if the
 * kernel wants them after all, PTRACE_INTERRUPT cancels the notification and the thread moves to a
 * ptrace stop (thread_settle), from where it goes on like any stopped one.
 */
#include "seccomp_machine.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "events.h"
#include "filter.h"
#include "follow.h"
#include "host.h"
#include "host_cpu.h"
#include "inject.h"
#include "listen.h"
#include "peak.h"
#include "regs.h"
#include "sandbox.h"
#include "stub.h"
#include "thread.h"
#include "trap.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"
#include "zygote.h"

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#endif

bool seccomp_sync_wake_up; /* the host knows the flag */

static int listener = -1;
static struct vthread *from_stop; /* resumed last, from a ptrace stop; or NULL */
/* The host may know larger structures than our headers. */
static struct seccomp_notif *request;
static struct seccomp_notif_resp *reply;
static size_t request_size, reply_size;

static int buffers_init(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	request_size =
	    sizeof(*request) > sizes.seccomp_notif ? sizeof(*request) : sizes.seccomp_notif;
	reply_size =
	    sizeof(*reply) > sizes.seccomp_notif_resp ? sizeof(*reply) : sizes.seccomp_notif_resp;
	request = calloc(1, request_size);
	reply = calloc(1, reply_size);
	return request == NULL || reply == NULL ? -ENOMEM : 0;
}

static void notification_fail(int error)
{
	if (error == -EPERM || error == -EACCES)
		machine_fail("seccomp notification is not allowed here (%s): see the container's "
			     "seccomp profile",
			     strerror(-error));
	else
		machine_fail("seccomp notification is not known to this host: %s",
			     strerror(-error));
}

static int zygote_filter(struct vthread *th)
{
	int ret = filter_install(th, &listener);

	if (ret < 0)
		notification_fail(ret);
	return ret;
}

/* A guest asked for something, unless it was stopped or killed in the meantime. */
static int listener_read(struct event *out)
{
	struct vthread *th;
	long ret;

	memset(request, 0, request_size);
	ret = listen_receive(listener, SECCOMP_IOCTL_NOTIF_RECV, request);
	if (ret < 0)
		return ret == -ENOENT || ret == -EINTR ? 0 : (int)ret;
	th = thread_find((pid_t)request->pid);
	if (th != NULL && th->box != NULL &&
	    machine_hooks.notified(th, request->id, request->data.instruction_pointer))
		return 0;
	if (th == NULL || th->hold != HOLD_RUNNING)
		return 0;
	/* It is being stopped, which cancels this, and will ask again.  If that order was forgotten
	 * it sleeps here, and this one will be obeyed. */
	if (th->interrupt_owed) {
		host_ptrace(PTRACE_INTERRUPT, th->host_pid, 0, NULL);
		return 0;
	}
	if (th->following)
		follow_wipe(th);
	th->following = false;
	thread_set_hold(th, HOLD_NOTIFIED);
	th->notif_id = request->id;
	th->call_nr = UINT64_MAX;
	if (request->data.arch == AUDIT_ARCH_X86_64)
		th->call_nr = (uint32_t)request->data.nr;
	memcpy(th->call_arg, request->data.args, sizeof(th->call_arg));
	th->stop_wanted = false;
	host_cpu_trapped(th);
	event_fill(out, EVENT_SYSCALL, th);
	out->syscall.nr = (uint32_t)request->data.nr;
	for (int i = 0; i < 6; i++)
		out->syscall.arg[i] = request->data.args[i];
	out->syscall.ip = request->data.instruction_pointer;
	out->syscall.abi =
	    request->data.arch == AUDIT_ARCH_X86_64 ? SYSCALL_ABI_64 : SYSCALL_ABI_32;
	if (machine_hooks.trapped != NULL)
		machine_hooks.trapped(th, out);
	return 1;
}

void seccomp_fini(void)
{
	threads_fini();
	zygote_stop();
	if (listener >= 0)
		close(listener);
	listener = -1;
	free(request);
	free(reply);
	request = NULL;
	reply = NULL;
	events_fini();
	host_cpu_fini();
}

int seccomp_start(const struct machine_config *config, struct machine_info *info, size_t room)
{
	const struct zygote_config zc = {
	    .prepare = zygote_filter,
	    .ptrace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP,
	    .room = room,
	};
	int ret;

	trap_request = PTRACE_CONT;
	from_stop = NULL;
	threads_init();
	ret = events_init(config);
	if (ret < 0)
		return ret;
	host_cpu_init(config->cpus);
	follow_init();
	ret = buffers_init();
	if (ret < 0)
		notification_fail(ret);
	else
		ret = zygote_start(&zc, info);
	if (ret == 0)
		ret = events_listen(listener, listener_read);
	if (ret < 0) {
		seccomp_fini();
		return ret;
	}
	seccomp_sync_wake_up =
	    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	return 0;
}

static int seccomp_init_machine(const struct machine_config *config, struct machine_info *info)
{
	return seccomp_start(config, info, 0);
}

bool seccomp_reply(uint64_t id, int64_t result)
{
	reply->id = id;
	reply->val = result;
	reply->error = 0;
	reply->flags = 0;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, reply) == 0;
}

void seccomp_destroy(struct vthread *th)
{
	if (from_stop == th)
		from_stop = NULL;
	thread_destroy(th);
}

int seccomp_resume(struct vthread *th, int vcpu)
{
	from_stop = NULL;
	if (th->hold != HOLD_NOTIFIED) {
		from_stop = th;
		return thread_resume_stopped(th);
	}
	reply->id = th->notif_id;
	reply->val = th->result_set ? th->result : -ENOSYS;
	reply->error = 0;
	reply->flags = vm_own_call(th) ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	if (reply->flags == 0)
		vm_settle(); /* which may have moved th to a stop */
	else
		reply->val = 0;
	host_cpu_resumed(th);
	if (th->hold != HOLD_NOTIFIED || ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, reply) < 0) {
		/* cancelled: it is stopped, or dead */
		if (machine_hooks.unsent != NULL)
			machine_hooks.unsent(th);
		return thread_resume_stopped(th);
	}
	vm_leaver = NULL;
	thread_set_hold(th, HOLD_RUNNING);
	regs_forget(th);
	return 0;
}

/* One stop is often followed by another (a loader maps and maps): give the core to the thread and
 * look, once, before going to sleep. */
bool seccomp_yield_and_look(struct event *out)
{
	struct vthread *th = from_stop;

	from_stop = NULL;
	if (th == NULL || th->hold != HOLD_RUNNING || !host_cpu_yield(th))
		return false;
	if (trap_look(th, out))
		return true;
	host_cpu_yield_failed();
	return false;
}

int seccomp_wait(struct event *out, bool block)
{
	vm_settle();
	for (;;) {
		int ret;

		out->type = EVENT_NONE;
		if (events_dequeue(out) || (block && seccomp_yield_and_look(out)))
			return 0;
		ret = events_poll(out, block);
		if (ret < 0)
			return ret;
		if (ret > 0 || !block)
			return 0;
	}
}

const struct machine_ops seccomp_machine = {
    .name = "seccomp",
    .init = seccomp_init_machine,
    .fini = seccomp_fini,
    .space_create = space_create,
    .space_clone = space_clone,
    .thread_clone = thread_clone,
    .thread_destroy = seccomp_destroy,
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
    .resume = seccomp_resume,
    .stop = thread_interrupt,
    .wait = seccomp_wait,
    .clock_ns = clock_ns,
    .cpu_ns = thread_cpu_ns,
    .tick_arm = tick_arm,
    .alarm_set = alarm_set,
    .fd_watch = fd_watch,
    .fd_unwatch = fd_unwatch,
};
