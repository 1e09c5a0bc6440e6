/*
 * report.c - the HTML page: head, comparison, a chart for each policy, details.
 */
#include "lab/report.h"

#include "lab/report_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_ROWS_MAX 100

void report_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(out, "&#%d;", c);
		else if (c < 32)
			putc(' ', out);
		else
			putc(c, out);
	}
}

const char *time_text(uint64_t ns, char buf[32])
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "µs"}, {1, "ns"}};

	if (!ns)
		return strcpy(buf, "0");
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (ns >= units[i].ns) {
			snprintf(buf, 32, "%.3g %s", (double)ns / (double)units[i].ns,
				 units[i].name);
			/* %g says 1e+03 where rounding reaches it, and where seconds are many. */
			if (strchr(buf, 'e'))
				snprintf(buf, 32, "%.0f %s", (double)ns / (double)units[i].ns,
					 units[i].name);
			break;
		}
	return buf;
}

/* --- the comparison --- */

struct column_desc {
	const char *title, *help;
	int digits;
	int better; /* -1: less, 1: more, 0: neither */
	double (*value)(const struct metrics_sum *s, const struct metrics *m);
};

#define COLUMN_VALUE(name, expr)                                                                   \
	static double name(const struct metrics_sum *s, const struct metrics *m)                   \
	{                                                                                          \
		(void)m;                                                                           \
		return expr;                                                                       \
	}
COLUMN_VALUE(value_response, s->response_ms)
COLUMN_VALUE(value_turnaround, s->done ? s->turnaround_ms : NAN)
COLUMN_VALUE(value_waiting, s->done ? s->waiting_ms : NAN)
COLUMN_VALUE(value_p50, s->wakeups ? s->wake_p50_us / 1e3 : NAN)
COLUMN_VALUE(value_p99, s->wakeups ? s->wake_p99_us / 1e3 : NAN)
COLUMN_VALUE(value_jain, s->jain_window)
COLUMN_VALUE(value_switches, (double)s->switches)
COLUMN_VALUE(value_preemptions, (double)s->preemptions)
COLUMN_VALUE(value_migrations, m->cpus > 1 ? (double)s->migrations : NAN)
COLUMN_VALUE(value_busy, s->utilisation * 100)
COLUMN_VALUE(value_missed, s->jobs ? (double)s->missed : NAN)
COLUMN_VALUE(value_done, (double)s->done)

static const struct column_desc columns[] = {
    {"response ms", "from arrival to the first run, mean of the tasks", 1, -1, value_response},
    {"turnaround ms", "from arrival to completion, mean of the tasks that ended", 1, -1,
     value_turnaround},
    {"waiting ms", "ready to run and not running, mean of the tasks", 1, -1, value_waiting},
    {"wake p50 ms", "from wake-up to running, half of the times within", 2, -1, value_p50},
    {"wake p99 ms", "from wake-up to running, 99 of 100 times within", 2, -1, value_p99},
    {"fairness", "Jain's index of what each got of its due, over windows; 1 is fair", 3, 1,
     value_jain},
    {"missed", "deadlines missed", 0, -1, value_missed},
    {"done", "tasks that came to their end", 0, 1, value_done},
    {"switches", "a CPU went on with another task", 0, 0, value_switches},
    {"preempted", "a task lost its CPU while it could have gone on", 0, 0, value_preemptions},
    {"migrations", "a task went on on another CPU", 0, 0, value_migrations},
    {"busy %", "of the CPUs", 0, 0, value_busy},
};
#define NR_COLUMNS (sizeof(columns) / sizeof(*columns))

static bool is_best(const struct column_desc *c, double v, double best, double worst)
{
	double unit = pow(10, -c->digits);

	/* What cannot be seen is no difference. */
	if (fabs(worst - best) < 2 * unit)
		return false;
	return c->better && !isnan(v) && fabs(v - best) <= 1e-9 + 0.02 * fabs(best) &&
	       fabs(worst - best) > 0.05 * fabs(worst) + 1e-9;
}

static void comparison(FILE *out, const struct report *report)
{
	double(*v)[NR_COLUMNS] = calloc(report->nr_runs, sizeof(*v));
	double best[NR_COLUMNS], worst[NR_COLUMNS];
	bool shown[NR_COLUMNS] = {false};

	if (!v)
		return;
	for (size_t r = 0; r < report->nr_runs; r++) {
		struct metrics_sum s = metrics_sum(report->runs[r].metrics);

		for (size_t c = 0; c < NR_COLUMNS; c++) {
			double x = v[r][c] = columns[c].value(&s, report->runs[r].metrics);
			double good = columns[c].better > 0 ? -x : x;

			if (isnan(x))
				continue;
			if (!shown[c] || good < (columns[c].better > 0 ? -best[c] : best[c]))
				best[c] = x;
			if (!shown[c] || good > (columns[c].better > 0 ? -worst[c] : worst[c]))
				worst[c] = x;
			shown[c] = true;
		}
	}
	fputs("<table class=compare><tr><th>policy</th>", out);
	for (size_t c = 0; c < NR_COLUMNS; c++)
		if (shown[c])
			fprintf(out, "<th title=\"%s\">%s</th>", columns[c].help, columns[c].title);
	fputs("</tr>\n", out);
	for (size_t r = 0; r < report->nr_runs; r++) {
		fprintf(out, "<tr><td><a href='#run%zu'>", r);
		report_text(out, report->runs[r].sched);
		fputs("</a></td>", out);
		for (size_t c = 0; c < NR_COLUMNS; c++) {
			if (!shown[c])
				continue;
			if (isnan(v[r][c]))
				fputs("<td>-</td>", out);
			else
				fprintf(out, "<td%s>%.*f</td>",
					is_best(&columns[c], v[r][c], best[c], worst[c])
					    ? " class=best"
					    : "",
					columns[c].digits, v[r][c]);
		}
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
	free(v);
}

/* --- details --- */

static void details(FILE *out, const struct report_run *run)
{
	const struct metrics *m = run->metrics;

	fputs("<details><summary>", out);
	report_text(out, run->sched);
	fprintf(
	    out,
	    ": %zu tasks</summary><table><tr><th>task</th><th>arrival ms</th><th>response ms</th>"
	    "<th>turnaround ms</th><th>CPU ms</th><th>waiting ms</th><th>share of due</th>"
	    "<th>preempted</th><th>migrations</th><th>wake p50 µs</th><th>wake p99 µs</th>"
	    "<th>missed</th></tr>\n",
	    m->nr_rows);
	for (size_t i = 0; i < m->nr_rows && i < DETAIL_ROWS_MAX; i++) {
		struct metrics_row *row = m->rows[i];

		fputs("<tr><td>", out);
		report_text(out, row->name);
		fprintf(out, "</td><td>%.1f</td>", (double)(row->arrival_ns - m->start_ns) / 1e6);
		if (row->has_run)
			fprintf(out, "<td>%.2f</td>",
				(double)(row->first_run_ns - row->arrival_ns) / 1e6);
		else
			fputs("<td>never ran</td>", out);
		if (row->done)
			fprintf(out, "<td>%.1f</td>",
				(double)(row->completion_ns - row->arrival_ns) / 1e6);
		else
			fputs("<td>-</td>", out);
		fprintf(out, "<td>%.1f</td><td>%.1f</td>", (double)row->cpu_ns / 1e6,
			(double)row->waiting_ns / 1e6);
		double share = metrics_share(row);
		if (isnan(share))
			fputs("<td>-</td>", out);
		else
			fprintf(out, "<td>%.2f</td>", share);
		fprintf(out, "<td>%llu</td><td>%llu</td>", (unsigned long long)row->preemptions,
			(unsigned long long)row->migrations);
		if (row->wakeups.n)
			fprintf(out, "<td>%.0f</td><td>%.0f</td>",
				(double)samples_rank(&row->wakeups, 0.5) / 1e3,
				(double)samples_rank(&row->wakeups, 0.99) / 1e3);
		else
			fputs("<td>-</td><td>-</td>", out);
		if (row->jobs)
			fprintf(out, "<td>%llu of %llu</td></tr>\n",
				(unsigned long long)row->missed, (unsigned long long)row->jobs);
		else
			fputs("<td>-</td></tr>\n", out);
	}
	fputs("</table>", out);
	if (m->nr_rows > DETAIL_ROWS_MAX)
		fprintf(out, "<p>... and %zu more.</p>", m->nr_rows - DETAIL_ROWS_MAX);
	fputs("</details>\n", out);
}

/* --- the page --- */

static void head(FILE *out, const struct report *report)
{
	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
	      "<meta name=viewport content='width=device-width'><title>",
	      out);
	report_text(out, report->title);
	fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n<h1>", report_css);
	report_text(out, report->title);
	fputs("</h1>\n<p class=about>", out);
	if (report->about && *report->about)
		report_text(out, report->about);
	if (report->how) {
		fputs(" <span class=how>", out);
		report_text(out, report->how);
		fputs("</span>", out);
	}
	fputs("</p>\n", out);
}

static void run_html(FILE *out, const struct report *report, size_t r, const struct report_key *key,
		     uint64_t span_ns)
{
	const struct report_run *run = &report->runs[r];
	struct metrics_sum s = metrics_sum(run->metrics);
	struct gantt g;

	fprintf(out, "<section id=run%zu><h3>", r);
	report_text(out, run->sched);
	fputs(" <small>", out);
	if (run->summary)
		report_text(out, run->summary);
	fputs("</small></h3>\n<p class=facts>", out);
	if (run->metrics->watchdog) {
		fputs("<b>", out);
		report_text(out, run->metrics->watchdog);
		fputs("; round robin took over.</b> ", out);
	}
	if (s.done)
		fprintf(out, "mean turnaround <b>%.1f ms</b>, ", s.turnaround_ms);
	if (s.done)
		fprintf(out, "mean waiting <b>%.1f ms</b>, ", s.waiting_ms);
	fprintf(out, "mean response <b>%.1f ms</b>, %llu switches", s.response_ms,
		(unsigned long long)s.switches);
	if (s.jobs)
		fprintf(out, ", <b>%llu of %llu</b> deadlines missed", (unsigned long long)s.missed,
			(unsigned long long)s.jobs);
	if (run->metrics->missed_host)
		fprintf(out, ", %llu by no more than the host took meanwhile",
			(unsigned long long)run->metrics->missed_host);
	if (s.host_s > 0.001 * s.cpu_s)
		fprintf(out, "; %.1f %% of the tasks' time the host ran others",
			s.host_s / s.cpu_s * 100);
	fputs("</p>\n", out);
	gantt_layout(&g, run->timeline);
	gantt_svg(out, run->timeline, &g, span_ns, r);
	share_svg(out, run->timeline, key, span_ns, r);
	fputs("</section>\n", out);
}

int report_html(FILE *out, const struct report *report)
{
	struct report_key *key = calloc(1, sizeof(*key));
	uint64_t span_ns = 1000;
	bool latencies = false;

	if (!key)
		return -ENOMEM;
	for (size_t r = 0; r < report->nr_runs; r++) {
		const struct timeline *tl = report->runs[r].timeline;

		if (tl->end_ns - tl->start_ns > span_ns)
			span_ns = tl->end_ns - tl->start_ns;
		for (size_t i = 0; i < report->runs[r].metrics->nr_rows; i++)
			latencies |= report->runs[r].metrics->rows[i]->wakeups.n >= 5;
	}
	report_key_make(key, report);
	head(out, report);
	if (report->nr_runs > 1)
		fputs(
		    "<h2>At a glance</h2>\n<p class=hint>The best of each column is marked. Point "
		    "at a heading for what it means.</p>\n",
		    out);
	comparison(out, report);
	fputs("<h2>Who ran when</h2>\n<p class=hint>A row for each CPU, then one for each task: "
	      "solid where it <b>runs</b>, a thin pale bar where it <b>waits</b> for a CPU, "
	      "empty where it sleeps; a thin line where it arrives and where it ends. All "
	      "charts have the same time axis.<span class=script> Turn the wheel to zoom, drag to "
	      "move, point at a bar: <button id=in>+</button> <button id=out>&minus;</button> "
	      "<button id=all>whole run</button></span></p>\n",
	      out);
	report_key_html(out, key);
	for (size_t r = 0; r < report->nr_runs; r++)
		run_html(out, report, r, key, span_ns);
	if (latencies) {
		fputs("<h2>How long a woken task waits for a CPU</h2>\n<p class=hint>The share of "
		      "wake-ups that were served within a time. A curve further left is better; "
		      "where it bends at the top is what users notice.</p>\n",
		      out);
		latency_html(out, report);
	}
	fputs("<h2>Each task</h2>\n", out);
	for (size_t r = 0; r < report->nr_runs; r++)
		details(out, &report->runs[r]);
	report_data(out, report, span_ns);
	fprintf(out, "<div id=tip hidden></div>\n<script>\n%s</script>\n</body></html>\n",
		report_js);
	free(key);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
