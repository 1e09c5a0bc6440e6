/*
 * band.c - the real-time classes, see band.h.
 */
#include "sched/band.h"

#include <errno.h>

enum band_where { OUT, IN_LEVEL, IN_DEADLINE, IN_THROTTLED };

#define MILLION 1000000ULL

/* --- orders --- */

static bool deadline_less(const struct tree_node *a, const struct tree_node *b)
{
	return band_task_of(order_entity(a))->eff_deadline_ns <
	       band_task_of(order_entity(b))->eff_deadline_ns;
}

/* When the next period of a throttled task begins. */
static uint64_t replenish_ns(const struct sched_entity *se)
{
	return band_task_of(se)->deadline_ns - se->dl_deadline + se->dl_period;
}

static bool throttled_less(const struct tree_node *a, const struct tree_node *b)
{
	return replenish_ns(order_entity(a)) < replenish_ns(order_entity(b));
}

void band_init(struct band *b)
{
	tree_init(&b->deadline, deadline_less, NULL);
	tree_init(&b->throttled, throttled_less, NULL);
	for (int i = 0; i < BAND_LEVELS; i++)
		sched_list_init(&b->level[i]);
}

/* --- urgency --- */

static int own_level(const struct sched_entity *se)
{
	switch (se->class) {
	case SCLASS_FIFO:
	case SCLASS_RR:
		return BAND_LEVEL_RT + se->rt_priority;
	case SCLASS_IDLE:
		return 0;
	default:
		return 20 - se->nice;
	}
}

static enum band_kind own_kind(const struct band *b, const struct sched_entity *se)
{
	if (se->class == SCLASS_DEADLINE && se->dl_runtime)
		return BAND_DEADLINE;
	if ((se->class == SCLASS_FIFO || se->class == SCLASS_RR) && !b->no_rt)
		return BAND_RT;
	return BAND_NORMAL;
}

static uint32_t share_of(uint64_t runtime, uint64_t deadline, uint64_t period)
{
	uint64_t within = deadline && deadline < period ? deadline : period;

	return within ? (uint32_t)((unsigned __int128)runtime * MILLION / within) : 0;
}

bool band_refresh(struct band *b, struct sched_entity *se)
{
	struct band_task *t = band_task_of(se);
	const struct band_task before = *t;
	uint32_t share = 0;

	t->kind = t->eff_kind = (uint8_t)own_kind(b, se);
	t->level = t->eff_level = (uint8_t)own_level(se);
	t->eff_deadline_ns = t->kind == BAND_DEADLINE ? t->deadline_ns : SCHED_FOREVER;
	if (t->kind == BAND_DEADLINE)
		share = share_of(se->dl_runtime, se->dl_deadline, se->dl_period);
	b->share += share - (uint64_t)t->share;
	t->share = share;
	for (const struct sched_entity *d = se->donors; d; d = d->next_donor) {
		const struct band_task *donor = band_task_of(d);

		if (donor->eff_kind > t->eff_kind)
			t->eff_kind = donor->eff_kind;
		if (donor->eff_level > t->eff_level)
			t->eff_level = donor->eff_level;
		if (donor->eff_deadline_ns < t->eff_deadline_ns)
			t->eff_deadline_ns = donor->eff_deadline_ns;
	}
	return t->eff_kind != before.eff_kind || t->eff_level != before.eff_level ||
	       t->eff_deadline_ns != before.eff_deadline_ns;
}

void band_task_exit(struct band *b, struct sched_entity *se)
{
	b->share -= band_task_of(se)->share;
	band_task_of(se)->share = 0;
}

int band_admit(const struct runq *rq, const struct band *b, const struct sched_entity *se,
	       uint64_t runtime, uint64_t deadline, uint64_t period)
{
	uint64_t share = b->share - band_task_of(se)->share + share_of(runtime, deadline, period);

	return share <= b->limit * (uint64_t)rq->cpus ? 0 : -EBUSY;
}

bool band_has(const struct band *b, const struct sched_entity *se)
{
	return b->all || band_task_of(se)->eff_kind != BAND_NORMAL;
}

int band_compare(const struct band *b, const struct sched_entity *x, const struct sched_entity *y)
{
	const struct band_task *tx = band_task_of(x), *ty = band_task_of(y);

	if (tx->eff_kind != ty->eff_kind)
		return tx->eff_kind > ty->eff_kind ? 1 : -1;
	if (tx->eff_kind == BAND_DEADLINE)
		return tx->eff_deadline_ns < ty->eff_deadline_ns   ? 1
		       : tx->eff_deadline_ns > ty->eff_deadline_ns ? -1
								   : 0;
	if (!band_has(b, x))
		return 0;
	return tx->eff_level - ty->eff_level;
}

/* --- deadlines and budgets --- */

static bool boosted(const struct band_task *t)
{
	return t->eff_kind != t->kind || t->eff_deadline_ns < t->deadline_ns;
}

static void period_begin(struct runq *rq, struct sched_entity *se, uint64_t deadline_ns)
{
	struct band_task *t = band_task_of(se);

	if (t->eff_deadline_ns == t->deadline_ns || t->eff_deadline_ns > deadline_ns)
		t->eff_deadline_ns = deadline_ns;
	t->deadline_ns = deadline_ns;
	t->budget_ns = (int64_t)se->dl_runtime;
	rq_why(rq, se, "a new period: %.3f ms until %.3f ms", (double)se->dl_runtime / 1e6,
	       (double)deadline_ns / 1e6);
}

/*
 * A task that wakes keeps its deadline and budget only if it could not use more than its share with
 * them (the rule of the constant bandwidth server).
 */
static void deadline_wake(struct runq *rq, struct sched_entity *se)
{
	const struct band_task *t = band_task_of(se);
	uint64_t now_ns = rq->now_ns;
	uint64_t within = se->dl_deadline < se->dl_period ? se->dl_deadline : se->dl_period;

	if (t->deadline_ns <= now_ns ||
	    (t->budget_ns > 0 && (unsigned __int128)t->budget_ns * within >
				     (unsigned __int128)(t->deadline_ns - now_ns) * se->dl_runtime))
		period_begin(rq, se, now_ns + se->dl_deadline);
}

static void throttle_timer(struct runq *rq, const struct band *b)
{
	const struct tree_node *n = tree_first(&b->throttled);

	if (n)
		rq_timer(rq, replenish_ns(order_entity(n)));
}

/* The budget is used up: true if se has to wait for the next period. */
static bool budget_over(struct runq *rq, struct band *b, struct sched_entity *se)
{
	const struct band_task *t = band_task_of(se);

	if (boosted(t))
		return false;
	if (b->hard && replenish_ns(se) > rq->now_ns) {
		rq_why(rq, se, "its %.3f ms are used up: waits for %.3f ms",
		       (double)se->dl_runtime / 1e6, (double)replenish_ns(se) / 1e6);
		return true;
	}
	/* It ran beyond its budget while nobody wanted the CPU: that is forgiven. */
	uint64_t next = t->deadline_ns + se->dl_period;
	period_begin(rq, se, next > rq->now_ns ? next : rq->now_ns + se->dl_deadline);
	return false;
}

static void deadline_enqueue(struct runq *rq, struct band *b, struct sched_entity *se,
			     enum sched_enqueue_why why)
{
	struct band_task *t = band_task_of(se);
	bool wait = false;

	if (t->kind == BAND_DEADLINE) {
		if (why == ENQ_NEW || why == ENQ_WAKEUP || !t->deadline_ns)
			deadline_wake(rq, se);
		if (why == ENQ_YIELD && b->hard)
			t->budget_ns = 0; /* sched(7): what is left of the period is given up */
		if (t->budget_ns <= 0)
			wait = budget_over(rq, b, se);
	}
	t->where = wait ? IN_THROTTLED : IN_DEADLINE;
	order_insert(wait ? &b->throttled : &b->deadline, se);
	if (wait)
		throttle_timer(rq, b);
}

/* se is ready again: a CPU that runs something less urgent is to ask. */
static void call_for(struct runq *rq, const struct band *b, const struct sched_entity *se)
{
	int worst = -1;

	for (int i = 0; i < rq->cpus; i++) {
		const struct sched_entity *curr = rq->curr[i];

		if (!sched_allowed(se, i))
			continue;
		if (!curr)
			return;
		if (band_compare(b, se, curr) > 0 &&
		    (worst < 0 || band_compare(b, rq->curr[worst], curr) > 0))
			worst = i;
	}
	if (worst >= 0)
		rq_resched(rq, worst);
}

void band_timer(struct runq *rq, struct band *b)
{
	struct tree_node *n;

	while ((n = tree_first(&b->throttled)) != NULL) {
		struct sched_entity *se = order_entity(n);
		struct band_task *t = band_task_of(se);

		if (replenish_ns(se) > rq->now_ns)
			break;
		order_remove(se);
		period_begin(rq, se, replenish_ns(se) + se->dl_deadline);
		if (t->deadline_ns <= rq->now_ns)
			period_begin(rq, se, rq->now_ns + se->dl_deadline);
		t->where = IN_DEADLINE;
		order_insert(&b->deadline, se);
		call_for(rq, b, se);
	}
	throttle_timer(rq, b);
}

/* --- the queue --- */

static void level_enqueue(struct band *b, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct band_task *t = band_task_of(se);
	struct sched_list *l = &b->level[t->eff_level];

	t->where = IN_LEVEL;
	/* sched(7): a preempted task stays first of its priority. */
	sched_list_insert(&se->link, why == ENQ_PREEMPTED ? l->next : l);
	b->used[t->eff_level / 64] |= 1ULL << t->eff_level % 64;
}

bool band_enqueue(struct runq *rq, struct band *b, struct sched_entity *se,
		  enum sched_enqueue_why why)
{
	if (!band_has(b, se))
		return false;
	if (band_task_of(se)->eff_kind == BAND_DEADLINE)
		deadline_enqueue(rq, b, se, why);
	else
		level_enqueue(b, se, why);
	return true;
}

static void level_remove(struct band *b, struct sched_entity *se)
{
	struct sched_list *head = se->link.next;

	if (head == se->link.prev) { /* it was alone */
		long i = head - b->level;

		b->used[i / 64] &= ~(1ULL << i % 64);
	}
	sched_list_del(&se->link);
}

bool band_remove(struct band *b, struct sched_entity *se)
{
	struct band_task *t = band_task_of(se);

	switch (t->where) {
	case OUT:
		return false;
	case IN_LEVEL:
		level_remove(b, se);
		break;
	default:
		order_remove(se);
	}
	t->where = OUT;
	return true;
}

static struct sched_entity *level_pick(struct runq *rq, struct band *b, int cpu)
{
	for (int w = (int)(sizeof(b->used) / sizeof(*b->used)) - 1; w >= 0; w--) {
		uint64_t used = b->used[w];

		while (used) {
			int bit = 63 - __builtin_clzll(used), i = w * 64 + bit;
			struct sched_entity *se = sched_list_take(&b->level[i], cpu);

			if (sched_list_empty(&b->level[i]))
				b->used[w] &= ~(1ULL << bit);
			if (se) {
				rq_why(rq, se, "first of the highest priority, %d%s",
				       i > BAND_LEVEL_RT ? i - BAND_LEVEL_RT : i,
				       i > BAND_LEVEL_RT ? " (real time)" : "");
				return se;
			}
			used &= ~(1ULL << bit);
		}
	}
	return NULL;
}

struct sched_entity *band_pick(struct runq *rq, struct band *b, int cpu)
{
	struct sched_entity *se = NULL;

	/* The timer may be late. */
	if (b->throttled.nr && replenish_ns(order_entity(tree_first(&b->throttled))) <= rq->now_ns)
		band_timer(rq, b);
	if (b->deadline.nr) {
		se = order_take(&b->deadline, cpu);
		if (se)
			rq_why(rq, se, "earliest deadline, %.3f ms",
			       (double)band_task_of(se)->eff_deadline_ns / 1e6);
	}
	if (!se)
		se = level_pick(rq, b, cpu);
	if (se)
		band_task_of(se)->where = OUT;
	return se;
}

uint64_t band_slice_ns(const struct band *b, const struct sched_entity *se)
{
	const struct band_task *t = band_task_of(se);

	if (!band_has(b, se))
		return 0;
	if (t->eff_kind == BAND_DEADLINE) {
		if (t->kind != BAND_DEADLINE || boosted(t))
			return SCHED_FOREVER;
		return t->budget_ns > 0 ? (uint64_t)t->budget_ns : 1;
	}
	if (se->class == SCLASS_FIFO && t->kind == BAND_RT)
		return SCHED_FOREVER;
	return t->eff_level > BAND_LEVEL_RT ? b->rr_slice_ns : b->normal_slice_ns;
}

bool band_charge(struct runq *rq, struct band *b, struct sched_entity *se, uint64_t ran_ns)
{
	struct band_task *t = band_task_of(se);

	(void)rq;
	if (t->kind == BAND_DEADLINE)
		t->budget_ns -= (int64_t)ran_ns;
	return band_has(b, se);
}
