/*
 * runner.c - the rounds: each measure in every way, one way after the other, round after round.
 *
 * A machine that changes its pace in the meantime changes it for all ways alike; that is why rounds
 * are interleaved and ratios are taken within a round.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_MAX 120 /* for one run of one measure */
#define STARTS	    7	/* runs of a command that is timed from outside */

static void progress(const char *text)
{
	if (isatty(2))
		fprintf(stderr, "\r\033[K%s", text);
}

static void complain(const char *name, const struct bench_way *w, enum bench_cores cores,
		     const struct bench_cell *cell)
{
	progress("");
	fprintf(stderr, "%s, %s, %s: %s%s\n", name, w->name, bench_cores_name(cores),
		cell->skipped ? "skipped: " : "", cell->reason);
}

/* From what a child said to a figure in ns; false: cell->reason says why there is none. */
static bool figure_of(const struct bench_child *child, struct bench_cell *cell, double *ns)
{
	const char *figure = strstr(child->out, "figure "), *skip = strstr(child->out, "skip ");

	if (figure && sscanf(figure, "figure %lf", ns) == 1)
		return true;
	if (skip) {
		cell->skipped = true;
		snprintf(cell->reason, sizeof(cell->reason), "%.*s", (int)strcspn(skip + 5, "\r\n"),
			 skip + 5);
		return false;
	}
	bench_last_line(*child->err ? child->err : child->out, cell->reason, sizeof(cell->reason));
	if (child->status == -1)
		snprintf(cell->reason, sizeof(cell->reason), "it took longer than %d s",
			 SECONDS_MAX);
	else if (!*cell->reason)
		snprintf(cell->reason, sizeof(cell->reason), "status %d", child->status);
	return false;
}

static bool starts_median(const struct bench_argv *argv, enum bench_cores cores, unsigned times,
			  struct bench_cell *cell, double *ns)
{
	static struct bench_child child;
	double took[STARTS];

	for (unsigned i = 0; i < times; i++) {
		bench_child_run(&child, argv->word, cores, SECONDS_MAX);
		if (child.status != 0) {
			bench_last_line(child.err, cell->reason, sizeof(cell->reason));
			if (!*cell->reason)
				snprintf(cell->reason, sizeof(cell->reason), "status %d",
					 child.status);
			return false;
		}
		took[i] = child.took_ns;
	}
	*ns = bench_stats_of(took, times).median;
	return true;
}

/* Nothing is kept of what was interrupted. */
static void measure_once(const struct bench_report *r, const struct bench_config *c, unsigned m,
			 enum bench_cores cores, unsigned w, bool keep)
{
	const struct bench_measure *measure = &r->measures[m];
	struct bench_cell *cell = bench_cell_of(r, m, cores, w);
	static struct bench_child child;
	static struct bench_argv argv;
	bool good;
	double ns = 0;

	bench_argv_make(&argv, c, &r->ways[w], measure, cores);
	if (measure->command) {
		good = starts_median(&argv, cores, c->quick ? 3 : STARTS, cell, &ns);
	} else {
		bench_child_run(&child, argv.word, cores, SECONDS_MAX);
		good = figure_of(&child, cell, &ns);
	}
	if (bench_interrupted) {
		cell->reason[0] = '\0';
		return;
	}
	if (!good)
		complain(measure->name, &r->ways[w], cores, cell);
	else if (keep)
		bench_cell_add(cell, ns / bench_unit_ns(measure->unit));
}

static bool is_measured(const struct bench_report *r, unsigned m, enum bench_cores cores,
			unsigned w)
{
	const struct bench_way *way = &r->ways[w];

	if (!r->cores[cores] || *way->skipped || *bench_cell_of(r, m, cores, w)->reason)
		return false;
	/* A machine of its own cannot be started for one command from outside. */
	if (r->measures[m].command && strcmp(way->name, "uml") == 0)
		return false;
	if (r->measures[m].floor)
		return way->kind == WAY_NATIVE && (cores == CORES_ALL || !r->cores[CORES_ALL]);
	return true;
}

/* round 0 warms up: it is natively only, and nothing of it is kept. */
static void round_run(const struct bench_report *r, const struct bench_config *c, unsigned round)
{
	char text[160];

	for (unsigned m = 0; m < r->nr_measures; m++)
		for (unsigned cores = 0; cores < CORES_COUNT; cores++)
			for (unsigned w = 0; w < (round ? r->nr_ways : 1); w++) {
				if (bench_interrupted)
					return;
				if (!is_measured(r, m, cores, w))
					continue;
				snprintf(text, sizeof(text), "%s %u of %u: %s, %s, %s",
					 round ? "round" : "warm-up", round, c->rounds,
					 r->measures[m].name, r->ways[w].name,
					 bench_cores_name(cores));
				progress(text);
				measure_once(r, c, m, cores, w, round > 0);
			}
}

void bench_run(struct bench_report *r, const struct bench_config *c)
{
	struct bench_config rough = *c;

	rough.quick = true;
	r->cells =
	    bench_alloc(NULL, (size_t)r->nr_measures * CORES_COUNT * r->nr_ways, sizeof(*r->cells));
	memset(r->cells, 0, (size_t)r->nr_measures * CORES_COUNT * r->nr_ways * sizeof(*r->cells));
	r->quick = c->quick;
	for (unsigned round = 0; round <= c->rounds && !bench_interrupted; round++) {
		if (!isatty(2))
			fprintf(stderr, "%s %u of %u\n", round ? "round" : "warm-up, round", round,
				c->rounds);
		round_run(r, round ? c : &rough, round);
		if (!bench_interrupted)
			r->rounds = round;
	}
	progress("");
	r->interrupted = bench_interrupted;
}
