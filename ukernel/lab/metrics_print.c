/*
 * metrics_print.c - metrics as a table for people, as CSV and as JSON.
 */
#include "lab/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TABLE_TASKS_MAX 20 /* of more, the table shows groups */

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* --- the table --- */

static void print_number(FILE *out, int width, int digits, double x, bool known)
{
	if (known && !isnan(x))
		fprintf(out, " %*.*f", width, digits, x);
	else
		fprintf(out, " %*s", width, "-");
}

static void print_head(FILE *out, const char *first)
{
	fprintf(out, "%-16s %10s %10s %10s %10s %10s %10s %6s %7s %7s %5s %9s %9s %9s\n", first,
		"arrival", "response", "turnaround", "waiting", "done", "cpu", "share", "switch",
		"preempt", "migr", "wake p50", "wake p99", "missed");
}

static void print_row(FILE *out, struct metrics_row *row, uint64_t start_ns)
{
	bool woke = row->wakeups.n;

	fprintf(out, "%-16.16s", row->name);
	print_number(out, 10, 3, ms(row->arrival_ns - start_ns), true);
	print_number(out, 10, 3, ms(row->first_run_ns - row->arrival_ns), row->has_run);
	print_number(out, 10, 3, ms(row->completion_ns - row->arrival_ns), row->done);
	print_number(out, 10, 3, ms(row->waiting_ns), true);
	print_number(out, 10, 3, ms(row->completion_ns - start_ns), row->done);
	print_number(out, 10, 3, ms(row->cpu_ns), true);
	print_number(out, 6, 2, metrics_share(row), true);
	fprintf(out, " %7" PRIu64 " %7" PRIu64 " %5" PRIu64, row->slices_voluntary,
		row->preemptions, row->migrations);
	print_number(out, 9, 3, ms(samples_rank(&row->wakeups, 0.5)), woke);
	print_number(out, 9, 3, ms(samples_rank(&row->wakeups, 0.99)), woke);
	if (row->jobs)
		fprintf(out, " %4" PRIu64 "/%-4" PRIu64 "\n", row->missed, row->jobs);
	else
		fprintf(out, " %9s\n", "-");
}

/* Means of the tasks of one group, which begins with row first. */
static void print_group(FILE *out, const struct metrics *m, size_t first)
{
	const char *group = m->rows[first]->group;
	struct metrics_sum sum = {0};
	double share = 0, waiting = 0, last = 0, arrival = ms(m->rows[first]->arrival_ns);
	size_t n = 0, ran = 0, shares = 0;
	uint64_t voluntary = 0;
	char name[64];

	for (size_t i = first; i < m->nr_rows; i++) {
		struct metrics_row *row = m->rows[i];

		if (strcmp(row->group, group) != 0)
			continue;
		n++;
		voluntary += row->slices_voluntary;
		waiting += ms(row->waiting_ns);
		sum.cpu_s += (double)row->cpu_ns / 1e9;
		sum.preemptions += row->preemptions;
		sum.migrations += row->migrations;
		sum.jobs += row->jobs;
		sum.missed += row->missed;
		if (!isnan(metrics_share(row))) {
			share += metrics_share(row);
			shares++;
		}
		if (row->has_run) {
			ran++;
			sum.response_ms += ms(row->first_run_ns - row->arrival_ns);
		}
		if (row->done) {
			sum.done++;
			sum.turnaround_ms += ms(row->completion_ns - row->arrival_ns);
			double end = ms(row->completion_ns - m->start_ns);
			last = end > last ? end : last;
		}
	}
	snprintf(name, sizeof(name), "%.9s x%zu", group, n);
	fprintf(out, "%-16.16s", name);
	print_number(out, 10, 3, arrival - ms(m->start_ns), true);
	print_number(out, 10, 3, sum.response_ms / (double)ran, ran);
	print_number(out, 10, 3, sum.turnaround_ms / (double)sum.done, sum.done);
	print_number(out, 10, 3, waiting / (double)n, true);
	print_number(out, 10, 3, last, sum.done);
	print_number(out, 10, 3, sum.cpu_s * 1e3, true);
	print_number(out, 6, 2, share / (double)shares, shares);
	fprintf(out, " %7" PRIu64 " %7" PRIu64 " %5" PRIu64 " %9s %9s", voluntary, sum.preemptions,
		sum.migrations, "", "");
	if (sum.jobs)
		fprintf(out, " %4" PRIu64 "/%-4" PRIu64 "\n", sum.missed, sum.jobs);
	else
		fprintf(out, " %9s\n", "-");
}

static bool is_first_of_group(const struct metrics *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(m->rows[k]->group, m->rows[i]->group) == 0)
			return false;
	return true;
}

static void print_slices(FILE *out, const struct metrics *m)
{
	uint64_t hist[SLICE_BUCKETS] = {0}, total = 0;

	for (size_t i = 0; i < m->nr_rows; i++)
		for (int b = 0; b < SLICE_BUCKETS; b++) {
			hist[b] += m->rows[i]->slice_hist[b];
			total += m->rows[i]->slice_hist[b];
		}
	if (!total)
		return;
	fputs("slices", out);
	for (int b = 0; b < SLICE_BUCKETS; b++) {
		bool last = b == SLICE_BUCKETS - 1;
		double us = (double)(1ULL << (last ? b - 1 : b));

		if (!hist[b])
			continue;
		double size = us < 1e3 ? us : us < 1e6 ? us / 1e3 : us / 1e6;
		fprintf(out, "  %s%.3g%s: %" PRIu64, last ? ">=" : "<", size,
			us < 1e3   ? "us"
			: us < 1e6 ? "ms"
				   : "s",
			hist[b]);
	}
	putc('\n', out);
}

static void print_sum(FILE *out, const struct metrics *m, const struct metrics_sum *s)
{
	fprintf(out,
		"%zu of %zu tasks done in %.3f s; %.2f a second; CPUs %.1f %% busy; "
		"%" PRIu64 " switches, %" PRIu64 " preemptions, %" PRIu64 " migrations",
		s->done, s->tasks, s->span_s, s->throughput, s->utilisation * 100, s->switches,
		s->preemptions, s->migrations);
	if (s->host_s > 0.001 * s->cpu_s)
		fprintf(out, "; %.1f %% of the tasks' time the host ran others",
			s->host_s / s->cpu_s * 100);
	putc('\n', out);
	fprintf(out, "average response %.3f", s->response_ms);
	if (s->done)
		fprintf(out, ", turnaround %.3f, waiting %.3f", s->turnaround_ms, s->waiting_ms);
	fputs(" ms", out);
	if (s->wakeups)
		fprintf(out, "; wake-up p50 %.1f, p99 %.1f, max %.1f us", s->wake_p50_us,
			s->wake_p99_us, s->wake_max_us);
	if (s->jobs)
		fprintf(out, "; %" PRIu64 " of %" PRIu64 " deadlines missed", s->missed, s->jobs);
	if (m->missed_host)
		fprintf(out, ", %" PRIu64 " by no more than the host took meanwhile",
			m->missed_host);
	if (!isnan(s->jain))
		fprintf(out, "; fairness %.3f", s->jain);
	if (!isnan(s->jain_window))
		fprintf(out, ", over %g ms windows %.3f (worst %.3f)", ms(m->window_ns),
			s->jain_window, s->jain_window_min);
	putc('\n', out);
}

void metrics_print(FILE *out, const struct metrics *m, const char *sched, bool every_task)
{
	struct metrics_sum sum = metrics_sum(m);
	bool groups = !every_task && m->nr_rows > TABLE_TASKS_MAX;

	fprintf(out, "== %s\n", sched);
	if (m->watchdog)
		fprintf(out, "%s; round robin took over\n", m->watchdog);
	print_head(out, groups ? "group (ms)" : "task (ms)");
	for (size_t i = 0; i < m->nr_rows; i++) {
		if (!groups)
			print_row(out, m->rows[i], m->start_ns);
		else if (is_first_of_group(m, i))
			print_group(out, m, i);
	}
	print_slices(out, m);
	print_sum(out, m, &sum);
}

void metrics_print_comparison(FILE *out, struct metrics *const *m, const char *const *scheds,
			      size_t n)
{
	int width = 8;
	bool windows = true; /* one index for all: in windows, or over the whole run */

	for (size_t i = 0; i < n; i++) {
		if ((int)strlen(scheds[i]) > width)
			width = (int)strlen(scheds[i]);
		windows = windows && m[i]->windows;
	}
	fprintf(out, "%-*s %10s %10s %10s %9s %7s %8s %8s %6s %10s %10s %9s %8s\n", width, "policy",
		"response", "turnaround", "waiting", "tasks/s", "busy %", "switches", "preempt",
		"migr", "wake p50", "wake p99", "missed", "fairness");
	for (size_t i = 0; i < n; i++) {
		struct metrics_sum s = metrics_sum(m[i]);

		fprintf(out, "%-*s", width, scheds[i]);
		print_number(out, 10, 3, s.response_ms, true);
		print_number(out, 10, 3, s.turnaround_ms, s.done);
		print_number(out, 10, 3, s.waiting_ms, s.done);
		fprintf(out, " %9.2f %7.1f %8" PRIu64 " %8" PRIu64 " %6" PRIu64, s.throughput,
			s.utilisation * 100, s.switches, s.preemptions, s.migrations);
		print_number(out, 10, 3, s.wake_p50_us / 1e3, s.wakeups);
		print_number(out, 10, 3, s.wake_p99_us / 1e3, s.wakeups);
		if (s.jobs)
			fprintf(out, " %4" PRIu64 "/%-4" PRIu64, s.missed, s.jobs);
		else
			fprintf(out, " %9s", "-");
		print_number(out, 8, 3, windows ? s.jain_window : s.jain, true);
		putc('\n', out);
	}
	for (size_t i = 0; i < n; i++)
		if (m[i]->watchdog)
			fprintf(out, "%s: %s; round robin took over\n", scheds[i], m[i]->watchdog);
}

/* --- CSV --- */

static void print_csv_text(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', out);
		putc(*s, out);
	}
	fputs("\",", out);
}

static void print_csv_ms(FILE *out, uint64_t ns, bool known)
{
	if (known)
		fprintf(out, "%.6f", ms(ns));
	putc(',', out);
}

static void print_csv_slices(FILE *out, const uint64_t *hist)
{
	for (int b = 0; b < SLICE_BUCKETS; b++)
		fprintf(out, "%s%" PRIu64, b ? " " : "", hist[b]);
}

static void print_csv_row(FILE *out, const struct metrics *m, struct metrics_row *r)
{
	bool woke = r->wakeups.n;

	print_csv_text(out, r->name);
	print_csv_text(out, r->group);
	print_csv_ms(out, r->arrival_ns - m->start_ns, true);
	print_csv_ms(out, r->first_run_ns - m->start_ns, r->has_run);
	print_csv_ms(out, r->completion_ns - m->start_ns, r->done);
	print_csv_ms(out, r->first_run_ns - r->arrival_ns, r->has_run);
	print_csv_ms(out, r->completion_ns - r->arrival_ns, r->done);
	print_csv_ms(out, r->waiting_ns, true);
	print_csv_ms(out, r->cpu_ns, true);
	fprintf(out, "%.6f,", r->entitled_ns / 1e6);
	if (!isnan(metrics_share(r)))
		fprintf(out, "%.6f", metrics_share(r));
	fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%zu,", r->slices_voluntary,
		r->preemptions, r->migrations, r->wakeups.n);
	print_csv_ms(out, samples_rank(&r->wakeups, 0.5), woke);
	print_csv_ms(out, samples_rank(&r->wakeups, 0.99), woke);
	print_csv_ms(out, samples_rank(&r->wakeups, 1), woke);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%.6f,", r->jobs, r->missed, ms(r->late_max_ns));
	print_csv_slices(out, r->slice_hist);
	fprintf(out, ",,,,,,%.6f,\n", ms(r->host_ns));
}

static void print_csv_known(FILE *out, double x, bool known)
{
	if (known && !isnan(x))
		fprintf(out, "%.6f", x);
	putc(',', out);
}

/* Means, or sums of what is counted. */
static void print_csv_sum(FILE *out, const struct metrics *m)
{
	struct metrics_sum s = metrics_sum(m);
	uint64_t hist[SLICE_BUCKETS] = {0}, voluntary = 0, late_max_ns = 0;

	for (size_t i = 0; i < m->nr_rows; i++) {
		const struct metrics_row *r = m->rows[i];

		for (int b = 0; b < SLICE_BUCKETS; b++)
			hist[b] += r->slice_hist[b];
		voluntary += r->slices_voluntary;
		late_max_ns = r->late_max_ns > late_max_ns ? r->late_max_ns : late_max_ns;
	}
	fputs("\"(all)\",\"\",,,", out);
	print_csv_known(out, s.span_s * 1e3, true);
	print_csv_known(out, s.response_ms, true);
	print_csv_known(out, s.turnaround_ms, s.done);
	print_csv_known(out, s.waiting_ms, s.done);
	print_csv_known(out, s.cpu_s * 1e3, true);
	fprintf(out, ",,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%zu,", voluntary, s.preemptions,
		s.migrations, s.wakeups);
	print_csv_known(out, s.wake_p50_us / 1e3, s.wakeups);
	print_csv_known(out, s.wake_p99_us / 1e3, s.wakeups);
	print_csv_known(out, s.wake_max_us / 1e3, s.wakeups);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%.6f,", s.jobs, s.missed, ms(late_max_ns));
	print_csv_slices(out, hist);
	fprintf(out, ",%.6f,%.6f,", s.throughput, s.utilisation);
	print_csv_known(out, s.jain, true);
	print_csv_known(out, s.jain_window, true);
	print_csv_known(out, s.jain_window_min, true);
	fprintf(out, "%.6f,%" PRIu64 "\n", s.host_s * 1e3, m->missed_host);
}

void metrics_print_csv(FILE *out, const struct metrics *m, const char *sched, bool head)
{
	if (head)
		fputs("sched,task,group,arrival_ms,first_run_ms,completion_ms,response_ms,"
		      "turnaround_ms,waiting_ms,cpu_ms,entitled_ms,share,voluntary,preemptions,"
		      "migrations,wakeups,wake_p50_ms,wake_p99_ms,wake_max_ms,jobs,missed,"
		      "late_max_ms,slices,throughput,utilisation,fairness,fairness_windows,"
		      "fairness_worst_window,host_ms,missed_host\n",
		      out);
	for (size_t i = 0; i < m->nr_rows; i++) {
		print_csv_text(out, sched);
		print_csv_row(out, m, m->rows[i]);
	}
	print_csv_text(out, sched);
	print_csv_sum(out, m);
}
