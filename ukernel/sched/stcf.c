/*
 * stcf.c - shortest time to completion first: the task with the least left to compute runs, and
 * gives way at once to one that comes with less.
 *
 * Source: OSTEP ch. 7 (preemptive shortest job first, shortest remaining time); the guess by
 * exponential averaging is burst.h's.
 * For: lowest average turnaround whenever the jobs come, if lengths are declared.
 * Limits: long jobs starve while short ones keep coming; response time is no aim; nice values are
 * ignored.  A length that was guessed or declared too short is doubled when it is used up.
 */
#include "sched/burst.h"

static int stcf_init(struct runq *rq)
{
	struct burst_queue *q = rq->priv;

	tree_init(&q->queue, burst_less, NULL);
	return 0;
}

static void stcf_task_init(struct runq *rq, struct sched_entity *se,
			   const struct sched_entity *parent)
{
	(void)parent;
	burst_task_init(rq, se);
}

static void stcf_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct burst_queue *q = rq->priv;

	(void)why;
	burst_of(se)->key = burst_left(se);
	order_insert(&q->queue, se);
}

static void stcf_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	order_remove(se);
}

static struct sched_entity *stcf_pick(struct runq *rq, int cpu)
{
	struct burst_queue *q = rq->priv;
	struct sched_entity *se = order_take(&q->queue, cpu);

	if (se)
		rq_why(rq, se, "least left: %.3f ms %s", (double)burst_of(se)->key / 1e6,
		       burst_declared_left(se) ? "declared" : "guessed");
	return se;
}

/* Up to its end, where a wrong guess is put right. */
static uint64_t stcf_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	return burst_left(se);
}

static bool stcf_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	if (burst_left(woken) >= burst_left(curr))
		return false;
	rq_why(rq, woken, "%.3f ms left, %s has %.3f ms", (double)burst_left(woken) / 1e6,
	       curr->name, (double)burst_left(curr) / 1e6);
	return true;
}

static const struct policy_param stcf_params[] = {BURST_PARAMS};

const struct sched_policy sched_stcf = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NEEDS_LENGTH,
    .name = "stcf",
    .summary = "shortest time to completion first: the least left to compute goes first, at once",
    .about = "Source: OSTEP ch. 7 (shortest remaining time); lengths that nobody declared are "
	     "guessed from earlier bursts by exponential averaging.\n"
	     "For: lowest average turnaround whenever jobs come, if lengths are declared.\n"
	     "Limits: long jobs starve while short ones keep coming; nice values are ignored.",
    .params = stcf_params,
    .priv_size = sizeof(struct burst_queue),
    .task_size = sizeof(struct burst_task),
    .init = stcf_init,
    .task_init = stcf_task_init,
    .enqueue = stcf_enqueue,
    .remove = stcf_remove,
    .pick = stcf_pick,
    .slice_ns = stcf_slice_ns,
    .charge = burst_charge,
    .preempts = stcf_preempts,
};
