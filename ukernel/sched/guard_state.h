/*
 * guard_state.h - what the watchdog knows; for guard.c and guard_fall.c only.
 */
#ifndef SCHED_GUARD_STATE_H
#define SCHED_GUARD_STATE_H

#include "sched/guard.h"
#include "sched/params.h"

struct guard {
	struct sched_policy ops; /* first: rq->policy points to it */
	const struct sched_policy *inner;
	struct guard_settings settings;
	bool foreign, fallen;
	char verdict[240];
	struct guard_call call;
	/* the run */
	const struct sched_services *core; /* the services that the core gave */
	struct sched_services services;	   /* those that the policy gets */
	uint64_t inner_timer_ns, check_ns; /* 0: none */
	struct guard_known known;
	void *rr_priv, *inner_priv;
	struct sched_settings rr;
};

/* The policy has failed, and fmt says how: name it, and end or go on with round robin.  Once. */
void guard_fall(struct guard *g, struct runq *rq, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif
