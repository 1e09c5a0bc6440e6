/*
 * prio.c - static priorities: the highest one that is ready runs, round robin among equals; who
 * waits for a lock lends its priority to the holder.
 *
 * Source: sched(7) for FIFO, RR and DEADLINE (band.h says more); ordinary tasks below them, one
 * level for each nice value; priority inheritance after Sha, Rajkumar and Lehoczky, 1990.
 *
 * For: real-time task sets (rate monotonic: give the shortest period the highest priority); lessons
 * on starvation and priority inversion.
 *
 * Limits: nice values are an order here and no shares: a task of a higher level that computes for
 * ever starves all below it.  inherit=0 shows what priority inversion does.
 */
#include "sched/band.h"

enum { P_SLICE, P_RR_SLICE, P_INHERIT, P_LIMIT };

static int prio_init(struct runq *rq)
{
	struct band *b = rq->priv;

	b->all = true;
	b->hard = true;
	b->normal_slice_ns = (uint64_t)rq_param(rq, P_SLICE);
	b->rr_slice_ns = (uint64_t)rq_param(rq, P_RR_SLICE);
	b->limit = (uint64_t)rq_param(rq, P_LIMIT) * 10000;
	band_init(b);
	return 0;
}

static void prio_task_init(struct runq *rq, struct sched_entity *se,
			   const struct sched_entity *parent)
{
	(void)parent;
	band_refresh(rq->priv, se);
}

static void prio_task_exit(struct runq *rq, struct sched_entity *se)
{
	band_task_exit(rq->priv, se);
}

static void prio_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	band_enqueue(rq, rq->priv, se, why);
}

static void prio_remove(struct runq *rq, struct sched_entity *se)
{
	band_remove(rq->priv, se);
}

static struct sched_entity *prio_pick(struct runq *rq, int cpu)
{
	return band_pick(rq, rq->priv, cpu);
}

static uint64_t prio_slice_ns(struct runq *rq, struct sched_entity *se)
{
	return band_slice_ns(rq->priv, se);
}

static void prio_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			enum sched_charge_why why)
{
	(void)why;
	band_charge(rq, rq->priv, se, ran_ns);
}

static bool prio_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	if (band_compare(rq->priv, woken, curr) <= 0)
		return false;
	rq_why(rq, woken, "more urgent than %s", curr->name);
	return true;
}

static void prio_changed(struct runq *rq, struct sched_entity *se)
{
	band_refresh(rq->priv, se);
}

static int prio_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		      uint64_t deadline, uint64_t period)
{
	return band_admit(rq, rq->priv, se, runtime, deadline, period);
}

static bool prio_inherit(struct runq *rq, struct sched_entity *se)
{
	struct band_task *t = band_task_of(se);

	if (!rq_param(rq, P_INHERIT) || !band_refresh(rq->priv, se))
		return false;
	if (t->eff_level != t->level || t->eff_kind != t->kind)
		rq_why(rq, se, "inherits the urgency of who waits for its lock: level %d",
		       t->eff_level);
	else
		rq_why(rq, se, "back to its own urgency: level %d", t->level);
	return true;
}

static void prio_timer(struct runq *rq)
{
	band_timer(rq, rq->priv);
}

static const struct policy_param prio_params[] = {
    {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000, "turn of an ordinary task"},
    {"rr_slice", PARAM_TIME, false, "100ms", 1000, 1000000000000, "turn of an RR task"},
    {"inherit", PARAM_BOOL, false, "1", 0, 1, "lend priority to holders of locks"},
    {"limit", PARAM_INT, false, "95", 1, 100, "per cent of each CPU that DEADLINE may have"},
    {.key = NULL},
};

const struct sched_policy sched_prio = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_PREEMPTIVE | POLICY_HONOURS_RT | POLICY_HONOURS_DEADLINE | POLICY_INHERITS,
    .name = "prio",
    .summary = "static priorities: the highest runs, round robin among equals, inheritance",
    .about = "Source: sched(7) for FIFO, RR and DEADLINE; nice values are forty levels below; "
	     "inheritance after Sha, Rajkumar and Lehoczky, 1990.\n"
	     "For: real-time task sets; lessons on starvation and priority inversion (inherit=0).\n"
	     "Limits: a high level that computes for ever starves all below.",
    .params = prio_params,
    .priv_size = sizeof(struct band),
    .task_size = sizeof(struct band_task),
    .init = prio_init,
    .task_init = prio_task_init,
    .task_exit = prio_task_exit,
    .enqueue = prio_enqueue,
    .remove = prio_remove,
    .pick = prio_pick,
    .slice_ns = prio_slice_ns,
    .charge = prio_charge,
    .preempts = prio_preempts,
    .changed = prio_changed,
    .admit = prio_admit,
    .inherit = prio_inherit,
    .timer = prio_timer,
};
