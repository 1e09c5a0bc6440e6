/*
 * program.h - walks a task's steps: what does it want next?
 *
 * Used by the simulated machine and by the guest that plays a shape in real time.  It holds no
 * clock: now_ns is whoever's time, counted from the start of the experiment.
 */
#ifndef LAB_PROGRAM_H
#define LAB_PROGRAM_H

#include "lab/workload.h"

enum program_op_kind {
	OP_RUN,		/* compute for .ns */
	OP_SLEEP_UNTIL, /* .ns is an absolute time; it may have passed */
	OP_LOCK,	/* .arg */
	OP_UNLOCK,
	OP_YIELD,
	OP_FORK, /* start one child: program_fork() */
	OP_WAIT, /* for all children */
	OP_JOB,	 /* a job is done, .late_ns after its deadline (negative: before) */
	OP_EXIT,
};

struct program_op {
	enum program_op_kind kind;
	unsigned arg;
	uint64_t ns;
	int64_t late_ns;
};

struct program {
	const struct shape *shape;
	uint64_t rng;
	uint64_t began_ns, ran_ns; /* ran_ns: what it has been told to compute so far */
	uint64_t rounds;	   /* left */
	uint64_t release_ns;	   /* periodic: of the current job */
	unsigned at;		   /* index of the next step */
	unsigned forked;	   /* children of the current STEP_FORK */
	unsigned level;		   /* in a fork tree */
	bool job_done;
};

void program_start(struct program *p, const struct workload_task *t, uint64_t now_ns);
/* The program of a child that parent was told to fork; nth makes its random values its own. */
void program_fork(struct program *child, const struct program *parent, unsigned nth,
		  uint64_t now_ns);
/* Never OP_RUN of 0 ns.  After OP_EXIT it must not be called again. */
struct program_op program_next(struct program *p, uint64_t now_ns);
/* Absolute deadline of the current job; 0 when it is not periodic. */
uint64_t program_deadline_ns(const struct program *p);
#endif
