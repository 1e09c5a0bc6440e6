/*
 * load.h - policies by what --sched says.
 */
#ifndef SCHED_LOAD_H
#define SCHED_LOAD_H

#include "sched/guard.h"

/*
 * The policy of "NAME[:key=value,...]" or "PATH.so[:key=value,...]" (a name with a slash is a
 * shared object); *options is what stands behind the colon, or NULL, and has been checked.
 * watchdog: NULL for the usual, which is GUARD_RR for a shared object and GUARD_OFF for ours.  NULL
 * with one line in error (size bytes) where something is wrong.  Never freed.
 */
const struct sched_policy *sched_policy_open(const char *spec, const char **options,
					     const struct guard_settings *watchdog, char *error,
					     size_t size);
#endif
