/*
 * compare.c - what changed between two reports, and whether it is more than noise.
 *
 * Natively the figures are compared, in the other ways their ratios to native within each round, so
 * that a machine that was slower the second time does not count against us.  A change is one when
 * the exact test of Mann and Whitney gives it less than one chance in a hundred to be an accident
 * (or, where the rounds are too few for that, when the two do not overlap at all), and the medians
 * differ by 3 per cent or more.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define CHANCE	    .01
#define LEAST_RATIO 1.03

struct series {
	double *value;
	unsigned n;
};

static int find_way(const struct bench_report *r, const char *name)
{
	for (unsigned w = 0; w < r->nr_ways; w++)
		if (strcmp(r->ways[w].name, name) == 0)
			return (int)w;
	return -1;
}

static int find_measure(const struct bench_report *r, const char *name)
{
	for (unsigned m = 0; m < r->nr_measures; m++)
		if (strcmp(r->measures[m].name, name) == 0)
			return (int)m;
	return -1;
}

/* The figures of a cell, or their ratios to native's of the same rounds. */
static struct series series_of(const struct bench_report *r, int m, enum bench_cores cores, int w)
{
	const struct bench_cell *cell = bench_cell_of(r, (unsigned)m, cores, (unsigned)w);
	int native = find_way(r, "native");
	const struct bench_cell *base =
	    native < 0 ? NULL : bench_cell_of(r, (unsigned)m, cores, (unsigned)native);
	struct series s = {bench_alloc(NULL, cell->n + 1, sizeof(double)), cell->n};

	if (w != native && base && base->n < s.n)
		s.n = base->n;
	for (unsigned i = 0; i < s.n; i++) {
		s.value[i] = cell->value[i];
		if (w != native && base && base->value[i] > 0)
			s.value[i] /= base->value[i];
	}
	return s;
}

struct tally {
	unsigned slower, quicker, same, few, gone, fails;
};

static void say(FILE *out, const char *verdict, const struct bench_measure *m, const char *way,
		enum bench_cores cores, double before, double after, double chance)
{
	bool native = strcmp(way, "native") == 0;

	fprintf(out, "%-8s %+6.1f %%  %s, %s, %s: %.4g -> %.4g %s (p %.3f)\n", verdict,
		100 * (after / before - 1), m->name, way, bench_cores_name(cores), before, after,
		native ? m->unit : "times native", chance);
}

/* No order of na and nb values is less likely than the one in which they are apart. */
static double chance_limit(unsigned na, unsigned nb)
{
	double orders = 1;

	for (unsigned i = 1; i <= nb && orders < 1e6; i++)
		orders = orders * (na + i) / i;
	return 1.001 / orders > CHANCE ? 1.001 / orders : CHANCE;
}

static void compare_series(const struct series *a, const struct series *b,
			   const struct bench_measure *m, const char *way, enum bench_cores cores,
			   struct tally *t, FILE *out)
{
	double before = bench_stats_of(a->value, a->n).median;
	double after = bench_stats_of(b->value, b->n).median;
	double slower = bench_p_larger(a->value, a->n, b->value, b->n);
	double quicker = bench_p_larger(b->value, b->n, a->value, a->n);

	double limit = chance_limit(a->n, b->n);

	if (a->n < 3 || b->n < 3) {
		t->few++;
	} else if (slower <= limit && after >= before * LEAST_RATIO) {
		t->slower++;
		say(out, "slower", m, way, cores, before, after, slower);
	} else if (quicker <= limit && before >= after * LEAST_RATIO) {
		t->quicker++;
		say(out, "quicker", m, way, cores, before, after, quicker);
	} else {
		t->same++;
	}
}

static void compare_cell(const struct bench_report *before, const struct bench_report *after,
			 unsigned m, enum bench_cores cores, unsigned w, struct tally *t, FILE *out)
{
	int m2 = find_measure(after, before->measures[m].name);
	int w2 = find_way(after, before->ways[w].name);

	if (m2 < 0 || w2 < 0 || !after->cores[cores])
		return;
	if (strcmp(before->measures[m].unit, "x") == 0)
		return; /* more is not worse */
	struct series a = series_of(before, (int)m, cores, (int)w);
	struct series b = series_of(after, m2, cores, w2);
	const struct bench_cell *now = bench_cell_of(after, (unsigned)m2, cores, (unsigned)w2);
	if (a.n && !b.n && *now->reason) {
		t->gone++;
		t->fails += !now->skipped;
		fprintf(out, "%-8s           %s, %s, %s: %s\n", now->skipped ? "skipped" : "fails",
			before->measures[m].name, before->ways[w].name, bench_cores_name(cores),
			now->reason);
	} else if (a.n && b.n) {
		compare_series(&a, &b, &before->measures[m], before->ways[w].name, cores, t, out);
	}
	free(a.value);
	free(b.value);
}

unsigned bench_compare(const struct bench_report *before, const struct bench_report *after,
		       FILE *out)
{
	struct tally t = {0};

	if (before->quick != after->quick)
		fputs("One of the two is a --quick run: whole programs differ in size.\n", out);
	for (unsigned m = 0; m < before->nr_measures; m++)
		for (unsigned cores = 0; cores < CORES_COUNT; cores++)
			for (unsigned w = 0; w < before->nr_ways; w++)
				compare_cell(before, after, m, cores, w, &t, out);
	fprintf(out, "%u slower, %u quicker, %u the same within the noise", t.slower, t.quicker,
		t.same);
	if (t.few)
		fprintf(out, ", %u with fewer than 3 rounds to tell", t.few);
	if (t.gone)
		fprintf(out, ", %u without a figure now", t.gone);
	fputs("\nNative figures are compared as they are, others as ratios to native of the same "
	      "round. Slower or\nquicker: at most 1 chance in 100 to be an accident (Mann and "
	      "Whitney, exact, one-sided; with fewer\nthan 5 rounds: the two do not overlap), and "
	      "3 % at least.\n",
	      out);
	return t.slower + t.fails;
}
