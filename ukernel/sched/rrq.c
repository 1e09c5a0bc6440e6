/*
 * rrq.c - round robin with a queue for each CPU: a task stays where it ran, until an empty queue
 * takes it from another from time to time.
 *
 * Source: OSTEP ch. 10 (multi-queue scheduling) and its simulator multi.py -p, whose choices this
 * policy repeats for the same seed.
 * For: seeing what affinity to a cache is worth against an even load (see rr for one queue).
 * Limits: until the next look at the others a CPU may idle while tasks wait elsewhere; it knows no
 * priorities.
 */
#include "lib/mt19937.h"
#include "sched/policy.h"

#include <errno.h>

enum { P_SLICE, P_PEEK };

#define TIMER_MIN 10000
#define LOOKS_MAX 10000 /* that are made up for */

struct rrq {
	struct sched_list queue[SCHED_CPUS_MAX];
	struct mt19937 mt;
	uint64_t start_ns;
	uint64_t looks; /* so far, with those that nobody needed */
	int next;	/* CPU of the next new task */
	bool armed;
};

struct rrq_task {
	int64_t home; /* whose queue it goes to */
};

static struct rrq_task *task_of(struct sched_entity *se)
{
	return (struct rrq_task *)se->priv;
}

static int rrq_init(struct runq *rq)
{
	struct rrq *r = rq->priv;
	int64_t peek = rq_param(rq, P_PEEK);

	if (peek && peek < TIMER_MIN) {
		rq_why(rq, NULL, "it looks no more often than each 10 us");
		return -EINVAL;
	}
	for (int i = 0; i < rq->cpus; i++)
		sched_list_init(&r->queue[i]);
	mt_seed(&r->mt, rq->seed);
	r->start_ns = rq->now_ns;
	return 0;
}

/* The next CPU in turn that it may use. */
static int next_home(struct runq *rq, const struct sched_entity *se)
{
	struct rrq *r = rq->priv;

	for (int i = 0; i < rq->cpus; i++) {
		int cpu = (r->next + i) % rq->cpus;

		if (sched_allowed(se, cpu)) {
			r->next = (cpu + 1) % rq->cpus;
			return cpu;
		}
	}
	return 0;
}

/* Below n, as Python's random.choice() draws it. */
static unsigned choose(struct mt19937 *mt, unsigned n)
{
	unsigned bits = 32 - (unsigned)__builtin_clz(n), at;

	do
		at = mt_next(mt) >> (32 - bits);
	while (at >= n);
	return at;
}

/*
 * Looks are at multiples of the period, as long as somebody waits.  Else they would find nothing,
 * but draw their numbers: that is made up for.
 */
static void arm(struct runq *rq)
{
	struct rrq *r = rq->priv;
	uint64_t peek_ns = (uint64_t)rq_param(rq, P_PEEK), looks;

	if (r->armed || !peek_ns || rq->cpus == 1)
		return;
	looks = (rq->now_ns - r->start_ns) / peek_ns;
	if (looks > r->looks + LOOKS_MAX)
		r->looks = looks - LOOKS_MAX;
	for (; r->looks < looks; r->looks++)
		for (int cpu = 0; cpu < rq->cpus; cpu++)
			choose(&r->mt, (unsigned)rq->cpus - 1);
	r->armed = true;
	rq_timer(rq, r->start_ns + (looks + 1) * peek_ns);
}

static void rrq_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct rrq *r = rq->priv;
	struct rrq_task *t = task_of(se);

	if (why == ENQ_NEW || !sched_allowed(se, (int)t->home)) {
		t->home = next_home(rq, se);
		rq_why(rq, se, "goes to the queue of CPU %d", (int)t->home);
	}
	sched_list_insert(&se->link, &r->queue[t->home]);
	arm(rq);
}

static void rrq_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	sched_list_del(&se->link);
}

static struct sched_entity *rrq_pick(struct runq *rq, int cpu)
{
	struct rrq *r = rq->priv;

	return sched_list_take(&r->queue[cpu], cpu);
}

static uint64_t rrq_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)se;
	return (uint64_t)rq_param(rq, P_SLICE);
}

static void rrq_timer(struct runq *rq)
{
	struct rrq *r = rq->priv;

	r->armed = false;
	r->looks++;
	for (int cpu = 0; cpu < rq->cpus; cpu++) {
		struct sched_entity *se;

		if (!sched_list_empty(&r->queue[cpu]))
			continue;
		int other = (int)choose(&r->mt, (unsigned)rq->cpus - 1);
		other += other >= cpu;
		se = sched_list_take(&r->queue[other], cpu);
		if (!se)
			continue;
		task_of(se)->home = cpu;
		sched_list_insert(&se->link, &r->queue[cpu]);
		rq_why(rq, se, "the queue of CPU %d is empty: taken from CPU %d", cpu, other);
	}
	if (rq->nr_queued)
		arm(rq);
}

static const struct policy_param rrq_params[] = {
    {"slice", PARAM_TIME, false, "4ms", 1000, 1000000000000,
     "how long a task runs before it is the next one's turn"},
    {"peek", PARAM_TIME, false, "30ms", 0, 1000000000000,
     "how often an empty queue looks into another one; 0: never"},
    {.key = NULL},
};

const struct sched_policy sched_rrq = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_PREEMPTIVE | POLICY_NO_STARVATION | POLICY_RANDOM,
    .name = "rrq",
    .summary = "round robin with a queue for each CPU; an empty one takes from another",
    .about = "Source: OSTEP ch. 10 and its simulator multi.py -p (-P is peek).\n"
	     "For: seeing what affinity to a cache is worth against an even load.\n"
	     "Limits: until the next look at the others a CPU may idle while tasks wait elsewhere; "
	     "it knows no priorities.",
    .params = rrq_params,
    .priv_size = sizeof(struct rrq),
    .task_size = sizeof(struct rrq_task),
    .init = rrq_init,
    .enqueue = rrq_enqueue,
    .remove = rrq_remove,
    .pick = rrq_pick,
    .slice_ns = rrq_slice_ns,
    .timer = rrq_timer,
};
