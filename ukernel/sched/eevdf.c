/*
 * eevdf.c - earliest eligible virtual deadline first: of the tasks that have not had more than
 * their share, the one whose request should be served first.
 *
 * Source: Stoica and Abdel-Wahab, Earliest Eligible Virtual Deadline First, TR-95-22, Old Dominion
 * University, 1995, in the form of Linux 6.6 and later (kernel/sched/fair.c).  Virtual time V is
 * the average of all active tasks' own, by weight; a task's lag is how far it is behind V; who is
 * not ahead is eligible; its deadline is its own time plus one request divided by its weight.
 *
 * For: general use, as fair, with a rule in the place of heuristics: the request (slice) is short
 * for who wants to wait shortly (sched_setattr's runtime, or latency-nice), at no cost in share.
 *
 * Limits: one queue for all CPUs; a task that must not wait needs a shorter request than its rivals
 * or a real-time class (band.h: FIFO, RR and DEADLINE come first).
 */
#include "sched/band.h"

enum { P_SLICE, P_PARITY, P_RR_SLICE, P_LIMIT };

#define WEIGHT_0    1024U
#define WEIGHT_IDLE 3U
#define SLICE_MIN   100000U
#define SLICE_MAX   100000000U

struct eevdf_task {
	struct band_task band;
	int64_t vruntime, deadline; /* virtual ns */
	int64_t min_deadline;	    /* of its subtree */
	int64_t lag;		    /* asleep: V - vruntime as it was */
	uint64_t slice_ns;	    /* its request */
	uint32_t weight;
	bool active; /* in the average: queued or running as an ordinary task */
	bool bound;  /* queued, and may not run everywhere */
	bool known;  /* has been active before */
};
_Static_assert(sizeof(struct eevdf_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct eevdf {
	struct band band;
	struct tree queue; /* by vruntime */
	__int128 weighted; /* sum of weight * vruntime of the active */
	uint64_t load;	   /* sum of weight */
	int64_t idle_v;	   /* V when nobody is active */
	unsigned bound;
};

static struct eevdf_task *task_of(const struct sched_entity *se)
{
	return (struct eevdf_task *)se->priv;
}

static struct eevdf_task *task_at(const struct tree_node *n)
{
	return task_of(order_entity(n));
}

static bool eevdf_less(const struct tree_node *a, const struct tree_node *b)
{
	return task_at(a)->vruntime < task_at(b)->vruntime;
}

static void eevdf_update(struct tree_node *n)
{
	struct eevdf_task *t = task_at(n);

	t->min_deadline = t->deadline;
	if (n->left && task_at(n->left)->min_deadline < t->min_deadline)
		t->min_deadline = task_at(n->left)->min_deadline;
	if (n->right && task_at(n->right)->min_deadline < t->min_deadline)
		t->min_deadline = task_at(n->right)->min_deadline;
}

static int eevdf_init(struct runq *rq)
{
	struct eevdf *e = rq->priv;

	e->band.hard = true;
	e->band.rr_slice_ns = (uint64_t)rq_param(rq, P_RR_SLICE);
	e->band.limit = (uint64_t)rq_param(rq, P_LIMIT) * 10000;
	band_init(&e->band);
	tree_init(&e->queue, eevdf_less, eevdf_update);
	return 0;
}

/* --- virtual time --- */

static int64_t virtual_ns(uint64_t ns, uint32_t weight)
{
	return weight == WEIGHT_0 ? (int64_t)ns
				  : (int64_t)((unsigned __int128)ns * WEIGHT_0 / weight);
}

static int64_t average(const struct eevdf *e)
{
	return e->load ? (int64_t)(e->weighted / (__int128)e->load) : e->idle_v;
}

static bool eligible(const struct eevdf *e, const struct eevdf_task *t)
{
	return (__int128)t->vruntime * (__int128)e->load <= e->weighted;
}

static void average_add(struct eevdf *e, struct eevdf_task *t)
{
	t->active = true;
	e->weighted += (__int128)t->vruntime * t->weight;
	e->load += t->weight;
}

/* t leaves the average with the lag that it has, within two requests. */
static void average_leave(struct eevdf *e, struct eevdf_task *t)
{
	int64_t limit = virtual_ns(2 * t->slice_ns, t->weight), v = average(e);

	if (!t->active)
		return;
	t->active = false;
	t->lag = v - t->vruntime;
	t->lag = t->lag > limit ? limit : t->lag < -limit ? -limit : t->lag;
	e->weighted -= (__int128)t->vruntime * t->weight;
	e->load -= t->weight;
	if (!e->load)
		e->idle_v = v;
}

/* t comes into the average where its lag, seen from the new V, is what it left with. */
static void average_join(struct runq *rq, struct eevdf_task *t)
{
	struct eevdf *e = rq->priv;
	int64_t request = virtual_ns(t->slice_ns, t->weight), lag = t->lag;

	if (t->active)
		return;
	if (e->load)
		lag =
		    (int64_t)((__int128)lag * (__int128)(e->load + t->weight) / (__int128)e->load);
	else
		lag = 0;
	t->vruntime = average(e) - lag;
	t->deadline = t->vruntime + (t->known ? request : request / 2);
	t->known = true;
	average_add(e, t);
}

/* --- what the user asked for --- */

static uint32_t weight_of(const struct sched_entity *se)
{
	uint32_t weight = se->class == SCLASS_IDLE ? WEIGHT_IDLE : se->weight;

	for (const struct sched_entity *d = se->donors; d; d = d->next_donor)
		if (task_of(d)->weight > weight)
			weight = task_of(d)->weight;
	return weight;
}

/* A request in ns: as told, or the usual one, longer by a tenth for each step of latency-nice. */
static uint64_t request_of(const struct runq *rq, const struct sched_entity *se)
{
	uint64_t ns = se->slice_ns ? se->slice_ns : (uint64_t)rq_param(rq, P_SLICE);

	if (!se->slice_ns) {
		for (int i = 0; i < se->latency_nice; i++)
			ns += ns / 10;
		for (int i = 0; i > se->latency_nice; i--)
			ns -= ns / 10;
	}
	return ns < SLICE_MIN ? SLICE_MIN : ns > SLICE_MAX ? SLICE_MAX : ns;
}

static bool refresh(struct runq *rq, struct sched_entity *se)
{
	struct eevdf *e = rq->priv;
	struct eevdf_task *t = task_of(se);
	uint32_t before = t->weight;
	bool first = !before;

	if (!first)
		average_leave(e, t);
	bool changed = band_refresh(&e->band, se);
	t->weight = weight_of(se);
	t->slice_ns = request_of(rq, se);
	/* Lag is time owed: the same time is less virtual time for a heavier task. */
	if (!first)
		t->lag = (int64_t)((__int128)t->lag * before / t->weight);
	if (se->cpu >= 0 && !band_has(&e->band, se))
		average_join(rq, t);
	return changed || t->weight != before;
}

static void eevdf_task_init(struct runq *rq, struct sched_entity *se,
			    const struct sched_entity *parent)
{
	(void)parent;
	refresh(rq, se);
}

static void eevdf_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct eevdf *e = rq->priv;

	average_leave(e, task_of(se));
	band_task_exit(&e->band, se);
}

/* --- the queue --- */

static void eevdf_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct eevdf *e = rq->priv;
	struct eevdf_task *t = task_of(se);
	uint64_t all = rq->cpus >= 64 ? UINT64_MAX : (1ULL << rq->cpus) - 1;

	if (band_enqueue(rq, &e->band, se, why)) {
		average_leave(e, t);
		return;
	}
	average_join(rq, t);
	/* What is left of the request is given up, so that another's comes first. */
	if (why == ENQ_YIELD)
		t->deadline += virtual_ns(t->slice_ns, t->weight);
	t->bound = (se->affinity & all) != all;
	e->bound += t->bound;
	order_insert(&e->queue, se);
}

static void queue_leave(struct eevdf *e, struct sched_entity *se)
{
	e->bound -= task_of(se)->bound;
	order_remove(se);
}

static void eevdf_remove(struct runq *rq, struct sched_entity *se)
{
	struct eevdf *e = rq->priv;

	if (band_remove(&e->band, se))
		return;
	queue_leave(e, se);
	average_leave(e, task_of(se));
}

/* The earliest deadline of the subtree n, which is min_deadline. */
static struct tree_node *subtree_earliest(struct tree_node *n)
{
	int64_t deadline = task_at(n)->min_deadline;

	while (task_at(n)->deadline != deadline)
		n = n->left && task_at(n->left)->min_deadline == deadline ? n->left : n->right;
	return n;
}

/*
 * The earliest deadline of those who are eligible: they are the left part of the tree.  On the way
 * along its edge, whole subtrees on the left are known by their min_deadline.
 */
static struct tree_node *earliest_eligible(const struct eevdf *e)
{
	struct tree_node *n = e->queue.root, *best = NULL, *best_tree = NULL;

	while (n) {
		if (!eligible(e, task_at(n))) {
			n = n->left;
			continue;
		}
		if (!best || task_at(n)->deadline < task_at(best)->deadline)
			best = n;
		if (n->left && (!best_tree ||
				task_at(n->left)->min_deadline < task_at(best_tree)->min_deadline))
			best_tree = n->left;
		n = n->right;
	}
	if (best_tree && task_at(best_tree)->min_deadline < task_at(best)->deadline)
		return subtree_earliest(best_tree);
	return best;
}

/* The same for a CPU on which not all may run; who is ahead of his share is better than nobody. */
static struct sched_entity *earliest_allowed(const struct eevdf *e, int cpu)
{
	struct sched_entity *best = NULL;
	const struct tree_node *n;

	tree_for_each(n, &e->queue)
	{
		struct sched_entity *se = order_entity(n);

		if (!sched_allowed(se, cpu))
			continue;
		if (best && !eligible(e, task_of(se)))
			break;
		if (!best || task_of(se)->deadline < task_of(best)->deadline)
			best = se;
	}
	return best;
}

static struct sched_entity *eevdf_pick(struct runq *rq, int cpu)
{
	struct eevdf *e = rq->priv;
	struct sched_entity *se = band_pick(rq, &e->band, cpu);

	if (se || !e->queue.root)
		return se;
	if (e->bound) {
		se = earliest_allowed(e, cpu);
	} else {
		const struct tree_node *n = earliest_eligible(e);

		/* Those who run on other CPUs may be behind all who wait. */
		se = order_entity(n ? n : tree_first(&e->queue));
	}
	if (!se)
		return NULL;
	rq_why(rq, se, "%s, lag %+.3f ms, virtual deadline in %.3f ms",
	       eligible(e, task_of(se)) ? "eligible" : "least ahead",
	       (double)(average(e) - task_of(se)->vruntime) / 1e6,
	       (double)(task_of(se)->deadline - average(e)) / 1e6);
	queue_leave(e, se);
	return se;
}

/* Until its own time reaches its deadline. */
static uint64_t request_left(const struct eevdf_task *t)
{
	int64_t left = t->deadline - t->vruntime;

	if (left <= 0)
		return t->slice_ns;
	return (uint64_t)((__int128)left * t->weight / WEIGHT_0) + 1;
}

static uint64_t eevdf_slice_ns(struct runq *rq, struct sched_entity *se)
{
	const struct eevdf *e = rq->priv;
	uint64_t slice_ns = band_slice_ns(&e->band, se);

	return slice_ns ? slice_ns : request_left(task_of(se));
}

/* Its request was served: another one at once if it would be picked again. */
static uint64_t eevdf_renew(struct runq *rq, struct sched_entity *se)
{
	const struct eevdf *e = rq->priv;
	const struct tree_node *n = earliest_eligible(e);

	if (band_has(&e->band, se) || e->band.deadline.nr || !e->queue.root || e->bound)
		return 0;
	for (unsigned i = 0; i < sizeof(e->band.used) / sizeof(*e->band.used); i++)
		if (e->band.used[i])
			return 0;
	if (n && (!eligible(e, task_of(se)) || task_at(n)->deadline <= task_of(se)->deadline))
		return 0;
	if (!n && !eligible(e, task_of(se)))
		return 0;
	return request_left(task_of(se));
}

static void eevdf_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			 enum sched_charge_why why)
{
	struct eevdf *e = rq->priv;
	struct eevdf_task *t = task_of(se);

	if (!band_charge(rq, &e->band, se, ran_ns) && t->active) {
		int64_t ran = virtual_ns(ran_ns, t->weight);

		t->vruntime += ran;
		e->weighted += (__int128)ran * t->weight;
		if (t->vruntime >= t->deadline) {
			t->deadline = t->vruntime + virtual_ns(t->slice_ns, t->weight);
			rq_why(rq, se,
			       "its request is served; the next one's deadline is %.3f ms later",
			       (double)virtual_ns(t->slice_ns, t->weight) / 1e6);
		}
	}
	if (why == CHARGE_SLEEP || why == CHARGE_EXIT)
		average_leave(e, t);
}

static bool eevdf_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	const struct eevdf *e = rq->priv;
	const struct eevdf_task *w = task_of(woken), *c = task_of(curr);
	int order = band_compare(&e->band, woken, curr);

	if (order || band_has(&e->band, woken))
		return order > 0;
	if (woken->class == SCLASS_IDLE || curr->class == SCLASS_IDLE)
		return woken->class != curr->class;
	if (woken->class == SCLASS_BATCH || !eligible(e, w))
		return false;
	/* Until it has had its due, the running task is left alone by whose request is as long. */
	if (rq_param(rq, P_PARITY) && eligible(e, c) && w->slice_ns >= c->slice_ns)
		return false;
	if (w->deadline >= c->deadline)
		return false;
	rq_why(rq, woken, "eligible, and its deadline is %.3f ms before that of %s",
	       (double)(c->deadline - w->deadline) / 1e6, curr->name);
	return true;
}

static void eevdf_changed(struct runq *rq, struct sched_entity *se)
{
	refresh(rq, se);
}

static int eevdf_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		       uint64_t deadline, uint64_t period)
{
	const struct eevdf *e = rq->priv;

	return band_admit(rq, &e->band, se, runtime, deadline, period);
}

static bool eevdf_inherit(struct runq *rq, struct sched_entity *se)
{
	if (!refresh(rq, se))
		return false;
	rq_why(rq, se, "is as urgent now as who waits for its lock");
	return true;
}

static void eevdf_timer(struct runq *rq)
{
	struct eevdf *e = rq->priv;

	band_timer(rq, &e->band);
}

static const struct policy_param eevdf_params[] = {
    {"slice", PARAM_TIME, false, "3ms", 100000, 100000000,
     "a request: how long a task runs when it is its turn"},
    {"parity", PARAM_BOOL, false, "0", 0, 1,
     "a woken task takes no CPU from one that is behind its share, unless its request is shorter"},
    {"rr_slice", PARAM_TIME, false, "100ms", 1000, 1000000000000, "turn of an RR task"},
    {"limit", PARAM_INT, false, "95", 1, 100, "per cent of each CPU that DEADLINE may have"},
    {.key = NULL},
};

const struct sched_policy sched_eevdf = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION |
	     POLICY_HONOURS_NICE | POLICY_HONOURS_RT | POLICY_HONOURS_DEADLINE | POLICY_INHERITS |
	     POLICY_FAIR,
    .name = "eevdf",
    .summary = "earliest eligible virtual deadline first, as Linux 6.6; real-time classes first",
    .about =
	"Source: Stoica and Abdel-Wahab, TR-95-22, Old Dominion University, 1995; Linux 6.6.\n"
	"For: general use: shares by nice values; a short request (sched_setattr's runtime, "
	"latency-nice) waits shortly.\n"
	"Limits: one queue for all CPUs; who must not wait needs a shorter request than others "
	"or a real-time class.\n"
	"What it promises holds for ordinary tasks: FIFO, RR and DEADLINE come first.",
    .params = eevdf_params,
    .priv_size = sizeof(struct eevdf),
    .task_size = sizeof(struct eevdf_task),
    .init = eevdf_init,
    .task_init = eevdf_task_init,
    .task_exit = eevdf_task_exit,
    .enqueue = eevdf_enqueue,
    .remove = eevdf_remove,
    .pick = eevdf_pick,
    .slice_ns = eevdf_slice_ns,
    .renew = eevdf_renew,
    .charge = eevdf_charge,
    .preempts = eevdf_preempts,
    .changed = eevdf_changed,
    .admit = eevdf_admit,
    .inherit = eevdf_inherit,
    .timer = eevdf_timer,
};
