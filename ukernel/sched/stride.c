/*
 * stride.c - stride scheduling: each task has a pass that grows as it runs, the slower the more
 * tickets it holds; the lowest pass runs.
 *
 * Source: Waldspurger and Weihl, Stride Scheduling: Deterministic Proportional-Share Resource
 * Management, MIT/LCS/TM-528, 1995, with its global pass for tasks that come and go, and passes
 * charged by the time that was really used; OSTEP ch. 9.
 * For: CPU time in proportion to tickets (from nice values where none were given), off by one slice
 * at most, with no dice.
 * Limits: a woken task waits for its turn; wake-ups are not preferred, so response suffers beside
 * many hogs.
 */
#include "sched/order.h"

enum { P_SLICE };

/* Pass of 1 ns with 1 ticket: 2^20, so that 2^20 tickets still count. */
#define STRIDE1_SHIFT 20

struct stride_task {
	struct tree_node node;
	uint64_t pass; /* wraps: compare by difference */
	uint64_t tickets;
	int64_t remain; /* asleep: how far its pass was from the global one */
	bool active;	/* counted in the sum of tickets */
};
_Static_assert(sizeof(struct stride_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct stride {
	struct tree queue;
	uint64_t global_pass;
	uint64_t tickets; /* of all active tasks */
};

static struct stride_task *task_of(struct sched_entity *se)
{
	return (struct stride_task *)se->priv;
}

static bool stride_less(const struct tree_node *a, const struct tree_node *b)
{
	return (int64_t)(task_of(order_entity(a))->pass - task_of(order_entity(b))->pass) < 0;
}

static int stride_init(struct runq *rq)
{
	struct stride *s = rq->priv;

	tree_init(&s->queue, stride_less, NULL);
	return 0;
}

static uint64_t advance(uint64_t ran_ns, uint64_t tickets)
{
	return (uint64_t)(((unsigned __int128)ran_ns << STRIDE1_SHIFT) / tickets);
}

static void task_join(struct runq *rq, struct sched_entity *se)
{
	struct stride *s = rq->priv;
	struct stride_task *t = task_of(se);

	t->tickets = se->tickets ? se->tickets : se->weight;
	t->pass = s->global_pass + (uint64_t)t->remain;
	t->active = true;
	s->tickets += t->tickets;
}

static void task_leave(struct stride *s, struct stride_task *t)
{
	if (!t->active)
		return;
	t->active = false;
	t->remain = (int64_t)(t->pass - s->global_pass);
	s->tickets -= t->tickets;
}

static void stride_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct stride *s = rq->priv;

	(void)why;
	if (!task_of(se)->active)
		task_join(rq, se);
	order_insert(&s->queue, se);
}

static void stride_remove(struct runq *rq, struct sched_entity *se)
{
	order_remove(se);
	task_leave(rq->priv, task_of(se));
}

static struct sched_entity *stride_pick(struct runq *rq, int cpu)
{
	struct stride *s = rq->priv;
	struct sched_entity *se = order_take(&s->queue, cpu);

	if (se)
		rq_why(rq, se, "lowest pass, %+.3f ms of one ticket's time from the average",
		       (double)(int64_t)(task_of(se)->pass - s->global_pass) /
			   (double)(1 << STRIDE1_SHIFT) / 1e6);
	return se;
}

static uint64_t stride_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)se;
	return (uint64_t)rq_param(rq, P_SLICE);
}

static void stride_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			  enum sched_charge_why why)
{
	struct stride *s = rq->priv;
	struct stride_task *t = task_of(se);

	if (!t->active)
		return;
	t->pass += advance(ran_ns, t->tickets);
	s->global_pass += advance(ran_ns, s->tickets);
	if (why == CHARGE_SLEEP || why == CHARGE_EXIT)
		task_leave(s, t);
}

/* Its distance from the average is time that it is owed: more tickets shrink it. */
static void stride_changed(struct runq *rq, struct sched_entity *se)
{
	struct stride *s = rq->priv;
	struct stride_task *t = task_of(se);
	uint64_t tickets = se->tickets ? se->tickets : se->weight;
	bool active = t->active;

	if (!t->tickets || tickets == t->tickets)
		return;
	task_leave(s, t);
	t->remain = (int64_t)((__int128)t->remain * (int64_t)t->tickets / (int64_t)tickets);
	if (active)
		task_join(rq, se);
}

static const struct policy_param stride_params[] = {
    {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000, "how long a turn lasts"},
    {.key = NULL},
};

const struct sched_policy sched_stride = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION |
	     POLICY_HONOURS_NICE | POLICY_FAIR,
    .name = "stride",
    .summary = "stride: shares by tickets without dice, the lowest pass runs",
    .about =
	"Source: Waldspurger and Weihl, Stride Scheduling, MIT/LCS/TM-528, 1995; OSTEP ch. 9.\n"
	"For: CPU time in proportion to tickets (or nice values), off by a slice at most.\n"
	"Limits: a woken task waits for its turn; response suffers beside many hogs.",
    .params = stride_params,
    .priv_size = sizeof(struct stride),
    .task_size = sizeof(struct stride_task),
    .init = stride_init,
    .enqueue = stride_enqueue,
    .remove = stride_remove,
    .pick = stride_pick,
    .slice_ns = stride_slice_ns,
    .charge = stride_charge,
    .changed = stride_changed,
};
