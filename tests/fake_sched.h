/*
 * fake_sched.h - the least core that a scheduling policy can be tried on: jobs that compute and
 * sleep, in virtual time, with every promise of sched/policy.h checked at each call.
 *
 * At one time the order is: what CPUs were doing ends (bursts, then slices), the policy's timer,
 * wake-ups and arrivals in the order of their going to sleep, then CPUs pick.
 */
#ifndef FAKE_SCHED_H
#define FAKE_SCHED_H

#include "sched/policy.h"

#define FS_MS	    1000000ULL
#define FS_JOBS_MAX 4096

struct fs_job {
	/* to be filled in */
	uint64_t arrival_ns;
	uint64_t run_ns;      /* CPU time until it ends; 0: never */
	uint64_t burst_ns;    /* computes so long, 0: always ... */
	uint64_t sleep_ns;    /* ... then sleeps so long ... */
	uint64_t period_ns;   /* ... or, not 0: until the next multiple of it after arrival */
	uint64_t deadline_ns; /* of a period's burst; 0: the period */
	int nice, class, rt_priority, latency_nice;
	uint32_t tickets;
	uint64_t length_ns, affinity; /* 0: anywhere */
	uint64_t budget_ns;	      /* with reserve: another runtime than burst_ns */
	bool reserve;		      /* DEADLINE with burst_ns, deadline_ns, period_ns */

	/* what came of it */
	struct sched_entity se;
	bool alive, running, sleeping, done;
	uint64_t first_ns, end_ns; /* UINT64_MAX: not yet */
	uint64_t ran_ns, wait_max_ns, wake_wait_max_ns;
	unsigned releases, missed;
	/* the driver's */
	uint64_t burst_left_ns, wake_ns, order, release_ns, queued_ns;
	bool woken;
};

struct fs {
	const struct sched_policy *policy;
	const char *options;
	int cpus;
	uint64_t until_ns; /* 0: until all jobs have ended */
	struct fs_job *jobs;
	unsigned nr_jobs;
	bool explain;

	uint64_t now_ns, decisions, preemptions;
	uint64_t
	    idle_wasted_ns; /* CPU time that idled while a task that was allowed there waited */
};

/* Run to the end.  A broken promise of the policy is a failed Criterion assertion. */
void fs_run(struct fs *fs);
double fs_response_ms(const struct fs *fs);   /* average, first run - arrival */
double fs_turnaround_ms(const struct fs *fs); /* average, end - arrival */
/* While running: lend the urgency of donor to owner (NULL owner: no longer). */
void fs_donate(struct fs *fs, struct fs_job *donor, struct fs_job *owner);
/* While running: what the user asks for job is changed by f, as sched_change() of the core does it.
 */
void fs_change(struct fs *fs, struct fs_job *job, void (*f)(struct sched_entity *se));
/* After a run that ended by its time: what the policy says to this reservation. */
int fs_admit(struct fs *fs, const struct sched_policy *p, struct sched_entity *se, uint64_t runtime,
	     uint64_t period);
/* Called after each event, if set; may donate. */
extern void (*fs_hook)(struct fs *fs);
#endif
