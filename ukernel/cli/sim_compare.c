/*
 * sim_compare.c - `ukernel sched sim --compare`: the same workload in virtual time and in a box.
 *
 * The simulation has no kernel, no program start-up and no cache: what differs is what those cost.
 */
#include "cli/sim_compare.h"

#include "cli/cli.h"
#include "cli/experiment.h"

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

struct distance {
	double turnaround, share;
	unsigned n;
};

static void compare_group(const struct metrics *sim, const struct metrics *real, const char *group,
			  struct distance *d)
{
	struct group_sum a = sum_group(sim, group), b = sum_group(real, group);
	double a99 = (double)samples_rank(&a.wakeups, 0.99) / 1e6;
	double b99 = (double)samples_rank(&b.wakeups, 0.99) / 1e6;

	printf("%-12.12s", group);
	print_pair(a.turnaround, b.turnaround);
	print_pair(a.response, b.response);
	print_pair(a.wakeups.n ? a99 : NAN, b.wakeups.n ? b99 : NAN);
	printf("  %5.1f %5.1f", a.share * 100, b.share * 100);
	if (a.jobs || b.jobs)
		printf("  %" PRIu64 "/%" PRIu64 " %" PRIu64 "/%" PRIu64, a.missed, a.jobs, b.missed,
		       b.jobs);
	putchar('\n');
	if (fabs(a.share - b.share) > d->share)
		d->share = fabs(a.share - b.share);
	if (a.done && b.done && a.turnaround > 0) {
		d->turnaround += fabs(b.turnaround - a.turnaround) / a.turnaround;
		d->n++;
	}
	free(a.wakeups.ns);
	free(b.wakeups.ns);
}

static void print_comparison(const struct workload *w, const char *sched, const struct metrics *sim,
			     const struct metrics *real)
{
	struct distance d = {0};
	const char *before = "";

	printf("== %s: simulated, real, difference (ms)\n%-12s %28s %28s %28s  %s\n", sched,
	       "group", "turnaround          ", "response          ", "wake-up p99          ",
	       "CPU %, sim real");
	/* Instances of one line stand together. */
	for (unsigned i = 0; i < w->nr_tasks; i++) {
		if (strcmp(w->tasks[i].group, before) != 0)
			compare_group(sim, real, w->tasks[i].group, &d);
		before = w->tasks[i].group;
	}
	printf("apart by");
	if (d.n)
		printf(" %.1f %% of the turnaround on average,", d.turnaround / d.n * 100);
	printf(" at most %.1f percentage points of the CPU; %" PRIu64
	       " switches simulated, %" PRIu64 " real\n",
	       d.share * 100, sim->switches, real->switches);
}

int sim_compare(const struct sim_comparison *c)
{
	unsigned failed = 0;
	struct experiment e = {
	    .file = c->file,
	    .backend = c->backend,
	    .player = player_find(),
	};

	e.loops_per_ms = player_calibrate(e.player);
	for (unsigned i = 0; i < c->nr_runs; i++) {
		const struct workload *w = c->workloads[i];
		struct outcome out = {0};

		e.workload = w;
		e.seed = w->seed;
		e.cpus = c->runs[i].metrics->cpus;
		e.tick_ns = c->tick_ns;
		e.timeout_ns =
		    w->stop_ns == WORKLOAD_FOREVER ? TIMEOUT_NS : w->stop_ns + STOP_SLACK_NS;
		char *sched = xasprintf("%s%sseed=%" PRIu64, c->scheds[i],
					strchr(c->scheds[i], ':') ? "," : ":", w->seed);
		if (experiment_run(&e, strstr(c->scheds[i], "seed=") ? c->scheds[i] : sched, &out) <
		    0) {
			failed++;
		} else {
			print_comparison(w, c->runs[i].sched, c->runs[i].metrics, out.metrics);
			outcome_free(&out);
		}
		free(sched);
	}
	return failed ? EXIT_OWN_FAILURE : 0;
}
