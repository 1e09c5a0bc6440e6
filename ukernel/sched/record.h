/*
 * record.h - what happened in the scheduler, one small record an event: for Gantt charts, metrics
 * and comparing a real run with a simulated one.
 *
 * The core and the simulator emit the same records.  While nobody listens (sched_listener is NULL)
 * an event costs one load.
 */
#ifndef SCHED_RECORD_H
#define SCHED_RECORD_H

#include "sched/policy.h"

enum sched_record_what {
	SREC_NEW,      /* se was made; arg: id of its parent, 0 for none */
	SREC_NAME,     /* se->name has changed (execve, prctl) */
	SREC_WAKE,     /* se waits for a CPU; arg: enum sched_enqueue_why */
	SREC_IN,       /* se begins to run on cpu; arg: its slice in ns, SCHED_FOREVER */
	SREC_OUT,      /* se leaves cpu; arg: enum sched_charge_why */
	SREC_MIGRATE,  /* follows an IN: it ran on another CPU before; arg: which */
	SREC_PREEMPT,  /* the task on cpu has been asked to give way; arg: sched_charge_why */
	SREC_TICK,     /* the timer interrupt; se NULL; arg: ticks gone by */
	SREC_DEADLINE, /* se has missed its deadline; arg: by how many ns */
	SREC_INHERIT,  /* se's donors have changed; arg: id of the first, 0: none */
	SREC_CHANGED,  /* nice, class, affinity, ... of se have changed */
	SREC_EXIT,     /* se is over; arg: its wait status where known */
	SREC_HOST,     /* an OUT follows; arg: ns on cpu in which the host ran neither se nor us */
};

struct sched_record {
	uint64_t ns; /* since boot of the box, or virtual */
	uint64_t id; /* of the task; 0: none */
	uint64_t arg;
	int16_t cpu;  /* -1: none */
	uint8_t what; /* enum sched_record_what */
};

struct sched_listener {
	/* Called in order of time; se is NULL when no task is concerned and must not be kept. */
	void (*record)(struct sched_listener *l, const struct sched_record *r,
		       const struct sched_entity *se);
	/* (opt) The policy's reason (rq_why) for what it decides just now. */
	void (*why)(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
		    const char *text);
};

/* Set before sched_init(); the kernel's own.  The simulator has its own pointer. */
extern struct sched_listener *sched_listener;
#endif
