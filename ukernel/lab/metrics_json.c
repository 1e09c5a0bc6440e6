/*
 * metrics_json.c - metrics as one JSON object.
 */
#include "lab/metrics.h"

#include "lab/json.h"

#include <inttypes.h>
#include <math.h>

void json_text(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":\"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			putc(*s, out);
	}
	fputs("\",", out);
}

void json_real(FILE *out, const char *key, double x, bool known)
{
	if (known && isfinite(x))
		fprintf(out, "\"%s\":%.6f,", key, x);
	else
		fprintf(out, "\"%s\":null,", key);
}

static void print_ms(FILE *out, const char *key, uint64_t ns, bool known)
{
	json_real(out, key, (double)ns / 1e6, known);
}

static void print_task(FILE *out, struct metrics_row *r, uint64_t start_ns)
{
	bool woke = r->wakeups.n;

	putc('{', out);
	json_text(out, "task", r->name);
	json_text(out, "group", r->group);
	print_ms(out, "arrival_ms", r->arrival_ns - start_ns, true);
	print_ms(out, "first_run_ms", r->first_run_ns - start_ns, r->has_run);
	print_ms(out, "completion_ms", r->completion_ns - start_ns, r->done);
	print_ms(out, "response_ms", r->first_run_ns - r->arrival_ns, r->has_run);
	print_ms(out, "turnaround_ms", r->completion_ns - r->arrival_ns, r->done);
	print_ms(out, "waiting_ms", r->waiting_ns, true);
	print_ms(out, "cpu_ms", r->cpu_ns, true);
	json_real(out, "entitled_ms", r->entitled_ns / 1e6, true);
	json_real(out, "share", metrics_share(r), true);
	print_ms(out, "wake_p50_ms", samples_rank(&r->wakeups, 0.5), woke);
	print_ms(out, "wake_p99_ms", samples_rank(&r->wakeups, 0.99), woke);
	print_ms(out, "wake_max_ms", samples_rank(&r->wakeups, 1), woke);
	print_ms(out, "late_max_ms", r->late_max_ns, r->jobs);
	print_ms(out, "host_ms", r->host_ns, true);
	fprintf(out,
		"\"weight\":%u,\"voluntary\":%" PRIu64 ",\"preemptions\":%" PRIu64
		",\"migrations\":%" PRIu64 ",\"wakeups\":%zu,\"jobs\":%" PRIu64
		",\"missed\":%" PRIu64 ",\"slices\":[",
		r->weight, r->slices_voluntary, r->preemptions, r->migrations, r->wakeups.n,
		r->jobs, r->missed);
	for (int b = 0; b < SLICE_BUCKETS; b++)
		fprintf(out, "%s%" PRIu64, b ? "," : "", r->slice_hist[b]);
	fputs("]}", out);
}

void metrics_print_json(FILE *out, const struct metrics *m, const char *sched)
{
	struct metrics_sum s = metrics_sum(m);

	putc('{', out);
	json_text(out, "sched", sched);
	if (m->watchdog)
		json_text(out, "watchdog", m->watchdog);
	else
		fputs("\"watchdog\":null,", out);
	fprintf(out, "\"cpus\":%d,\"tasks\":%zu,\"done\":%zu,", m->cpus, s.tasks, s.done);
	json_real(out, "span_s", s.span_s, true);
	json_real(out, "throughput", s.throughput, true);
	json_real(out, "utilisation", s.utilisation, true);
	json_real(out, "response_ms", s.response_ms, true);
	json_real(out, "turnaround_ms", s.turnaround_ms, s.done);
	json_real(out, "waiting_ms", s.waiting_ms, s.done);
	json_real(out, "response_max_ms", s.response_max_ms, true);
	json_real(out, "turnaround_max_ms", s.turnaround_max_ms, s.done);
	json_real(out, "cpu_s", s.cpu_s, true);
	json_real(out, "host_s", s.host_s, true);
	json_real(out, "wake_p50_us", s.wake_p50_us, s.wakeups);
	json_real(out, "wake_p99_us", s.wake_p99_us, s.wakeups);
	json_real(out, "wake_max_us", s.wake_max_us, s.wakeups);
	json_real(out, "fairness", s.jain, true);
	json_real(out, "fairness_windows", s.jain_window, true);
	json_real(out, "fairness_worst_window", s.jain_window_min, true);
	fprintf(out,
		"\"decisions\":%" PRIu64 ",\"switches\":%" PRIu64 ",\"preemptions\":%" PRIu64
		",\"migrations\":%" PRIu64 ",\"jobs\":%" PRIu64 ",\"missed\":%" PRIu64
		",\"missed_host\":%" PRIu64 ",\n\"per_task\":[",
		m->decisions, s.switches, s.preemptions, s.migrations, s.jobs, s.missed,
		m->missed_host);
	for (size_t i = 0; i < m->nr_rows; i++) {
		fputs(i ? ",\n" : "\n", out);
		print_task(out, m->rows[i], m->start_ns);
	}
	fputs("]}", out);
}
