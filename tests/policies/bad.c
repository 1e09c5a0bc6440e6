/*
 * bad.c - a policy that breaks one rule at a time, for the tests of the watchdog: round robin until
 * its pick number `after`, then what `kind` says.
 */
#include <ukernel/policy.h>

#include <stdlib.h>
#include <string.h>

#ifndef ABI
#define ABI SCHED_POLICY_ABI
#endif

enum { P_KIND, P_AFTER };
enum kind {
	LOSES = 1,
	PICKS_SLEEPER,
	PICKS_RUNNING,
	PICKS_NOTHING_THERE,
	LOOPS,
	CRASHES,
	STARVES,
	NO_SLICE,
	DIVIDES,
	JUMPS,
	LOOPS_IN_LIBC,
	CRASHES_IN_LIBC,
	PICKS_NOBODY,
	HANGS_IN_CHARGE,
	RECURSES,
	NEVER_LETS_GO,
};

static const struct policy_param params[] = {
    {"kind", PARAM_INT, false, "0", 0, 100, "what it does wrong"},
    {"after", PARAM_INT, false, "10", 0, 1000000, "from this pick on"},
    {.key = NULL},
};

struct bad {
	struct sched_list queue;
	int64_t picks;
	struct sched_entity *last; /* picked before */
	uint64_t victim;	   /* id of who starves */
};

static bool now(struct runq *rq, int kind)
{
	struct bad *b = rq->priv;

	return rq_param(rq, P_KIND) == kind && b->picks >= rq_param(rq, P_AFTER);
}

static int bad_init(struct runq *rq)
{
	struct bad *b = rq->priv;

	sched_list_init(&b->queue);
	return 0;
}

static void bad_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct bad *b = rq->priv;

	(void)why;
	if (now(rq, LOSES))
		return;
	sched_list_insert(&se->link, &b->queue);
}

static void bad_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	sched_list_del(&se->link);
}

static int __attribute__((noinline)) deeper(volatile char *above, int n)
{
	volatile char here[512];

	here[0] = above[0];
	return n < 0 ? 0 : deeper(here, n + 1) + here[0];
}

static void misbehave(struct runq *rq)
{
	volatile int zero = 0;
	char start = 0;

	if (now(rq, LOOPS))
		for (;;)
			zero++;
	if (now(rq, CRASHES))
		*(volatile int *)8 = 1;
	if (now(rq, DIVIDES))
		zero = 7 / zero;
	if (now(rq, JUMPS))
		((void (*)(void))(uintptr_t)zero)();
	if (now(rq, LOOPS_IN_LIBC))
		for (;;)
			free(malloc(100));
	if (now(rq, CRASHES_IN_LIBC))
		memset((void *)(uintptr_t)(8 + zero), 1, 100000 + (size_t)zero);
	if (now(rq, RECURSES))
		deeper(&start, 0);
}

static struct sched_entity *bad_pick(struct runq *rq, int cpu)
{
	struct bad *b = rq->priv;
	struct sched_entity *se, *picked = NULL;

	b->picks++;
	misbehave(rq);
	if (now(rq, PICKS_NOTHING_THERE))
		return (struct sched_entity *)0x1000;
	if (now(rq, PICKS_NOBODY))
		return NULL;
	if (now(rq, PICKS_SLEEPER) && b->last && !b->last->queued && b->last->cpu < 0)
		return b->last;
	if (now(rq, PICKS_RUNNING) && b->last && b->last->cpu >= 0)
		return b->last;
	sched_list_for_each(se, &b->queue)
	{
		if (now(rq, STARVES) && !b->victim)
			b->victim = se->id;
		if (sched_allowed(se, cpu) && !(now(rq, STARVES) && se->id == b->victim)) {
			picked = se;
			break;
		}
	}
	if (!picked)
		return NULL;
	sched_list_del(&picked->link);
	b->last = picked;
	return picked;
}

static uint64_t bad_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)se;
	if (now(rq, NO_SLICE))
		return 0;
	return now(rq, NEVER_LETS_GO) ? SCHED_FOREVER : 1000000;
}

static void bad_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
		       enum sched_charge_why why)
{
	(void)se;
	(void)ran_ns;
	(void)why;
	while (now(rq, HANGS_IN_CHARGE))
		;
}

static void bad_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct bad *b = rq->priv;

	if (b->last == se)
		b->last = NULL;
}

static const struct sched_policy policy = {
    .abi = ABI,
    .name = "bad",
    .summary = "breaks a rule",
    .params = params,
#ifdef CONSERVING
    .flags = POLICY_WORK_CONSERVING,
#endif
    .priv_size = sizeof(struct bad),
    .init = bad_init,
    .task_exit = bad_task_exit,
    .enqueue = bad_enqueue,
    .remove = bad_remove,
    .pick = bad_pick,
    .slice_ns = bad_slice_ns,
    .charge = bad_charge,
};

SCHED_POLICY_EXPORT(policy);
