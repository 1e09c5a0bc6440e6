/*
 * sched.h - the scheduler's mechanism (core.c) as the rest of the kernel sees it.
 *
 * A virtual CPU runs one task at a time: in user mode (the machine runs the guest) or in kernel
 * mode (its kernel stack is current).  A task that sleeps leaves its virtual CPU; a woken one
 * waits on the run queue until the policy picks it.  What a policy must provide is in policy.h.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/policy.h"

struct task;

#define CPUS_MAX SCHED_CPUS_MAX

/* What the core keeps of each task and shows to no policy. */
struct sched_account {
	uint64_t waited_ns;	/* on the run queue, in all */
	uint64_t kernel_cycles; /* spent on the task's kernel stack */
	uint64_t switches_voluntary, switches_involuntary, migrations;
	bool started;	       /* has been queued before */
	bool reset_on_fork;    /* SCHED_RESET_ON_FORK */
	bool reclaim;	       /* SCHED_FLAG_RECLAIM */
	uint64_t awake_ran_ns; /* se.ran_ns when it last woke up or got its class: RLIMIT_RTTIME */
	uint64_t
	    host_ns; /* while listened to: CPU time of the host's when it got its virtual CPU */
	uint64_t last_slice_ns; /* of the last virtual CPU that it got in its class; 0: none */
	struct task *owner; /* holds the lock that this task sleeps for; NULL: none, or not known */
};

extern const struct sched_policy sched_rr, sched_rrq, sched_coop, sched_fifo, sched_sjf, sched_stcf,
    sched_mlfq, sched_lottery, sched_stride, sched_fair, sched_eevdf, sched_edf, sched_prio;
extern const struct sched_policy *const sched_policies[]; /* NULL-ended */
const struct sched_policy *sched_policy_find(const char *name);

/* --- the core --- */

/* options: as after --sched NAME:, may be NULL.  -EINVAL with the reason logged. */
int sched_init(int cpus, const struct sched_policy *policy, const char *options, uint64_t tick_ns);
void sched_fini(void);
/* t has its number and its name; parent may be NULL. */
void sched_task_init(struct task *t, const struct task *parent);
void sched_task_exit(struct task *t);
/* t has another name, or another number (execve by a thread). */
void sched_task_renamed(struct task *t);

/* The task whose kernel stack is running; NULL on the event loop's stack. */
extern struct task *current;

/* Make a new or sleeping task runnable; harmless on any other. */
void sched_wake(struct task *t);
/* Give up the virtual CPU; returns when picked again.  State must have been set by the caller
 * (sleeping, stopped) or stays runnable (sched_yield). */
void sched_block(void);
void sched_yield_current(void);
/* current is over: never returns; its reference is dropped once its stack has been left. */
_Noreturn void sched_exit(void);
/* What t's user asks of the policy (nice, class, ...) is changed by f, which may write t->se but
 * neither sleep nor queue anything.  The policy hears of it; may cost t its virtual CPU. */
void sched_change(struct task *t, void (*f)(struct sched_entity *se, const void *arg),
		  const void *arg);
uint32_t sched_weight_of(int nice);
/* Has the policy room for t with these?  0 or -EBUSY. */
int sched_admit(struct task *t, uint64_t runtime, uint64_t deadline, uint64_t period);
/* mask: at least one existing virtual CPU.  May sleep if t is current and has to move. */
void sched_set_affinity(struct task *t, uint64_t mask);
/* Queue current until another virtual CPU takes it. */
void sched_move_current(void);
/* Returns when every guest that was in user mode at the call has been in the kernel.  May sleep. */
void sched_barrier(struct task *t);

/* t sleeps for a lock that owner holds (NULL: no longer): owner inherits t's urgency, and so does
 * whoever owner waits for, and so on. */
void sched_donate(struct task *t, struct task *owner);

/* Does t's sleep for a lock, over the owners of locks, depend on other? */
bool sched_waits_for(const struct task *t, const struct task *other);
/* Whose turn it is for a lock, as on Linux: DEADLINE, then FIFO and RR by priority, then all
 * others, which are equal; who holds a lock counts as the first that waits for it. */
int sched_rank(const struct task *t);

/* Resume current in user mode and sleep until its next event, which is then in current->trap.
 * If the policy wants another to run, gives way instead and returns with EVENT_STOPPED. */
void sched_run_user(void);

/* From the event loop. */
void sched_dispatch(void);	 /* fill idle virtual CPUs */
void sched_trap(struct task *t); /* t's thread had an event: run its kernel side */
void sched_tick(uint64_t ticks);
/* Time that t's kernel side has used so far. */
uint64_t sched_kernel_ns(const struct task *t);
/* Time that t has had a virtual CPU, until now. */
uint64_t sched_ran_ns(const struct task *t);
int sched_users(void);			  /* how many virtual CPUs run guest code now */
uint64_t sched_waited_ns(void);		  /* how long tasks have waited for one, in sum */
bool sched_idle(void);			  /* no task on any virtual CPU and none queued */
bool sched_in_user(const struct task *t); /* t's thread is running */
/* Make t, running in user mode, come into the kernel soon (a signal is waiting). */
void sched_kick(struct task *t);
int sched_cpus(void);
#endif
