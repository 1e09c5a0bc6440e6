/*
 * sim_cache.c - what moving a task costs: each simulated CPU has a cache.
 *
 * The model of OSTEP's multi.py: a task runs at its own pace until it has been on a CPU for the
 * warm-up time, all stays taken together; then its working set is in that CPU's cache and it runs
 * faster there.  A working set that comes in drives out those that came in first.
 */
#include "lab/sim_internal.h"

#include <stdlib.h>

static uint64_t warm_work(const struct workload *w, uint64_t left_ns)
{
	uint64_t ns = (left_ns + w->cache_rate - 1) / w->cache_rate, unit = w->cache_unit_ns;

	return unit ? (ns + unit - 1) / unit * unit : ns;
}

/* t's working set has to be fetched again; where that takes no time, it takes one unit (multi.py).
 */
static void drop(struct sim *s, struct sim_task *t, int cpu)
{
	const struct workload *w = s->config->workload;

	t->warm &= ~(1ULL << cpu);
	t->cold_ns[cpu] = w->cache_warmup_ns ? w->cache_warmup_ns : w->cache_unit_ns;
}

static void bring_in(struct sim *s, struct sim_task *t, int cpu)
{
	const struct workload *w = s->config->workload;
	struct sim_cpu *c = &s->cpus[cpu];
	uint64_t total = t->spec->wset;
	unsigned keep = 0;

	struct sim_task **more = reallocarray(c->cached, c->nr_cached + 1, sizeof(*more));
	if (!more) {
		sim_fail(s, "out of memory");
		return;
	}
	c->cached = more;
	for (unsigned i = c->nr_cached++; i > 0; i--)
		c->cached[i] = c->cached[i - 1];
	c->cached[0] = t;
	t->warm |= 1ULL << cpu;
	for (unsigned i = 1; i < c->nr_cached; i++)
		total += c->cached[i]->spec->wset;
	for (keep = c->nr_cached; keep && total > w->cache_size; keep--) {
		total -= c->cached[keep - 1]->spec->wset;
		drop(s, c->cached[keep - 1], cpu);
	}
	c->nr_cached = keep;
}

uint64_t cache_plan(struct sim *s, int cpu)
{
	const struct workload *w = s->config->workload;
	struct sim_task *t = s->cpus[cpu].task;

	if (!t->cold_ns)
		t->cold_ns = calloc((size_t)s->rq.cpus, sizeof(*t->cold_ns));
	if (!t->cold_ns) {
		sim_fail(s, "out of memory");
		return WORKLOAD_FOREVER;
	}
	if (!(t->warming >> cpu & 1)) {
		t->warming |= 1ULL << cpu;
		t->cold_ns[cpu] = w->cache_warmup_ns;
	}
	if (!(t->warm >> cpu & 1) && !t->cold_ns[cpu])
		bring_in(s, t, cpu);
	uint64_t ns = t->warm >> cpu & 1 ? warm_work(w, t->left_ns) : t->left_ns;
	/* Too big a working set never fits: without a warm-up it would be tried for ever. */
	if (!(t->warm >> cpu & 1) && t->cold_ns[cpu] && t->cold_ns[cpu] < ns)
		ns = t->cold_ns[cpu];
	return ns >= WORKLOAD_FOREVER - s->rq.now_ns ? WORKLOAD_FOREVER : s->rq.now_ns + ns;
}

void cache_account(struct sim *s, int cpu)
{
	const struct workload *w = s->config->workload;
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = c->task;
	uint64_t ns = s->rq.now_ns - c->began_ns, work = ns;

	c->began_ns = s->rq.now_ns;
	if (t->warm >> cpu & 1) {
		s->result->warm_ns[cpu] += ns;
		work = ns * w->cache_rate;
	} else {
		uint64_t cold_ns = t->cold_ns[cpu];

		t->cold_ns[cpu] -= ns < cold_ns ? ns : cold_ns;
		if (cold_ns && !t->cold_ns[cpu])
			bring_in(s, t, cpu);
	}
	t->left_ns = t->left_ns == WORKLOAD_FOREVER ? t->left_ns
		     : work >= t->left_ns	    ? 0
						    : t->left_ns - work;
}

void cache_free(struct sim *s)
{
	for (size_t i = 0; i < s->nr_tasks; i++)
		free(s->tasks[i]->cold_ns);
	for (int i = 0; i < s->rq.cpus; i++)
		free(s->cpus[i].cached);
}
