/*
 * fair.c - weighted fair shares: who has run least, measured in time divided by weight, runs.
 *
 * Source: the CFS of Linux 2.6.23 to 6.5 (kernel/sched/fair.c and sched-design-CFS in its
 * documentation), itself a kin of stride scheduling; the classes FIFO, RR and DEADLINE come before
 * all ordinary tasks (band.h).
 *
 * For: general use: shares by nice values (each step 1.25 : 1), quick response of tasks that sleep
 * much.
 *
 * Limits: one queue for all CPUs, so that no cache is kept warm but by chance; how long a wake-up
 * waits depends on heuristics (latency, wakeup, sleepers) where eevdf has a rule.
 */
#include "sched/band.h"

enum { P_LATENCY, P_MIN_SLICE, P_WAKEUP, P_SLEEPERS, P_RR_SLICE, P_LIMIT };

#define WEIGHT_0    1024U /* of nice 0 */
#define WEIGHT_IDLE 3U

struct fair_task {
	struct band_task band;
	uint64_t vruntime; /* ns at nice 0; wraps */
	uint32_t weight;   /* with what donors lend */
	bool active;	   /* counted in load: queued or running as an ordinary task */
	bool placed;	   /* vruntime means something */
};
_Static_assert(sizeof(struct fair_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct fair {
	struct band band;
	struct tree queue;
	uint64_t min_vruntime; /* never goes back */
	uint64_t load;	       /* weights of the active tasks */
	unsigned nr;	       /* how many they are */
};

static struct fair_task *task_of(const struct sched_entity *se)
{
	return (struct fair_task *)se->priv;
}

static bool fair_less(const struct tree_node *a, const struct tree_node *b)
{
	return (int64_t)(task_of(order_entity(a))->vruntime - task_of(order_entity(b))->vruntime) <
	       0;
}

static int fair_init(struct runq *rq)
{
	struct fair *f = rq->priv;

	f->band.hard = true;
	f->band.rr_slice_ns = (uint64_t)rq_param(rq, P_RR_SLICE);
	f->band.limit = (uint64_t)rq_param(rq, P_LIMIT) * 10000;
	band_init(&f->band);
	tree_init(&f->queue, fair_less, NULL);
	return 0;
}

/* --- load --- */

static uint32_t weight_of(const struct sched_entity *se)
{
	uint32_t weight = se->class == SCLASS_IDLE ? WEIGHT_IDLE : se->weight;

	for (const struct sched_entity *d = se->donors; d; d = d->next_donor)
		if (task_of(d)->weight > weight)
			weight = task_of(d)->weight;
	return weight;
}

static void activate(struct fair *f, struct sched_entity *se)
{
	struct fair_task *t = task_of(se);

	if (t->active)
		return;
	t->active = true;
	f->load += t->weight;
	f->nr++;
}

static void deactivate(struct fair *f, struct sched_entity *se)
{
	struct fair_task *t = task_of(se);

	if (!t->active)
		return;
	t->active = false;
	f->load -= t->weight;
	f->nr--;
}

/* Class, nice value or donors are others: true if that changes anything. */
static bool refresh(struct fair *f, struct sched_entity *se)
{
	struct fair_task *t = task_of(se);
	uint32_t before = t->weight;
	bool was_urgent = before && band_has(&f->band, se);

	deactivate(f, se);
	bool changed = band_refresh(&f->band, se);
	t->weight = weight_of(se);
	/* Who comes back to the ordinary tasks has saved up nothing meanwhile. */
	if (was_urgent && !band_has(&f->band, se) && (int64_t)(f->min_vruntime - t->vruntime) > 0)
		t->vruntime = f->min_vruntime;
	if (se->cpu >= 0 && !band_has(&f->band, se))
		activate(f, se);
	return changed || t->weight != before;
}

static void fair_task_init(struct runq *rq, struct sched_entity *se,
			   const struct sched_entity *parent)
{
	(void)parent;
	refresh(rq->priv, se);
}

static void fair_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct fair *f = rq->priv;

	deactivate(f, se);
	band_task_exit(&f->band, se);
}

/* --- virtual time --- */

static uint64_t virtual_ns(uint64_t ns, uint32_t weight)
{
	return weight == WEIGHT_0 ? ns : (uint64_t)((unsigned __int128)ns * WEIGHT_0 / weight);
}

/* Forward to the least of those who wait and those who run. */
static void min_vruntime_update(struct runq *rq)
{
	struct fair *f = rq->priv;
	const struct tree_node *first = tree_first(&f->queue);
	uint64_t least = first ? task_of(order_entity(first))->vruntime : f->min_vruntime;
	bool any = first;

	for (int i = 0; i < rq->cpus; i++) {
		const struct sched_entity *se = rq->curr[i];

		if (!se || !task_of(se)->active)
			continue;
		if (!any || (int64_t)(task_of(se)->vruntime - least) < 0)
			least = task_of(se)->vruntime;
		any = true;
	}
	if (any && (int64_t)(least - f->min_vruntime) > 0)
		f->min_vruntime = least;
}

/* All get a turn within latency while they are few, min_slice at least when they are many.  What a
 * switch costs counts for each turn of a task of average weight; a lighter one's may be shorter,
 * down to a quarter, as the others then run the longer: shares come out sooner. */
static uint64_t slice_of(const struct runq *rq, const struct sched_entity *se)
{
	const struct fair *f = rq->priv;
	uint64_t latency_ns = (uint64_t)rq_param(rq, P_LATENCY);
	uint64_t min_ns = (uint64_t)rq_param(rq, P_MIN_SLICE);
	uint64_t cpus = (uint64_t)rq->cpus, nr = (f->nr + cpus - 1) / cpus;
	uint64_t weight = task_of(se)->weight, load = f->load ? f->load : weight;
	uint64_t slice_ns, least_ns;

	if (nr * min_ns > latency_ns)
		latency_ns = nr * min_ns;
	slice_ns = (uint64_t)((unsigned __int128)latency_ns * weight * cpus / load);
	if (slice_ns > latency_ns)
		slice_ns = latency_ns;
	least_ns = f->nr ? (uint64_t)((unsigned __int128)min_ns * weight * f->nr / load) : min_ns;
	if (least_ns < min_ns / 4)
		least_ns = min_ns / 4;
	if (least_ns > min_ns)
		least_ns = min_ns;
	return slice_ns > least_ns ? slice_ns : least_ns;
}

/* A new task begins a quarter slice behind the least: short-lived ones are served soon, and who
 * makes many of them still pays for each.  A sleeper is given half a latency in advance; neither
 * may save up more. */
static void place(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	const struct fair *f = rq->priv;
	struct fair_task *t = task_of(se);
	uint64_t at = f->min_vruntime;

	if (!t->placed) {
		t->placed = true;
		t->vruntime = at + virtual_ns(slice_of(rq, se) / 4, t->weight);
		return;
	}
	if (why != ENQ_WAKEUP)
		return;
	if (rq_param(rq, P_SLEEPERS) && se->class != SCLASS_IDLE)
		at -= (uint64_t)rq_param(rq, P_LATENCY) / 2;
	if ((int64_t)(at - t->vruntime) > 0)
		t->vruntime = at;
}

/* --- the queue --- */

static void fair_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct fair *f = rq->priv;
	struct fair_task *t = task_of(se);

	if (band_enqueue(rq, &f->band, se, why)) {
		deactivate(f, se);
		return;
	}
	activate(f, se);
	place(rq, se, why);
	if (why == ENQ_YIELD) {
		/* Behind the next one, as far as its share allows. */
		const struct tree_node *first = tree_first(&f->queue);
		uint64_t next = first ? task_of(order_entity(first))->vruntime : t->vruntime;

		if ((int64_t)(next - t->vruntime) > 0)
			t->vruntime = next;
	}
	order_insert(&f->queue, se);
}

static void fair_remove(struct runq *rq, struct sched_entity *se)
{
	struct fair *f = rq->priv;

	if (band_remove(&f->band, se))
		return;
	order_remove(se);
	deactivate(f, se);
}

static struct sched_entity *fair_pick(struct runq *rq, int cpu)
{
	struct fair *f = rq->priv;
	struct sched_entity *se = band_pick(rq, &f->band, cpu);

	if (se)
		return se;
	se = order_take(&f->queue, cpu);
	if (se)
		rq_why(rq, se, "least virtual run time, %+.3f ms from the minimum",
		       (double)(int64_t)(task_of(se)->vruntime - f->min_vruntime) / 1e6);
	return se;
}

static uint64_t fair_slice_ns(struct runq *rq, struct sched_entity *se)
{
	const struct fair *f = rq->priv;
	uint64_t slice_ns = band_slice_ns(&f->band, se);

	return slice_ns ? slice_ns : slice_of(rq, se);
}

/* Another slice for who is still behind all others. */
static uint64_t fair_renew(struct runq *rq, struct sched_entity *se)
{
	const struct fair *f = rq->priv;
	const struct tree_node *first = tree_first(&f->queue);

	if (band_has(&f->band, se) || f->band.deadline.nr || !first)
		return 0;
	for (unsigned i = 0; i < sizeof(f->band.used) / sizeof(*f->band.used); i++)
		if (f->band.used[i])
			return 0;
	if ((int64_t)(task_of(se)->vruntime - task_of(order_entity(first))->vruntime) >= 0)
		return 0;
	return slice_of(rq, se);
}

static void fair_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			enum sched_charge_why why)
{
	struct fair *f = rq->priv;
	struct fair_task *t = task_of(se);

	if (!band_charge(rq, &f->band, se, ran_ns) && t->weight) {
		t->vruntime += virtual_ns(ran_ns, t->weight);
		min_vruntime_update(rq);
	}
	if (why == CHARGE_SLEEP || why == CHARGE_EXIT)
		deactivate(f, se);
}

static bool fair_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	const struct fair *f = rq->priv;
	int order = band_compare(&f->band, woken, curr);

	if (order || band_has(&f->band, woken))
		return order > 0;
	if (woken->class == SCLASS_IDLE || curr->class == SCLASS_IDLE)
		return woken->class != curr->class;
	if (woken->class == SCLASS_BATCH)
		return false;
	int64_t ahead = (int64_t)(task_of(curr)->vruntime - task_of(woken)->vruntime);
	uint64_t least = virtual_ns((uint64_t)rq_param(rq, P_WAKEUP), task_of(woken)->weight);
	if (ahead <= (int64_t)least)
		return false;
	rq_why(rq, woken, "%s is %.3f ms of virtual run time ahead", curr->name,
	       (double)ahead / 1e6);
	return true;
}

static void fair_changed(struct runq *rq, struct sched_entity *se)
{
	refresh(rq->priv, se);
}

static int fair_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		      uint64_t deadline, uint64_t period)
{
	const struct fair *f = rq->priv;

	return band_admit(rq, &f->band, se, runtime, deadline, period);
}

static bool fair_inherit(struct runq *rq, struct sched_entity *se)
{
	if (!refresh(rq->priv, se))
		return false;
	rq_why(rq, se, "is as urgent now as who waits for its lock");
	return true;
}

static void fair_timer(struct runq *rq)
{
	struct fair *f = rq->priv;

	band_timer(rq, &f->band);
}

static const struct policy_param fair_params[] = {
    {"latency", PARAM_TIME, false, "24ms", 1000, 1000000000000,
     "within it each of a few tasks gets a turn"},
    {"min_slice", PARAM_TIME, false, "4ms", 1000, 1000000000000, "turn of one among many"},
    {"wakeup", PARAM_TIME, false, "500us", 0, 1000000000000,
     "how far the running task must be ahead for a woken one to take its CPU"},
    {"sleepers", PARAM_BOOL, false, "1", 0, 1, "a woken task gets half a latency in advance"},
    {"rr_slice", PARAM_TIME, false, "100ms", 1000, 1000000000000, "turn of an RR task"},
    {"limit", PARAM_INT, false, "95", 1, 100, "per cent of each CPU that DEADLINE may have"},
    {.key = NULL},
};

const struct sched_policy sched_fair = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION |
	     POLICY_HONOURS_NICE | POLICY_HONOURS_RT | POLICY_HONOURS_DEADLINE | POLICY_INHERITS |
	     POLICY_FAIR,
    .name = "fair",
    .summary = "weighted fair shares by nice values, as Linux's CFS; real-time classes first",
    .about = "Source: the CFS of Linux 2.6.23 to 6.5, with its nice weights.\n"
	     "For: general use: shares by nice values, quick response of tasks that sleep much.\n"
	     "Limits: one queue for all CPUs; how long a wake-up waits depends on heuristics.\n"
	     "What it promises holds for ordinary tasks: FIFO, RR and DEADLINE come first.",
    .params = fair_params,
    .priv_size = sizeof(struct fair),
    .task_size = sizeof(struct fair_task),
    .init = fair_init,
    .task_init = fair_task_init,
    .task_exit = fair_task_exit,
    .enqueue = fair_enqueue,
    .remove = fair_remove,
    .pick = fair_pick,
    .slice_ns = fair_slice_ns,
    .renew = fair_renew,
    .charge = fair_charge,
    .preempts = fair_preempts,
    .changed = fair_changed,
    .admit = fair_admit,
    .inherit = fair_inherit,
    .timer = fair_timer,
};
