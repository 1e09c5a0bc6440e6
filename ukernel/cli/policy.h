/*
 * policy.h - policies on the command line.
 */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include <stdio.h>

struct sched_policy;

/*
 * The policy that --sched names by spec, NAME[:OPTIONS] or PATH.so[:OPTIONS]; *options becomes what
 * boot_config wants.  watchdog: of --sched-watchdog, NULL without.  "list" prints the list and
 * exits; anything wrong dies with a line.
 */
const struct sched_policy *policy_open(const char *spec, const char *watchdog,
				       const char **options);
/* What parse_sched() takes for watchdog: the lab's commands have an option each for all policies.
 */
extern const char *policy_watchdog;
void policy_list(FILE *out);
#endif
