/*
 * fifo.c - first in, first out: of those who are ready, the task that came to the machine first
 * runs until it waits, yields or exits.
 *
 * Source: the textbook's first policy (OSTEP ch. 7; first come, first served).
 * For: batches of jobs of like length; the fewest switches there can be.
 * Limits: never preempts; a long job that came first lets all the short ones behind it wait (the
 * convoy effect).  Priorities, nice values and tickets are ignored.
 */
#include "sched/order.h"

struct fifo_task {
	struct tree_node node;
	uint64_t turn; /* the order of arrival; a yield gives a new one */
};
_Static_assert(sizeof(struct fifo_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct fifo {
	struct tree queue;
	uint64_t turns;
};

static struct fifo_task *task_of(struct sched_entity *se)
{
	return (struct fifo_task *)se->priv;
}

static bool fifo_less(const struct tree_node *a, const struct tree_node *b)
{
	return task_of(order_entity(a))->turn < task_of(order_entity(b))->turn;
}

static int fifo_init(struct runq *rq)
{
	struct fifo *f = rq->priv;

	tree_init(&f->queue, fifo_less, NULL);
	return 0;
}

static void fifo_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct fifo *f = rq->priv;
	struct fifo_task *t = task_of(se);

	/* A yielder that stayed first would keep those that it yields to from running. */
	if (!t->turn || why == ENQ_YIELD)
		t->turn = ++f->turns;
	order_insert(&f->queue, se);
}

static void fifo_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	order_remove(se);
}

static struct sched_entity *fifo_pick(struct runq *rq, int cpu)
{
	struct fifo *f = rq->priv;
	struct sched_entity *se = order_take(&f->queue, cpu);

	if (se)
		rq_why(rq, se, "came as number %llu, the earliest of those who are ready",
		       (unsigned long long)task_of(se)->turn);
	return se;
}

static uint64_t fifo_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	(void)se;
	return SCHED_FOREVER;
}

const struct sched_policy sched_fifo = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING,
    .name = "fifo",
    .summary = "first in, first out: the task that came first runs until it waits or exits",
    .about = "Source: first come, first served (OSTEP ch. 7).\n"
	     "For: batches of jobs of like length; makes the fewest switches.\n"
	     "Limits: a long job lets all that came later wait (convoy effect); an endless loop "
	     "never lets go; nice values are ignored.",
    .priv_size = sizeof(struct fifo),
    .task_size = sizeof(struct fifo_task),
    .init = fifo_init,
    .enqueue = fifo_enqueue,
    .remove = fifo_remove,
    .pick = fifo_pick,
    .slice_ns = fifo_slice_ns,
};
