/*
 * guard.c - the watchdog around a policy, see guard.h.
 *
 * It stands in rq->policy where the policy would; rq->priv and rq->params are the policy's own, so
 * that the policy notices nothing.  Its timer and the watchdog's share the core's one.  When the
 * policy has failed, rq->priv and rq->params become those of round robin, which gets all who wait.
 */
#undef _FORTIFY_SOURCE
#include "sched/guard.h"

#include "sched/params.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct guard {
	struct sched_policy ops; /* first: rq->policy points to it */
	const struct sched_policy *inner;
	struct guard_settings settings;
	bool foreign, fallen;
	char verdict[240];
	struct guard_call call;
	/* the run */
	const struct sched_services *core; /* the services that the core gave */
	struct sched_services services;	   /* those that the policy gets */
	uint64_t inner_timer_ns, check_ns; /* 0: none */
	struct sched_entity **known;	   /* all live ones: a hash table */
	size_t nr_known, size_known;
	void *rr_priv, *inner_priv;
	struct sched_settings rr;
};

void (*guard_end)(const char *text);

static struct guard *guard_of(const struct runq *rq)
{
	return (struct guard *)rq->policy;
}

/* --- the live tasks --- */

static size_t known_slot(const struct guard *g, const struct sched_entity *se)
{
	size_t at = ((uintptr_t)se >> 6) * 0x9e3779b97f4a7c15ULL >> 20;

	for (at &= g->size_known - 1; g->known[at] && g->known[at] != se;)
		at = (at + 1) & (g->size_known - 1);
	return at;
}

static bool known_grow(struct guard *g)
{
	size_t size = g->size_known ? 2 * g->size_known : 64, old_size = g->size_known;
	struct sched_entity **old = g->known, **table = calloc(size, sizeof(struct sched_entity *));

	if (!table)
		return false;
	g->known = table;
	g->size_known = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			g->known[known_slot(g, old[i])] = old[i];
	free(old);
	return true;
}

static void known_add(struct guard *g, struct sched_entity *se)
{
	if (2 * (g->nr_known + 1) > g->size_known && !known_grow(g))
		abort();
	size_t at = known_slot(g, se);
	g->nr_known += !g->known[at];
	g->known[at] = se;
}

static bool known_has(const struct guard *g, const struct sched_entity *se)
{
	return g->size_known && g->known[known_slot(g, se)] == se;
}

static void known_remove(struct guard *g, const struct sched_entity *se)
{
	if (!known_has(g, se))
		return;
	size_t at = known_slot(g, se);
	g->known[at] = NULL;
	g->nr_known--;
	/* Those behind it may have wanted its place. */
	for (at = (at + 1) & (g->size_known - 1); g->known[at];
	     at = (at + 1) & (g->size_known - 1)) {
		struct sched_entity *moved = g->known[at];
		g->known[at] = NULL;
		g->known[known_slot(g, moved)] = moved;
	}
}

/* --- the fall --- */

static int by_wait(const void *a, const void *b)
{
	const struct sched_entity *x = *(struct sched_entity *const *)a;
	const struct sched_entity *y = *(struct sched_entity *const *)b;

	if (x->wait_since_ns != y->wait_since_ns)
		return x->wait_since_ns < y->wait_since_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Round robin gets all who wait, in the order of their waiting. */
static void round_robin_from_now(struct guard *g, struct runq *rq)
{
	struct sched_entity **waiting = calloc(g->nr_known + 1, sizeof(struct sched_entity *));
	size_t n = 0;

	g->inner_priv = rq->priv;
	rq->priv = g->rr_priv;
	g->rr_priv = NULL;
	rq->params = g->rr.values;
	sched_rr.init(rq);
	for (size_t i = 0; i < g->size_known; i++) {
		if (!g->known[i])
			continue;
		sched_list_init(&g->known[i]->link);
		if (g->known[i]->queued && waiting)
			waiting[n++] = g->known[i];
	}
	if (!waiting)
		abort();
	qsort(waiting, n, sizeof(struct sched_entity *), by_wait);
	for (size_t i = 0; i < n; i++)
		sched_rr.enqueue(rq, waiting[i], ENQ_CHANGED);
	free(waiting);
	/* Whoever runs may have been given a slice for ever. */
	for (int i = 0; i < rq->cpus; i++)
		if (rq->curr[i])
			g->core->resched(rq, i);
}

static void __attribute__((format(printf, 3, 4)))
fall(struct guard *g, struct runq *rq, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (g->fallen)
		return;
	g->fallen = true;
	n = snprintf(g->verdict, sizeof(g->verdict), "scheduling policy %s ", g->inner->name);
	va_start(ap, fmt);
	vsnprintf(g->verdict + n, sizeof(g->verdict) - (size_t)n, fmt, ap);
	va_end(ap);
	fprintf(stderr, "ukernel: %s; %s\n", g->verdict,
		g->settings.mode == GUARD_END ? "the program ends" : "round robin takes over");
	if (g->settings.mode == GUARD_END) {
		if (!guard_end)
			exit(125);
		guard_end(g->verdict);
	}
	g->inner_timer_ns = g->check_ns = 0;
	g->core->timer(rq, 0);
	rq_why(rq, NULL, "%s: round robin takes over", g->verdict);
	round_robin_from_now(g, rq);
}

/* c's call did not come back. */
static void fall_of_call(struct guard *g, struct runq *rq)
{
	const char *op = g->call.op;

	g->call.op = NULL;
	fall(g, rq, "%s in %s()", g->call.trouble, op);
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

	for (size_t i = 0; i < g->size_known; i++) {
		const struct sched_entity *se = g->known[i];
		if (se && se->queued && (!worst || se->wait_since_ns < worst->wait_since_ns))
			worst = se;
	}
	if (!worst || rq->now_ns - worst->wait_since_ns < g->settings.limit_ns)
		return;
	fall(g, rq, "%s task %llu (%s): it has been waiting for %.3f s",
	     rq->nr_running ? "starves" : "has lost", (unsigned long long)worst->id, worst->name,
	     (double)(rq->now_ns - worst->wait_since_ns) / 1e9);
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
		g->inner_timer_ns = 0;
		if (g->inner->timer && GUARD_CALL(&g->call, "timer")) {
			g->inner->timer(rq);
			GUARD_RETURN(&g->call);
		} else if (g->inner->timer) {
			fall_of_call(g, rq);
			return;
		}
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
	if (!g->inner->init)
		return 0;
	if (GUARD_CALL(&g->call, "init")) {
		volatile int result = g->inner->init(rq);
		GUARD_RETURN(&g->call);
		err = result;
	} else {
		fall_of_call(g, rq);
		err = 0;
	}
	return err;
}

static void guard_exit(struct runq *rq)
{
	struct guard *g = guard_of(rq);

	if (!g->fallen && g->inner->exit) {
		if (GUARD_CALL(&g->call, "exit")) {
			g->inner->exit(rq);
			GUARD_RETURN(&g->call);
		} else {
			fall_of_call(g, rq);
		}
	}
	guard_call_stop(&g->call);
	free(g->rr_priv);
	free(g->inner_priv);
	free(g->known);
	g->rr_priv = g->inner_priv = NULL;
	g->known = NULL;
	g->nr_known = g->size_known = 0;
}

static void guard_task_init(struct runq *rq, struct sched_entity *se,
			    const struct sched_entity *parent)
{
	struct guard *g = guard_of(rq);

	known_add(g, se);
	if (g->fallen || !g->inner->task_init)
		return;
	if (GUARD_CALL(&g->call, "task_init")) {
		g->inner->task_init(rq, se, parent);
		GUARD_RETURN(&g->call);
	} else {
		fall_of_call(g, rq);
	}
}

static void guard_task_exit(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (!g->fallen && g->inner->task_exit) {
		if (GUARD_CALL(&g->call, "task_exit")) {
			g->inner->task_exit(rq, se);
			GUARD_RETURN(&g->call);
		} else {
			fall_of_call(g, rq);
		}
	}
	known_remove(g, se);
}

static void guard_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct guard *g = guard_of(rq);

	if (g->fallen) {
		sched_rr.enqueue(rq, se, why);
		return;
	}
	check_arm(g, rq);
	if (GUARD_CALL(&g->call, "enqueue")) {
		g->inner->enqueue(rq, se, why);
		GUARD_RETURN(&g->call);
	} else {
		fall_of_call(g, rq); /* which enqueues it, as all */
	}
}

static void guard_remove(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (!g->fallen) {
		if (GUARD_CALL(&g->call, "remove")) {
			g->inner->remove(rq, se);
			GUARD_RETURN(&g->call);
			return;
		}
		fall_of_call(g, rq);
	}
	sched_rr.remove(rq, se);
}

/* NULL is an answer for who waits for a time to come; who promised not to idle has lost somebody.
 */
static void check_idle(struct guard *g, struct runq *rq, int cpu)
{
	if (!(g->inner->flags & POLICY_WORK_CONSERVING) || g->inner_timer_ns)
		return;
	for (size_t i = 0; i < g->size_known; i++) {
		const struct sched_entity *se = g->known[i];

		if (se && se->queued && sched_allowed(se, cpu)) {
			fall(g, rq, "has lost task %llu (%s): it waits, and pick() finds nobody",
			     (unsigned long long)se->id, se->name);
			return;
		}
	}
}

static void check_pick(struct guard *g, struct runq *rq, const struct sched_entity *se, int cpu)
{
	if (!known_has(g, se))
		fall(g, rq, "picked a task that does not exist (%p)", (const void *)se);
	else if (!se->queued && se->cpu >= 0)
		fall(g, rq, "picked task %llu (%s) for CPU %d, but it runs on CPU %d",
		     (unsigned long long)se->id, se->name, cpu, se->cpu);
	else if (!se->queued)
		fall(g, rq, "picked task %llu (%s), which sleeps", (unsigned long long)se->id,
		     se->name);
	else if (!sched_allowed(se, cpu))
		fall(g, rq, "picked task %llu (%s) for CPU %d, where it may not run",
		     (unsigned long long)se->id, se->name, cpu);
}

static struct sched_entity *guard_pick(struct runq *rq, int cpu)
{
	struct guard *g = guard_of(rq);

	if (!g->fallen) {
		if (GUARD_CALL(&g->call, "pick")) {
			struct sched_entity *se = g->inner->pick(rq, cpu);
			GUARD_RETURN(&g->call);
			if (se)
				check_pick(g, rq, se, cpu);
			else
				check_idle(g, rq, cpu);
			if (!g->fallen)
				return se;
		} else {
			fall_of_call(g, rq);
		}
	}
	return sched_rr.pick(rq, cpu);
}

static uint64_t guard_slice_ns(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (!g->fallen) {
		if (GUARD_CALL(&g->call, "slice_ns")) {
			uint64_t slice_ns = g->inner->slice_ns(rq, se);
			GUARD_RETURN(&g->call);
			if (slice_ns)
				return slice_ns;
			fall(g, rq, "gives task %llu (%s) a slice of nothing",
			     (unsigned long long)se->id, se->name);
		} else {
			fall_of_call(g, rq);
		}
	}
	return sched_rr.slice_ns(rq, se);
}

static uint64_t guard_renew(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return 0;
	if (GUARD_CALL(&g->call, "renew")) {
		uint64_t more = g->inner->renew(rq, se);
		GUARD_RETURN(&g->call);
		return more;
	}
	fall_of_call(g, rq);
	return 0;
}

static void guard_charge(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
			 enum sched_charge_why why)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return;
	if (GUARD_CALL(&g->call, "charge")) {
		g->inner->charge(rq, se, ran_ns, why);
		GUARD_RETURN(&g->call);
	} else {
		fall_of_call(g, rq);
	}
}

static bool guard_tick(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return false;
	if (GUARD_CALL(&g->call, "tick")) {
		bool give_way = g->inner->tick(rq, se);
		GUARD_RETURN(&g->call);
		return give_way;
	}
	fall_of_call(g, rq);
	return false;
}

static bool guard_preempts(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return false;
	if (GUARD_CALL(&g->call, "preempts")) {
		bool yes = g->inner->preempts(rq, woken, curr);
		GUARD_RETURN(&g->call);
		return yes;
	}
	fall_of_call(g, rq);
	return false;
}

static void guard_changed(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return;
	if (GUARD_CALL(&g->call, "changed")) {
		g->inner->changed(rq, se);
		GUARD_RETURN(&g->call);
	} else {
		fall_of_call(g, rq);
	}
}

static int guard_admit(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		       uint64_t deadline, uint64_t period)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return 0;
	if (GUARD_CALL(&g->call, "admit")) {
		int err = g->inner->admit(rq, se, runtime, deadline, period);
		GUARD_RETURN(&g->call);
		return err;
	}
	fall_of_call(g, rq);
	return 0;
}

static bool guard_inherit(struct runq *rq, struct sched_entity *se)
{
	struct guard *g = guard_of(rq);

	if (g->fallen)
		return false;
	if (GUARD_CALL(&g->call, "inherit")) {
		bool changed = g->inner->inherit(rq, se);
		GUARD_RETURN(&g->call);
		return changed;
	}
	fall_of_call(g, rq);
	return false;
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

int guard_parse(const char *text, struct guard_settings *out)
{
	static const struct policy_param limit = {"limit", PARAM_TIME,	     false, "30s",
						  1000000, 1000000000000000, ""};
	static const char *const modes[] = {"off", "rr", "end"};

	for (;;) {
		size_t n = strcspn(text, ",");
		char word[40], error[80];
		struct sched_value v;
		bool found = false;

		if (n >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, n);
		word[n] = '\0';
		for (int i = 0; i < 3; i++) {
			if (strcmp(word, modes[i]) == 0) {
				out->mode = (enum guard_mode)i;
				found = true;
			}
		}
		if (!found) {
			if (sched_value_parse(&limit, word, &v, error, sizeof(error)) < 0)
				return -EINVAL;
			out->limit_ns = (uint64_t)v.v[0];
		}
		if (!text[n])
			return 0;
		text += n + 1;
	}
}
