/*
 * sim_run.h - one simulation, for the suites that look at what came of it.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "lab/sim.h"
#include "sched/sched.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL

struct sim {
	struct workload *workload;
	struct metrics *metrics;
	struct sim_result result;
	struct sim_config config;
	char error[300];
	int status;
};

/* Simulate text under sched ("NAME[:OPTIONS]"); config's other fields may have been set. */
static inline void simulate(struct sim *s, const char *text, const char *sched)
{
	char *name = strdup(sched), *options = strchr(name, ':');

	if (options)
		*options++ = '\0';
	s->workload = workload_parse(text, "test", NULL, s->error, sizeof(s->error));
	cr_assert(s->workload, "%s\n%s", s->error, text);
	s->metrics = metrics_create(s->workload->cpus ? s->workload->cpus : 1, 0);
	s->config.workload = s->workload;
	s->config.policy = sched_policy_find(name);
	s->config.options = options;
	s->config.metrics = s->metrics;
	cr_assert(s->config.policy, "no policy %s", name);
	s->status = sim_run(&s->config, &s->result, s->error, sizeof(s->error));
	free(name);
}

static inline void sim_clear(struct sim *s)
{
	metrics_destroy(s->metrics);
	workload_free(s->workload);
	*s = (struct sim){0};
}

/* The row of the task called name; the test fails when there is none. */
static inline const struct metrics_row *row_of(const struct sim *s, const char *name)
{
	for (size_t i = 0; i < s->metrics->nr_rows; i++)
		if (strcmp(s->metrics->rows[i]->name, name) == 0)
			return s->metrics->rows[i];
	cr_assert(false, "no task %s", name);
	return NULL;
}

static inline double turnaround_ms(const struct metrics_row *row)
{
	return (double)(row->completion_ns - row->arrival_ns) / 1e6;
}
#endif
