/*
 * svg.c - the charts of the page, as inline SVG: bars on a logarithmic scale, one trap in phases.
 */
#include "html.h"

#include <math.h>
#include <string.h>

#define LEFT  330 /* where the plot begins */
#define PLOT  520
#define RIGHT 150
#define WIDTH (LEFT + PLOT + RIGHT)
#define BAR   13
#define GAP   12
#define AXIS  24

/* A logarithmic axis of whole decades. */
struct axis {
	int lo, hi; /* powers of ten, in ns */
};

static double axis_at(const struct axis *a, double ns)
{
	double x = (log10(ns) - a->lo) / (a->hi - a->lo);

	return LEFT + PLOT * (x < 0 ? 0 : x > 1 ? 1 : x);
}

static bool in_group(const struct bench_report *r, unsigned m, const char *group)
{
	return strcmp(r->measures[m].group, group) == 0;
}

bool svg_is_plain(const struct bench_measure *m)
{
	return strcmp(m->unit, "x") == 0 || strcmp(m->unit, "%") == 0;
}

static unsigned row_bars(const struct bench_report *r, unsigned m, enum bench_cores cores)
{
	unsigned n = 0;

	if (svg_is_plain(&r->measures[m]))
		return 0;
	for (unsigned w = 0; w < r->nr_ways; w++)
		n += bench_cell_of(r, m, cores, w)->n > 0;
	return n;
}

bool svg_has_figures(const struct bench_report *r, enum bench_cores cores, const char *group)
{
	for (unsigned m = 0; m < r->nr_measures; m++)
		if (in_group(r, m, group) && row_bars(r, m, cores))
			return true;
	return false;
}

static struct axis axis_of(const struct bench_report *r, enum bench_cores cores, const char *group)
{
	double lo = 1e18, hi = 1e-3; /* ns */

	for (unsigned m = 0; m < r->nr_measures; m++) {
		if (!in_group(r, m, group) || !row_bars(r, m, cores))
			continue;
		for (unsigned w = 0; w < r->nr_ways; w++) {
			const struct bench_cell *cell = bench_cell_of(r, m, cores, w);

			if (!cell->n)
				continue;
			double ns = bench_stats_of(cell->value, cell->n).median *
				    bench_unit_ns(r->measures[m].unit);
			lo = ns < lo ? ns : lo;
			hi = ns > hi ? ns : hi;
		}
	}
	struct axis a = {(int)floor(log10(lo * .7)), (int)ceil(log10(hi))};
	if (a.hi <= a.lo)
		a.hi = a.lo + 1;
	return a;
}

static void put_axis(const struct axis *a, int height, FILE *out)
{
	char text[32];

	for (int power = a->lo; power <= a->hi; power++) {
		double x = axis_at(a, pow(10, power));

		html_time(pow(10, power), text, sizeof(text));
		fprintf(out,
			"<line class=grid x1=%.1f x2=%.1f y1=%d y2=%d /><text class=tick x=%.1f "
			"y=14>%s</text>\n",
			x, x, AXIS - 4, height, x, text);
	}
}

static void put_bar(const struct bench_report *r, const struct axis *a, unsigned m,
		    enum bench_cores cores, unsigned w, int y, FILE *out)
{
	const struct bench_cell *cell = bench_cell_of(r, m, cores, w);
	const struct bench_cell *native = bench_cell_of(r, m, cores, 0);
	double unit = bench_unit_ns(r->measures[m].unit);
	struct bench_stats s = bench_stats_of(cell->value, cell->n);
	double x = axis_at(a, s.median * unit), q1 = axis_at(a, s.q1 * unit),
	       q3 = axis_at(a, s.q3 * unit);
	char text[32], ratio[32] = "";

	html_time(s.median * unit, text, sizeof(text));
	if (w > 0 && native->n)
		snprintf(ratio, sizeof(ratio), ", %.3g×",
			 s.median / bench_stats_of(native->value, native->n).median);
	fprintf(out, "<g><title>");
	html_text(r->measures[m].what, out);
	fprintf(out, ": ");
	html_text(r->ways[w].name, out);
	fprintf(out, " %s%s, %u rounds</title>", text, ratio, cell->n);
	fprintf(out, "<rect class=c%u x=%d y=%d width=%.1f height=%d />",
		html_colour(r, r->ways[w].name), LEFT, y, x - LEFT > 1 ? x - LEFT : 1, BAR - 2);
	fprintf(out, "<line class=spread x1=%.1f x2=%.1f y1=%d y2=%d />", q1, q3, y + BAR / 2 - 1,
		y + BAR / 2 - 1);
	fprintf(out, "<text class=value x=%.1f y=%d>%s%s</text></g>\n", (q3 > x ? q3 : x) + 5,
		y + BAR - 4, text, ratio);
}

void svg_group(const struct bench_report *r, enum bench_cores cores, const char *group, FILE *out)
{
	struct axis a = axis_of(r, cores, group);
	int height = AXIS, y = AXIS;

	for (unsigned m = 0; m < r->nr_measures; m++)
		if (in_group(r, m, group) && row_bars(r, m, cores))
			height += (int)row_bars(r, m, cores) * BAR + GAP;
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=%d height=%d role=img>\n", WIDTH, height,
		WIDTH, height);
	put_axis(&a, height, out);
	for (unsigned m = 0; m < r->nr_measures; m++) {
		int bars = (int)row_bars(r, m, cores);

		if (!in_group(r, m, group) || !bars)
			continue;
		fprintf(out, "<text class=what x=%d y=%d>", LEFT - 10, y + bars * BAR / 2 + 4);
		html_text(r->measures[m].what, out);
		fputs("</text>\n", out);
		for (unsigned w = 0; w < r->nr_ways; w++) {
			if (!bench_cell_of(r, m, cores, w)->n)
				continue;
			put_bar(r, &a, m, cores, w, y, out);
			y += BAR;
		}
		y += GAP;
	}
	fputs("</svg>\n", out);
}

/* --- one trap --- */

static double trap_ns(const struct bench_trap *t)
{
	double all = 0;

	for (unsigned k = 0; k < t->n; k++)
		all += t->phase[k].ns;
	return all;
}

static void put_trap(const struct bench_trap *t, double scale, int y, FILE *out)
{
	double x = LEFT;
	char text[32];

	fprintf(out, "<text class=what x=%d y=%d>", LEFT - 10, y + 17);
	html_text(t->way, out);
	fprintf(out, ", %s</text>\n", bench_cores_name(t->cores));
	for (unsigned k = 0; k < t->n; k++) {
		double wide = t->phase[k].ns * scale;

		html_time(t->phase[k].ns, text, sizeof(text));
		fprintf(
		    out,
		    "<g><title>%s %s</title><rect class=p%u x=%.1f y=%d width=%.1f height=24 />",
		    t->phase[k].name, text, k, x, y, wide > .5 ? wide : .5);
		if (wide > 46)
			fprintf(out, "<text class=inside x=%.1f y=%d>%s</text>", x + wide / 2,
				y + 16, text);
		fputs("</g>\n", out);
		x += wide;
	}
	html_time(trap_ns(t), text, sizeof(text));
	fprintf(out, "<text class=value x=%.1f y=%d>%s</text>\n", x + 6, y + 16, text);
}

static unsigned count_floors(const struct bench_report *r)
{
	unsigned n = 0;

	for (unsigned m = 0; m < r->nr_measures; m++)
		for (unsigned cores = 0; cores < CORES_COUNT && in_group(r, m, "floor"); cores++)
			n += bench_cell_of(r, m, cores, 0)->n > 0;
	return n;
}

static void put_floors(const struct bench_report *r, double scale, int y, FILE *out)
{
	char text[32];

	for (unsigned m = 0; m < r->nr_measures; m++)
		for (unsigned cores = 0; cores < CORES_COUNT && in_group(r, m, "floor"); cores++) {
			const struct bench_cell *cell = bench_cell_of(r, m, cores, 0);

			if (!cell->n)
				continue;
			double ns = bench_stats_of(cell->value, cell->n).median;
			double wide = ns * scale < PLOT ? ns * scale : PLOT;
			html_time(ns, text, sizeof(text));
			fprintf(out, "<text class=what x=%d y=%d>", LEFT - 10, y + 11);
			html_text(r->measures[m].what, out);
			fprintf(out,
				"</text><rect class=c0 x=%d y=%d width=%.1f height=12 /><text "
				"class=value x=%.1f y=%d>%s</text>\n",
				LEFT, y, wide > 1 ? wide : 1, LEFT + wide + 6, y + 10, text);
			y += 18;
		}
}

static void put_phases_legend(const struct bench_trap *t, FILE *out)
{
	fputs("<p class=legend>", out);
	for (unsigned k = 0; k < t->n; k++)
		fprintf(out,
			"<span><svg width=12 height=12><rect class=p%u width=12 height=12 /></svg> "
			"%s</span> ",
			k, t->phase[k].name);
	fputs("</p>\n", out);
}

void svg_traps(const struct bench_report *r, FILE *out)
{
	double longest = 1;
	int y = 4;

	for (unsigned i = 0; i < r->nr_traps; i++)
		if (trap_ns(&r->traps[i]) > longest)
			longest = trap_ns(&r->traps[i]);
	if (!r->nr_traps)
		longest = 10000;
	else
		put_phases_legend(&r->traps[0], out);
	double scale = PLOT / longest;
	int height = 16 + (int)r->nr_traps * 32 + (int)count_floors(r) * 18;
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=%d height=%d role=img>\n", WIDTH, height,
		WIDTH, height);
	for (unsigned i = 0; i < r->nr_traps; i++, y += 32)
		put_trap(&r->traps[i], scale, y, out);
	put_floors(r, scale, y + 6, out);
	fputs("</svg>\n", out);
}
