/*
 * mlfq.c - multi-level feedback queue: queues of falling priority; a task that uses up its
 * allotment sinks, a boost lifts all of them from time to time.
 *
 * Source: OSTEP ch. 8 and its simulator mlfq.py, whose traces this policy repeats; the idea is
 * Corbato's CTSS (1962).  Its five rules are here as
 *   1, 2  the highest queue that is not empty, round robin within it     pick, preempts
 *   3     a new task starts at the top                                   mlfq_task_init
 *   4     an allotment used up, in one go or in pieces, costs a level    mlfq_charge
 *         (stay=1: rules 4a and 4b, by which a task that waits in time keeps its level; it can be
 *         gamed)
 *   5     every boost period all tasks go to the top                     mlfq_timer; boost_late
 *         where nobody waited
 *
 * For: interactive programs beside batch jobs, when nobody knows lengths.
 * Limits: without a boost long jobs starve and never come up again; the parameters are guesswork
 * ("voo-doo constants"); nice values are ignored.
 *
 * What mlfq.py does that the text does not say, and has parameters here: after a boost it leaves a
 * task as many time units as its allotment says, not a quantum, and does not refill the
 * allotment (boost_slice); with iobump a task whose I/O is done takes the head of its queue, and
 * the CPU from its equal.
 */
#include "sched/policy.h"

#include <errno.h>

#define LEVELS_MAX 16
#define TIMER_MIN  10000
#define REPLAY_MAX 100000 /* missed boosts that are gone through one by one */

enum { P_QUEUES, P_QUANTUM, P_ALLOTMENT, P_BOOST, P_STAY, P_IOBUMP, P_BOOST_SLICE };

struct mlfq_task {
	int64_t left_ns;	   /* of its quantum */
	uint32_t allot;		   /* quanta that are left at this level */
	int32_t level;		   /* as OSTEP counts: the highest is queues - 1 */
	uint64_t boosts;	   /* the last one that it has seen */
	uint64_t bumped, picked;   /* when: in m->events */
	struct sched_entity *next; /* it was running when a boost came: whom it stood before */
	bool boosted_running;	   /* next is to be used */
	bool ended;		   /* its quantum, while others waited */
};
_Static_assert(sizeof(struct mlfq_task) <= sizeof(((struct sched_entity *)0)->priv), "priv");

struct mlfq {
	struct sched_list queue[LEVELS_MAX];
	int top;
	unsigned waiting;
	uint64_t contended_ns; /* since then somebody waits */
	uint64_t boosts;       /* so far */
	uint64_t boost_ns;     /* when the next one is */
	uint64_t boosted_ns;   /* when the last one was */
	bool asleep;	       /* the timer is not armed: nobody waits */
	bool late;	       /* a boost was made up for, those who run have their old slices */
	uint64_t events;       /* bumps and picks so far */
};

static struct mlfq_task *task_of(struct sched_entity *se)
{
	return (struct mlfq_task *)se->priv;
}

/* Lists of values are written highest queue first. */
static int64_t quantum_ns(const struct runq *rq, int level)
{
	const struct mlfq *m = rq->priv;

	return rq_param_at(rq, P_QUANTUM, (unsigned)(m->top - level));
}

static uint32_t allotment(const struct runq *rq, int level)
{
	const struct mlfq *m = rq->priv;

	return (uint32_t)rq_param_at(rq, P_ALLOTMENT, (unsigned)(m->top - level));
}

static int mlfq_init(struct runq *rq)
{
	struct mlfq *m = rq->priv;
	int64_t boost = rq_param(rq, P_BOOST), boost_slice = rq_param(rq, P_BOOST_SLICE);

	if ((boost && boost < TIMER_MIN) || (boost_slice && boost_slice < 1000)) {
		rq_why(rq, NULL, "a boost comes no more often than each 10 us, and leaves 1 us");
		return -EINVAL;
	}

	m->top = (int)rq_param(rq, P_QUEUES) - 1;
	/* A list says how many queues there are. */
	if (rq->params[P_QUANTUM].count > 1)
		m->top = (int)rq->params[P_QUANTUM].count - 1;
	for (int i = 0; i <= m->top; i++)
		sched_list_init(&m->queue[i]);
	m->boost_ns = rq->now_ns + (uint64_t)boost;
	m->asleep = true;
	return 0;
}

/* What a boost does to a task, wherever it is. */
static void task_boost(struct runq *rq, struct sched_entity *se)
{
	const struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);
	int64_t slice_ns = rq_param(rq, P_BOOST_SLICE);

	if (t->boosts == m->boosts)
		return;
	t->boosts = m->boosts;
	t->level = m->top;
	t->left_ns = slice_ns ? slice_ns : quantum_ns(rq, m->top);
	if (!slice_ns)
		t->allot = allotment(rq, m->top);
}

static void mlfq_task_init(struct runq *rq, struct sched_entity *se,
			   const struct sched_entity *parent)
{
	const struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);

	(void)parent;
	t->level = m->top;
	t->left_ns = quantum_ns(rq, m->top);
	t->allot = allotment(rq, m->top);
}

static void mlfq_task_exit(struct runq *rq, struct sched_entity *se)
{
	for (int i = 0; i < rq->cpus; i++)
		if (rq->curr[i] && task_of(rq->curr[i])->next == se)
			task_of(rq->curr[i])->next = NULL;
}

/* --- queues --- */

/* Back to the head, but behind those that were put there while it ran. */
static void insert_preempted(struct mlfq *m, struct sched_entity *se)
{
	struct sched_list *at = m->queue[task_of(se)->level].next;

	while (at != &m->queue[task_of(se)->level] &&
	       task_of(sched_of_link(at))->bumped > task_of(se)->picked)
		at = at->next;
	sched_list_insert(&se->link, at);
}

/* The next boost is at the next multiple of its period. */
static void boost_plan(struct runq *rq)
{
	struct mlfq *m = rq->priv;
	uint64_t period_ns = (uint64_t)rq_param(rq, P_BOOST);

	if (m->boost_ns <= rq->now_ns)
		m->boost_ns += ((rq->now_ns - m->boost_ns) / period_ns + 1) * period_ns;
	rq_timer(rq, m->boost_ns);
}

/*
 * While nobody waits a boost changes nothing that shows, and no timer is armed for it.  What it
 * means for those who run is made up for when somebody looks (boosts_replay).
 */
static void boost_late(struct runq *rq, uint64_t until_ns)
{
	struct mlfq *m = rq->priv;
	uint64_t period_ns = (uint64_t)rq_param(rq, P_BOOST), missed;

	if (!m->asleep || !period_ns || m->boost_ns > until_ns)
		return;
	missed = (until_ns - m->boost_ns) / period_ns;
	m->boosted_ns = m->boost_ns + missed * period_ns;
	m->boost_ns = m->boosted_ns + period_ns;
	m->boosts += missed + 1;
	m->late = true;
	if (m->boosted_ns == rq->now_ns)
		rq_why(rq, NULL, "boost: all tasks go to Q%d", m->top);
	else
		rq_why(rq, NULL, "boost, %.3f ms ago: all tasks go to Q%d",
		       (double)(rq->now_ns - m->boosted_ns) / 1e6, m->top);
}

/* Will se, when nobody else waits, have a CPU at once? */
static bool finds_idle(const struct runq *rq, const struct sched_entity *se)
{
	for (int i = 0; i < rq->cpus; i++)
		if (!rq->curr[i] && sched_allowed(se, i))
			return true;
	return false;
}

/* se comes: from when somebody waits, boosts have to be on time. */
static void boost_awake(struct runq *rq, const struct sched_entity *se)
{
	struct mlfq *m = rq->priv;

	if (!m->asleep || !rq_param(rq, P_BOOST))
		return;
	boost_late(rq, rq->now_ns);
	if (m->late)
		for (int i = 0; i < rq->cpus; i++)
			if (rq->curr[i])
				rq_resched(rq, i);
	m->late = false;
	if (!m->waiting && finds_idle(rq, se))
		return;
	m->asleep = false;
	boost_plan(rq);
}

static void mlfq_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);
	struct sched_list *queue;

	boost_awake(rq, se);
	task_boost(rq, se);
	queue = &m->queue[t->level];
	if (!m->waiting++)
		m->contended_ns = rq->now_ns;
	if (why == ENQ_PREEMPTED && t->boosted_running)
		sched_list_insert(&se->link,
				  t->next && t->next->queued && task_of(t->next)->level == t->level
				      ? &t->next->link
				      : queue);
	else if (why == ENQ_PREEMPTED)
		insert_preempted(m, se);
	else if (why == ENQ_WAKEUP && rq_param(rq, P_IOBUMP)) {
		t->bumped = ++m->events;
		sched_list_insert(&se->link, queue->next);
	} else {
		sched_list_insert(&se->link, queue);
	}
	if (why == ENQ_NEW)
		rq_why(rq, se, "new: starts at Q%d", t->level);
	t->boosted_running = false;
	t->ended = false;
}

static void mlfq_remove(struct runq *rq, struct sched_entity *se)
{
	struct mlfq *m = rq->priv;

	m->waiting--;
	sched_list_del(&se->link);
}

static struct sched_entity *mlfq_pick(struct runq *rq, int cpu)
{
	struct mlfq *m = rq->priv;

	for (int i = m->top; i >= 0; i--) {
		struct sched_entity *se = sched_list_take(&m->queue[i], cpu);

		if (!se)
			continue;
		m->waiting--;
		task_of(se)->picked = ++m->events;
		rq_why(rq, se,
		       "first in Q%d, the highest that is not empty; %.3f ms of its quantum", i,
		       (double)task_of(se)->left_ns / 1e6);
		return se;
	}
	return NULL;
}

static uint64_t mlfq_slice_ns(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	return (uint64_t)task_of(se)->left_ns;
}

/* --- time --- */

static void quantum_end(struct runq *rq, struct sched_entity *se)
{
	struct mlfq_task *t = task_of(se);

	if (t->allot > 1) {
		t->allot--;
		rq_why(rq, se, "quantum used up, stays at Q%d (%u more)", t->level, t->allot);
	} else {
		if (t->level > 0) {
			t->level--;
			rq_why(rq, se, "%s used up, demoted to Q%d",
			       allotment(rq, t->level + 1) > 1 ? "allotment" : "quantum", t->level);
		} else {
			rq_why(rq, se, "quantum used up at Q0");
		}
		t->allot = allotment(rq, t->level);
	}
	t->left_ns += quantum_ns(rq, t->level);
}

/* Of a long time at the lowest level the quanta are not counted one by one. */
static void quanta_skip(struct runq *rq, struct sched_entity *se)
{
	struct mlfq_task *t = task_of(se);
	int64_t round_ns = quantum_ns(rq, 0) * (int64_t)allotment(rq, 0);

	if (t->level || t->left_ns > -2 * round_ns)
		return;
	int64_t rounds = -t->left_ns / round_ns - 1;
	t->left_ns += rounds * round_ns;
	rq_why(rq, se, "%lld quanta used up at Q0 before",
	       (long long)(rounds * (int64_t)allotment(rq, 0)));
}

static void time_use(struct mlfq_task *t, uint64_t ran_ns)
{
	t->left_ns -= ran_ns > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)ran_ns;
}

/*
 * The boosts that came while se ran and nobody waited.  Returns how long it has run since.  Only
 * the last one counts, as what it leaves of a task does not depend on what was before; with
 * boost_slice it does.
 */
static uint64_t boosts_replay(struct runq *rq, struct sched_entity *se, uint64_t ran_ns)
{
	const struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);
	uint64_t boosts = m->boosts, missed = boosts - t->boosts;
	uint64_t period_ns = (uint64_t)rq_param(rq, P_BOOST);
	bool all = rq_param(rq, P_BOOST_SLICE) && missed <= REPLAY_MAX;

	for (missed = all ? missed : 1; missed; missed--) {
		uint64_t ago_ns = rq->now_ns - m->boosted_ns + (missed - 1) * period_ns;
		uint64_t before_ns = ran_ns > ago_ns ? ran_ns - ago_ns : 0;

		ran_ns -= before_ns;
		if (all)
			time_use(t, before_ns);
		while (all && t->left_ns <= 0) {
			quanta_skip(rq, se);
			quantum_end(rq, se);
		}
		t->boosts = boosts - missed;
		task_boost(rq, se);
	}
	return ran_ns;
}

static void mlfq_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			enum sched_charge_why why)
{
	const struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);

	/* Who goes to sleep when a boost is due does so before it. */
	boost_late(rq, rq->now_ns - 1);
	if (t->boosts != m->boosts)
		ran_ns = boosts_replay(rq, se, ran_ns);
	time_use(t, ran_ns);
	bool ended = t->left_ns <= 0;
	if (why == CHARGE_SLEEP && rq_param(rq, P_STAY)) {
		rq_why(rq, se, "waits in time, stays at Q%d with a new quantum", t->level);
		t->left_ns = ended ? 0 : quantum_ns(rq, t->level);
		t->allot = allotment(rq, t->level);
	}
	while (ended) {
		quanta_skip(rq, se);
		/* A quantum that ended when nobody waited was followed by another. */
		if (rq->now_ns + (uint64_t)t->left_ns > m->contended_ns && m->waiting)
			t->ended = true;
		quantum_end(rq, se);
		ended = t->left_ns <= 0;
	}
	if (why == CHARGE_SLEEP)
		t->ended = false;
}

/* Its slice, as it was when it was picked, is over: that may have been long before anybody came. */
static uint64_t mlfq_renew(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	return task_of(se)->ended ? 0 : (uint64_t)task_of(se)->left_ns;
}

static bool mlfq_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	const struct mlfq_task *w = task_of(woken), *c = task_of(curr);

	if (w->level > c->level) {
		rq_why(rq, woken, "Q%d is above %s's Q%d", w->level, curr->name, c->level);
		return true;
	}
	return w->level == c->level && w->bumped > c->picked;
}

/* The waiting ones go up from the lowest queue on; each queue keeps its order. */
static void boost_waiting(struct runq *rq)
{
	struct mlfq *m = rq->priv;
	struct sched_list *top = &m->queue[m->top];
	struct sched_entity *se;

	for (int i = 0; i < m->top; i++) {
		while (!sched_list_empty(&m->queue[i])) {
			se = sched_of_link(m->queue[i].next);
			sched_list_del(&se->link);
			sched_list_insert(&se->link, top);
		}
	}
	sched_list_for_each(se, top) task_boost(rq, se);
}

/* A running task is thought to stand at the head of its queue: remember where that will be. */
static void boost_running(struct runq *rq, struct sched_entity *se)
{
	struct mlfq *m = rq->priv;
	struct mlfq_task *t = task_of(se);

	int level = t->level;

	t->boosted_running = true;
	t->next = NULL;
	if (level == m->top) {
		if (!sched_list_empty(&m->queue[level])) {
			t->next = sched_of_link(m->queue[level].next);
			return;
		}
		level = 0; /* those who come up stand behind it */
	}
	for (int i = level; i < m->top && !t->next; i++)
		if (!sched_list_empty(&m->queue[i]))
			t->next = sched_of_link(m->queue[i].next);
}

static void mlfq_timer(struct runq *rq)
{
	struct mlfq *m = rq->priv;

	if (!m->waiting) {
		m->asleep = true;
		boost_late(rq, rq->now_ns);
		return;
	}
	m->boosts++;
	m->boosted_ns = rq->now_ns;
	rq_why(rq, NULL, "boost: all tasks go to Q%d", m->top);
	for (int i = 0; i < rq->cpus; i++)
		if (rq->curr[i])
			boost_running(rq, rq->curr[i]);
	boost_waiting(rq);
	/* Those who run are charged and boosted on their way through the queue. */
	for (int i = 0; i < rq->cpus; i++)
		if (rq->curr[i])
			rq_resched(rq, i);
	boost_plan(rq);
}

static const struct policy_param mlfq_params[] = {
    {"queues", PARAM_INT, false, "3", 1, LEVELS_MAX, "how many queues there are"},
    {"quantum", PARAM_TIME, true, "10ms", 1000, 1000000000000,
     "time slice of each queue, the highest first; a list says how many queues there are"},
    {"allotment", PARAM_INT, true, "1", 1, 1000000,
     "slices that a task gets at a level before it sinks, the highest first"},
    {"boost", PARAM_TIME, false, "1s", 0, 1000000000000,
     "period after which all tasks go to the highest queue; 0: never"},
    {"stay", PARAM_BOOL, false, "0", 0, 1,
     "a task that waits before its allotment is used up gets a new one (it can be gamed)"},
    {"iobump", PARAM_BOOL, false, "0", 0, 1,
     "a task that has waited goes to the head of its queue, not to its end"},
    {"boost_slice", PARAM_TIME, false, "0", 0, 1000000000000,
     "what a boost leaves of the quantum (older mlfq.py: allotment x its time unit); 0: all of it"},
    {.key = NULL},
};

const struct sched_policy sched_mlfq = {
    .abi = SCHED_POLICY_ABI,
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION,
    .name = "mlfq",
    .summary = "multi-level feedback queue: who computes long sinks, a boost lifts all",
    .about = "Source: OSTEP ch. 8 and its simulator mlfq.py; Corbato's CTSS (1962).\n"
	     "For: interactive programs beside batch jobs, when nobody knows lengths.\n"
	     "Limits: with boost=0 long jobs starve; with stay=1 it can be gamed; nice values are "
	     "ignored.\n"
	     "As mlfq.py -n N -q Q -a A -B B -S -I: "
	     "mlfq:queues=N,quantum=Q,allotment=A,boost=B,stay,iobump; "
	     "versions that have no \"allotment bug fix\" yet: boost_slice=A.",
    .params = mlfq_params,
    .priv_size = sizeof(struct mlfq),
    .task_size = sizeof(struct mlfq_task),
    .init = mlfq_init,
    .task_init = mlfq_task_init,
    .task_exit = mlfq_task_exit,
    .enqueue = mlfq_enqueue,
    .remove = mlfq_remove,
    .pick = mlfq_pick,
    .slice_ns = mlfq_slice_ns,
    .renew = mlfq_renew,
    .charge = mlfq_charge,
    .preempts = mlfq_preempts,
    .timer = mlfq_timer,
};
