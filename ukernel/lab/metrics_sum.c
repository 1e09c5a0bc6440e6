/*
 * metrics_sum.c - the metrics of all tasks of a schedule together.
 */
#include "lab/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Nearest rank. */
uint64_t samples_rank(struct samples *s, double p)
{
	if (!s->n)
		return 0;
	if (!s->sorted)
		qsort(s->ns, s->n, sizeof(*s->ns), compare_ns);
	s->sorted = true;
	double rank = p * (double)s->n;
	size_t i = (size_t)rank;
	if ((double)i < rank) /* round up */
		i++;
	return s->ns[i == 0 ? 0 : i > s->n ? s->n - 1 : i - 1];
}

double metrics_share(const struct metrics_row *row)
{
	return row->entitled_ns > 0 ? (double)row->cpu_ns / row->entitled_ns : NAN;
}

static void sum_wakeups(const struct metrics *m, struct metrics_sum *sum)
{
	struct samples all = {0};

	for (size_t i = 0; i < m->nr_rows; i++)
		all.size += m->rows[i]->wakeups.n;
	all.ns = all.size ? reallocarray(NULL, all.size, sizeof(*all.ns)) : NULL;
	if (!all.ns)
		return;
	for (size_t i = 0; i < m->nr_rows; i++) {
		const struct samples *s = &m->rows[i]->wakeups;

		if (s->n)
			memcpy(all.ns + all.n, s->ns, s->n * sizeof(*s->ns));
		all.n += s->n;
	}
	sum->wakeups = all.n;
	sum->wake_p50_us = (double)samples_rank(&all, 0.50) / 1e3;
	sum->wake_p99_us = (double)samples_rank(&all, 0.99) / 1e3;
	sum->wake_max_us = (double)samples_rank(&all, 1) / 1e3;
	free(all.ns);
}

static void raise_to(double *max, double x)
{
	if (x > *max)
		*max = x;
}

static void sum_row(struct metrics_sum *sum, const struct metrics *m, const struct metrics_row *row,
		    size_t *ran)
{
	/* Who never ran has waited until now: a policy must not look quick by starving. */
	uint64_t first_ns = row->has_run ? row->first_run_ns : m->end_ns;
	double response = (double)(first_ns - row->arrival_ns) / 1e6;
	double turnaround = (double)(row->completion_ns - row->arrival_ns) / 1e6;

	sum->tasks++;
	sum->cpu_s += (double)row->cpu_ns / 1e9;
	sum->host_s += (double)row->host_ns / 1e9;
	sum->preemptions += row->preemptions;
	sum->migrations += row->migrations;
	sum->jobs += row->jobs;
	sum->missed += row->missed;
	if (row->has_run || row->state == ROW_WAITS) {
		++*ran;
		sum->response_ms += response;
		raise_to(&sum->response_max_ms, response);
	}
	if (row->done) {
		sum->done++;
		sum->turnaround_ms += turnaround;
		sum->waiting_ms += (double)row->waiting_ns / 1e6;
		raise_to(&sum->turnaround_max_ms, turnaround);
	}
}

struct metrics_sum metrics_sum(const struct metrics *m)
{
	struct metrics_sum sum = {.switches = m->switches};
	double shares = 0, squares = 0, span_ns = (double)(m->end_ns - m->start_ns);
	size_t ran = 0, n = 0;

	for (size_t i = 0; i < m->nr_rows; i++) {
		double x = metrics_share(m->rows[i]);

		sum_row(&sum, m, m->rows[i], &ran);
		if (isnan(x))
			continue;
		shares += x;
		squares += x * x;
		n++;
	}
	if (ran)
		sum.response_ms /= (double)ran;
	if (sum.done) {
		sum.turnaround_ms /= (double)sum.done;
		sum.waiting_ms /= (double)sum.done;
	}
	sum.span_s = span_ns / 1e9;
	if (span_ns > 0) {
		sum.throughput = (double)sum.done / sum.span_s;
		sum.utilisation = (double)m->busy_ns / (span_ns * m->cpus);
	}
	sum.jain = squares > 0 ? shares * shares / ((double)n * squares) : NAN;
	sum.jain_window = m->windows ? m->jain_sum / (double)m->windows : NAN;
	sum.jain_window_min = m->windows ? m->jain_min : NAN;
	sum_wakeups(m, &sum);
	return sum;
}
