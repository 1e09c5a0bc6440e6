/*
 * policies.c - the list of scheduling policies that --sched knows.
 */
#include "sched/sched.h"

#include <string.h>

const struct sched_policy *const sched_policies[] = {
    &sched_rr,	    &sched_rrq,	   &sched_coop, &sched_fifo,  &sched_sjf, &sched_stcf, &sched_mlfq,
    &sched_lottery, &sched_stride, &sched_fair, &sched_eevdf, &sched_edf, &sched_prio, NULL,
};

const struct sched_policy *sched_policy_find(const char *name)
{
	for (const struct sched_policy *const *p = sched_policies; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}
