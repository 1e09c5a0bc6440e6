/*
 * rr.c - round robin: every task gets the same slice in turn, first come first served.
 *
 * Source: OSTEP ch. 7; Kleinrock, Analysis of a time-shared processor, 1964.  For interactive mixes
 * of equal tasks; a short slice gives quick response, a long one fewer switches.  Limits: no
 * priorities (nice values are kept and ignored), and turnaround is about the worst there is.
 */
#include "sched/policy.h"

struct rr {
	struct sched_list queue;
};

enum { SLICE };
static const struct policy_param rr_params[] = {
    [SLICE] = {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000,
	       "how long a task runs before it is the next one's turn"},
    {0},
};

static int rr_init(struct runq *rq)
{
	struct rr *rr = rq->priv;

	sched_list_init(&rr->queue);
	return 0;
}

static void rr_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct rr *rr = rq->priv;

	(void)why;
	sched_list_insert(&se->link, &rr->queue);
}

static void rr_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	sched_list_del(&se->link);
}

static struct sched_entity *rr_pick(struct runq *rq, int cpu)
{
	struct rr *rr = rq->priv;

	return sched_list_take(&rr->queue, cpu);
}

static uint64_t rr_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)se;
	return (uint64_t)rq_param(rq, SLICE);
}

const struct sched_policy sched_rr = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION | POLICY_FAIR,
    .name = "rr",
    .summary = "round robin: equal slices in turn",
    .about = "Source: OSTEP ch. 7; Kleinrock 1964; time sharing since CTSS.\n"
	     "For: equal tasks that want quick response; a short slice gives it, a long one saves "
	     "switches.\n"
	     "Limits: no priorities, nice values are ignored; turnaround is about the worst there "
	     "is, and who waits for I/O gets less than his share.",
    .params = rr_params,
    .priv_size = sizeof(struct rr),
    .init = rr_init,
    .enqueue = rr_enqueue,
    .remove = rr_remove,
    .pick = rr_pick,
    .slice_ns = rr_slice_ns,
};
