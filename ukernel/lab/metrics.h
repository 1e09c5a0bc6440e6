/*
 * metrics.h - what the records of a schedule add up to, for each task and in sum.
 *
 * Fed with sched/record.h's records as they come; it does not care whether time is virtual.  The
 * words are the textbook's: response is from arrival to the first run, turnaround from arrival to
 * completion, waiting is the time in which a task could have run and did not.
 */
#ifndef LAB_METRICS_H
#define LAB_METRICS_H

#include "sched/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bucket i of the slice histogram: uninterrupted runs shorter than 2^i microseconds, the last one:
 * all longer. */
#define SLICE_BUCKETS	  24
#define METRICS_WINDOW_NS 100000000

struct samples {
	uint64_t *ns;
	size_t n, size;
	bool sorted;
};

struct metrics_row {
	uint64_t id;
	char *name, *group; /* tasks of one line of the workload share a group */
	unsigned weight;
	uint64_t deadline_ns; /* after arrival; 0: none */

	bool has_run, done;
	uint64_t arrival_ns, first_run_ns, completion_ns; /* since the first record */
	uint64_t cpu_ns, waiting_ns;
	uint64_t host_ns; /* of cpu_ns: when the host ran others, as far as that was seen */
	/* What its weight entitles it to of the virtual CPUs while it could run. */
	double entitled_ns;
	uint64_t slices_voluntary, preemptions, migrations;
	uint64_t slice_hist[SLICE_BUCKETS];
	/* From wake-up to running; who still waits at the end has waited for that long at least. */
	struct samples wakeups;
	uint64_t jobs, missed; /* deadlines met or not, and those not */
	uint64_t late_max_ns;

	/* Where it is now: the meter's own. */
	enum { ROW_SLEEPS, ROW_WAITS, ROW_RUNS } state;
	bool waking;
	size_t live_at;
	int cpu;
	uint64_t state_ns; /* in this state since */
	uint64_t since_ns; /* accounted for up to here: a window may have ended meanwhile */
	uint64_t window_cpu_ns, window_waiting_ns;
	double from_v, from_u, window_entitled_ns;
};

struct metrics {
	int cpus;
	uint64_t window_ns;
	struct metrics_row **rows; /* in order of arrival */
	size_t nr_rows;
	uint64_t start_ns, end_ns; /* of the first record, of the last one */
	uint64_t busy_ns;	   /* of all virtual CPUs */
	uint64_t switches;	   /* a virtual CPU went on with another task than before */
	uint64_t decisions;	   /* how often a task was put on a virtual CPU */
	uint64_t windows;	   /* fairness windows with at least two tasks in them */
	double jain_sum, jain_min;
	uint64_t missed_host; /* deadlines missed by no more than the host took in that period */
	char
	    *watchdog; /* what the policy did wrong, so that round robin took over; NULL: nothing */
	struct metrics_private *priv;
};

struct metrics *metrics_create(int cpus, uint64_t window_ns); /* 0: METRICS_WINDOW_NS */
void metrics_destroy(struct metrics *m);
/* se may be NULL.  Times must not go back. */
void metrics_feed(struct metrics *m, const struct sched_record *r, const struct sched_entity *se);
/* What the records do not tell of the task id, which has arrived.  name and group are copied and
 * may be NULL: as it was. */
void metrics_label(struct metrics *m, uint64_t id, const char *name, const char *group,
		   unsigned weight, uint64_t deadline_ns);
/* One job with a deadline is done (late_ns > 0: too late), or never was by the end. */
void metrics_job(struct metrics *m, uint64_t id, int64_t late_ns);
/* After the last record; the experiment went on until end_ns. */
void metrics_finish(struct metrics *m, uint64_t end_ns);

struct metrics_sum {
	size_t tasks, done;
	double span_s, throughput; /* tasks completed a second */
	double utilisation;	   /* 0..1 of all virtual CPUs */
	/* of tasks that have run or still wait to (until the end), and of those that are done */
	double response_ms, turnaround_ms, waiting_ms;
	double response_max_ms, turnaround_max_ms;
	double cpu_s, host_s;
	uint64_t switches, preemptions, migrations, jobs, missed;
	size_t wakeups;
	double wake_p50_us, wake_p99_us, wake_max_us; /* 0 when there was none */
	double jain; /* of CPU time against entitlement, over the whole run */
	double jain_window, jain_window_min; /* over windows; NAN when there was none */
};
struct metrics_sum metrics_sum(const struct metrics *m);
/* The p-th part (0..1) of the samples by rank; 0 when there is none.  Sorts them. */
uint64_t samples_rank(struct samples *s, double p);
double metrics_share(const struct metrics_row *row); /* of its entitlement; 1 is just */

/* --- output (metrics_print.c); sched names what the metrics are about --- */
void metrics_print(FILE *out, const struct metrics *m, const char *sched, bool every_task);
/* One line for each of n, side by side. */
void metrics_print_comparison(FILE *out, struct metrics *const *m, const char *const *scheds,
			      size_t n);
void metrics_print_csv(FILE *out, const struct metrics *m, const char *sched, bool head);
/* One JSON object. */
void metrics_print_json(FILE *out, const struct metrics *m, const char *sched);
#endif
