/*
 * boot.h - from a configuration to a running first process.
 */
#ifndef KERN_BOOT_H
#define KERN_BOOT_H

#include "machine.h"
#include "sched/sched.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

struct bind_spec {
	const char *src, *dst; /* absolute; dst may equal src */
	bool read_only;
};

/* What a program has from who starts it, as execve(2) tells. */
struct inheritance {
	mode_t umask;
	int nice;
	uint64_t ignored; /* bit sig - 1: the signal is ignored */
	struct {
		uint64_t cur, max;
	} rlimit[RLIMIT_NLIMITS];
};

/* For how long what the host said about its files is believed (--files). */
enum files_trust {
	FILES_MIXED,	 /* below the root for a second, in what is bound not at all */
	FILES_SHARED,	 /* not at all */
	FILES_EXCLUSIVE, /* for ever */
};

/* What the command line says; strings are borrowed for the life of the kernel. */
struct boot_config {
	int cpus;
	uint64_t tick_ns;
	const struct sched_policy *policy;
	const char *policy_options;

	const char *root_dir;	 /* host directory that becomes / */
	bool root_read_only;	 /* --ro: no overlay, the root cannot be written */
	struct bind_spec *binds; /* --bind, --rw */
	unsigned nr_binds;
	enum files_trust files;

	const char *workdir; /* NULL: the host's, if the guest sees it, else / */
	const char *hostname;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int ngroups;

	uint64_t memory_max; /* bytes; 0 none */
	unsigned pids_max;   /* 0 none */
	uint64_t timeout_ns; /* 0 none */

	char **argv, **envp;
	const struct inheritance *inherited; /* NULL: a login's defaults */
	bool std_closed[3]; /* the caller had closed 0, 1, 2: the guest starts without it */

	bool trace;	 /* strace-like lines ... */
	FILE *trace_out; /* ... to here */
	const char *trace_filter;
	bool count_calls; /* -c */
	bool explain;	  /* --explain: the table of limited direct execution */
};

#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND	    127

/*
 * Boot: trap table, handlers for exceptions, timer, mounts, then the first process.  machine must
 * be set and initialised.  Runs until the first process has died; returns its wait status in
 * *status; if it could not be executed, as a shell says so: an exit with 127 (there is none) or
 * 126. 0, or -errno if the kernel itself failed.  One line has been printed in either case.
 */
int kernel_run(const struct boot_config *config, int *status);

extern const struct boot_config *boot_config;
#endif
