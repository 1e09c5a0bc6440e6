/*
 * sjf.c - shortest job first: of those who are ready, the task with the least to compute runs until
 * it waits or exits.
 *
 * Source: OSTEP ch. 7; the guess by exponential averaging is burst.h's.
 * For: batches whose lengths are known: no other policy without preemption has a lower average
 * turnaround when all come at once.
 * Limits: never preempts, so that a short job that comes late waits for a long one; long jobs
 * starve while short ones keep coming; nice values are ignored.
 */
#include "sched/burst.h"

static int sjf_init(struct runq *rq)
{
	struct burst_queue *q = rq->priv;

	tree_init(&q->queue, burst_less, NULL);
	return 0;
}

static void sjf_task_init(struct runq *rq, struct sched_entity *se,
			  const struct sched_entity *parent)
{
	(void)parent;
	burst_task_init(rq, se);
}

static void sjf_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct burst_queue *q = rq->priv;

	(void)why;
	burst_of(se)->key = se->length_ns ? se->length_ns : burst_of(se)->guess_ns;
	order_insert(&q->queue, se);
}

static void sjf_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	order_remove(se);
}

static struct sched_entity *sjf_pick(struct runq *rq, int cpu)
{
	struct burst_queue *q = rq->priv;
	struct sched_entity *se = order_take(&q->queue, cpu);

	if (se)
		rq_why(rq, se, "shortest job: %.3f ms %s", (double)burst_of(se)->key / 1e6,
		       se->length_ns ? "declared" : "guessed");
	return se;
}

static uint64_t sjf_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	(void)se;
	return SCHED_FOREVER;
}

static const struct policy_param sjf_params[] = {BURST_PARAMS};

const struct sched_policy sched_sjf = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_NEEDS_LENGTH,
    .name = "sjf",
    .summary = "shortest job first: the least to compute goes first, without preemption",
    .about = "Source: OSTEP ch. 7; lengths that nobody declared are guessed from earlier bursts by "
	     "exponential averaging (Silberschatz et al., Operating System Concepts).\n"
	     "For: batches of known lengths; lowest average turnaround when all come at once.\n"
	     "Limits: a short job that comes late waits for the long one that runs; long jobs "
	     "starve while short ones keep coming; nice values are ignored.",
    .params = sjf_params,
    .priv_size = sizeof(struct burst_queue),
    .task_size = sizeof(struct burst_task),
    .init = sjf_init,
    .task_init = sjf_task_init,
    .enqueue = sjf_enqueue,
    .remove = sjf_remove,
    .pick = sjf_pick,
    .slice_ns = sjf_slice_ns,
    .charge = burst_charge,
};
