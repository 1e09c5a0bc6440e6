/*
 * burst.h - how long a task will need a CPU: as declared, or guessed from what it needed before.
 *
 * A burst is what a task computes between two waits.  The guess for the next one is the
 * exponential average guess' = a * burst + (1 - a) * guess (Silberschatz, Galvin, Gagne: Operating
 * System Concepts, "shortest-job-first scheduling").  A burst that outlasts its guess doubles it,
 * so that a wrong guess costs a while and not for ever.
 */
#ifndef SCHED_BURST_H
#define SCHED_BURST_H

#include "sched/order.h"

struct burst_task {
	struct tree_node node;
	uint64_t key;	   /* the queue's order */
	uint64_t guess_ns; /* of the burst that it is in */
	uint64_t used_ns;  /* of that burst */
};
_Static_assert(sizeof(struct burst_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

/* What sjf and stcf keep alike, and their parameters in this order. */
struct burst_queue {
	struct tree queue;
};

enum { BURST_ALPHA, BURST_GUESS };

#define BURST_PARAMS                                                                               \
	{.key = "alpha",                                                                           \
	 .type = PARAM_INT,                                                                        \
	 .def = "50",                                                                              \
	 .min = 0,                                                                                 \
	 .max = 100,                                                                               \
	 .help = "weight of the last burst in the guess of the next one, in per cent"},            \
	    {.key = "guess",                                                                       \
	     .type = PARAM_TIME,                                                                   \
	     .def = "10ms",                                                                        \
	     .min = 1000,                                                                          \
	     .max = 1000000000000,                                                                 \
	     .help = "what a task's first burst is taken for"},                                    \
	{                                                                                          \
		.key = NULL                                                                        \
	}

static inline struct burst_task *burst_of(struct sched_entity *se)
{
	return (struct burst_task *)se->priv;
}

static inline bool burst_less(const struct tree_node *a, const struct tree_node *b)
{
	return burst_of(order_entity(a))->key < burst_of(order_entity(b))->key;
}

static inline void burst_task_init(struct runq *rq, struct sched_entity *se)
{
	burst_of(se)->guess_ns = (uint64_t)rq_param(rq, BURST_GUESS);
}

/* CPU time that se has declared and not yet used; 0: none. */
static inline uint64_t burst_declared_left(const struct sched_entity *se)
{
	return se->length_ns > se->ran_ns ? se->length_ns - se->ran_ns : 0;
}

/* What is left of the burst that se is in. */
static inline uint64_t burst_left(struct sched_entity *se)
{
	const struct burst_task *t = burst_of(se);
	uint64_t declared = burst_declared_left(se);

	if (declared)
		return declared;
	return t->guess_ns > t->used_ns ? t->guess_ns - t->used_ns : 1;
}

static inline void burst_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
				enum sched_charge_why why)
{
	struct burst_task *t = burst_of(se);
	uint64_t alpha = (uint64_t)rq_param(rq, BURST_ALPHA);

	t->used_ns += ran_ns;
	if (why == CHARGE_SLEEP) {
		/* Divided first, so that nothing overflows. */
		t->guess_ns = t->used_ns / 100 * alpha + t->guess_ns / 100 * (100 - alpha) + 1;
		t->used_ns = 0;
		rq_why(rq, se, "its next burst is guessed to take %.3f ms",
		       (double)t->guess_ns / 1e6);
		return;
	}
	while (t->used_ns >= t->guess_ns && t->guess_ns < SCHED_FOREVER / 4)
		t->guess_ns *= 2;
}
#endif
