/*
 * sim_core.c - which task is on which simulated CPU.  Line by line the counterpart of
 * sched/core.c and sched/tick.c; the one difference is that a task asked to give way does so at
 * once.
 */
#include "lab/sim_internal.h"

#include <inttypes.h>

void sim_enqueue(struct sim *s, struct sim_task *t, enum sched_enqueue_why why)
{
	struct sched_entity *se = &t->se;

	se->queued = true;
	se->wait_since_ns = s->rq.now_ns;
	s->rq.nr_queued++;
	sim_record(s, SREC_WAKE, se, -1, why);
	s->rq.policy->enqueue(&s->rq, se, why);
}

void sim_charge(struct sim *s, int cpu, enum sched_charge_why why)
{
	struct sim_cpu *c = &s->cpus[cpu];
	uint64_t ran_ns = s->rq.now_ns - c->since_ns;

	if (!ran_ns && why == CHARGE_RUNS)
		return;
	c->since_ns = s->rq.now_ns;
	c->task->se.ran_ns += ran_ns;
	if (s->rq.policy->charge)
		s->rq.policy->charge(&s->rq, &c->task->se, ran_ns, why);
}

void sim_release(struct sim *s, int cpu, enum sched_charge_why why)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = c->task;

	sim_charge(s, cpu, why);
	sim_record(s, SREC_OUT, &t->se, cpu, why);
	if (t->left_ns && s->config->workload->cache_size)
		cache_account(s, cpu);
	else if (t->left_ns && c->op_end_ns != WORKLOAD_FOREVER)
		t->left_ns = c->op_end_ns - s->rq.now_ns;
	s->result->busy_ns[cpu] += s->rq.now_ns - c->assigned_ns;
	c->task = NULL;
	c->gen++;
	c->slice_gen++;
	s->curr[cpu] = NULL;
	s->idle |= 1ULL << cpu;
	s->resched &= ~(1ULL << cpu);
	t->se.cpu = -1;
	s->rq.nr_running--;
}

static void give_way(struct sim *s, int cpu, enum sched_charge_why charge,
		     enum sched_enqueue_why why)
{
	struct sim_task *t = s->cpus[cpu].task;

	sim_record(s, SREC_PREEMPT, &t->se, cpu, charge);
	sim_release(s, cpu, charge);
	sim_enqueue(s, t, why);
}

void sim_settle(struct sim *s)
{
	while (s->resched)
		give_way(s, __builtin_ctzll(s->resched), CHARGE_PREEMPTED, ENQ_PREEMPTED);
}

/* A CPU for woken: the least urgent of those who run goes, if it is less urgent. */
void sim_preempt_for(struct sim *s, struct sim_task *woken)
{
	const struct sched_policy *p = s->rq.policy;
	int victim = -1;

	if (!p->preempts || (s->idle & woken->se.affinity))
		return;
	for (int i = 0; i < s->rq.cpus; i++) {
		if (!sched_allowed(&woken->se, i) || (s->resched >> i & 1))
			continue;
		sim_charge(s, i, CHARGE_RUNS);
		if (p->preempts(&s->rq, &woken->se, s->curr[i]) &&
		    (victim < 0 || p->preempts(&s->rq, s->curr[victim], s->curr[i])))
			victim = i;
	}
	if (victim >= 0)
		give_way(s, victim, CHARGE_PREEMPTED, ENQ_PREEMPTED);
}

void sim_wake(struct sim *s, struct sim_task *t)
{
	uint64_t all = s->rq.cpus == 64 ? UINT64_MAX : (1ULL << s->rq.cpus) - 1;

	for (uint64_t todo = all & ~s->idle; todo; todo &= todo - 1) {
		int cpu = __builtin_ctzll(todo);

		if (s->rq.now_ns - s->cpus[cpu].since_ns > s->rq.tick_ns)
			sim_charge(s, cpu, CHARGE_RUNS);
	}
	sim_enqueue(s, t, t->started ? ENQ_WAKEUP : ENQ_NEW);
	t->started = true;
	sim_preempt_for(s, t);
}

/* --- slices --- */

static void plan_slice(struct sim *s, int cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];

	c->slice_gen++;
	if (c->task->se.slice_end_ns == SCHED_FOREVER || !c->short_slice)
		return;
	heap_push(s, &(struct sim_event){
			 .kind = EV_SLICE,
			 .ns = c->task->se.slice_end_ns,
			 .order = (uint64_t)EV_SLICE << 56 | (unsigned)cpu,
			 .cpu = cpu,
			 .gen = c->slice_gen,
		     });
}

static void set_slice(struct sim *s, int cpu, uint64_t slice_ns)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sched_entity *se = &c->task->se;

	se->slice_end_ns =
	    slice_ns >= SCHED_FOREVER - s->rq.now_ns ? SCHED_FOREVER : s->rq.now_ns + slice_ns;
	c->short_slice = !s->config->ticked || slice_ns < s->rq.tick_ns;
	if (s->config->aligned)
		se->slice_end_ns = SCHED_FOREVER;
}

/* The task on cpu was just charged: does it go on? */
static void check_slice(struct sim *s, int cpu, bool at_tick)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sched_entity *se = &c->task->se;
	const struct sched_policy *p = s->rq.policy;
	uint64_t now_ns = s->rq.now_ns;

	if (se->slice_end_ns != SCHED_FOREVER) {
		bool over = c->short_slice
				? now_ns >= se->slice_end_ns
				: at_tick && now_ns + s->rq.tick_ns / 2 >= se->slice_end_ns;
		if (over) {
			uint64_t more = p->renew ? p->renew(&s->rq, se) : 0;

			if (!more) {
				give_way(s, cpu, CHARGE_EXPIRED, ENQ_EXPIRED);
				return;
			}
			set_slice(s, cpu, more);
			plan_slice(s, cpu);
		}
	}
	if (at_tick && p->tick && p->tick(&s->rq, se))
		give_way(s, cpu, CHARGE_PREEMPTED, ENQ_PREEMPTED);
}

/* Nobody waits: the slice goes on for as long as that is so. */
void sim_slice_end(struct sim *s, int cpu)
{
	if (!s->rq.nr_queued)
		return;
	sim_charge(s, cpu, CHARGE_RUNS);
	check_slice(s, cpu, false);
}

void sim_tick(struct sim *s)
{
	s->tick_pending = false;
	sim_record(s, SREC_TICK, NULL, -1, 1);
	if (!s->rq.nr_queued && !s->config->aligned)
		return;
	for (int i = 0; i < s->rq.cpus; i++) {
		if (!s->curr[i])
			continue;
		if (s->config->aligned) {
			give_way(s, i, CHARGE_EXPIRED, ENQ_EXPIRED);
			continue;
		}
		sim_charge(s, i, CHARGE_RUNS);
		check_slice(s, i, true);
	}
}

static void plan_tick(struct sim *s)
{
	bool need = s->config->aligned || s->rq.policy->tick;

	if (s->tick_pending || !(s->config->aligned ? s->rq.nr_running : s->rq.nr_queued))
		return;
	for (int i = 0; !need && s->config->ticked && i < s->rq.cpus; i++)
		need = s->curr[i] && s->curr[i]->slice_end_ns != SCHED_FOREVER &&
		       !s->cpus[i].short_slice;
	if (!need)
		return;
	s->tick_pending = true;
	heap_push(s, &(struct sim_event){
			 .kind = EV_TICK,
			 .ns = (s->rq.now_ns / s->rq.tick_ns + 1) * s->rq.tick_ns,
			 .order = (uint64_t)EV_TICK << 56,
		     });
}

/* --- who is next --- */

static struct sim_task *pick(struct sim *s, int cpu)
{
	struct sched_entity *se = s->rq.policy->pick(&s->rq, cpu);
	const char *bad = NULL;

	if (!se)
		return NULL;
	if (se->id == 0 || se->id > s->nr_tasks || &s->tasks[se->id - 1]->se != se)
		bad = "a task that does not exist";
	else if (!se->queued)
		bad = "a task that does not wait";
	else if (!sched_allowed(se, cpu))
		bad = "a task that may not run there";
	if (bad) {
		sim_fail(s, "policy %s, at %.6f ms on CPU %d, picked %s%s%s", s->rq.policy->name,
			 (double)s->rq.now_ns / 1e6, cpu, bad, se->id ? ": " : "",
			 se->id ? se->name : "");
		return NULL;
	}
	se->queued = false;
	s->rq.nr_queued--;
	s->result->decisions++;
	return (struct sim_task *)se;
}

static void assign(struct sim *s, int cpu, struct sim_task *t)
{
	struct sim_cpu *c = &s->cpus[cpu];
	int before = t->se.last_cpu;

	t->se.cpu = t->se.last_cpu = cpu;
	c->task = t;
	c->since_ns = c->assigned_ns = s->rq.now_ns;
	s->curr[cpu] = &t->se;
	s->idle &= ~(1ULL << cpu);
	s->rq.nr_running++;
	uint64_t slice_ns = s->rq.policy->slice_ns(&s->rq, &t->se);
	set_slice(s, cpu, slice_ns);
	plan_slice(s, cpu);
	sim_record(s, SREC_IN, &t->se, cpu, slice_ns);
	if (before >= 0 && before != cpu)
		sim_record(s, SREC_MIGRATE, &t->se, cpu, (uint64_t)before);
	c->switched = c->last_id != t->se.id;
	c->last_id = t->se.id;
	sim_program_go(s, cpu);
}

static bool fill_idle(struct sim *s)
{
	bool any = false;

	for (uint64_t todo = s->idle; todo && s->rq.nr_queued && !s->failed; todo &= todo - 1) {
		int cpu = __builtin_ctzll(todo);
		struct sim_task *t = s->idle >> cpu & 1 ? pick(s, cpu) : NULL;

		if (!t)
			continue;
		any = true;
		assign(s, cpu, t);
		sim_settle(s);
	}
	return any;
}

/* Slices that were over before anybody waited. */
static bool end_overdue(struct sim *s)
{
	bool any = false;

	for (int i = 0; i < s->rq.cpus && s->rq.nr_queued; i++) {
		if (!s->curr[i] || !s->cpus[i].short_slice ||
		    s->curr[i]->slice_end_ns > s->rq.now_ns)
			continue;
		any = true;
		sim_slice_end(s, i);
		sim_settle(s);
	}
	return any;
}

static bool is_conserving(const struct sim *s)
{
	if (!s->idle || !s->rq.nr_queued)
		return true;
	for (size_t i = 0; i < s->nr_tasks; i++)
		if (s->tasks[i]->se.queued && (s->tasks[i]->se.affinity & s->idle))
			return false;
	return true;
}

#define ROUNDS_MAX 1000000 /* of decisions at one instant */

void sim_dispatch(struct sim *s)
{
	unsigned rounds = 0;

	while (s->rq.nr_queued && !s->failed && (fill_idle(s) || end_overdue(s))) {
		if (++rounds > ROUNDS_MAX)
			sim_fail(s, "policy %s decides for ever at %.6f ms", s->rq.policy->name,
				 (double)s->rq.now_ns / 1e6);
	}
	if (s->config->check && !is_conserving(s))
		s->result->not_conserving++;
	plan_tick(s);
}
