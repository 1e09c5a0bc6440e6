/*
 * lottery.c - lottery scheduling: each slice is drawn among the tickets of those who wait for it.
 *
 * Source: Waldspurger and Weihl, Lottery Scheduling: Flexible Proportional-Share Resource
 * Management, OSDI 1994; OSTEP ch. 9 and its simulator lottery.py, whose draws this policy repeats
 * for the same seed.
 * For: CPU time in proportion to tickets (from nice values where none were given), with no state to
 * keep and nothing to repair when a task comes or goes.
 * Limits: only on average: over short times shares are off by the square root of the draws; no
 * bound on a single wait, a woken task waits for its luck.
 *
 * A task that gives its slice back after a fraction f of it holds 1/f times its tickets until it
 * wins again (compensation tickets), else those who wait often would get less than their share.
 */
#include "lib/mt19937.h"
#include "sched/order.h"

enum { P_SLICE, P_COMPENSATE, P_SKIP };

/* Up to here numbers are made as lottery.py makes them; more tickets want more bits. */
#define TICKETS_PYTHON 10000
#define COMPENSATE_MAX 100

struct lottery_task {
	struct tree_node node; /* in order of id */
	uint64_t tickets;      /* that it draws with now */
	uint64_t sum;	       /* of its subtree */
	uint64_t used_ns;      /* since it was picked */
	bool bound;	       /* may not run everywhere */
};
_Static_assert(sizeof(struct lottery_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct lottery {
	struct tree queue;
	struct mt19937 mt;
	unsigned bound; /* waiting tasks that may not run everywhere */
};

static struct lottery_task *task_of(struct sched_entity *se)
{
	return (struct lottery_task *)se->priv;
}

static struct lottery_task *task_at(struct tree_node *n)
{
	return task_of(order_entity(n));
}

static bool lottery_less(const struct tree_node *a, const struct tree_node *b)
{
	return order_entity(a)->id < order_entity(b)->id;
}

static void lottery_sum(struct tree_node *n)
{
	struct lottery_task *t = task_at(n);

	t->sum = t->tickets;
	if (n->left)
		t->sum += task_at(n->left)->sum;
	if (n->right)
		t->sum += task_at(n->right)->sum;
}

static int lottery_init(struct runq *rq)
{
	struct lottery *l = rq->priv;

	tree_init(&l->queue, lottery_less, lottery_sum);
	mt_seed(&l->mt, rq->seed);
	for (int64_t i = 0; i < rq_param(rq, P_SKIP); i++)
		mt_real(&l->mt);
	return 0;
}

static uint64_t own_tickets(const struct sched_entity *se)
{
	return se->tickets ? se->tickets : se->weight;
}

static bool is_bound(const struct runq *rq, const struct sched_entity *se)
{
	uint64_t all = rq->cpus >= 64 ? UINT64_MAX : (1ULL << rq->cpus) - 1;

	return (se->affinity & all) != all;
}

static void lottery_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct lottery *l = rq->priv;
	struct lottery_task *t = task_of(se);
	uint64_t slice_ns = (uint64_t)rq_param(rq, P_SLICE);

	t->tickets = own_tickets(se);
	if (why == ENQ_WAKEUP && rq_param(rq, P_COMPENSATE) && t->used_ns &&
	    t->used_ns < slice_ns) {
		uint64_t times = slice_ns / t->used_ns;

		/* in 64ths, so that half a slice and a bit counts */
		t->tickets = times >= COMPENSATE_MAX
				 ? t->tickets * COMPENSATE_MAX
				 : t->tickets * (slice_ns * 64 / t->used_ns) / 64;
		rq_why(rq, se, "used %.3f ms of its slice: holds %llu tickets for %llu",
		       (double)t->used_ns / 1e6, (unsigned long long)t->tickets,
		       (unsigned long long)own_tickets(se));
	}
	t->bound = is_bound(rq, se);
	l->bound += t->bound;
	order_insert(&l->queue, se);
}

static void lottery_remove(struct runq *rq, struct sched_entity *se)
{
	struct lottery *l = rq->priv;

	l->bound -= task_of(se)->bound;
	order_remove(se);
}

/* A number below total. */
static uint64_t draw(struct lottery *l, uint64_t total)
{
	if (total <= TICKETS_PYTHON)
		return (uint64_t)(mt_real(&l->mt) * 1000001) % total;
	uint64_t high = mt_next(&l->mt);
	return (high << 32 | mt_next(&l->mt)) % total;
}

/* Who holds ticket winner, counted in order of id. */
static struct sched_entity *holder(struct tree_node *n, uint64_t winner)
{
	for (;;) {
		uint64_t left = n->left ? task_at(n->left)->sum : 0;

		if (winner < left) {
			n = n->left;
			continue;
		}
		winner -= left;
		if (winner < task_at(n)->tickets)
			return order_entity(n);
		winner -= task_at(n)->tickets;
		n = n->right;
	}
}

/* The same among those who may run on cpu: one after the other. */
static struct sched_entity *draw_allowed(struct lottery *l, int cpu)
{
	struct tree_node *n;
	uint64_t total = 0, winner;

	tree_for_each(n, &l->queue) if (sched_allowed(order_entity(n), cpu)) total +=
	    task_at(n)->tickets;
	if (!total)
		return NULL;
	winner = draw(l, total);
	tree_for_each(n, &l->queue)
	{
		if (!sched_allowed(order_entity(n), cpu))
			continue;
		if (winner < task_at(n)->tickets)
			break;
		winner -= task_at(n)->tickets;
	}
	return order_entity(n);
}

static struct sched_entity *lottery_pick(struct runq *rq, int cpu)
{
	struct lottery *l = rq->priv;
	struct sched_entity *se;

	if (!l->queue.root)
		return NULL;
	uint64_t total = task_at(l->queue.root)->sum;
	if (l->bound) {
		se = draw_allowed(l, cpu);
	} else {
		uint64_t winner = draw(l, total);

		se = holder(l->queue.root, winner);
		rq_why(rq, se, "winning ticket %llu of %llu", (unsigned long long)winner,
		       (unsigned long long)total);
	}
	if (!se)
		return NULL;
	lottery_remove(rq, se);
	task_of(se)->used_ns = 0;
	return se;
}

static uint64_t lottery_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)se;
	return (uint64_t)rq_param(rq, P_SLICE);
}

static void lottery_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			   enum sched_charge_why why)
{
	(void)rq;
	(void)why;
	task_of(se)->used_ns += ran_ns;
}

static const struct policy_param lottery_params[] = {
    {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000, "what is drawn for"},
    {"compensate", PARAM_BOOL, false, "1", 0, 1,
     "more tickets for a task that did not use its slice, until it wins"},
    {"skip", PARAM_INT, false, "0", 0, 100000000,
     "random numbers to throw away first: lottery.py spends some on its list of jobs"},
    {.key = NULL},
};

const struct sched_policy sched_lottery = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION |
	     POLICY_HONOURS_NICE | POLICY_RANDOM | POLICY_FAIR,
    .name = "lottery",
    .summary = "lottery: each slice is drawn, tickets are chances",
    .about = "Source: Waldspurger and Weihl, Lottery Scheduling, OSDI 1994; OSTEP ch. 9 and its "
	     "simulator lottery.py, whose draws it repeats for the same seed.\n"
	     "For: CPU time in proportion to tickets (or nice values) with no state to keep.\n"
	     "Limits: proportional only on average; no bound on a single wait.",
    .params = lottery_params,
    .priv_size = sizeof(struct lottery),
    .task_size = sizeof(struct lottery_task),
    .init = lottery_init,
    .enqueue = lottery_enqueue,
    .remove = lottery_remove,
    .pick = lottery_pick,
    .slice_ns = lottery_slice_ns,
    .charge = lottery_charge,
};
