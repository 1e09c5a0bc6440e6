/*
 * sim_compare.c - `ukernel sched sim --compare`: the same workload in virtual time and in a box.
 *
 * The simulation has no kernel, no program start-up and no cache: what differs is what those cost.
 */
#include "cli/sim_compare.h"

#include "cli/cli.h"
#include "cli/experiment.h"
#include "lab/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_NS    60000000000ULL
#define STOP_SLACK_NS 2000000000ULL

/* Of the tasks of one group: means in ms, and their part of all CPU time. */
struct group_sum {
	double response, turnaround, waiting, share;
	unsigned n, ran, done;
	uint64_t jobs, missed;
	struct samples wakeups;
};

static void add_wakeups(struct samples *to, const struct samples *from)
{
	if (!from->n)
		return;
	to->ns = xrealloc(to->ns, to->n + from->n, sizeof(*to->ns));
	memcpy(to->ns + to->n, from->ns, from->n * sizeof(*to->ns));
	to->n += from->n;
}

static struct group_sum sum_group(const struct metrics *m, const char *group)
{
	struct group_sum g = {0};
	double cpu = 0, all = 0;

	for (size_t i = 0; i < m->nr_rows; i++) {
		const struct metrics_row *row = m->rows[i];

		all += (double)row->cpu_ns;
		if (strcmp(row->group, group) != 0)
			continue;
		g.n++;
		cpu += (double)row->cpu_ns;
		g.waiting += (double)row->waiting_ns / 1e6;
		g.jobs += row->jobs;
		g.missed += row->missed;
		add_wakeups(&g.wakeups, &row->wakeups);
		if (row->has_run) {
			g.ran++;
			g.response += (double)(row->first_run_ns - row->arrival_ns) / 1e6;
		}
		if (row->done) {
			g.done++;
			g.turnaround += (double)(row->completion_ns - row->arrival_ns) / 1e6;
		}
	}
	g.response /= g.ran;
	g.turnaround /= g.done;
	g.waiting /= g.n;
	g.share = all > 0 ? cpu / all : 0;
	return g;
}

/* One group both ways. */
struct pair {
	const char *group;
	struct group_sum sim, real;
	double sim_p99, real_p99; /* of its wake-ups, in ms; NAN: none */
};

/* One policy. */
struct distance {
	struct pair *pairs;
	unsigned nr_pairs;
	double turnaround, share; /* mean part of the simulated one; most, of all CPU time */
	unsigned n;		  /* groups with a turnaround */
};

static double p99_ms(struct samples *s)
{
	return s->n ? (double)samples_rank(s, 0.99) / 1e6 : NAN;
}

static void pair_measure(struct distance *d, const struct metrics *sim, const struct metrics *real,
			 const char *group)
{
	struct pair *p = &d->pairs[d->nr_pairs++];
	struct group_sum *a = &p->sim, *b = &p->real;

	p->group = group;
	*a = sum_group(sim, group);
	*b = sum_group(real, group);
	p->sim_p99 = p99_ms(&a->wakeups);
	p->real_p99 = p99_ms(&b->wakeups);
	free(a->wakeups.ns);
	free(b->wakeups.ns);
	if (fabs(a->share - b->share) > d->share)
		d->share = fabs(a->share - b->share);
	if (a->done && b->done && a->turnaround > 0) {
		d->turnaround += fabs(b->turnaround - a->turnaround) / a->turnaround;
		d->n++;
	}
}

static struct distance measure(const struct workload *w, const struct metrics *sim,
			       const struct metrics *real)
{
	struct distance d = {.pairs = xrealloc(NULL, w->nr_tasks, sizeof(*d.pairs))};
	const char *before = "";

	/* Instances of one line stand together. */
	for (unsigned i = 0; i < w->nr_tasks; i++) {
		if (strcmp(w->tasks[i].group, before) != 0)
			pair_measure(&d, sim, real, w->tasks[i].group);
		before = w->tasks[i].group;
	}
	d.turnaround /= d.n;
	return d;
}

/* --- output --- */

/* "simulated  real" and the difference in per cent of the simulated. */
static void print_pair(double sim, double real)
{
	if (isnan(sim) || isnan(real))
		printf(" %28s", "-");
	else if (sim > 0)
		printf(" %10.3f %10.3f %+5.1f%%", sim, real, (real - sim) / sim * 100);
	else
		printf(" %10.3f %10.3f %6s", sim, real, "");
}

static void print_table(const char *sched, const struct distance *d, const struct metrics *sim,
			const struct metrics *real)
{
	printf("== %s: simulated, real, difference (ms)\n%-12s %28s %28s %28s  %s\n", sched,
	       "group", "turnaround          ", "response          ", "wake-up p99          ",
	       "CPU %, sim real");
	for (unsigned i = 0; i < d->nr_pairs; i++) {
		const struct pair *p = &d->pairs[i];

		printf("%-12.12s", p->group);
		print_pair(p->sim.turnaround, p->real.turnaround);
		print_pair(p->sim.response, p->real.response);
		print_pair(p->sim_p99, p->real_p99);
		printf("  %5.1f %5.1f", p->sim.share * 100, p->real.share * 100);
		if (p->sim.jobs || p->real.jobs)
			printf("  %" PRIu64 "/%" PRIu64 " %" PRIu64 "/%" PRIu64, p->sim.missed,
			       p->sim.jobs, p->real.missed, p->real.jobs);
		putchar('\n');
	}
	printf("apart by");
	if (d->n)
		printf(" %.1f %% of the turnaround on average,", d->turnaround * 100);
	printf(" at most %.1f percentage points of the CPU; %" PRIu64
	       " switches simulated, %" PRIu64 " real\n",
	       d->share * 100, sim->switches, real->switches);
}

static void print_side(const char *key, const struct group_sum *g, double p99, const char *end)
{
	printf("\"%s\":{", key);
	json_real(stdout, "turnaround_ms", g->turnaround, g->done);
	json_real(stdout, "response_ms", g->response, g->ran);
	json_real(stdout, "waiting_ms", g->waiting, g->n);
	json_real(stdout, "wake_p99_ms", p99, true);
	json_real(stdout, "share", g->share, true);
	printf("\"tasks\":%u,\"done\":%u,\"jobs\":%" PRIu64 ",\"missed\":%" PRIu64 "}%s", g->n,
	       g->done, g->jobs, g->missed, end);
}

static void print_json(const char *sched, const struct distance *d, const struct metrics *sim,
		       const struct metrics *real)
{
	putchar('{');
	json_text(stdout, "sched", sched);
	json_real(stdout, "turnaround_apart", d->turnaround, d->n);
	json_real(stdout, "share_apart", d->share, true);
	fputs("\"groups\":[", stdout);
	for (unsigned i = 0; i < d->nr_pairs; i++) {
		const struct pair *p = &d->pairs[i];

		fputs(i ? ",\n{" : "\n{", stdout);
		json_text(stdout, "group", p->group);
		print_side("simulated", &p->sim, p->sim_p99, ",");
		print_side("real", &p->real, p->real_p99, "}");
	}
	fputs("],\n\"simulated\":", stdout);
	metrics_print_json(stdout, sim, sched);
	fputs(",\n\"real\":", stdout);
	metrics_print_json(stdout, real, sched);
	putchar('}');
}

/* The page has each policy's simulation and, below it, what came of it. */
static void write_page(const struct sim_comparison *c, const struct outcome *outcomes)
{
	const struct workload *w = c->workloads[0];
	struct report_run *runs = xrealloc(NULL, 2 * (size_t)c->nr_runs, sizeof(*runs));
	struct report report = {.title = w->name,
				.about = w->about,
				.how = "In virtual time and, below it, with real programs",
				.runs = runs};
	FILE *out = fopen(c->html, "we");

	for (unsigned i = 0; i < c->nr_runs; i++) {
		if (!outcomes[i].metrics)
			continue;
		struct report_run *r = &runs[report.nr_runs];

		r[0] = r[1] = c->runs[i];
		r[0].sched = xasprintf("%s, simulated", c->runs[i].sched);
		r[1].sched = xasprintf("%s, real", c->runs[i].sched);
		r[1].metrics = outcomes[i].metrics;
		r[1].timeline = outcomes[i].timeline;
		report.nr_runs += 2;
	}
	if (!out || report_html(out, &report) < 0 || fclose(out) != 0)
		die("--html: cannot write '%s': %s", c->html, strerror(errno));
	for (size_t i = 0; i < report.nr_runs; i++)
		free((char *)runs[i].sched);
	free(runs);
}

static int run_real(const struct sim_comparison *c, struct experiment *e, unsigned i,
		    struct outcome *out)
{
	const struct workload *w = c->workloads[i];

	e->workload = w;
	e->seed = w->seed;
	e->cpus = c->runs[i].metrics->cpus;
	e->tick_ns = c->tick_ns;
	e->timeout_ns = w->stop_ns == WORKLOAD_FOREVER ? TIMEOUT_NS : w->stop_ns + STOP_SLACK_NS;
	return experiment_run(e, c->scheds[i], out);
}

int sim_compare(const struct sim_comparison *c)
{
	struct outcome *outcomes = xrealloc(NULL, c->nr_runs, sizeof(*outcomes));
	unsigned failed = 0;
	struct experiment e = {
	    .file = c->file,
	    .backend = c->backend,
	    .player = player_find(),
	};

	e.loops_per_ms = player_calibrate(e.player);
	if (c->json)
		putchar('[');
	for (unsigned i = 0; i < c->nr_runs; i++) {
		const struct metrics *sim = c->runs[i].metrics;
		struct distance d;

		outcomes[i] = (struct outcome){0};
		if (run_real(c, &e, i, &outcomes[i]) < 0) {
			failed++;
			continue;
		}
		outcome_warn("sched sim", c->runs[i].sched, &outcomes[i]);
		d = measure(c->workloads[i], sim, outcomes[i].metrics);
		if (c->json) {
			fputs(i > failed ? ",\n" : "\n", stdout);
			print_json(c->runs[i].sched, &d, sim, outcomes[i].metrics);
		} else {
			print_table(c->runs[i].sched, &d, sim, outcomes[i].metrics);
		}
		free(d.pairs);
	}
	if (c->json)
		puts("\n]");
	if (c->html)
		write_page(c, outcomes);
	for (unsigned i = 0; i < c->nr_runs; i++)
		outcome_free(&outcomes[i]);
	free(outcomes);
	return failed ? EXIT_OWN_FAILURE : 0;
}
