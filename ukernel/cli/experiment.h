/*
 * experiment.h - one workload, played by real programs in a box under one policy.
 */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "lab/metrics.h"
#include "lab/timeline.h"
#include "lab/workload.h"

struct experiment {
	const struct workload *workload;
	const char *file; /* the workload's */
	uint64_t seed;
	int cpus;
	uint64_t tick_ns, timeout_ns;
	const char *backend, *player;
	char *loops_per_ms; /* what the player computes in a millisecond */
};

struct outcome {
	struct timeline *timeline;
	struct metrics *metrics;
	double host_share; /* of the time of busy virtual CPUs, on a CPU of the host; about 1 */
	unsigned refused;  /* tasks that did not get the class they asked for */
};

/* The workload called name: a file, or one of those that were installed with us.  Dies when there
 * is none. */
char *workload_find(const char *name);
/* Dies when there is none. */
char *player_find(void);
/* How quickly this host computes, as the player wants to be told. */
char *player_calibrate(const char *player);
/* Boots a kernel in a child process, plays the workload in it under sched ("NAME[:OPTIONS]"),
 * whose chance is e->seed if it says nothing of it, and adds up what it recorded.  -EIO after one
 * line on standard error. */
int experiment_run(const struct experiment *e, const char *sched, struct outcome *out);
/* Numbers that others have made are not to be taken for the policy's: says so on stderr. */
void outcome_warn(const char *command, const char *sched, const struct outcome *o);
void outcome_free(struct outcome *out);
#endif
