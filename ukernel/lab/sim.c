/*
 * sim.c - the simulated machine: its tasks, its events, its beginning and end.
 */
#include "lab/sim.h"

#include "lab/sim_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS 3600000000000ULL

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	va_start(ap, fmt);
	vsnprintf(s->error, s->error_size, fmt, ap);
	va_end(ap);
}

/* --- tasks --- */

struct sim_task *sim_task_create(struct sim *s, const struct workload_task *spec)
{
	struct sim_task *t = calloc(1, sizeof(*t));
	struct sched_entity *se = &t->se;

	if (t && s->nr_tasks == s->size_tasks) {
		size_t size = s->size_tasks ? 2 * s->size_tasks : 64;
		struct sim_task **more = reallocarray(s->tasks, size, sizeof(*more));

		if (!more) {
			free(t);
			t = NULL;
		} else {
			s->tasks = more;
			s->size_tasks = size;
		}
	}
	if (!t) {
		sim_fail(s, "out of memory");
		return NULL;
	}
	s->tasks[s->nr_tasks++] = t;
	t->spec = spec;
	se->id = s->nr_tasks;
	se->name = spec->name;
	se->nice = spec->nice;
	se->weight = workload_nice_weight(spec->nice);
	se->class = spec->class;
	se->rt_priority = spec->rt_priority;
	se->latency_nice = spec->latency_nice;
	se->tickets = spec->tickets;
	se->length_ns = spec->length_ns;
	se->affinity = spec->affinity;
	se->cpu = se->last_cpu = -1;
	sched_list_init(&se->link);
	return t;
}

static void set_class(struct sim *s, struct sim_task *t)
{
	const struct shape *shape = t->spec->shape;
	const struct sched_policy *p = s->rq.policy;
	struct sched_entity *se = &t->se;

	if (se->class != SCLASS_DEADLINE)
		return;
	se->class = SCLASS_OTHER;
	if (p->admit &&
	    p->admit(&s->rq, se, shape->runtime_ns, shape->deadline_ns, shape->period_ns) < 0) {
		s->result->refused++;
		return;
	}
	se->class = SCLASS_DEADLINE;
	se->dl_runtime = shape->runtime_ns;
	se->dl_deadline = shape->deadline_ns;
	se->dl_period = shape->period_ns;
	if (p->changed)
		p->changed(&s->rq, se);
}

void sim_task_arrive(struct sim *s, struct sim_task *t)
{
	struct sched_entity *se = &t->se;
	const struct sched_entity *parent = t->parent ? &t->parent->se : NULL;

	t->arrived = true;
	s->result->tasks++;
	se->arrival_ns = s->rq.now_ns;
	sim_record(s, SREC_NEW, se, -1, parent ? parent->id : 0);
	if (s->config->metrics)
		metrics_label(s->config->metrics, se->id, NULL, t->spec->group,
			      workload_weight(t->spec), parent ? 0 : t->spec->deadline_ns);
	if (s->rq.policy->task_init)
		s->rq.policy->task_init(&s->rq, se, parent);
	set_class(s, t);
	sim_wake(s, t);
}

/* --- events --- */

static void handle(struct sim *s, const struct sim_event *e)
{
	struct sim_cpu *c = &s->cpus[e->cpu];

	switch (e->kind) {
	case EV_OP:
		if (e->gen != c->gen)
			return;
		if (s->config->workload->cache_size)
			cache_account(s, e->cpu);
		else
			c->task->left_ns = 0;
		sim_program_go(s, e->cpu);
		break;
	case EV_SLICE:
		if (e->gen == c->slice_gen)
			sim_slice_end(s, e->cpu);
		break;
	case EV_TICK:
		sim_tick(s);
		break;
	case EV_TIMER:
		if (e->gen != s->timer_gen)
			break;
		for (int i = 0; i < s->rq.cpus; i++)
			if (s->curr[i])
				sim_charge(s, i, CHARGE_RUNS);
		s->rq.policy->timer(&s->rq);
		break;
	case EV_TASK:
		if (e->task->arrived) {
			sim_wake(s, e->task);
		} else {
			s->to_come--;
			sim_task_arrive(s, e->task);
		}
		break;
	case EV_STOP:
		s->stopped = true;
		break;
	}
	sim_settle(s);
}

/* Is there nothing more to come but the timer of a policy, which would go on for ever? */
static bool is_over(struct sim *s)
{
	if (!s->to_come && s->result->done == s->result->tasks)
		return true;
	if (s->rq.nr_running || s->to_wake || s->config->workload->stop_ns != WORKLOAD_FOREVER) {
		s->busy_at_ns = s->rq.now_ns;
		return false;
	}
	/* Those who wait may have to wait for a budget. */
	return !s->rq.nr_queued || s->rq.now_ns - s->busy_at_ns > PATIENCE_NS;
}

static void run(struct sim *s)
{
	struct sim_event e;

	while (!s->failed && !s->stopped && s->nr_events) {
		if (heap_next_ns(s) > WORKLOAD_TIME_MAX) {
			sim_fail(s, "the workload goes on for more than a century");
			break;
		}
		s->rq.now_ns = heap_next_ns(s);
		while (!s->failed && heap_next_ns(s) == s->rq.now_ns && heap_pop(s, &e)) {
			s->result->events++;
			handle(s, &e);
		}
		if (!s->failed && !s->stopped)
			sim_dispatch(s);
		if (is_over(s))
			break;
	}
	s->result->end_ns = s->rq.now_ns;
	if (s->failed || s->stopped || (!s->to_come && s->result->done == s->result->tasks))
		return;
	for (size_t i = 0; i < s->nr_tasks; i++) {
		struct sim_task *t = s->tasks[i];

		if (t->done)
			continue;
		if (t->se.queued)
			sim_fail(s, "policy %s keeps task %s and never picks it",
				 s->rq.policy->name, t->se.name);
		else if (t->se.cpu >= 0)
			sim_fail(s, "task %s runs for ever: the workload wants a stop", t->se.name);
		else
			sim_fail(s, "task %s waits for ever: a deadlock", t->se.name);
	}
}

/* --- begin and end --- */

static bool is_endless(const struct workload_task *t)
{
	const struct shape *shape = t->shape;

	for (unsigned i = 0; i < shape->nr_steps; i++)
		if (shape->steps[i].span.ns == WORKLOAD_FOREVER)
			return true;
	return shape->rounds == UINT64_MAX && shape->total_ns == WORKLOAD_FOREVER &&
	       shape->for_ns == WORKLOAD_FOREVER;
}

static bool check_workload(struct sim *s)
{
	const struct workload *w = s->config->workload;
	uint64_t all = s->rq.cpus == 64 ? UINT64_MAX : (1ULL << s->rq.cpus) - 1;

	for (unsigned i = 0; i < w->nr_tasks; i++) {
		const struct workload_task *t = &w->tasks[i];

		if (!t->shape->nr_steps)
			sim_fail(s,
				 "line %u: task %s is a command: the simulation wants its "
				 "length=TIME",
				 t->line, t->name);
		else if (!(t->affinity & all))
			sim_fail(s, "line %u: task %s may run on none of the %d CPUs", t->line,
				 t->name, s->rq.cpus);
		else if (w->stop_ns == WORKLOAD_FOREVER && is_endless(t))
			sim_fail(s,
				 "line %u: task %s has no end: give it times=, total= or for=, "
				 "or the workload a stop",
				 t->line, t->name);
	}
	return !s->failed;
}

static bool make_tasks(struct sim *s)
{
	const struct workload *w = s->config->workload;

	for (unsigned i = 0; i < w->nr_tasks && !s->failed; i++) {
		struct sim_task *t = sim_task_create(s, &w->tasks[i]);

		if (!t)
			break;
		s->to_come++;
		program_start(&t->program, &w->tasks[i], w->tasks[i].arrival_ns);
		heap_push(s, &(struct sim_event){
				 .kind = EV_TASK,
				 .ns = w->tasks[i].arrival_ns,
				 .order = (uint64_t)EV_TASK << 56 | s->seq,
				 .task = t,
			     });
	}
	if (w->stop_ns != WORKLOAD_FOREVER)
		heap_push(s, &(struct sim_event){
				 .kind = EV_STOP,
				 .ns = w->stop_ns,
				 .order = (uint64_t)EV_STOP << 56,
			     });
	return !s->failed;
}

static bool start_policy(struct sim *s)
{
	const struct sched_policy *p = s->config->policy;

	if (p->abi != SCHED_POLICY_ABI || p->task_size > sizeof(((struct sched_entity *)0)->priv)) {
		sim_fail(s, "policy %s was built for another version", p->name);
		return false;
	}
	if (sched_params_parse(p, s->config->options, &s->settings, s->error, s->error_size) < 0) {
		s->failed = true;
		return false;
	}
	/* What has no seed of its own takes the workload's. */
	if (!s->settings.seed)
		s->settings.seed = s->config->workload->seed;
	s->rq.params = s->settings.values;
	s->rq.seed = s->random = s->settings.seed;
	s->rq.priv = calloc(1, p->priv_size ? p->priv_size : 1);
	if (!s->rq.priv) {
		sim_fail(s, "out of memory");
		return false;
	}
	snprintf(s->error, s->error_size, "policy %s does not start", p->name);
	s->rq.explain = s->initialising = true;
	s->failed = p->init && p->init(&s->rq) < 0;
	s->initialising = false;
	s->rq.explain = s->config->listener && s->config->listener->why;
	return !s->failed;
}

/* Jobs that were due and are not done count as missed. */
static void finish(struct sim *s)
{
	struct metrics *m = s->config->metrics;

	for (size_t i = 0; m && i < s->nr_tasks; i++) {
		const struct sim_task *t = s->tasks[i];
		uint64_t deadline_ns = program_deadline_ns(&t->program);

		if (t->arrived && !t->done && deadline_ns && deadline_ns < s->rq.now_ns)
			metrics_job(m, t->se.id, (int64_t)(s->rq.now_ns - deadline_ns));
	}
	if (m)
		metrics_finish(m, s->rq.now_ns);
}

int sim_run(const struct sim_config *config, struct sim_result *result, char *error, size_t size)
{
	const struct workload *w = config->workload;
	struct sim *s = calloc(1, sizeof(*s));

	*result = (struct sim_result){0};
	if (!s) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	s->config = config;
	s->result = result;
	s->error = error;
	s->error_size = size;
	s->rq.policy = config->policy;
	s->rq.services = &sim_services;
	s->rq.cpus = config->cpus ? config->cpus : w->cpus ? w->cpus : 1;
	s->rq.tick_ns = config->tick_ns ? config->tick_ns : w->tick_ns ? w->tick_ns : SIM_TICK_NS;
	s->rq.curr = s->curr;
	s->idle = s->rq.cpus == 64 ? UINT64_MAX : (1ULL << s->rq.cpus) - 1;
	if (check_workload(s) && start_policy(s)) {
		if (make_tasks(s))
			run(s);
		finish(s);
		if (config->policy->exit)
			config->policy->exit(&s->rq);
	}
	int err = s->failed ? -EINVAL : 0;
	cache_free(s);
	for (size_t i = 0; i < s->nr_tasks; i++) {
		free(s->tasks[i]->own_name);
		free(s->tasks[i]);
	}
	free(s->tasks);
	free(s->heap);
	free(s->rq.priv);
	free(s);
	return err;
}
