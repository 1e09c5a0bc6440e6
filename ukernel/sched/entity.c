/*
 * entity.c - a task as the policy sees it: made, changed, lent urgency to, gone.
 */
#include "sched/core.h"

#include <errno.h>
#include <string.h>

/* How many owners of locks a donation is handed on to: nobody nests so deeply but to hurt. */
#define DONATION_DEPTH 64
#define RANK_DEPTH     8
#define CYCLE_DEPTH    1024 /* as Linux: a longer chain of locks is not looked through */

/* CPU time of nice n against that of nice n + 1 is 1.25 : 1, with 1024 at 0: what Linux's
 * programs count on (sched(7): "a factor of 1.25"). */
static const uint32_t weights[40] = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,	 1991,	1586,  1277,  1024,  820,   655,   526,	  423,	335,  272,  215,
    172,   137,	  110,	 87,	70,    56,    45,    36,    29,	   23,	  18,	15,
};

uint32_t sched_weight_of(int nice)
{
	return weights[nice < -20 ? 0 : nice > 19 ? 39 : nice + 20];
}

static void inherit_from_parent(struct task *t, const struct task *parent)
{
	struct sched_entity *se = &t->se;
	const struct sched_entity *from = &parent->se;

	se->affinity = from->affinity;
	se->nice = from->nice;
	se->latency_nice = from->latency_nice;
	se->tickets = from->tickets;
	se->slice_ns = from->slice_ns;
	se->class = from->class;
	se->rt_priority = from->rt_priority;
	if (!parent->sched.reset_on_fork)
		return; /* fork() has refused DEADLINE: a reservation cannot be doubled */
	if (se->class == SCLASS_DEADLINE || se->rt_priority > 0) {
		se->class = SCLASS_OTHER;
		se->rt_priority = 0;
		se->nice = 0;
	} else if (se->nice < 0) {
		se->nice = 0;
	}
}

void sched_task_init(struct task *t, const struct task *parent)
{
	struct sched_entity *se = &t->se;

	memset(se, 0, sizeof(*se));
	memset(&t->sched, 0, sizeof(t->sched));
	sched_list_init(&se->link);
	rq_clock();
	se->id = (uint64_t)t->tid;
	se->name = t->comm;
	t->vcpu = -1;
	se->cpu = se->last_cpu = -1;
	se->arrival_ns = rq.now_ns;
	se->affinity = nr_cpus == CPUS_MAX ? UINT64_MAX : (1ULL << nr_cpus) - 1;
	if (parent)
		inherit_from_parent(t, parent);
	se->weight = sched_weight_of(se->nice);
	record(SREC_NEW, se, -1, parent ? (uint64_t)parent->tid : 0);
	if (rq.policy->task_init)
		rq.policy->task_init(&rq, se, parent ? &parent->se : NULL);
}

void sched_task_exit(struct task *t)
{
	struct sched_entity *se = &t->se;

	if (se->queued) {
		rq.policy->remove(&rq, se);
		se->queued = false;
		rq.nr_queued--;
	}
	sched_donate(t, NULL);
	while (se->donors)
		sched_donate(task_of(se->donors), NULL);
	record(SREC_EXIT, se, -1, t->proc ? (uint64_t)t->proc->exit_status : 0);
	if (rq.policy->task_exit)
		rq.policy->task_exit(&rq, se);
}

void sched_task_renamed(struct task *t)
{
	t->se.id = (uint64_t)t->tid;
	record(SREC_NAME, &t->se, t->vcpu, 0);
}

/* --- changes --- */

/* Around a change of what the policy may have sorted t by. */
static void change_begin(struct task *t)
{
	rq_clock();
	if (t->se.queued)
		rq.policy->remove(&rq, &t->se);
	else if (t->vcpu >= 0)
		vcpu_charge(&vcpus[t->vcpu], CHARGE_RUNS);
}

static void change_end(struct task *t)
{
	if (t->se.queued) {
		rq.policy->enqueue(&rq, &t->se, ENQ_CHANGED);
		preempt_for(t);
	} else if (t->vcpu >= 0 && rq.nr_queued) {
		/* It may have become less urgent than somebody who waits. */
		vcpu_preempt(&vcpus[t->vcpu], false);
	}
}

void sched_change(struct task *t, void (*f)(struct sched_entity *se, const void *arg),
		  const void *arg)
{
	change_begin(t);
	f(&t->se, arg);
	t->se.weight = sched_weight_of(t->se.nice);
	record(SREC_CHANGED, &t->se, t->vcpu, 0);
	if (rq.policy->changed)
		rq.policy->changed(&rq, &t->se);
	change_end(t);
}

int sched_admit(struct task *t, uint64_t runtime, uint64_t deadline, uint64_t period)
{
	return rq.policy->admit ? rq.policy->admit(&rq, &t->se, runtime, deadline, period) : 0;
}

static void affinity_write(struct sched_entity *se, const void *arg)
{
	se->affinity = *(const uint64_t *)arg;
}

void sched_set_affinity(struct task *t, uint64_t mask)
{
	sched_change(t, affinity_write, &mask);
	if (t == current) {
		while (!sched_allowed(&t->se, t->vcpu))
			sched_move_current();
	} else if (t->vcpu >= 0 && !sched_allowed(&t->se, t->vcpu)) {
		vcpu_preempt(&vcpus[t->vcpu], false);
	}
}

/* --- priority inheritance --- */

static void donors_remove(struct sched_entity *owner, struct sched_entity *se)
{
	for (struct sched_entity **p = &owner->donors; *p; p = &(*p)->next_donor) {
		if (*p == se) {
			*p = se->next_donor;
			break;
		}
	}
	se->next_donor = NULL;
}

bool sched_waits_for(const struct task *t, const struct task *other)
{
	for (int depth = 0; t && depth < CYCLE_DEPTH; depth++, t = t->sched.owner)
		if (t == other)
			return true;
	return false;
}

static int rank_with_donors(const struct sched_entity *se, int depth)
{
	int best = se->class == SCLASS_DEADLINE ? 100 : se->rt_priority;

	for (const struct sched_entity *d = se->donors; d && depth; d = d->next_donor) {
		int rank = rank_with_donors(d, depth - 1);

		if (rank > best)
			best = rank;
	}
	return best;
}

int sched_rank(const struct task *t)
{
	return rank_with_donors(&t->se, RANK_DEPTH);
}

/* owner's donors changed: it, and those that it waits for in turn, are as urgent as they now are.
 * A circle of owners (a deadlock of the guest's making) ends where nothing changes any more. */
static void donation_walk(struct task *owner)
{
	for (int depth = 0; owner && depth < DONATION_DEPTH; depth++) {
		struct sched_entity *se = &owner->se;
		bool changed;

		change_begin(owner);
		changed = rq.policy->inherit(&rq, se);
		record(SREC_INHERIT, se, owner->vcpu, se->donors ? se->donors->id : 0);
		if (changed || se->queued)
			change_end(owner);
		if (!changed)
			break;
		owner = owner->sched.owner;
	}
}

void sched_donate(struct task *t, struct task *owner)
{
	struct task *before = t->sched.owner;

	if (before == owner)
		return;
	if (before)
		donors_remove(&before->se, &t->se);
	t->sched.owner = owner;
	if (owner) {
		t->se.next_donor = owner->se.donors;
		owner->se.donors = &t->se;
	}
	if (!rq.policy->inherit)
		return;
	if (before)
		donation_walk(before);
	if (owner)
		donation_walk(owner);
}
