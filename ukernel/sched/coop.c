/*
 * coop.c - cooperative: a task keeps its virtual CPU until it makes a call that waits, yields or
 * exits.  The textbook's first approach, with its flaw: an endless loop never lets go.
 *
 * Source: OSTEP ch. 6.  For measuring what preemption costs, and for seeing why it is needed.
 * Limits: programs that poll for one another hang, as Python's multiprocessing.Pool may.
 */
#include "sched/policy.h"

struct coop {
	struct sched_list queue;
};

static int coop_init(struct runq *rq)
{
	struct coop *coop = rq->priv;

	sched_list_init(&coop->queue);
	return 0;
}

static void coop_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct coop *coop = rq->priv;

	(void)why;
	sched_list_insert(&se->link, &coop->queue);
}

static void coop_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	sched_list_del(&se->link);
}

static struct sched_entity *coop_pick(struct runq *rq, int cpu)
{
	struct coop *coop = rq->priv;

	return sched_list_take(&coop->queue, cpu);
}

static uint64_t coop_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	(void)se;
	return SCHED_FOREVER;
}

const struct sched_policy sched_coop = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING,
    .name = "coop",
    .summary = "cooperative: a task runs until it waits, yields or exits",
    .about = "Source: OSTEP ch. 6, \"wait for system calls\"; early Mac OS, Windows up to 3.1.\n"
	     "For: seeing why preemption is needed, and measuring what it costs.\n"
	     "Limits: an endless loop keeps its CPU for ever, and who polls for another (a busy "
	     "wait) never lets it run; nice values are ignored.",
    .priv_size = sizeof(struct coop),
    .init = coop_init,
    .enqueue = coop_enqueue,
    .remove = coop_remove,
    .pick = coop_pick,
    .slice_ns = coop_slice_ns,
};
