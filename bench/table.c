/*
 * table.c - a report for a terminal.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define CELL 40

void bench_number(double x, char *out, size_t len)
{
	if (x >= 99.95 || x <= -99.95)
		snprintf(out, len, "%.0f", x);
	else if (x >= 9.995 || x <= -9.995)
		snprintf(out, len, "%.1f", x);
	else
		snprintf(out, len, "%.2f", x);
}

/* How far the middle half of the rounds lies from the median, in per cent of it. */
static double spread_percent(const struct bench_stats *s)
{
	double up = s->q3 - s->median, down = s->median - s->q1;

	return s->median > 0 ? 100 * (up > down ? up : down) / s->median : 0;
}

static bool goal_missed(const char *goal, double value, double native)
{
	char *end;
	double limit = strtod(goal, &end);

	if (end == goal)
		return false;
	return value > (*end == 'x' ? limit * native : limit);
}

/* The ways that have a column: one that is skipped altogether has a line below the table. */
static bool has_column(const struct bench_report *r, unsigned w)
{
	return !*r->ways[w].skipped;
}

static void cell_text(const struct bench_report *r, unsigned m, enum bench_cores cores, unsigned w,
		      char out[CELL])
{
	const struct bench_cell *cell = bench_cell_of(r, m, cores, w);
	const struct bench_cell *native = bench_cell_of(r, m, cores, 0);
	char number[16], spread[16] = "", ratio[24] = "";

	if (!cell->n) {
		snprintf(out, CELL, "%s",
			 !*cell->reason	 ? ""
			 : cell->skipped ? "skipped"
					 : "failed");
		return;
	}
	struct bench_stats s = bench_stats_of(cell->value, cell->n);
	bench_number(s.median, number, sizeof(number));
	if (spread_percent(&s) >= 5)
		snprintf(spread, sizeof(spread), " ±%.0f%%", spread_percent(&s));
	if (w > 0 && native->n) {
		double base = bench_stats_of(native->value, native->n).median;

		snprintf(ratio, sizeof(ratio), " %7.2fx", s.median / base);
		if (r->ways[w].kind == WAY_BACKEND &&
		    goal_missed(r->measures[m].goal, s.median, base))
			strcat(ratio, "!");
	}
	snprintf(out, CELL, "%s%s%s", number, spread, ratio);
}

/* Columns that a terminal shows of a text in UTF-8. */
static int width_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool row_is_empty(const struct bench_report *r, unsigned m, enum bench_cores cores)
{
	for (unsigned w = 0; w < r->nr_ways; w++) {
		const struct bench_cell *cell = bench_cell_of(r, m, cores, w);

		if (cell->n || *cell->reason)
			return false;
	}
	return true;
}

static void print_half(const struct bench_report *r, enum bench_cores cores, FILE *out)
{
	int *width = bench_alloc(NULL, r->nr_ways, sizeof(int)), what = 4;
	char text[CELL];

	for (unsigned w = 0; w < r->nr_ways; w++) {
		width[w] = width_of(r->ways[w].name);
		for (unsigned m = 0; m < r->nr_measures; m++) {
			cell_text(r, m, cores, w, text);
			if (width_of(text) > width[w])
				width[w] = width_of(text);
			if (width_of(r->measures[m].what) > what)
				what = width_of(r->measures[m].what);
		}
	}
	fprintf(out, "%s%-*s      ", cores == CORES_ONE ? "" : "\n", what, bench_cores_name(cores));
	for (unsigned w = 0; w < r->nr_ways; w++)
		if (has_column(r, w))
			fprintf(out, "  %*s", width[w], r->ways[w].name);
	putc('\n', out);
	for (unsigned m = 0; m < r->nr_measures; m++) {
		if (row_is_empty(r, m, cores))
			continue;
		fprintf(out, "%-*s %-4s ", what, r->measures[m].what, r->measures[m].unit);
		for (unsigned w = 0; w < r->nr_ways; w++) {
			if (!has_column(r, w))
				continue;
			cell_text(r, m, cores, w, text);
			fprintf(out, "  %*s%s", width[w] - width_of(text), "", text);
		}
		putc('\n', out);
	}
	free(width);
}

static void print_traps(const struct bench_report *r, FILE *out)
{
	char number[16];

	for (unsigned i = 0; i < r->nr_traps; i++) {
		const struct bench_trap *t = &r->traps[i];
		double all = 0;

		if (i == 0)
			fputs("\nOne trap, in ns:\n", out);
		fprintf(out, "  %s, %s:", t->way, bench_cores_name(t->cores));
		for (unsigned k = 0; k < t->n; k++) {
			all += t->phase[k].ns;
			bench_number(t->phase[k].ns, number, sizeof(number));
			fprintf(out, "%s %s %s", k ? "," : "", t->phase[k].name, number);
		}
		bench_number(all, number, sizeof(number));
		fprintf(out, "; in all %s\n", number);
	}
}

void bench_table_print(const struct bench_report *r, FILE *out)
{
	for (unsigned cores = 0; cores < CORES_COUNT; cores++)
		if (r->cores[cores])
			print_half(r, cores, out);
	print_traps(r, out);
	fprintf(out, "\nMedians of %u round%s%s%s, every way once a round; ", r->rounds,
		r->rounds == 1 ? "" : "s", r->quick ? ", quick and rough" : "",
		r->interrupted ? ", interrupted" : "");
	fputs(
	    "± is how far the middle half lies from them;\nratios are to native; ! marks a goal "
	    "that is missed.\n"
	    "one core: everything is bound to the first CPU; all cores: nothing is bound, and the "
	    "box has as many\nvirtual CPUs.\n",
	    out);
	for (unsigned i = 0; i < r->nr_facts; i++)
		fprintf(out, "%s%s: %s", i ? "; " : "", r->facts[i].name, r->facts[i].text);
	putc('\n', out);
	for (unsigned w = 0; w < r->nr_ways; w++)
		if (*r->ways[w].skipped)
			fprintf(out, "%s was skipped: %s\n", r->ways[w].name, r->ways[w].skipped);
}
