/*
 * sim_compare.h - how far a real run of a workload is from its simulation.
 */
#ifndef CLI_SIM_COMPARE_H
#define CLI_SIM_COMPARE_H

#include "lab/report.h"
#include "lab/workload.h"

struct sim_comparison {
	const char *file, *backend;
	uint64_t tick_ns;
	const struct report_run *runs; /* simulated; .sched is the policy */
	struct workload *const *workloads;
	const char *const *scheds;
	unsigned nr_runs;
	bool json;
	const char *html; /* a page to write, NULL: none; then the runs have timelines */
};

/* Plays each simulated run in a box, and prints both side by side, as a table or as JSON.  An exit
 * status. */
int sim_compare(const struct sim_comparison *c);
#endif
