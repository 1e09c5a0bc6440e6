/*
 * sandbox.h - the machines that this directory offers, and what a host must have for them.
 *
 * Only the program's main and the tests include this file; the kernel sees machine.h alone.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "machine.h"

extern const struct machine_ops ptrace_machine;	 /* --backend ptrace */
extern const struct machine_ops seccomp_machine; /* --backend seccomp */
extern const struct machine_ops turbo_machine;	 /* --backend turbo */

/* The machine called name, or NULL.  machine_list() ends with NULL; the best comes first. */
const struct machine_ops *machine_find(const char *name);
const struct machine_ops *const *machine_list(void);

/* Start the machine called name, or for "auto" the first of the list that starts here.  Fills
 * *info.  NULL when none did: then machine_init_error() has the reason, *error a negative errno. */
const struct machine_ops *machine_start(const char *name, const struct machine_config *config,
					struct machine_info *info, int *error);

/* What this host offers; found out by trying, not by reading version numbers. */
struct host_probe {
	struct {
		const char *name;
		int error;	   /* 0: it starts here; or why not, a negative errno ... */
		char reason[200];  /* ... and in words */
		unsigned start_us; /* how long it took to start */
	} machine[4];		   /* as machine_list(); ends with name NULL */
	bool ptrace_allowed;	   /* at all: not if a profile, or yama, forbids it */
	bool notify_known;	   /* seccomp user notification with our own trace stops */
	bool notify_sync_wake_up;  /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, Linux 6.6; known only if
				      the seccomp machine starts */
	bool notify_wait_killable; /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19 */
	bool short_slice;	   /* a scheduling slice of our own choice, Linux 6.12 */
	bool realtime;		   /* SCHED_FIFO is allowed */
	int yama_scope;		   /* /proc/sys/kernel/yama/ptrace_scope, -1 when absent */
	int cpus;		   /* host CPUs we may run on */
	bool smt;		   /* they share cores */
	long max_map_count;	   /* vm.max_map_count: mappings of one guest process */
	unsigned long mmap_min;	   /* the lowest address a guest may map */
	unsigned long nofile_soft, nofile_hard; /* RLIMIT_NOFILE */
	unsigned long nproc;	   /* RLIMIT_NPROC: every guest thread is a host process */
	unsigned long xstate_size; /* bytes of extended CPU state in a signal frame */
	bool vsyscall;		   /* the legacy page at 0xffffffffff600000 */
	char kernel[65];	   /* release of the host's kernel */
};

/* Try everything above in short-lived children; takes some milliseconds. */
void host_probe(struct host_probe *probe);

/* The machine that "auto" means after a probe, NULL when none works; why (may be NULL) gets one
 * line of reason, or what to do. */
const struct machine_ops *machine_choose(const struct host_probe *probe, char *why, size_t len);

/* What machine->init() found missing when it failed: one line, no newline. */
const char *machine_init_error(void);

#endif
