/*
 * sim.h - a machine in virtual time: the policies' own object code decides, nobody computes.
 *
 * It does what sched/core.c does, in the same order and with the same records, but its tasks are
 * the programs of a workload and its clock jumps from event to event.  A run is a function of its
 * config: the same one gives the same records, to the bit.
 */
#ifndef LAB_SIM_H
#define LAB_SIM_H

#include "lab/metrics.h"
#include "lab/workload.h"
#include "sched/record.h"

#define SIM_TICK_NS 4000000

struct sim_config {
	const struct workload *workload;
	const struct sched_policy *policy;
	const char *options; /* as after --sched NAME:, may be NULL */
	int cpus;	     /* 0: the workload's, or 1 */
	uint64_t tick_ns;    /* 0: the workload's, or SIM_TICK_NS */
	/* Slices as long as the tick or longer end on a tick, as on the real machine; else each
	 * ends when it should. */
	bool ticked;
	/* Every tick takes every task off its CPU, however short it has run. */
	bool aligned;
	bool check;			 /* look for idle CPUs beside waiting tasks: slow */
	struct metrics *metrics;	 /* may be NULL */
	struct sched_listener *listener; /* may be NULL */
};

struct sim_result {
	uint64_t end_ns;
	uint64_t events, decisions; /* taken from the queue; tasks put on a CPU */
	uint64_t tasks, done;
	uint64_t
	    not_conserving; /* with check: instants at which a CPU idled beside a task for it */
	uint64_t busy_ns[SCHED_CPUS_MAX], warm_ns[SCHED_CPUS_MAX]; /* of each CPU */
	unsigned refused; /* DEADLINE tasks that the policy did not admit: they ran as OTHER */
};

/* 0, or -EINVAL or -ENOMEM with one line in error: the policy refuses its options, breaks its
 * contract, or keeps tasks that it never picks. */
int sim_run(const struct sim_config *config, struct sim_result *result, char *error, size_t size);
#endif
