/*
 * core.h - what the files of the scheduler's core share among them, and nobody else.
 */
#ifndef SCHED_CORE_H
#define SCHED_CORE_H

#include "kern/task.h"
#include "sched/record.h"
#include "sched/sched.h"

struct vcpu {
	struct task *task; /* NULL: idle */
	bool in_user;	   /* task's thread is running */
	bool resched;	   /* task is to give way at its next trap ... */
	bool expired;	   /* ... because its slice is over */
	bool short_slice;  /* the slice is below the tick: the slice timer ends it */
	uint64_t traps;	   /* how often a guest has come in here */
	uint64_t since_ns; /* up to here task's time has been charged */
	uint64_t in_ns;	   /* when it got task */
};

extern struct vcpu vcpus[CPUS_MAX];
extern struct runq rq;
extern int nr_cpus;

static inline struct task *task_of(struct sched_entity *se)
{
	return container_of(se, struct task, se);
}

/* core.c */
void task_enqueue(struct task *t, enum sched_enqueue_why why);
void vcpu_charge(struct vcpu *vc, enum sched_charge_why why); /* up to rq.now_ns */
void vcpu_preempt(struct vcpu *vc, bool expired);
void preempt_for(struct task *woken); /* rq.now_ns must be right */
void rq_clock(void);		      /* bring rq.now_ns up to date */

/* tick.c */
void tick_init(void);
void tick_fini(void);
void tick_update(void); /* start what ends the slices, if need be */

/* services.c */
int services_init(const char *options);
void services_fini(void);
/* Tell the listener; rq.now_ns is the time. */
void record_emit(enum sched_record_what what, const struct sched_entity *se, int cpu, uint64_t arg);
static inline void record(enum sched_record_what what, const struct sched_entity *se, int cpu,
			  uint64_t arg)
{
	if (__builtin_expect(sched_listener != NULL, 0))
		record_emit(what, se, cpu, arg);
}
#endif
