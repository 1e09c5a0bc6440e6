/*
 * edf.c - earliest deadline first: of the DEADLINE tasks that are ready the one whose deadline
 * comes first runs; all others share what is left in turn.
 *
 * Source: Liu and Layland, JACM 20 (1973); each task's budget is enforced by a constant bandwidth
 * server (Abeni and Buttazzo, RTSS 1998), so that one that computes longer than it said harms
 * nobody but itself.  band.h says more.  Admission is by utilisation: the sum of runtime /
 * min(deadline, period) may not exceed limit for each CPU.
 *
 * For: periodic tasks with deadlines (sched_setattr(2), SCHED_DEADLINE); on one CPU every deadline
 * is met up to a utilisation of 1, where static priorities give up at 0.69.
 *
 * Limits: on several CPUs a task may be late by a bounded time though the sum fits (Dhall's
 * effect); ordinary tasks starve while DEADLINE tasks use all; nice values are ignored.
 */
#include "sched/band.h"

enum { P_LIMIT, P_HARD, P_SLICE };

struct edf {
	struct band band;
	struct sched_list queue;
};

static int edf_init(struct runq *rq)
{
	struct edf *e = rq->priv;

	e->band.hard = rq_param(rq, P_HARD);
	e->band.limit = (uint64_t)rq_param(rq, P_LIMIT) * 10000;
	e->band.no_rt = true;
	band_init(&e->band);
	sched_list_init(&e->queue);
	return 0;
}

static void edf_task_init(struct runq *rq, struct sched_entity *se,
			  const struct sched_entity *parent)
{
	struct edf *e = rq->priv;

	(void)parent;
	band_refresh(&e->band, se);
}

static void edf_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct edf *e = rq->priv;

	band_task_exit(&e->band, se);
}

static void edf_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct edf *e = rq->priv;

	if (!band_enqueue(rq, &e->band, se, why))
		sched_list_insert(&se->link, why == ENQ_PREEMPTED ? e->queue.next : &e->queue);
}

static void edf_remove(struct runq *rq, struct sched_entity *se)
{
	struct edf *e = rq->priv;

	if (!band_remove(&e->band, se))
		sched_list_del(&se->link);
}

static struct sched_entity *edf_pick(struct runq *rq, int cpu)
{
	struct edf *e = rq->priv;
	struct sched_entity *se = band_pick(rq, &e->band, cpu);

	if (se)
		return se;
	se = sched_list_take(&e->queue, cpu);
	if (se)
		rq_why(rq, se, "no deadline is waiting: the next of the others");
	return se;
}

static uint64_t edf_slice_ns(struct runq *rq, struct sched_entity *se)
{
	const struct edf *e = rq->priv;
	uint64_t slice_ns = band_slice_ns(&e->band, se);

	return slice_ns ? slice_ns : (uint64_t)rq_param(rq, P_SLICE);
}

static void edf_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
		       enum sched_charge_why why)
{
	struct edf *e = rq->priv;

	(void)why;
	band_charge(rq, &e->band, se, ran_ns);
}

static bool edf_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	const struct edf *e = rq->priv;

	if (band_compare(&e->band, woken, curr) <= 0)
		return false;
	rq_why(rq, woken, "its deadline is before that of %s", curr->name);
	return true;
}

static void edf_changed(struct runq *rq, struct sched_entity *se)
{
	struct edf *e = rq->priv;

	band_refresh(&e->band, se);
}

static int edf_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		     uint64_t deadline, uint64_t period)
{
	const struct edf *e = rq->priv;

	return band_admit(rq, &e->band, se, runtime, deadline, period);
}

static bool edf_inherit(struct runq *rq, struct sched_entity *se)
{
	struct edf *e = rq->priv;

	if (!band_refresh(&e->band, se))
		return false;
	rq_why(rq, se, "the deadlines of who waits for its lock are its own");
	return true;
}

static void edf_timer(struct runq *rq)
{
	struct edf *e = rq->priv;

	band_timer(rq, &e->band);
}

static const struct policy_param edf_params[] = {
    {"limit", PARAM_INT, false, "100", 1, 100, "per cent of each CPU that is admitted"},
    {"hard", PARAM_BOOL, false, "1", 0, 1,
     "a budget used up waits for the next period; 0: its deadline is postponed instead"},
    {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000, "turn of a task without deadline"},
    {.key = NULL},
};

const struct sched_policy sched_edf = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_PREEMPTIVE | POLICY_HONOURS_DEADLINE | POLICY_INHERITS,
    .name = "edf",
    .summary = "earliest deadline first, with admission and budgets; the others in turn",
    .about =
	"Source: Liu and Layland, JACM 20 (1973); budgets by Abeni and Buttazzo's constant "
	"bandwidth server, RTSS 1998.\n"
	"For: periodic tasks with deadlines; meets all of them up to a utilisation of 1 on one "
	"CPU.\n"
	"Limits: on several CPUs tasks may be late by a bounded time; the others may starve; "
	"nice values are ignored.",
    .params = edf_params,
    .priv_size = sizeof(struct edf),
    .task_size = sizeof(struct band_task),
    .init = edf_init,
    .task_init = edf_task_init,
    .task_exit = edf_task_exit,
    .enqueue = edf_enqueue,
    .remove = edf_remove,
    .pick = edf_pick,
    .slice_ns = edf_slice_ns,
    .charge = edf_charge,
    .preempts = edf_preempts,
    .changed = edf_changed,
    .admit = edf_admit,
    .inherit = edf_inherit,
    .timer = edf_timer,
};
