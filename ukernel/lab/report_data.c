/*
 * report_data.c - the schedule as data inside the page, for the script that zooms.
 *
 * An interval is five numbers: task, CPU (-1: waits), start and length in microseconds since the
 * start before, and why it ended.
 */
#include "lab/report_parts.h"

#include <inttypes.h>

#define DATA_SPANS_MAX 60000 /* of one run; beyond that one sees only the whole picture */

/* Text inside of JSON inside of <script>. */
static void json_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c < 32 || c == '<' || c == '>' || c == '&')
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void run_data(FILE *out, const struct report_run *run)
{
	const struct timeline *tl = run->timeline;
	struct gantt g;
	int64_t before = 0;
	size_t n = tl->nr_spans < DATA_SPANS_MAX ? tl->nr_spans : DATA_SPANS_MAX;

	fputs("{\"tasks\":[", out);
	for (size_t i = 0; i < tl->nr_tasks; i++) {
		fputs(i ? ",[" : "[", out);
		json_text(out, tl->tasks[i].name);
		fprintf(out, ",%d]", tl->tasks[i].colour);
	}
	fputs("],\"rows\":[", out);
	gantt_layout(&g, tl);
	for (int i = 0; i < g.nr_rows; i++)
		fprintf(out, "%s[%d,%u,%d,%d]", i ? "," : "", g.rows[i].is_task, g.rows[i].index,
			g.rows[i].y, g.rows[i].height);
	fprintf(out, "],\"height\":%d,\"cut\":%" PRIu64 ",\"spans\":[", g.height,
		n < tl->nr_spans ? (tl->spans[n].from_ns - tl->start_ns) / 1000 : 0);
	for (size_t i = 0; i < n; i++) {
		const struct timeline_span *s = &tl->spans[i];
		int64_t from = (int64_t)((s->from_ns - tl->start_ns) / 1000);
		int64_t to = (int64_t)((s->to_ns - tl->start_ns) / 1000);

		fprintf(out, "%s%u,%d,%" PRId64 ",%" PRId64 ",%d", i ? "," : "", s->task, s->cpu,
			from - before, to - from, s->why);
		before = from;
	}
	fputs("]}", out);
}

void report_data(FILE *out, const struct report *report, uint64_t span_ns)
{
	fprintf(out,
		"<script type='application/json' id=data>{\"span\":%" PRIu64
		",\"left\":%d,\"width\":%d,\"right\":%d,\"runs\":[",
		span_ns / 1000, PLOT_LEFT, PLOT_WIDTH, PLOT_RIGHT);
	for (size_t r = 0; r < report->nr_runs; r++) {
		fputs(r ? ",\n" : "\n", out);
		run_data(out, &report->runs[r]);
	}
	fputs("]}</script>\n", out);
}
