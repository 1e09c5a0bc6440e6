/*
 * report_gantt.c - the Gantt chart: a row for each virtual CPU, and where there are few tasks one
 * for each of them, in which waiting is a pale bar and running a solid one.
 *
 * Only whole pixel columns are drawn as bars; all that fall into one column share its height.  So
 * a chart of a million intervals is no larger than one of a thousand, and no time is lost in it.
 */
#include "lab/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CPU_HEIGHT  30
#define TASK_HEIGHT 16
#define ROW_GAP	    6
#define AXIS_HEIGHT 22
#define WITH_TITLE  4.0 /* from here on it can be pointed at, so it says what it is */

/* Paths for each colour: what runs, and what waits. */
#define LAYERS (2 * COLOURS)

struct pen {
	FILE *layer[LAYERS];
	char *text[LAYERS];
	size_t len[LAYERS];
	FILE *titled; /* intervals that can be pointed at */
	char *titled_text;
	size_t titled_len;
	double scale; /* pixels for a nanosecond */
	uint64_t start_ns;
};

/* --- rows --- */

static int shown_tasks(const struct timeline *tl)
{
	int n = 0;

	for (size_t i = 0; i < tl->nr_tasks; i++)
		n += tl->tasks[i].cpu_ns || tl->tasks[i].waiting_ns;
	return n;
}

void gantt_layout(struct gantt *g, const struct timeline *tl)
{
	int y = 4;

	g->nr_rows = 0;
	for (int i = 0; i < tl->cpus && i < SCHED_CPUS_MAX; i++) {
		g->rows[g->nr_rows++] = (struct gantt_row){false, (uint32_t)i, y, CPU_HEIGHT};
		y += CPU_HEIGHT + ROW_GAP;
	}
	if (shown_tasks(tl) <= GANTT_TASKS_MAX) {
		y += ROW_GAP;
		for (size_t i = 0; i < tl->nr_tasks; i++) {
			if (!tl->tasks[i].cpu_ns && !tl->tasks[i].waiting_ns)
				continue;
			g->rows[g->nr_rows++] =
			    (struct gantt_row){true, (uint32_t)i, y, TASK_HEIGHT};
			y += TASK_HEIGHT + ROW_GAP - 2;
		}
	}
	g->height = y + AXIS_HEIGHT;
}

/* --- the axis --- */

static uint64_t axis_step(uint64_t span_ns)
{
	uint64_t step = 1;

	/* 1, 2, 5, 10, 20, ... until there are no more than ten. */
	for (;;) {
		if (span_ns / step <= 10)
			return step;
		if (span_ns / (2 * step) <= 10)
			return 2 * step;
		if (span_ns / (5 * step) <= 10)
			return 5 * step;
		step *= 10;
	}
}

void axis_svg(FILE *out, int height, uint64_t span_ns)
{
	uint64_t step = axis_step(span_ns);
	char buf[32];

	fputs("<g class=axis>", out);
	for (uint64_t at = 0; at <= span_ns; at += step) {
		double x = PLOT_LEFT + (double)at * PLOT_WIDTH / (double)span_ns;

		fprintf(out, "<path d='M%.1f 0V%d'/><text x='%.1f' y='%d'>%s</text>", x,
			height - AXIS_HEIGHT + 4, x, height - 4, time_text(at, buf));
	}
	fputs("</g>\n", out);
}

/* --- bars --- */

static bool pen_init(struct pen *p, const struct timeline *tl, uint64_t span_ns)
{
	memset(p, 0, sizeof(*p));
	for (int i = 0; i < LAYERS; i++)
		p->layer[i] = open_memstream(&p->text[i], &p->len[i]);
	p->titled = open_memstream(&p->titled_text, &p->titled_len);
	p->scale = PLOT_WIDTH / (double)span_ns;
	p->start_ns = tl->start_ns;
	for (int i = 0; i < LAYERS; i++)
		if (!p->layer[i])
			return false;
	return p->titled;
}

static void pen_finish(struct pen *p, FILE *out)
{
	for (int i = 0; i < LAYERS; i++) {
		if (!p->layer[i])
			continue;
		fclose(p->layer[i]);
		if (p->len[i] && out)
			fprintf(out, "<path class='c%d%s' d='%s'/>\n", i % COLOURS,
				i < COLOURS ? "" : " w", p->text[i]);
		free(p->text[i]);
	}
	if (!p->titled)
		return;
	fclose(p->titled);
	if (out)
		fputs(p->titled_text, out);
	free(p->titled_text);
}

static void pen_bar(struct pen *p, int layer, double x, double y, double w, double h)
{
	fprintf(p->layer[layer], "M%.4g %.4gh%.4gv%.4gh-%.4gz", PLOT_LEFT + x, y, w, h, w);
}

static const char *why_text(uint8_t why)
{
	static const char *const texts[] = {
	    [CHARGE_RUNS] = "",
	    [CHARGE_PREEMPTED] = ", then preempted",
	    [CHARGE_EXPIRED] = ", slice over",
	    [CHARGE_YIELD] = ", then yielded",
	    [CHARGE_SLEEP] = ", then slept",
	    [CHARGE_EXIT] = ", then over",
	};

	return why < sizeof(texts) / sizeof(*texts) && texts[why] ? texts[why] : "";
}

static void pen_titled(struct pen *p, const struct timeline_span *s, const struct timeline_task *t,
		       double x, double y, double w, double h)
{
	bool waits = s->cpu == TIMELINE_WAITS;
	char from[32], len[32];

	fprintf(p->titled,
		"<rect class='c%d%s' x='%.2f' y='%.1f' width='%.2f' height='%.1f'><title>",
		t->colour, waits ? " w" : "", PLOT_LEFT + x, y, w, h);
	report_text(p->titled, t->name);
	fprintf(p->titled, " %s %s, from %s%s</title></rect>\n", waits ? "waits" : "runs",
		time_text(s->to_ns - s->from_ns, len), time_text(s->from_ns - p->start_ns, from),
		waits ? "" : why_text(s->why));
	/* The name in it, where there is room. */
	if (!waits && h > TASK_HEIGHT && w > 9.0 * (double)strlen(t->name) + 6) {
		fprintf(p->titled, "<text class=in x='%.1f' y='%.1f'>", PLOT_LEFT + x + w / 2,
			y + h / 2 + 4.5);
		report_text(p->titled, t->name);
		fputs("</text>\n", p->titled);
	}
}

/* One pixel column under construction. */
struct column {
	int x;
	double share[LAYERS];
};

static void column_flush(struct pen *p, struct column *c, double y, double h)
{
	double at = y + h;

	for (int i = 0; i < LAYERS; i++) {
		double part = c->share[i] > 1 ? 1 : c->share[i];

		if (part * h >= 0.25) {
			pen_bar(p, i, c->x, at - part * h, 1, part * h);
			at -= part * h;
		}
		c->share[i] = 0;
	}
}

/* Part of a pixel column. */
static void column_add(struct pen *p, struct column *c, const struct gantt_row *row, int x,
		       int layer, double part)
{
	if (x != c->x)
		column_flush(p, c, row->y, row->height);
	c->x = x;
	c->share[layer] += part;
}

/* The whole columns of [x, end) are a bar; what is left of it on both sides shares a column. */
static void span_draw_at(struct pen *p, struct column *c, const struct gantt_row *row,
			 const struct timeline_span *s, const struct timeline_task *t, double x,
			 double end)
{
	bool waits = s->cpu == TIMELINE_WAITS;
	int layer = t->colour + (waits ? COLOURS : 0);
	int from = (int)ceil(x), to = (int)floor(end);

	if (to <= from) {
		int first = (int)floor(x);

		if (end <= first + 1) {
			column_add(p, c, row, first, layer, end - x);
			return;
		}
		column_add(p, c, row, first, layer, first + 1 - x);
		column_add(p, c, row, first + 1, layer, end - (first + 1));
		return;
	}
	/* Waiting looks thinner. */
	double y = waits ? row->y + row->height * 0.3 : row->y;
	double h = waits ? row->height * 0.4 : row->height;
	if (x < from)
		column_add(p, c, row, from - 1, layer, from - x);
	if (to - from >= WITH_TITLE)
		pen_titled(p, s, t, from, y, to - from, h);
	else
		pen_bar(p, layer, from, y, to - from, h);
	if (end > to)
		column_add(p, c, row, to, layer, end - to);
}

static void row_spans(struct pen *p, const struct timeline *tl, const struct gantt_row *row)
{
	struct column c = {0};

	for (size_t i = 0; i < tl->nr_spans; i++) {
		const struct timeline_span *s = &tl->spans[i];

		if (row->is_task ? s->task != row->index : s->cpu != (int)row->index)
			continue;
		span_draw_at(p, &c, row, s, &tl->tasks[s->task],
			     (double)(s->from_ns - tl->start_ns) * p->scale,
			     (double)(s->to_ns - tl->start_ns) * p->scale);
	}
	column_flush(p, &c, row->y, row->height);
}

static void row_label(FILE *out, const struct timeline *tl, const struct gantt_row *row)
{
	fprintf(out, "<text class=name x='%d' y='%.1f'>", PLOT_LEFT - 8,
		row->y + row->height / 2.0 + 4);
	if (row->is_task)
		report_text(out, tl->tasks[row->index].name);
	else
		fprintf(out, "CPU %u", row->index);
	fprintf(out, "</text><rect class=bed x='%d' y='%d' width='%d' height='%d'/>\n", PLOT_LEFT,
		row->y, PLOT_WIDTH, row->height);
}

static const struct gantt_row *row_of_task(const struct gantt *g, uint32_t task)
{
	for (int i = 0; i < g->nr_rows; i++)
		if (g->rows[i].is_task && g->rows[i].index == task)
			return &g->rows[i];
	return NULL;
}

/* Arrivals, ends, missed deadlines. */
static void marks(FILE *out, const struct timeline *tl, const struct gantt *g, const struct pen *p)
{
	char late[32];

	for (int i = 0; i < g->nr_rows; i++) {
		const struct gantt_row *row = &g->rows[i];
		const struct timeline_task *t = &tl->tasks[row->index];

		if (!row->is_task)
			continue;
		double x = PLOT_LEFT + (double)(t->arrival_ns - tl->start_ns) * p->scale;
		fprintf(out, "<path class=arrive d='M%.1f %dv%d'/>", x, row->y - 2,
			row->height + 4);
		if (t->done)
			fprintf(out, "<path class=end d='M%.1f %dv%d'/>",
				PLOT_LEFT + (double)(t->end_ns - tl->start_ns) * p->scale,
				row->y - 2, row->height + 4);
	}
	for (size_t i = 0; i < tl->nr_marks && i < 500; i++) {
		const struct timeline_mark *m = &tl->marks[i];
		const struct gantt_row *row = row_of_task(g, m->task);
		double x = PLOT_LEFT + (double)(m->ns - tl->start_ns) * p->scale;

		if (!row)
			continue;
		fprintf(out, "<path class=miss d='M%.1f %dl4 -6h-8z'><title>deadline missed by %s",
			x, row->y + 6, time_text(m->late_ns, late));
		if (m->host_ns)
			fprintf(out, "; the host took %s meanwhile", time_text(m->host_ns, late));
		fputs("</title></path>", out);
	}
}

void gantt_svg(FILE *out, const struct timeline *tl, const struct gantt *g, uint64_t span_ns,
	       size_t run)
{
	struct pen p;

	fprintf(out,
		"<svg class=gantt data-run='%zu' viewBox='0 0 %d %d' role=img aria-label='Gantt "
		"chart'>\n",
		run, SVG_WIDTH, g->height);
	for (int i = 0; i < g->nr_rows; i++)
		row_label(out, tl, &g->rows[i]);
	fputs("<g class=body>\n", out);
	axis_svg(out, g->height, span_ns);
	if (pen_init(&p, tl, span_ns)) {
		for (int i = 0; i < g->nr_rows; i++)
			row_spans(&p, tl, &g->rows[i]);
		pen_finish(&p, out);
		marks(out, tl, g, &p);
	} else {
		pen_finish(&p, NULL);
	}
	fputs("</g></svg>\n", out);
}
