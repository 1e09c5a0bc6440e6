/*
 * bench_test.c - the suite's statistics, against figures worked out by hand and from tables.
 */
#include "../bench/stats.c"

#include <criterion/criterion.h>

TestSuite(bench_stats, .timeout = 30);

void *bench_alloc(void *old, size_t n, size_t size)
{
	return reallocarray(old, n, size);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

Test(bench_stats, quartiles)
{
	const double odd[] = {5, 1, 3, 2, 4}, even[] = {4, 1, 2, 3}, one[] = {7};
	struct bench_stats s = bench_stats_of(odd, 5);

	cr_assert(near(s.median, 3) && near(s.q1, 2) && near(s.q3, 4));
	cr_assert(near(s.min, 1) && near(s.max, 5));
	s = bench_stats_of(even, 4);
	cr_assert(near(s.median, 2.5) && near(s.q1, 1.75) && near(s.q3, 3.25));
	s = bench_stats_of(one, 1);
	cr_assert(near(s.median, 7) && near(s.q1, 7) && near(s.max, 7));
}

/* All of a below all of b: one order of C(na + nb, na). */
Test(bench_stats, apart)
{
	const double a[] = {1, 2, 3, 4, 5}, b[] = {6, 7, 8, 9, 10};

	cr_assert(near(bench_p_larger(a, 3, b, 3), 1 / 20.));
	cr_assert(near(bench_p_larger(a, 5, b, 5), 1 / 252.));
	cr_assert(near(bench_p_larger(a, 2, b, 5), 1 / 21.));
	cr_assert(near(bench_p_larger(b, 5, a, 5), 1));
}

/* U = 4 of 5 and 5: P(U <= 4) = 12 / 252 by the tables; U = 5: 19 / 252. */
Test(bench_stats, tables)
{
	const double a[] = {1, 2, 3, 4, 9}, b[] = {5, 6, 7, 8, 10};
	const double c[] = {1, 2, 3, 4, 9.5}, d[] = {3.5, 6, 7, 8, 10};

	cr_assert(near(bench_p_larger(a, 5, b, 5), 12 / 252.));
	cr_assert(near(bench_p_larger(c, 5, d, 5), 19 / 252.));
}

Test(bench_stats, same)
{
	const double a[] = {4, 4, 4, 4, 4};

	cr_assert(bench_p_larger(a, 5, a, 5) > .5);
}

/* Past the exact count: the normal curve, close to it where both can be had. */
Test(bench_stats, many)
{
	static double a[64], b[65], far[65];

	for (int i = 0; i < 65; i++) {
		b[i] = i * 37 % 101 + 8;
		far[i] = 1000 + i;
		if (i < 64)
			a[i] = i * 61 % 101;
	}
	double exact = bench_p_larger(a, 64, b, 64), curve = bench_p_larger(a, 64, b, 65);
	cr_assert(fabs(exact - curve) < .02, "%f %f", exact, curve);
	cr_assert(bench_p_larger(a, 64, far, 65) < 1e-6);
	cr_assert(bench_p_larger(far, 65, a, 64) > .999);
}
