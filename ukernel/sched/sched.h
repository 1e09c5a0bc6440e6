/*
 * sched.h - the scheduler's mechanism (core.c), and what a policy must provide.
 *
 * A virtual CPU runs one task at a time: in user mode (the machine runs the guest) or in kernel
 * mode (its kernel stack is current).  A task that sleeps leaves its virtual CPU; a woken one
 * waits on the run queue until the policy picks it.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "lib/list.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct runq;

#define CPUS_MAX 64

enum enqueue_why { ENQ_NEW, ENQ_WAKEUP, ENQ_PREEMPTED, ENQ_YIELD };

/* What the scheduler keeps in each task; policy-private state lies in it too. */
struct sched_entity {
	struct list_head link; /* for the policy's queues */
	bool queued;	       /* the policy has it */
	int nice;
	uint64_t affinity; /* bit i: virtual CPU i allowed */
	uint64_t slice_end_ns;
	uint64_t ran_ns, wait_since_ns, waited_ns;
	uint64_t kernel_cycles; /* spent on the task's kernel stack */
	uint64_t switches_voluntary, switches_involuntary, migrations;
	int policy_abi; /* SCHED_OTHER, ... as sched_setscheduler said */
	int rt_priority;
	bool reset_on_fork; /* SCHED_RESET_ON_FORK */
	bool started;	    /* has been queued before */
	int last_cpu;	    /* -1: none yet */
	uint64_t priv[8];   /* the policy's own */
};

/* One run queue serves all virtual CPUs of this machine; the policy sees it as an opaque handle
 * and keeps its state in priv. */
struct runq {
	const struct sched_policy *policy;
	void *priv;
	unsigned nr_queued;
};

/*
 * A policy owns a task from enqueue() until pick() returns it or remove() takes it back.  Calls
 * come from one thread: policies need no locks.  NULL is allowed where marked (opt).
 */
struct sched_policy {
	const char *name;    /* as given to --sched */
	const char *summary; /* one line for help */

	int (*init)(struct runq *rq, const char *options);  /* opt */
	void (*exit)(struct runq *rq);			    /* opt */
	int (*task_init)(struct runq *rq, struct task *t);  /* opt */
	void (*task_exit)(struct runq *rq, struct task *t); /* opt */

	void (*enqueue)(struct runq *rq, struct task *t, enum enqueue_why why);
	void (*remove)(struct runq *rq, struct task *t);
	/* NULL: nothing runnable that may run on vcpu. */
	struct task *(*pick)(struct runq *rq, int vcpu);
	/* How long t may run before the core asks again; UINT64_MAX: as long as it likes. */
	uint64_t (*slice_ns)(struct runq *rq, struct task *t);

	/* t ran for ran_ns and stopped; still_runnable says why it left. */
	void (*charge)(struct runq *rq, struct task *t, uint64_t ran_ns,
		       bool still_runnable); /* opt */
	/* Should woken run now instead of curr? */
	bool (*preempts)(struct runq *rq, struct task *woken, struct task *curr); /* opt */
};

extern const struct sched_policy sched_rr, sched_coop;
extern const struct sched_policy *const sched_policies[]; /* NULL-ended */
const struct sched_policy *sched_policy_find(const char *name);

/* --- the core --- */
int sched_init(int cpus, const struct sched_policy *policy, const char *options, uint64_t tick_ns);
void sched_fini(void);
void sched_task_init(struct task *t, const struct task *parent); /* parent may be NULL */
void sched_task_exit(struct task *t);

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
/* Ask the guest on t's virtual CPU to give way at its next trap (priority or affinity changed). */
void sched_resched(struct task *t);
/* mask: at least one existing virtual CPU.  May sleep if t is current and has to move. */
void sched_set_affinity(struct task *t, uint64_t mask);
uint64_t sched_slice_ns(struct task *t);
/* Returns when every guest that was in user mode at the call has been in the kernel.  May sleep. */
void sched_barrier(struct task *t);

/* Resume current in user mode and sleep until its next event, which is then in current->trap.
 * If the policy wants another to run, gives way instead and returns with EVENT_STOPPED. */
void sched_run_user(void);

/* From the event loop. */
void sched_dispatch(void);	 /* fill idle virtual CPUs */
void sched_trap(struct task *t); /* t's thread had an event: run its kernel side */
void sched_tick(uint64_t ticks);
/* Time that t's kernel side has used so far. */
uint64_t sched_kernel_ns(const struct task *t);
bool sched_idle(void); /* no task on any virtual CPU and none queued */
/* Make t, running in user mode, come into the kernel soon (a signal is waiting). */
void sched_kick(struct task *t);
int sched_cpus(void);
#endif
