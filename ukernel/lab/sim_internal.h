/*
 * sim_internal.h - what the files of the simulated machine share.
 */
#ifndef LAB_SIM_INTERNAL_H
#define LAB_SIM_INTERNAL_H

#include "lab/program.h"
#include "lab/sim.h"
#include "sched/params.h"

/* In the order in which events of the same instant take place: what ends goes before what begins,
 * the policy's timer (a boost) lies between. */
enum event_kind { EV_OP, EV_SLICE, EV_TICK, EV_TIMER, EV_TASK, EV_STOP };

struct sim_event {
	uint64_t ns, order; /* order: the kind, then the CPU or who was first */
	uint64_t gen;	    /* it is about nothing any more when this has changed */
	struct sim_task *task;
	int cpu;
	enum event_kind kind;
};

struct sim_task {
	struct sched_entity se; /* first: a policy gives it back */
	struct program program;
	const struct workload_task *spec;
	struct sim_task *parent;
	unsigned level_children, children; /* made, and alive */
	bool arrived, started, done, waits_children;
	uint64_t left_ns;  /* of what it computes */
	uint64_t warm;	   /* bit i: CPU i has its working set */
	uint64_t warming;  /* bit i: it has begun to fetch it there, ... */
	uint64_t *cold_ns; /* ... and needs so long on CPU i still; NULL: no caches */
	struct sim_task *lock_owner, *next_waiter;
	char *own_name; /* of a forked one */
};

struct sim_cpu {
	struct sim_task *task; /* NULL: idle */
	uint64_t since_ns, assigned_ns, began_ns, op_end_ns;
	struct sim_task **cached; /* last in first */
	unsigned nr_cached;
	uint64_t gen, slice_gen;
	uint64_t last_id;
	bool short_slice;
	bool switched; /* task still has to pay for the switch */
};

struct sim_lock {
	struct sim_task *holder, *waiters;
};

struct sim {
	struct runq rq; /* first: services get it */
	const struct sim_config *config;
	struct sim_result *result;
	struct sched_settings settings;
	struct sched_entity *curr[SCHED_CPUS_MAX];
	struct sim_cpu cpus[SCHED_CPUS_MAX];
	struct sim_lock locks[WORKLOAD_LOCKS_MAX];
	uint64_t idle, resched; /* bit i: CPU i */
	uint64_t random, timer_gen, seq;
	size_t to_wake;	     /* tasks that an event will wake or make */
	uint64_t busy_at_ns; /* somebody ran then */
	size_t to_come;	     /* tasks of the workload that have not arrived */
	bool tick_pending, stopped;
	struct sim_task **tasks; /* by id - 1 */
	size_t nr_tasks, size_tasks;
	struct sim_event *heap;
	size_t nr_events, size_heap;
	char *error;
	size_t error_size;
	bool failed, initialising;
};

/* --- sim.c --- */
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct sim_task *sim_task_create(struct sim *s, const struct workload_task *spec);
/* The task exists from now on. */
void sim_task_arrive(struct sim *s, struct sim_task *t);

/* --- sim_heap.c --- */
void heap_push(struct sim *s, const struct sim_event *e);
bool heap_pop(struct sim *s, struct sim_event *e);
static inline uint64_t heap_next_ns(const struct sim *s)
{
	return s->nr_events ? s->heap[0].ns : UINT64_MAX;
}

/* --- sim_services.c --- */
extern const struct sched_services sim_services;
void sim_record(struct sim *s, enum sched_record_what what, const struct sched_entity *se, int cpu,
		uint64_t arg);

/* --- sim_core.c: as sched/core.c and tick.c --- */
void sim_enqueue(struct sim *s, struct sim_task *t, enum sched_enqueue_why why);
void sim_charge(struct sim *s, int cpu, enum sched_charge_why why);
void sim_release(struct sim *s, int cpu, enum sched_charge_why why);
void sim_wake(struct sim *s, struct sim_task *t);
void sim_preempt_for(struct sim *s, struct sim_task *woken);
void sim_settle(struct sim *s); /* carry out what the policy asked for by resched() */
void sim_dispatch(struct sim *s);
void sim_tick(struct sim *s);
void sim_slice_end(struct sim *s, int cpu);

/* --- sim_cache.c: w->cache_size is not 0 --- */
/* When will the task on cpu have done what it computes, or have become warm? */
uint64_t cache_plan(struct sim *s, int cpu);
/* It ran from when it was planned until now: account for that. */
void cache_account(struct sim *s, int cpu);
void cache_free(struct sim *s);

/* --- sim_program.c --- */
/* The task on cpu has done what it was doing: what is next?  It may leave. */
void sim_program_go(struct sim *s, int cpu);
void sim_donate(struct sim *s, struct sim_task *t, struct sim_task *owner);
#endif
