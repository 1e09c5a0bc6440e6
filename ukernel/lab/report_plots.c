/*
 * report_plots.c - share of the CPUs over time as a stacked area, and how long woken tasks wait as
 * cumulative distributions, all policies in one picture.
 */
#include "lab/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_STEPS  125
#define SHARE_SPREAD 4 /* steps to both sides that count where slices are short */
#define SHARE_HEIGHT 80

/* Add the part of [from, to) that lies in each step. */
static void add_to_steps(double *steps, double from, double to)
{
	for (int i = (int)from; i < SHARE_STEPS && i < to; i++) {
		double lo = from > i ? from : i, hi = to < i + 1 ? to : i + 1;

		if (hi > lo)
			steps[i] += hi - lo;
	}
}

/* Where tasks take turns within a few steps, a step alone would show who was in it, and no share:
 * the mean of it and its neighbours. */
static void smooth(double *steps)
{
	double sum[SHARE_STEPS + 1] = {0};

	for (int i = 0; i < SHARE_STEPS; i++)
		sum[i + 1] = sum[i] + steps[i];
	for (int i = 0; i < SHARE_STEPS; i++) {
		int lo = i < SHARE_SPREAD ? 0 : i - SHARE_SPREAD;
		int hi = i + SHARE_SPREAD >= SHARE_STEPS ? SHARE_STEPS : i + SHARE_SPREAD + 1;

		steps[i] = (sum[hi] - sum[lo]) / (hi - lo);
	}
}

void share_svg(FILE *out, const struct timeline *tl, const struct report_key *key, uint64_t span_ns,
	       size_t run)
{
	static double share[COLOURS][SHARE_STEPS];
	static double below[SHARE_STEPS];
	const double step_width = (double)PLOT_WIDTH / SHARE_STEPS;
	double scale = SHARE_STEPS / (double)span_ns;
	size_t slices = 0;
	char of[32] = "";

	memset(share, 0, sizeof(share));
	memset(below, 0, sizeof(below));
	for (size_t i = 0; i < tl->nr_spans; i++) {
		const struct timeline_span *s = &tl->spans[i];

		slices += s->cpu != TIMELINE_WAITS;
		if (s->cpu != TIMELINE_WAITS)
			add_to_steps(share[tl->tasks[s->task].colour],
				     (double)(s->from_ns - tl->start_ns) * scale,
				     (double)(s->to_ns - tl->start_ns) * scale);
	}
	if (slices / (size_t)tl->cpus > SHARE_STEPS / 2) {
		for (int c = 0; c < COLOURS; c++)
			smooth(share[c]);
		time_text(span_ns * (2 * SHARE_SPREAD + 1) / SHARE_STEPS, of);
	}
	fprintf(out,
		"<svg class=share data-run='%zu' viewBox='0 0 %d %d' role=img "
		"aria-label='share of the CPUs over time'>\n",
		run, SVG_WIDTH, SHARE_HEIGHT + 6);
	fprintf(out,
		"<text class=name x='%d' y='12'>100 %%</text><text class=name x='%d' "
		"y='%d'>share of CPU</text><text class=name x='%d' y='%d'>0</text>",
		PLOT_LEFT - 8, PLOT_LEFT - 8, SHARE_HEIGHT / 2 + 4, PLOT_LEFT - 8, SHARE_HEIGHT);
	if (*of)
		fprintf(out, "<text class='name of' x='%d' y='%d'>mean of %s</text>", PLOT_LEFT - 8,
			SHARE_HEIGHT / 2 + 18, of);
	fprintf(out, "<rect class=bed x='%d' y='0' width='%d' height='%d'/>", PLOT_LEFT, PLOT_WIDTH,
		SHARE_HEIGHT);
	for (int c = 0; c < COLOURS; c++) {
		bool any = false;

		for (int i = 0; i < SHARE_STEPS; i++)
			any |= share[c][i] > 0;
		if (!any)
			continue;
		fprintf(out, "<path class=c%d d='M%d %.1f", c, PLOT_LEFT,
			SHARE_HEIGHT * (1 - below[0]));
		for (int i = 0; i < SHARE_STEPS; i++) {
			double top = below[i] + share[c][i] / tl->cpus;

			fprintf(out, "V%.1fh%.1f", SHARE_HEIGHT * (1 - (top > 1 ? 1 : top)),
				step_width);
		}
		for (int i = SHARE_STEPS - 1; i >= 0; i--) {
			fprintf(out, "V%.1fh-%.1f", SHARE_HEIGHT * (1 - below[i]), step_width);
			below[i] = fmin(1, below[i] + share[c][i] / tl->cpus);
		}
		fputs("z'><title>", out);
		report_text(out, c < key->count ? key->name[c] : "others");
		fputs("</title></path>\n", out);
	}
	fputs("</svg>\n", out);
}

/* --- latency --- */

#define CDF_LEFT   46
#define CDF_WIDTH  420
#define CDF_HEIGHT 190
#define CDF_FULL_W (CDF_LEFT + CDF_WIDTH + 20)
#define CDF_FULL_H (CDF_HEIGHT + 40)
#define CDF_POINTS 120
#define CDF_LEAST  5 /* fewer samples say nothing */
#define PANELS_MAX 6

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* All wake-up latencies of a run's group (NULL: of all), sorted; the caller frees. */
static uint64_t *latencies(const struct metrics *m, const char *group, size_t *n)
{
	size_t count = 0;

	for (size_t i = 0; i < m->nr_rows; i++)
		if (!group || strcmp(m->rows[i]->group, group) == 0)
			count += m->rows[i]->wakeups.n;
	uint64_t *all = calloc(count + 1, sizeof(*all));
	*n = 0;
	for (size_t i = 0; all && i < m->nr_rows; i++) {
		const struct samples *s = &m->rows[i]->wakeups;

		if (!s->n || (group && strcmp(m->rows[i]->group, group) != 0))
			continue;
		memcpy(all + *n, s->ns, s->n * sizeof(*all));
		*n += s->n;
	}
	if (all)
		qsort(all, *n, sizeof(*all), by_value);
	return all;
}

/* 1 microsecond to 10 seconds, by powers of ten. */
static double latency_x(uint64_t ns)
{
	double decades = log10((double)(ns < 1000 ? 1000 : ns) / 1000.0);

	return CDF_LEFT + CDF_WIDTH * (decades > 7 ? 7 : decades) / 7;
}

static void cdf_frame(FILE *out)
{
	static const char *const labels[] = {"1 µs",  "10 µs",	"100 µs", "1 ms",
					     "10 ms", "100 ms", "1 s",	  "10 s"};

	fprintf(out, "<rect class=bed x='%d' y='8' width='%d' height='%d'/><g class=axis>",
		CDF_LEFT, CDF_WIDTH, CDF_HEIGHT);
	for (int i = 0; i < 8; i++) {
		double x = CDF_LEFT + CDF_WIDTH * i / 7.0;

		fprintf(out, "<path d='M%.1f 8v%d'/><text x='%.1f' y='%d'>%s</text>", x, CDF_HEIGHT,
			x, CDF_HEIGHT + 24, labels[i]);
	}
	fputs("</g>", out);
	for (int percent = 0; percent <= 100; percent += 50)
		fprintf(out, "<text class=name x='%d' y='%.1f'>%d %%</text>", CDF_LEFT - 5,
			8 + CDF_HEIGHT * (1 - percent / 100.0) + 4, percent);
}

static void cdf_line(FILE *out, const uint64_t *ns, size_t n, size_t run, const char *sched)
{
	char buf[32];

	fprintf(out, "<path class='line p%zu' d='M%.1f %d", run % COLOUR_OTHER, latency_x(ns[0]),
		8 + CDF_HEIGHT);
	for (int i = 0; i <= CDF_POINTS; i++) {
		size_t rank = (n - 1) * (size_t)i / CDF_POINTS;

		fprintf(out, "L%.1f %.1f", latency_x(ns[rank]),
			8 + CDF_HEIGHT * (1 - (double)(rank + 1) / (double)n));
	}
	fprintf(out, "H%d'><title>", CDF_LEFT + CDF_WIDTH);
	report_text(out, sched);
	fprintf(out, ": half within %s", time_text(ns[n / 2], buf));
	fprintf(out, ", 99 %% within %s</title></path>\n", time_text(ns[(n - 1) * 99 / 100], buf));
}

static void cdf_panel(FILE *out, const struct report *report, const char *group)
{
	bool any = false;

	for (size_t r = 0; r < report->nr_runs; r++) {
		size_t n;
		uint64_t *ns = latencies(report->runs[r].metrics, group, &n);

		if (ns && n >= CDF_LEAST) {
			if (!any) {
				fputs("<figure><figcaption>", out);
				report_text(out, group ? group : "all tasks");
				fprintf(out,
					"</figcaption><svg class=cdf viewBox='0 0 %d %d' role=img "
					"aria-label='latency distribution'>",
					CDF_FULL_W, CDF_FULL_H);
				cdf_frame(out);
			}
			any = true;
			cdf_line(out, ns, n, r, report->runs[r].sched);
		}
		free(ns);
	}
	if (any)
		fputs("</svg></figure>\n", out);
}

static bool group_seen(const char *const *groups, int n, const char *group)
{
	for (int i = 0; i < n; i++)
		if (strcmp(groups[i], group) == 0)
			return true;
	return false;
}

void latency_html(FILE *out, const struct report *report)
{
	const char *groups[PANELS_MAX];
	int n = 0;

	fputs("<p class=key>", out);
	for (size_t r = 0; r < report->nr_runs; r++) {
		fprintf(out, "<span><i class=p%zu></i>", r % COLOUR_OTHER);
		report_text(out, report->runs[r].sched);
		fputs("</span> ", out);
	}
	fputs("</p>\n<div class=panels>\n", out);
	cdf_panel(out, report, NULL);
	for (size_t r = 0; r < report->nr_runs; r++) {
		const struct metrics *m = report->runs[r].metrics;

		for (size_t i = 0; i < m->nr_rows && n < PANELS_MAX; i++) {
			const char *group = m->rows[i]->group;

			if (m->rows[i]->wakeups.n < CDF_LEAST || group_seen(groups, n, group))
				continue;
			groups[n++] = group;
			cdf_panel(out, report, group);
		}
	}
	fputs("</div>\n", out);
}
