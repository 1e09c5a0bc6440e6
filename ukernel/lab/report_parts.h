/*
 * report_parts.h - what the files of the HTML report share.
 *
 * Lengths are units of the SVG's own: the page scales them.
 */
#ifndef LAB_REPORT_PARTS_H
#define LAB_REPORT_PARTS_H

#include "lab/report.h"

#define PLOT_LEFT  130 /* names stand left of here */
#define PLOT_WIDTH 1000
#define PLOT_RIGHT 28
#define SVG_WIDTH  (PLOT_LEFT + PLOT_WIDTH + PLOT_RIGHT)

/* Colours 0..COLOUR_OTHER-1 belong to tasks or groups, the last one to all others. */
#define COLOUR_OTHER 10
#define COLOURS	     (COLOUR_OTHER + 1)

/* Which tasks have which colour, the same in all runs. */
struct report_key {
	char name[COLOURS][32];
	int count; /* without the others */
	bool by_group, others;
};

/* A row of a Gantt chart. */
struct gantt_row {
	bool is_task;
	uint32_t index; /* of the virtual CPU, or in timeline.tasks */
	int y, height;
};
#define GANTT_TASKS_MAX 16
#define GANTT_ROWS_MAX	(SCHED_CPUS_MAX + GANTT_TASKS_MAX)
struct gantt {
	struct gantt_row rows[GANTT_ROWS_MAX];
	int nr_rows, height;
};

/* report.c */
void report_text(FILE *out, const char *text); /* with &, <, > and quotes made harmless */
/* "12 ms", "3.5 s": a time as short as it can be said. */
const char *time_text(uint64_t ns, char buf[32]);

/* report_key.c: choose colours, and set those of all tasks. */
void report_key_make(struct report_key *key, const struct report *report);
void report_key_html(FILE *out, const struct report_key *key);

/* report_gantt.c */
void gantt_layout(struct gantt *g, const struct timeline *tl);
/* span_ns: how long the axis is, the same for all runs. */
void gantt_svg(FILE *out, const struct timeline *tl, const struct gantt *g, uint64_t span_ns,
	       size_t run);
/* The grid and its labels for [0, span_ns). */
void axis_svg(FILE *out, int height, uint64_t span_ns);

/* report_plots.c */
void share_svg(FILE *out, const struct timeline *tl, const struct report_key *key, uint64_t span_ns,
	       size_t run);
void latency_html(FILE *out, const struct report *report);

/* report_data.c: what the script needs. */
void report_data(FILE *out, const struct report *report, uint64_t span_ns);

/* assets.S */
extern const char report_css[], report_js[];
#endif
