/*
 * bench.h - the benchmark suite: what it keeps of a run, and its parts.
 *
 * The suite starts programs and reads what they print.  It knows nothing of the kernel or the
 * machines: the backends' names and the program to start come from its caller
 * (ukernel/cli/bench.c).
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum bench_cores { CORES_ONE, CORES_ALL, CORES_COUNT };

/* A row of measures.def, or of a report that was read. */
struct bench_measure {
	const char *name, *group, *unit, *goal, *what;
	const char *options; /* for `ukernel run`, separated by spaces */
	const char *command; /* START: to be timed from outside; else NULL */
	bool floor;	     /* natively only */
};

extern const struct bench_measure bench_measures[]; /* ended by a NULL name */
/* Nanoseconds in one of the unit. */
double bench_unit_ns(const char *unit);

enum bench_way_kind { WAY_NATIVE, WAY_BACKEND, WAY_PEER };

/* A way to run a program: natively, under a backend, under another system. */
struct bench_way {
	char name[40];
	enum bench_way_kind kind;
	char version[80];
	char skipped[200]; /* why it is not measured; empty: it is */
};

/* What the rounds brought for one measure in one way, in the measure's unit. */
struct bench_cell {
	double *value;
	unsigned n;
	bool skipped;	  /* a reason, but no mistake */
	char reason[200]; /* not empty: no figure, and why */
};

struct bench_phase {
	const char *name; /* entry, wake-up, copy-in, ... */
	double ns;
};
#define PHASES_MAX 12
/* Where the time of one trap goes, in one backend. */
struct bench_trap {
	char way[40];
	enum bench_cores cores;
	unsigned n;
	struct bench_phase phase[PHASES_MAX];
};

struct bench_fact {
	const char *name;
	char text[200];
};
#define FACTS_MAX 16

struct bench_report {
	struct bench_measure *measures;
	unsigned nr_measures;
	struct bench_way *ways;
	unsigned nr_ways;
	struct bench_cell *cells; /* by bench_cell_of() */
	bool cores[CORES_COUNT];  /* which were measured */
	unsigned rounds;
	bool quick, interrupted;
	struct bench_fact facts[FACTS_MAX]; /* the machine */
	unsigned nr_facts;
	struct bench_trap *traps;
	unsigned nr_traps;
};

struct bench_config {
	const char *ukernel; /* the program, and the one that measures */
	const char *measure;
	const char *const *backends; /* of the program's own list; ended by NULL */
	bool peers;
	unsigned rounds;
	bool quick;
};

struct bench_cell *bench_cell_of(const struct bench_report *r, unsigned measure,
				 enum bench_cores cores, unsigned way);
void bench_cell_add(struct bench_cell *cell, double value);
const char *bench_cores_name(enum bench_cores cores); /* "one core", "all cores" */

/* --- running (ways.c, runner.c, child.c) --- */

/* Fills r->ways and says of each whether it works here. */
void bench_ways_find(struct bench_report *r, const struct bench_config *c);
/* The packages of Debian that bring peers, as one line. */
extern const char bench_peer_packages[];

#define ARGV_MAX 48
/* The command line of a way, to run what (ended by NULL) in it. */
struct bench_argv {
	const char *word[ARGV_MAX];
	unsigned n;
	char text[4096]; /* of words made here */
	unsigned used;
};
void bench_argv_make(struct bench_argv *a, const struct bench_config *c, const struct bench_way *w,
		     const struct bench_measure *m, enum bench_cores cores);

/* What came of a child. */
struct bench_child {
	int status; /* as the shell shows it; -1: it took too long, or was interrupted */
	double took_ns;
	char out[16384], err[4096]; /* the end of each */
};
void bench_child_run(struct bench_child *child, const char *const *argv, enum bench_cores cores,
		     unsigned seconds);
/* The last line of text that is not empty, without what a terminal would not show. */
void bench_last_line(const char *text, char *out, size_t len);
extern volatile bool bench_interrupted; /* set by Ctrl-C */

/* All rounds; returns when done or interrupted.  Progress goes to stderr. */
void bench_run(struct bench_report *r, const struct bench_config *c);
/* The breakdown of one trap in each backend (trap.c). */
void bench_trap_run(struct bench_report *r, const struct bench_config *c);

/* --- the machine (host.c) --- */
void bench_host_describe(struct bench_report *r);

/* --- statistics (stats.c): of n values, n > 0 --- */
struct bench_stats {
	double median, q1, q3, min, max;
};
struct bench_stats bench_stats_of(const double *value, unsigned n);
/* The chance that b is larger than a only by accident: Mann and Whitney's U, exact, one-sided. */
double bench_p_larger(const double *a, unsigned na, const double *b, unsigned nb);

/* --- output --- */
void bench_number(double x, char *out, size_t len); /* with three digits that count */
void bench_table_print(const struct bench_report *r, FILE *out);
void bench_json_write(const struct bench_report *r, FILE *out);
void bench_html_write(const struct bench_report *r, FILE *out);

/* --- reading and comparing --- */
/* NULL with one line in why when it is no report.  Never freed: the program compares and ends. */
struct bench_report *bench_json_read(const char *path, char *why, size_t len);
/* Prints what changed; returns how many measures got slower beyond the noise, or fail now. */
unsigned bench_compare(const struct bench_report *before, const struct bench_report *after,
		       FILE *out);

/* malloc that does not fail. */
void *bench_alloc(void *old, size_t n, size_t size);
#endif
