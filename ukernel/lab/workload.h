/*
 * workload.h - a workload: tasks that are real commands or built-in shapes, read from a small text
 * file (ukernel-workload(5) has the format).
 *
 * A shape becomes a list of steps; program.h walks it.  Who carries the steps out (virtual time, or
 * a guest in real time) is not known here.
 */
#ifndef LAB_WORKLOAD_H
#define LAB_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_TASKS_MAX 100000
#define WORKLOAD_LOCKS_MAX 64
#define WORKLOAD_FOREVER   UINT64_MAX
#define WORKLOAD_TIME_MAX  (1ULL << 62) /* since the start: 146 years; one more time fits */

/* A length of time, perhaps drawn anew each time it is needed. */
struct span {
	enum span_kind { SPAN_FIXED, SPAN_UNIFORM, SPAN_EXPONENTIAL } kind;
	uint64_t ns;	 /* the value, the least, or the mean */
	uint64_t max_ns; /* SPAN_UNIFORM */
};

enum step_kind {
	STEP_RUN,    /* compute for .span */
	STEP_SLEEP,  /* for .span */
	STEP_LOCK,   /* take lock number .arg; waits while another has it */
	STEP_UNLOCK, /* give it back */
	STEP_YIELD,
	STEP_FORK, /* .arg children, each with this same list, one level deeper */
	STEP_WAIT, /* for all children */
	STEP_JOB,  /* a periodic job is done: report it, sleep to the next release */
};

struct step {
	enum step_kind kind;
	unsigned arg;
	struct span span;
};

#define WORKLOAD_STEPS_MAX 32

/* What is the same in all instances of one line of the file. */
struct shape {
	const char *name;    /* "cpu", "io", ... */
	const char *command; /* run: for sh -c; else NULL */
	struct step steps[WORKLOAD_STEPS_MAX];
	unsigned nr_steps;
	uint64_t rounds;   /* how often the list is gone through; UINT64_MAX: no limit */
	uint64_t total_ns; /* ... until it has computed that long; UINT64_MAX: no limit */
	uint64_t for_ns;   /* ... until that long after its arrival; UINT64_MAX: no limit */
	unsigned depth;	   /* of its fork tree */
	/* periodic: compute runtime_ns every period_ns, within deadline_ns of the release */
	uint64_t runtime_ns, period_ns, deadline_ns;
};

struct workload_task {
	const char *name;  /* unique: "short.3" when there are several */
	const char *group; /* "short" */
	unsigned line;	   /* of the file */
	const struct shape *shape;
	uint64_t arrival_ns;
	uint64_t deadline_ns; /* after arrival; 0: none */
	uint64_t length_ns;   /* declared, for policies that ask; 0: not said */
	uint64_t affinity;    /* bit i: virtual CPU i; UINT64_MAX: all */
	uint64_t seed;	      /* of its random values */
	unsigned tickets;     /* 0: as its nice value says */
	int nice;
	int latency_nice;
	unsigned wset;	 /* its working set, in the cache's units of size */
	int class;	 /* SCHED_OTHER, ... as sched_setscheduler(2) has them */
	int rt_priority; /* of FIFO and RR */
};

struct workload {
	const char *name;  /* of the file, or as it says */
	const char *about; /* one line; "" when there is none */
	uint64_t seed;
	int cpus;	    /* 0: not said */
	uint64_t tick_ns;   /* 0: not said */
	uint64_t stop_ns;   /* the experiment ends then; UINT64_MAX: when all tasks have */
	uint64_t switch_ns; /* what a context switch costs in the simulation */
	uint64_t window_ns; /* of the fairness windows; 0: not said */
	/* The simulated CPUs' caches: a task whose working set has been in one for warmup_ns runs
	 * cache_rate times as fast there. */
	unsigned cache_size, cache_rate; /* 0: there are none */
	uint64_t cache_warmup_ns, cache_unit_ns;
	const char **scheds; /* policies it is about, "NAME[:OPTIONS]" */
	unsigned nr_scheds;
	const char *locks[WORKLOAD_LOCKS_MAX];
	unsigned nr_locks;
	struct workload_task *tasks; /* by line, then number; not by arrival */
	unsigned nr_tasks;
	struct workload_memory *memory; /* everything that the pointers above point to */
};

/*
 * Read a workload.  *seed, when not NULL, goes before the file's own.  On failure NULL, and error
 * holds one line "FILE:LINE: what is wrong".  The caller frees.
 */
struct workload *workload_load(const char *path, const uint64_t *seed, char *error, size_t size);
struct workload *workload_parse(const char *text, const char *file, const uint64_t *seed,
				char *error, size_t size);
void workload_free(struct workload *w);

/* A task's weight for what it is entitled to: its tickets, or Linux's weight for its nice value
 * (1024 for 0). */
unsigned workload_weight(const struct workload_task *t);
unsigned workload_nice_weight(int nice);

/* --- values (workload_value.c): false when text is not one --- */
bool parse_span(const char *text, struct span *out); /* "5ms", "1ms..9ms", "~20ms" */
bool parse_time(const char *text, uint64_t *ns);     /* "5ms"; a bare number is milliseconds */
bool parse_cpus(const char *text, uint64_t *mask);   /* "0,2-3" */
bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out);
uint64_t span_draw(const struct span *s, uint64_t *rng);
uint64_t random_next(uint64_t *rng);
/* Both depend on a and b, and nothing else does. */
uint64_t random_seed(uint64_t a, uint64_t b);
#endif
