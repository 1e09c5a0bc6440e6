/*
 * params.h - the parameters that --sched NAME:key=value,... gives to a policy.
 */
#ifndef SCHED_PARAMS_H
#define SCHED_PARAMS_H

#include "sched/policy.h"

#define SCHED_PARAMS_MAX 32

struct sched_settings {
	struct sched_value values[SCHED_PARAMS_MAX]; /* in the order of policy->params */
	uint64_t seed;				     /* the key "seed", which every policy has */
};

/*
 * Fill in set from text (NULL or empty: all defaults).  0, or -EINVAL with the reason, one line,
 * in error (size bytes).
 */
int sched_params_parse(const struct sched_policy *policy, const char *text,
		       struct sched_settings *set, char *error, size_t size);
/* One value, or a list of them; -EINVAL with the reason in error. */
int sched_value_parse(const struct policy_param *param, const char *text, struct sched_value *v,
		      char *error, size_t size);
/* Write v as it would be written on the command line. */
void sched_value_print(const struct policy_param *param, const struct sched_value *v, char *out,
		       size_t size);
#endif
