/*
 * band.h - Linux's real-time classes as a part that policies share: DEADLINE by earliest deadline
 * with a budget, FIFO and RR by priority, and what is inherited through locks.
 *
 * A policy that has a band keeps a struct band in its state, starts what it keeps of a task with a
 * struct band_task, and asks the band first: a function that returns false (or NULL) says that the
 * task is an ordinary one and the policy's own business.  With all = true the band takes the
 * ordinary tasks too, as static priorities by nice value: that is the policy prio.
 *
 * Sources: sched(7); Liu and Layland, Scheduling Algorithms for Multiprogramming in a
 * Hard-Real-Time Environment, JACM 20 (1973); constant bandwidth server: Abeni and Buttazzo, RTSS
 * 1998, with the hard reservations of Linux's kernel/sched/deadline.c; inheritance: Sha, Rajkumar,
 * Lehoczky, IEEE Transactions on Computers 39 (1990).
 */
#ifndef SCHED_BAND_H
#define SCHED_BAND_H

#include "sched/order.h"

/* 0: IDLE; 1..40: nice 19..-20; 41..139: FIFO and RR priority 1..99 */
#define BAND_LEVELS   140
#define BAND_LEVEL_RT 40

enum band_kind { BAND_NORMAL, BAND_RT, BAND_DEADLINE };

struct band_task {
	struct tree_node node;
	uint64_t deadline_ns;	  /* of the present period */
	uint64_t eff_deadline_ns; /* the same, or an earlier one that is inherited */
	int64_t budget_ns;	  /* of the present period */
	uint32_t share;		  /* admitted, in millionths of a CPU */
	uint8_t level, eff_level;
	uint8_t kind : 4, eff_kind : 4;
	uint8_t where; /* enum band_where */
};

struct band {
	struct tree deadline, throttled;
	struct sched_list level[BAND_LEVELS];
	uint64_t used[(BAND_LEVELS + 63) / 64]; /* levels that are not empty */
	uint64_t share;				/* of all */
	bool all;
	uint64_t rr_slice_ns, normal_slice_ns;
	uint64_t limit; /* of share for each CPU */
	bool hard;	/* a budget used up waits for the next period */
	bool no_rt;	/* FIFO and RR count as ordinary */
};

static inline struct band_task *band_task_of(const struct sched_entity *se)
{
	return (struct band_task *)se->priv;
}

/* all, rr_slice_ns ... are the caller's to fill in before. */
void band_init(struct band *b);
/* After the task was made, and from the policy's changed(): true if its urgency is another now. */
bool band_refresh(struct band *b, struct sched_entity *se);
void band_task_exit(struct band *b, struct sched_entity *se);
int band_admit(const struct runq *rq, const struct band *b, const struct sched_entity *se,
	       uint64_t runtime, uint64_t deadline, uint64_t period);

bool band_enqueue(struct runq *rq, struct band *b, struct sched_entity *se,
		  enum sched_enqueue_why why);
bool band_remove(struct band *b, struct sched_entity *se);
struct sched_entity *band_pick(struct runq *rq, struct band *b, int cpu);
/* 0: not the band's. */
uint64_t band_slice_ns(const struct band *b, const struct sched_entity *se);
/* false: the time is the policy's to account. */
bool band_charge(struct runq *rq, struct band *b, struct sched_entity *se, uint64_t ran_ns);
/* Whether se belongs to the band now. */
bool band_has(const struct band *b, const struct sched_entity *se);
/* Positive: a is more urgent than b; 0: alike, or both are the policy's to compare. */
int band_compare(const struct band *b, const struct sched_entity *x, const struct sched_entity *y);
/* From the policy's timer(): budgets come back. */
void band_timer(struct runq *rq, struct band *b);
#endif
