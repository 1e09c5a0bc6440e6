/*
 * sim_program.c - what the tasks of the simulated machine do while they have a CPU: compute, sleep,
 * wait for locks and children.
 *
 * A lock that is given back goes to the waiter with the highest real-time priority, among equals to
 * the first: nobody gets in between (that is what makes convoys).
 */
#include "lab/sim_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DONATION_DEPTH 64

/* --- priority inheritance: as sched/entity.c --- */

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

static void donation_walk(struct sim *s, struct sim_task *owner)
{
	struct runq *rq = &s->rq;

	for (int depth = 0; owner && depth < DONATION_DEPTH; depth++) {
		struct sched_entity *se = &owner->se;

		if (se->queued)
			rq->policy->remove(rq, se);
		else if (se->cpu >= 0)
			sim_charge(s, se->cpu, CHARGE_RUNS);
		bool changed = rq->policy->inherit(rq, se);
		sim_record(s, SREC_INHERIT, se, se->cpu, se->donors ? se->donors->id : 0);
		if (se->queued) {
			rq->policy->enqueue(rq, se, ENQ_CHANGED);
			sim_preempt_for(s, owner);
		} else if (changed && se->cpu >= 0 && rq->nr_queued) {
			s->resched |= 1ULL << se->cpu;
		}
		if (!changed)
			break;
		owner = owner->lock_owner;
	}
}

void sim_donate(struct sim *s, struct sim_task *t, struct sim_task *owner)
{
	struct sim_task *before = t->lock_owner;

	if (before == owner)
		return;
	if (before)
		donors_remove(&before->se, &t->se);
	t->lock_owner = owner;
	if (owner) {
		t->se.next_donor = owner->se.donors;
		owner->se.donors = &t->se;
	}
	if (!s->rq.policy->inherit)
		return;
	if (before)
		donation_walk(s, before);
	if (owner)
		donation_walk(s, owner);
}

/* --- locks --- */

static void lock_wait(struct sim *s, struct sim_task *t, struct sim_lock *lock)
{
	struct sim_task **at = &lock->waiters;

	while (*at && (*at)->se.rt_priority >= t->se.rt_priority)
		at = &(*at)->next_waiter;
	t->next_waiter = *at;
	*at = t;
	sim_release(s, t->se.cpu, CHARGE_SLEEP);
	sim_donate(s, t, lock->holder);
}

/* The next holder gets the others' urgency with the lock. */
static void lock_release(struct sim *s, struct sim_lock *lock)
{
	struct sim_task *next = lock->waiters;

	lock->holder = next;
	if (!next)
		return;
	lock->waiters = next->next_waiter;
	next->next_waiter = NULL;
	sim_donate(s, next, NULL);
	for (struct sim_task *w = lock->waiters; w; w = w->next_waiter)
		sim_donate(s, w, next);
	sim_wake(s, next);
}

/* --- children --- */

static void fork_child(struct sim *s, struct sim_task *parent)
{
	struct sim_task *t = sim_task_create(s, parent->spec);

	if (!t)
		return;
	unsigned nth = parent->level_children++;
	if (asprintf(&t->own_name, "%s/%u", parent->se.name, nth) < 0) {
		t->own_name = NULL;
		sim_fail(s, "out of memory");
		return;
	}
	t->se.name = t->own_name;
	t->parent = parent;
	parent->children++;
	program_fork(&t->program, &parent->program, nth, s->rq.now_ns);
	sim_task_arrive(s, t);
}

static void task_exit(struct sim *s, int cpu)
{
	struct sim_task *t = s->cpus[cpu].task, *parent = t->parent;

	sim_release(s, cpu, CHARGE_EXIT);
	t->done = true;
	s->result->done++;
	sim_record(s, SREC_EXIT, &t->se, -1, 0);
	if (s->rq.policy->task_exit)
		s->rq.policy->task_exit(&s->rq, &t->se);
	if (parent && --parent->children == 0 && parent->waits_children) {
		parent->waits_children = false;
		sim_wake(s, parent);
	}
}

/* --- steps --- */

static void begin_run(struct sim *s, int cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	uint64_t left_ns = c->task->left_ns;

	if (c->switched && left_ns != WORKLOAD_FOREVER)
		left_ns = c->task->left_ns += s->config->workload->switch_ns;
	c->switched = false;

	c->gen++;
	c->began_ns = s->rq.now_ns;
	if (s->config->workload->cache_size)
		c->op_end_ns = cache_plan(s, cpu);
	else if (left_ns >= WORKLOAD_FOREVER - s->rq.now_ns)
		c->op_end_ns = WORKLOAD_FOREVER;
	else
		c->op_end_ns = s->rq.now_ns + left_ns;
	if (c->op_end_ns == WORKLOAD_FOREVER)
		return;
	heap_push(s, &(struct sim_event){
			 .kind = EV_OP,
			 .ns = c->op_end_ns,
			 .order = (uint64_t)EV_OP << 56 | (unsigned)cpu,
			 .cpu = cpu,
			 .gen = c->gen,
		     });
}

static void job_done(struct sim *s, struct sim_task *t, int64_t late_ns)
{
	if (s->config->metrics)
		metrics_job(s->config->metrics, t->se.id, late_ns);
	if (late_ns > 0)
		sim_record(s, SREC_DEADLINE, &t->se, t->se.cpu, (uint64_t)late_ns);
}

static void sleep_until(struct sim *s, int cpu, uint64_t ns)
{
	struct sim_task *t = s->cpus[cpu].task;

	sim_release(s, cpu, CHARGE_SLEEP);
	heap_push(s, &(struct sim_event){
			 .kind = EV_TASK,
			 .ns = ns,
			 .order = (uint64_t)EV_TASK << 56 | s->seq,
			 .task = t,
		     });
}

/* False: the task computes, or has left cpu. */
static bool step(struct sim *s, int cpu)
{
	struct sim_task *t = s->cpus[cpu].task;
	struct program_op op = program_next(&t->program, s->rq.now_ns);

	switch (op.kind) {
	case OP_RUN:
		t->left_ns = op.ns;
		return false;
	case OP_SLEEP_UNTIL:
		if (op.ns > s->rq.now_ns)
			sleep_until(s, cpu, op.ns);
		break;
	case OP_LOCK:
		if (s->locks[op.arg].holder)
			lock_wait(s, t, &s->locks[op.arg]);
		else
			s->locks[op.arg].holder = t;
		break;
	case OP_UNLOCK:
		lock_release(s, &s->locks[op.arg]);
		break;
	case OP_YIELD:
		if (!s->rq.nr_queued && t->se.class != SCLASS_DEADLINE)
			break;
		sim_release(s, cpu, CHARGE_YIELD);
		sim_enqueue(s, t, ENQ_YIELD);
		break;
	case OP_FORK:
		fork_child(s, t);
		break;
	case OP_WAIT:
		if (t->children) {
			t->waits_children = true;
			sim_release(s, cpu, CHARGE_SLEEP);
		}
		break;
	case OP_JOB:
		job_done(s, t, op.late_ns);
		break;
	case OP_EXIT:
		task_exit(s, cpu);
		break;
	}
	/* Whoever it woke may have taken its CPU. */
	sim_settle(s);
	return s->cpus[cpu].task == t && !s->failed;
}

void sim_program_go(struct sim *s, int cpu)
{
	struct sim_task *t = s->cpus[cpu].task;

	while (!t->left_ns)
		if (!step(s, cpu))
			break;
	if (s->cpus[cpu].task == t && t->left_ns)
		begin_run(s, cpu);
}
