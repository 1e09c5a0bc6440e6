/*
 * vthread.h - the parts of the machine, seen from inside.
 *
 * A guest thread is one host process (never a host *thread*: so that each can be killed alone and
 * reports to waitpid() alike); threads of one guest space share their memory by CLONE_VM.  All of
 * them share the supervisor's descriptor table, so that any host descriptor can be mapped by its
 * number, and are its direct children.
 *
 *	zygote.c   the ancestor of all guests: an empty process that holds only the stub
 *	stub_code.S     the few instructions that exist in every guest space for our orders
 *	inject.c   makes a held thread carry out host calls that we wrote
 *	vm.c       address-space changes in terms of inject.c
 *	thread.c   life and death of threads
 *	regs.c     register cache; usermem.c memory access
 *	trap.c     what a host stop means in the terms of the contract
 *	events.c   the one epoll: timers, signals, watched descriptors
 *	ptrace.c, seccomp.c   the two ways in: how a thread is resumed and how a trap is waited for
 */
#ifndef SANDBOX_VTHREAD_H
#define SANDBOX_VTHREAD_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "machine.h"

/* Where a thread is.  The kernel knows only RUNNING and "held" (all the others). */
enum hold {
	HOLD_RUNNING,  /* on its own; will report by waitpid() or the seccomp listener */
	HOLD_NASCENT,  /* cloned, its first ptrace stop not yet collected */
	HOLD_STOPPED,  /* in a ptrace stop */
	HOLD_NOTIFIED, /* asleep in the host's seccomp code until we answer notif_id */
	HOLD_DEAD,     /* the host took it */
};

/* How far the host's registers differ from the cache. */
enum dirt {
	DIRT_NONE,
	DIRT_GENERAL, /* r15..rsp, the first REGS_GENERAL words */
	DIRT_ALL,
};

struct vthread {
	/* fixed at creation */
	pid_t host_pid;
	void *cookie;

	/* written by thread.c, trap.c and the backend's resume() */
	enum hold hold;
	bool interrupt_owed; /* PTRACE_INTERRUPT was sent, its stop has not been seen */
	bool stop_wanted;    /* the kernel asked to stop since the last resume() */
	uint64_t notif_id;   /* valid in HOLD_NOTIFIED */

	/* host_cpu.c only */
	bool away;	      /* keeps off the supervisor's core */
	uint64_t resumed_tsc; /* when it was resumed */
	uint64_t pace;	      /* cycles from a resume to its trap, a moving average */

	/* regs.c only */
	struct regs regs; /* what the guest shall see, valid if regs_valid */
	bool regs_valid;
	enum dirt dirt;
	bool call_open;	 /* in a trace stop: the host will do the call unless orig_rax is -1 */
	bool result_set; /* result waits to be stored in rax */
	int64_t result;

	/* thread.c only */
	struct vthread *hash_next;
	struct vthread *all_next, **all_link;

	/* events.c only: at most one event waits for the kernel */
	bool queued;
	struct event event;
	struct vthread *queue_next;
};

/* ---- host.c: the wrappers that read errno, and the last error in words ---- */
static inline long host_result(long ret)
{
	return ret < 0 ? -errno : ret;
}
void machine_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
long host_ptrace(int request, pid_t pid, unsigned long addr, void *data); /* -errno */

/* ---- stub.c ---- */
struct order { /* one host call for the stub's batch routine; layout known to stub_code.S */
	uint64_t nr;
	uint64_t arg[6];
	uint64_t unused;
};
#define ORDERS_MAX (PAGE_SIZE / sizeof(struct order))
#define STUB_SIZE  (2 * PAGE_SIZE) /* code, orders */

struct stub {
	uaddr_t base; /* code page; the order page follows */
	int memfd;
	struct order *orders;	      /* the supervisor's writable view of the order page */
	uaddr_t call, batch, cmpxchg; /* entry points */
	uaddr_t zeroes, ones;	      /* 64 bytes of each, readable */
	/* what an allowed call must carry under seccomp; 0 under ptrace */
	uint64_t secret;
};
extern struct stub stub;
int stub_init(uaddr_t avoid_lo, uaddr_t avoid_hi);
int stub_map(struct vthread *th); /* into the zygote, from where it is inherited */
void stub_fini(void);

/* ---- zygote.c ---- */
struct zygote_config {
	/* called when the zygote is ready but for its own old memory; may inject (seccomp) */
	int (*prepare)(struct vthread *zygote);
	unsigned long ptrace_options;
};
int zygote_start(const struct zygote_config *config, struct machine_info *info);
void zygote_stop(void);
extern struct vthread *zygote;

/* ---- thread.c ---- */
int threads_init(void);
void threads_fini(void);
struct vthread *thread_adopt(pid_t host_pid, void *cookie, enum hold hold); /* NULL: no memory */
struct vthread *thread_find(pid_t host_pid);
int space_create(void *cookie, struct vthread **out);
int space_clone(struct vthread *from, void *cookie, struct vthread **out);
int thread_clone(struct vthread *from, void *cookie, struct vthread **out);
void thread_destroy(struct vthread *th);
uint64_t thread_cpu_ns(struct vthread *th);
/* Bring a held thread into a ptrace stop, where registers can be reached.  -ESRCH when dead. */
int thread_settle(struct vthread *th);
/* Wait for the next stop of th, which is bound to come at once.  -ESRCH when it died. */
int thread_stop_wait(struct vthread *th, int *status);
void thread_gone(struct vthread *th);			 /* the host reported its death */
void thread_held_report(struct vthread *th, int status); /* waitpid() spoke of a held thread */
void thread_reaped(void);				 /* ... or of one long destroyed */
unsigned thread_unreaped(void);				 /* how many such are left */
extern unsigned threads_running;
struct vthread *thread_next(struct vthread *after); /* all threads; NULL: first, at the end */
/* Every change of th->hold goes through here. */
void thread_set_hold(struct vthread *th, enum hold hold);

/* ---- inject.c ---- */
int inject_call(struct vthread *th, uint64_t nr, const uint64_t arg[6], long *result);
int inject_batch(struct vthread *th, size_t n, size_t *done); /* runs stub.orders[0..n) */
int inject_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
		   uint32_t *seen);

/* ---- vm.c ---- */
int vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done);

/* ---- usermem.c ---- */
size_t mem_read(struct vthread *th, uaddr_t from, void *to, size_t len);
size_t mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len);
uint64_t mem_resident(struct vthread *th);

/* ---- regs.c ---- */
#define REGS_RESULT   (2 * 8)  /* r15, r14: where the stub leaves results */
#define REGS_TO_FLAGS (19 * 8) /* r15..eflags: all that the stub disturbs */
#define REGS_GENERAL  (20 * 8) /* r15..rsp */
#define GUEST_CS      0x33
#define GUEST_DS      0x2b
int regs_load(struct vthread *th);  /* fill the cache; th in a ptrace stop */
int regs_flush(struct vthread *th); /* make the host's registers as the kernel wants them */
int regs_get(struct vthread *th, struct regs *out);
int regs_set(struct vthread *th, const struct regs *in);
int xstate_get(struct vthread *th, void *buf, size_t *len);
int xstate_set(struct vthread *th, const void *buf, size_t len);
void regs_set_result(struct vthread *th, int64_t result);
void regs_forget(struct vthread *th); /* it runs, or has just stopped: the cache is stale */
int xstate_probe(struct vthread *th, struct machine_info *info);

/* ---- trap.c ---- */
/* Turn a waitpid() status of a running thread into an event.  True: *out is filled and the thread
 * is held.  False: nothing for the kernel; the thread goes on. */
bool trap_classify(struct vthread *th, int status, struct event *out);
void event_fill(struct event *out, enum event_type type, struct vthread *th);
/* Let a stopped thread go on until its next trap, by the way of this backend. */
int trap_continue(struct vthread *th);
void trap_sweep(void); /* collect the reports there are */
/* Has th, running, something to report?  As trap_classify(). */
bool trap_look(struct vthread *th, struct event *out);
extern int trap_request;		       /* PTRACE_SYSEMU or PTRACE_CONT */
int thread_resume_stopped(struct vthread *th); /* flush registers and continue */
void thread_interrupt(struct vthread *th);     /* the ops' stop() */

/* ---- events.c ---- */
int events_init(uint64_t tick_ns);
void events_fini(void);
/* Add the seccomp listener.  ready() fills *out and returns 1, or 0 when there was nothing. */
int events_listen(int host_fd, int (*ready)(struct event *out));
/* One round of epoll.  1: *out filled; 0: nothing for the kernel (look again if you may block);
 * negative errno. */
int events_poll(struct event *out, bool block);
/* A stop was waited for: the SIGCHLD that it sent is still pending, and stale. */
void events_stale_signal(void);
void events_queue(struct vthread *th, const struct event *event);
void events_forget(struct vthread *th);
bool events_dequeue(struct event *out);
uint64_t clock_ns(enum machine_clock clock);
void tick_arm(bool on);
void alarm_set(uint64_t deadline_ns);
int fd_watch(int host_fd, uint32_t events, void *cookie);
void fd_unwatch(int host_fd);

/* ---- host_cpu.c ---- */
void host_cpu_init(int cpus);
bool host_cpu_short_slice(void);
void host_cpu_fini(void);
void host_cpu_resumed(struct vthread *th); /* it is about to run */
void host_cpu_trapped(struct vthread *th); /* it has stopped or is asleep */
int host_cpu_timeout_ms(void);		   /* how long wait() may sleep before host_cpu_spread() */
void host_cpu_spread(void);
/* Give the core to a thread that will trap soon.  False: not done, better sleep. */
bool host_cpu_yield(struct vthread *to);
void host_cpu_yield_failed(void); /* it had not trapped */
void host_cpu_review(void);	  /* before a sleep: is this core a good one? */
void host_cpu_awake(void);	  /* after it */

/* ---- seccomp.c ---- */
extern bool seccomp_sync_wake_up;

#endif
