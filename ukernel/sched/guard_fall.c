/*
 * guard_fall.c - what is to happen to a policy that fails, as the user chose, and its happening:
 * rq->priv and rq->params become those of round robin, which gets all who wait.
 */
#include "sched/guard_state.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*guard_end)(const char *text);

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
	struct sched_entity **waiting = calloc(g->known.nr + 1, sizeof(struct sched_entity *));
	size_t n = 0;

	g->inner_priv = rq->priv;
	rq->priv = g->rr_priv;
	g->rr_priv = NULL;
	rq->params = g->rr.values;
	sched_rr.init(rq);
	for (size_t i = 0; i < g->known.size; i++) {
		if (!g->known.slot[i])
			continue;
		sched_list_init(&g->known.slot[i]->link);
		if (g->known.slot[i]->queued && waiting)
			waiting[n++] = g->known.slot[i];
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

void guard_fall(struct guard *g, struct runq *rq, const char *fmt, ...)
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
