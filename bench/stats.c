/*
 * stats.c - medians, quartiles, and whether a difference is more than noise.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which part of the sorted values lie, between neighbours in proportion. */
static double quantile(const double *sorted, unsigned n, double part)
{
	double at = part * (n - 1);
	unsigned i = (unsigned)at;

	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
}

struct bench_stats bench_stats_of(const double *value, unsigned n)
{
	double *sorted = bench_alloc(NULL, n, sizeof(double));
	struct bench_stats s;

	memcpy(sorted, value, n * sizeof(double));
	qsort(sorted, n, sizeof(double), by_value);
	s = (struct bench_stats){quantile(sorted, n, .5), quantile(sorted, n, .25),
				 quantile(sorted, n, .75), sorted[0], sorted[n - 1]};
	free(sorted);
	return s;
}

/*
 * ways[i][j][u]: how many orders of i values of a and j of b have u pairs in which a is the larger.
 * Counted up by which of them comes last, one i after the other.
 */
static double exact_tail(unsigned na, unsigned nb, unsigned limit)
{
	unsigned width = na * nb + 1;
	double *ways = bench_alloc(NULL, (size_t)(nb + 1) * width, sizeof(double));
	double all = 0, tail = 0;

	memset(ways, 0, (size_t)(nb + 1) * width * sizeof(double));
	for (unsigned j = 0; j <= nb; j++)
		ways[j * width] = 1;
	for (unsigned i = 1; i <= na; i++) {
		for (unsigned j = 1; j <= nb; j++) {
			/* Last is an a, larger than all j of b: the old row, moved by j; or a b. */
			for (unsigned u = width; u-- > 0;)
				ways[j * width + u] = (u >= j ? ways[j * width + u - j] : 0) +
						      ways[(j - 1) * width + u];
		}
	}
	for (unsigned u = 0; u < width; u++) {
		all += ways[nb * width + u];
		if (u <= limit)
			tail += ways[nb * width + u];
	}
	free(ways);
	return tail / all;
}

double bench_p_larger(const double *a, unsigned na, const double *b, unsigned nb)
{
	double u = 0; /* pairs in which a is the larger; ties count half */

	for (unsigned i = 0; i < na; i++)
		for (unsigned j = 0; j < nb; j++)
			u += a[i] > b[j] ? 1 : a[i] == b[j] ? .5 : 0;
	if (na * nb <= 4096)
		return exact_tail(na, nb, (unsigned)ceil(u));
	double mean = na * (double)nb / 2;
	double deviation = sqrt(na * (double)nb * (na + nb + 1) / 12);
	return .5 * erfc(-(u + .5 - mean) / deviation / sqrt(2));
}
