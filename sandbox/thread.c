/*
 * thread.c - life and death of guest threads.
 *
 * Every thread comes from another by a host clone() that the stub carries out: a fork of the
 * zygote gives a new space, a fork of a guest a copy of its space, a clone with CLONE_VM a thread
 * in the same space.  CLONE_PARENT makes each a child of the supervisor, CLONE_PTRACE attaches it
 * with the options of its parent, above all EXITKILL.  Nothing here waits for the dead: they are
 * collected when the host reports them.
 */
#include "thread.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "events.h"
#include "follow.h"
#include "host.h"
#include "inject.h"
#include "peak.h"
#include "regs.h"
#include "stub.h"
#include "vm.h"
#include "vthread.h"
#include "zygote.h"

#define BUCKETS 1024

#define CLONE_ALWAYS (CLONE_FILES | CLONE_FS | CLONE_PARENT | CLONE_PTRACE)

static struct vthread *buckets[BUCKETS];
static struct vthread *all;
static unsigned unreaped; /* destroyed, but the host has not reported the death */
unsigned threads_running;
struct machine_hooks machine_hooks;

static struct vthread **bucket_of(pid_t host_pid)
{
	return &buckets[(unsigned)host_pid % BUCKETS];
}

struct vthread *thread_find(pid_t host_pid)
{
	struct vthread *th = *bucket_of(host_pid);

	while (th != NULL && th->host_pid != host_pid)
		th = th->hash_next;
	return th;
}

static void thread_unhash(struct vthread *th)
{
	struct vthread **link = bucket_of(th->host_pid);

	while (*link != NULL && *link != th)
		link = &(*link)->hash_next;
	if (*link != NULL)
		*link = th->hash_next;
}

struct vthread *thread_adopt(pid_t host_pid, void *cookie, enum hold hold)
{
	struct vthread *th = calloc(1, sizeof(*th));
	struct vthread **bucket = bucket_of(host_pid);

	if (th == NULL)
		return NULL;
	th->host_pid = host_pid;
	th->cookie = cookie;
	th->hold = hold;
	th->hash_next = *bucket;
	*bucket = th;
	th->all_next = all;
	th->all_link = &all;
	if (all != NULL)
		all->all_link = &th->all_next;
	all = th;
	return th;
}

struct vthread *thread_next(struct vthread *after)
{
	return after == NULL ? all : after->all_next;
}

void thread_set_hold(struct vthread *th, enum hold hold)
{
	threads_running += (hold == HOLD_RUNNING) - (th->hold == HOLD_RUNNING);
	th->hold = hold;
	if (th->box != NULL)
		machine_hooks.watch(th, hold == HOLD_RUNNING);
}

/* The host's pid is free for reuse from here on. */
void thread_gone(struct vthread *th)
{
	thread_set_hold(th, HOLD_DEAD);
	thread_unhash(th);
	th->host_pid = 0;
}

int thread_stop_wait(struct vthread *th, int *status)
{
	pid_t pid;

	do {
		pid = waitpid(th->host_pid, status, __WALL);
	} while (pid < 0 && errno == EINTR);
	events_stale_signal();
	if (pid > 0 && WIFSTOPPED(*status))
		return 0;
	thread_gone(th);
	return -ESRCH;
}

/* The thread was asleep in a notification, which is cancelled now; it stands in a ptrace stop with
 * the host's restart code in rax.  Make it look as at the system call. */
static int thread_unparked(struct vthread *th)
{
	bool result_set = th->result_set;
	int ret;

	thread_set_hold(th, HOLD_STOPPED);
	th->result_set = false;
	th->regs_valid = false;
	ret = host_ptrace(PTRACE_GETREGS, th->host_pid, 0, &th->regs);
	if (ret < 0)
		return ret;
	th->regs_valid = true;
	if (th->own_gs != 0 && th->regs.gs_base == th->own_gs)
		th->regs.gs_base = 0;
	th->regs.rax = result_set ? (uint64_t)th->result : (uint64_t)-ENOSYS;
	th->dirt = th->regs.cs == GUEST_CS ? DIRT_GENERAL : DIRT_ALL;
	if (machine_hooks.called != NULL)
		machine_hooks.called(th);
	return 0;
}

static void stop_seen(struct vthread *th, int status)
{
	if (status >> 16 == PTRACE_EVENT_STOP)
		th->interrupt_owed = false;
}

int thread_settle(struct vthread *th)
{
	int status, ret;

	switch (th->hold) {
	case HOLD_STOPPED:
		return 0;
	case HOLD_NASCENT:
		ret = thread_stop_wait(th, &status);
		if (ret == 0)
			thread_set_hold(th, HOLD_STOPPED);
		return ret;
	case HOLD_NOTIFIED:
	case HOLD_BOXED:
		ret = host_ptrace(PTRACE_INTERRUPT, th->host_pid, 0, NULL);
		th->interrupt_owed = true;
		if (ret == 0)
			ret = thread_stop_wait(th, &status);
		if (ret < 0)
			return ret;
		stop_seen(th, status);
		if (th->hold != HOLD_BOXED)
			return thread_unparked(th);
		machine_hooks.left(th);
		return 0;
	case HOLD_RUNNING:
		return -EBUSY; /* the kernel broke the rule of control */
	case HOLD_DEAD:
		break;
	}
	return -ESRCH;
}

/* A report about a thread that was held: news only of its birth or death. */
void thread_held_report(struct vthread *th, int status)
{
	if (!WIFSTOPPED(status)) {
		struct event event = {.type = EVENT_DEAD, .thread = th, .cookie = th->cookie};

		thread_gone(th);
		if (!th->queued)
			events_queue(th, &event);
		return;
	}
	stop_seen(th, status);
	if (th->hold == HOLD_NASCENT)
		thread_set_hold(th, HOLD_STOPPED);
	else if (th->hold == HOLD_NOTIFIED)
		thread_unparked(th); /* a signal from outside cancelled the notification */
	else if (th->hold == HOLD_BOXED)
		machine_hooks.left(th);
}

static int thread_from(struct vthread *from, unsigned long flags, void *cookie,
		       struct vthread **out)
{
	const uint64_t arg[6] = {flags | CLONE_ALWAYS | SIGCHLD};
	struct vthread *th;
	long pid;
	int ret;

	*out = NULL;
	ret = inject_call(from, SYS_clone, arg, &pid);
	if (ret == 0 && pid < 0)
		ret = (int)pid;
	if (ret < 0)
		return ret;
	th = thread_adopt((pid_t)pid, cookie, HOLD_NASCENT);
	if (th == NULL) {
		kill((pid_t)pid, SIGKILL);
		unreaped++;
		return -ENOMEM;
	}
	th->regs = from->regs;
	th->regs_valid = true;
	th->dirt = from->dirt; /* the host copied what the injection left */
	th->away = from->away; /* and where it may run */
	th->pace = from->pace;
	if (machine_hooks.cloned != NULL)
		machine_hooks.cloned(from, th, flags & CLONE_VM);
	*out = th;
	return 0;
}

int space_create(void *cookie, struct vthread **out)
{
	int ret = thread_from(zygote, 0, cookie, out);

	if (ret < 0)
		return ret;
	(*out)->regs = (struct regs){.cs = GUEST_CS, .ss = GUEST_DS, .eflags = 0x202};
	(*out)->dirt = DIRT_ALL;
	return 0;
}

int space_clone(struct vthread *from, void *cookie, struct vthread **out)
{
	return thread_from(from, 0, cookie, out);
}

int thread_clone(struct vthread *from, void *cookie, struct vthread **out)
{
	int ret = thread_from(from, CLONE_VM, cookie, out);

	if (ret == 0)
		from->shared = (*out)->shared = true;
	return ret;
}

static void thread_free(struct vthread *th)
{
	*th->all_link = th->all_next;
	if (th->all_next != NULL)
		th->all_next->all_link = th->all_link;
	free(th);
}

void thread_destroy(struct vthread *th)
{
	if (th == NULL)
		return;
	vm_settle(); /* others may live on in its space */
	events_forget(th);
	thread_set_hold(th, HOLD_DEAD);
	if (machine_hooks.destroyed != NULL)
		machine_hooks.destroyed(th);
	if (th->host_pid != 0) {
		kill(th->host_pid, SIGKILL);
		unreaped++;
		thread_unhash(th);
	}
	peak_await(th);
	follow_wipe(th);
	if (th->follow_slot != 0)
		stub.slot_owner[th->follow_slot - 1] = NULL;
	thread_free(th);
}

void thread_reaped(pid_t host_pid, const struct rusage *usage)
{
	if (machine_hooks.reaped != NULL)
		machine_hooks.reaped(host_pid);
	if (unreaped > 0)
		unreaped--;
	peak_learn(host_pid, usage);
}

unsigned thread_unreaped(void)
{
	return unreaped;
}

uint64_t thread_cpu_ns(struct vthread *th)
{
	struct timespec ts;
	clockid_t clock = (clockid_t)(~(unsigned)th->host_pid << 3 | 2); /* CPUCLOCK_SCHED of it */

	if (th->host_pid == 0 || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000UL + (uint64_t)ts.tv_nsec;
}

void threads_init(void)
{
	memset(buckets, 0, sizeof(buckets));
	all = NULL;
	vm_leaver = NULL;
	threads_running = 0;
	unreaped = 0;
	peaks_forget();
}

/* Here, and only here, the dead are waited for: nothing may outlive fini(). */
void threads_fini(void)
{
	int status;

	while (all != NULL)
		thread_destroy(all);
	while (unreaped > 0) {
		if (waitpid(-1, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (!WIFSTOPPED(status))
			unreaped--;
	}
	unreaped = 0;
}
