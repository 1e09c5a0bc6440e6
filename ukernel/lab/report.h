/*
 * report.h - one or several schedules as one HTML page that needs nothing else.
 *
 * The pictures are inline SVG and are there without JavaScript; with it one can zoom, and ask any
 * interval what it is.
 */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include "lab/metrics.h"
#include "lab/timeline.h"

#include <stdio.h>

struct report_run {
	const char *sched;   /* policy with its options */
	const char *summary; /* of the policy, one line; NULL: none */
	struct timeline *timeline;
	struct metrics *metrics;
};

struct report {
	const char *title;
	const char *about; /* a line or two for people; NULL: none */
	const char *how;   /* "real programs on 1 virtual CPU", "virtual time, seed 1" */
	const struct report_run *runs;
	size_t nr_runs;
};

/* 0, or -EIO when out cannot be written, -ENOMEM. */
int report_html(FILE *out, const struct report *report);
#endif
