/*
 * guard.c - the watchdog around a policy, see guard.h.
 *
 * It stands in rq->policy where the policy would; rq->priv and rq->params are the policy's own, so
 * that the policy notices nothing.  Its timer and the watchdog's share the core's one.  What
 * comes after a failure is in guard_fall.c.
 */
#undef _FORTIFY_SOURCE
#include "sched/guard_state.h"

#include "sched/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct guard *guard_of(const struct runq *rq)
{
	return (struct guard *)rq->policy;
}

/* A process has none before its first program. */
static const char *name_of(const struct sched_entity *se)
{
	return *se->name ? se->name : "no name yet";
}

/* --- calls --- */

struct args {
	struct sched_entity *se, *other;
	const struct sched_entity *asking;
	uint64_t a, b, c;
	int why, cpu;
	/* what comes back */
	uint64_t result;
	struct sched_entity *picked;
};

typedef void (*call_fn)(const struct sched_policy *p, struct runq *rq, struct args *a);

/* Call the policy, which is said to be in op; false: it has fallen, now or before. */
static bool call(struct runq *volatile rq, const char *volatile op, call_fn fn, struct args *a)
{
	struct guard *volatile g = guard_of(rq);

	if (g->fallen)
		return false;
	if (GUARD_CALL(&g->call, op)) {
		fn(g->inner, rq, a);
		GUARD_RETURN(&g->call);
		return true;
	}
	GUARD_RETURN(&g->call);
	guard_fall(g, rq, "%s in %s()", g->call.trouble, op);
	return false;
}

static void do_init(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = (uint64_t)(int64_t)p->init(rq);
}

static void do_exit(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	(void)a;
	p->exit(rq);
}

static void do_task_init(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->task_init(rq, a->se, a->asking);
}

static void do_task_exit(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->task_exit(rq, a->se);
}

static void do_enqueue(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->enqueue(rq, a->se, (enum sched_enqueue_why)a->why);
}

static void do_remove(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->remove(rq, a->se);
}

static void do_pick(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->picked = p->pick(rq, a->cpu);
}

static void do_slice_ns(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = p->slice_ns(rq, a->se);
}

static void do_renew(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = p->renew(rq, a->se);
}

static void do_charge(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->charge(rq, a->se, a->a, (enum sched_charge_why)a->why);
}

static void do_tick(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = p->tick(rq, a->se);
}

static void do_preempts(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = p->preempts(rq, a->se, a->other);
}

static void do_changed(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	p->changed(rq, a->se);
}

static void do_admit(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = (uint64_t)(int64_t)p->admit(rq, a->asking, a->a, a->b, a->c);
}

static void do_inherit(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	a->result = p->inherit(rq, a->se);
}

static void do_timer(const struct sched_policy *p, struct runq *rq, struct args *a)
{
	(void)a;
	p->timer(rq);
}

/* --- time --- */

static void timer_arm(struct guard *g, struct runq *rq)
{
	uint64_t first = g->inner_timer_ns;

	if (g->check_ns && (!first || g->check_ns < first))
		first = g->check_ns;
	g->core->timer(rq, first);
}

static void service_timer(struct runq *rq, uint64_t at_ns)
{
	struct guard *g = guard_of(rq);

	g->inner_timer_ns = at_ns;
	timer_arm(g, rq);
}

/* Somebody waits: look again when he may have waited too long. */
static void check_arm(struct guard *g, struct runq *rq)
{
	if (g->check_ns || g->fallen)
		return;
	g->check_ns = rq->now_ns + g->settings.limit_ns / 4 + 1;
	timer_arm(g, rq);
}

static void check_waiting(struct guard *g, struct runq *rq)
{
	const struct sched_entity *worst = NULL;

	for (size_t i = 0; i < g->known.size; i++) {
		const struct sched_entity *se = g->known.slot[i];
		if (se && se->queued && (!worst || se->wait_since_ns < worst->wait_since_ns))
			worst = se;
	}
	if (!worst || rq->now_ns - worst->wait_since_ns < g->settings.limit_ns)
		return;
	guard_fall(g, rq, "%s task %llu (%s): it has been waiting for %.3f s",
		   rq->nr_running ? "starves" : "has lost", (unsigned long long)worst->id,
		   name_of(worst), (double)(rq->now_ns - worst->wait_since_ns) / 1e9);
}

static void guard_timer(struct runq *rq)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return;
	if (g->check_ns && rq->now_ns >= g->check_ns) {
		g->check_ns = 0;
		check_waiting(g, rq);
		if (g->fallen)
			return;
		if (rq->nr_queued)
			check_arm(g, rq);
	}
	if (g->inner_timer_ns && rq->now_ns >= g->inner_timer_ns) {
		struct args a = {0};

		g->inner_timer_ns = 0;
		if (g->inner->timer && !call(rq, "timer", do_timer, &a))
			return;
	}
	timer_arm(g, rq);
}

/* --- ops --- */

static int guard_init(struct runq *rq)
{
	struct guard *g = guard_of(rq);
	char error[80];
	int err = 0;

	g->fallen = false;
	g->verdict[0] = '\0';
	g->inner_timer_ns = g->check_ns = 0;
	g->core = rq->services;
	g->services = *rq->services;
	g->services.timer = service_timer;
	rq->services = &g->services;
	g->rr_priv = calloc(1, sched_rr.priv_size);
	if (!g->rr_priv || sched_params_parse(&sched_rr, NULL, &g->rr, error, sizeof(error)) < 0)
		return -ENOMEM;
	if (g->foreign) {
		err = guard_call_start(&g->call, g->inner);
		if (err < 0)
			return err;
	}
	struct args a = {0};
	if (g->inner->init)
		call(rq, "init", do_init, &a);
	err = (int)(int64_t)a.result;
	if (err < 0) { /* exit() will not be called */
		guard_call_stop(&g->call);
		free(g->rr_priv);
		g->rr_priv = NULL;
	}
	return err;
}

static void guard_exit(struct runq *rq)
{
	struct guard *g = guard_of(rq);

	struct args a = {0};

	if (g->inner->exit)
		call(rq, "exit", do_exit, &a);
	guard_call_stop(&g->call);
	free(g->rr_priv);
	free(g->inner_priv);
	free(g->known.slot);
	g->rr_priv = g->inner_priv = NULL;
	g->known = (struct guard_known){0};
}

static void guard_task_init(struct runq *rq, struct sched_entity *se,
			    const struct sched_entity *parent)
{
	struct guard *g = guard_of(rq);

	struct args a = {.se = se, .asking = parent};

	guard_known_add(&g->known, se);
	if (g->inner->task_init)
		call(rq, "task_init", do_task_init, &a);
}

static void guard_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);
	struct args a = {.se = se};

	if (g->inner->task_exit)
		call(rq, "task_exit", do_task_exit, &a);
	guard_known_remove(&g->known, se);
}

static void guard_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct guard *g = guard_of(rq);
	struct args a = {.se = se, .why = why};

	if (g->fallen) {
		sched_rr.enqueue(rq, se, why);
		return;
	}
	check_arm(g, rq);
	call(rq, "enqueue", do_enqueue, &a); /* whoever falls here is enqueued, as all */
}

static void guard_remove(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	if (!call(rq, "remove", do_remove, &a))
		sched_rr.remove(rq, se);
}

/* NULL is an answer for who waits for a time to come; who promised not to idle has lost somebody.
 */
static void check_idle(struct guard *g, struct runq *rq, int cpu)
{
	if (!(g->inner->flags & POLICY_WORK_CONSERVING) || g->inner_timer_ns)
		return;
	for (size_t i = 0; i < g->known.size; i++) {
		const struct sched_entity *se = g->known.slot[i];

		if (se && se->queued && sched_allowed(se, cpu)) {
			guard_fall(g, rq,
				   "has lost task %llu (%s): it waits, and pick() finds nobody",
				   (unsigned long long)se->id, name_of(se));
			return;
		}
	}
}

static void check_pick(struct guard *g, struct runq *rq, const struct sched_entity *se, int cpu)
{
	if (!guard_known_has(&g->known, se))
		guard_fall(g, rq, "picked a task that does not exist (%p)", (const void *)se);
	else if (!se->queued && se->cpu >= 0)
		guard_fall(g, rq, "picked task %llu (%s) for CPU %d, but it runs on CPU %d",
			   (unsigned long long)se->id, name_of(se), cpu, se->cpu);
	else if (!se->queued)
		guard_fall(g, rq, "picked task %llu (%s), which sleeps", (unsigned long long)se->id,
			   name_of(se));
	else if (!sched_allowed(se, cpu))
		guard_fall(g, rq, "picked task %llu (%s) for CPU %d, where it may not run",
			   (unsigned long long)se->id, name_of(se), cpu);
}

static struct sched_entity *guard_pick(struct runq *rq, int cpu)
{
	struct guard *g = guard_of(rq);
	struct args a = {.cpu = cpu};

	if (call(rq, "pick", do_pick, &a)) {
		if (a.picked)
			check_pick(g, rq, a.picked, cpu);
		else
			check_idle(g, rq, cpu);
		if (!g->fallen)
			return a.picked;
	}
	return sched_rr.pick(rq, cpu);
}

static uint64_t guard_slice_ns(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	if (call(rq, "slice_ns", do_slice_ns, &a)) {
		if (a.result)
			return a.result;
		guard_fall(guard_of(rq), rq, "gives task %llu (%s) a slice of nothing",
			   (unsigned long long)se->id, name_of(se));
	}
	return sched_rr.slice_ns(rq, se);
}

static uint64_t guard_renew(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	return call(rq, "renew", do_renew, &a) ? a.result : 0;
}

static void guard_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			 enum sched_charge_why why)
{
	struct args a = {.se = se, .a = ran_ns, .why = why};

	call(rq, "charge", do_charge, &a);
}

static bool guard_tick(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	return call(rq, "tick", do_tick, &a) && a.result;
}

static bool guard_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	struct args a = {.se = woken, .other = curr};

	return call(rq, "preempts", do_preempts, &a) && a.result;
}

static void guard_changed(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	call(rq, "changed", do_changed, &a);
}

static int guard_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		       uint64_t deadline, uint64_t period)
{
	struct args a = {.asking = se, .a = runtime, .b = deadline, .c = period};

	return call(rq, "admit", do_admit, &a) ? (int)(int64_t)a.result : 0;
}

static bool guard_inherit(struct runq *rq, struct sched_entity *se)
{
	struct args a = {.se = se};

	return call(rq, "inherit", do_inherit, &a) && a.result;
}

/* --- making one --- */

const struct sched_policy *guard_create(const struct sched_policy *inner, bool foreign,
					const struct guard_settings *settings)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->inner = inner;
	g->foreign = foreign;
	g->settings = *settings;
	g->ops = *inner; /* name, flags, parameters, sizes; what is not there stays away */
	g->ops.init = guard_init;
	g->ops.exit = guard_exit;
	g->ops.task_init = guard_task_init;
	g->ops.task_exit = guard_task_exit;
	g->ops.enqueue = guard_enqueue;
	g->ops.remove = guard_remove;
	g->ops.pick = guard_pick;
	g->ops.slice_ns = guard_slice_ns;
	g->ops.renew = inner->renew ? guard_renew : NULL;
	g->ops.charge = inner->charge ? guard_charge : NULL;
	g->ops.tick = inner->tick ? guard_tick : NULL;
	g->ops.preempts = inner->preempts ? guard_preempts : NULL;
	g->ops.changed = inner->changed ? guard_changed : NULL;
	g->ops.admit = inner->admit ? guard_admit : NULL;
	g->ops.inherit = inner->inherit ? guard_inherit : NULL;
	g->ops.timer = guard_timer;
	return &g->ops;
}

const char *guard_verdict(const struct sched_policy *policy)
{
	const struct guard *g = (const struct guard *)policy;

	return policy->enqueue == guard_enqueue && g->verdict[0] ? g->verdict : NULL;
}
