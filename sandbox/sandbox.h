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

/* What this host offers; filled by trying, not by reading version numbers. */
struct host_probe {
	int ptrace_error;	  /* 0, or the errno of attaching to a child of ours */
	int sysemu_error;	  /* the same for PTRACE_SYSEMU and PTRACE_GET_SYSCALL_INFO */
	int notify_error;	  /* the same for a seccomp filter with a listener */
	int process_vm_error;	  /* the same for process_vm_readv on a child */
	int memfd_error;	  /* the same for an executable memfd */
	bool notify_sync_wake_up; /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, Linux 6.6 */
	bool notify_wait_killable; /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19 */
	bool short_slice;	  /* a scheduling slice of our own choice, Linux 6.12 */
	bool realtime;		  /* may we use SCHED_FIFO */
	int yama_scope;		  /* /proc/sys/kernel/yama/ptrace_scope, -1 when absent */
	int cpus;		  /* host CPUs we may run on */
	long max_maps;		  /* vm.max_map_count: mappings of one guest process */
	unsigned long nofile_hard; /* RLIMIT_NOFILE */
	unsigned long nproc;	  /* RLIMIT_NPROC: guest threads are host processes */
	char kernel[64];	  /* release of the host's kernel */
};

/* Try everything above in short-lived children; takes some milliseconds. */
void host_probe(struct host_probe *probe);

/* The machine that `auto` means on this host; why (may be NULL) gets one line of reason.
 * NULL when none works: then why says what to do. */
const struct machine_ops *machine_choose(const struct host_probe *probe, char *why, size_t len);

/* The machine called name, or NULL.  machine_list() ends with NULL. */
const struct machine_ops *machine_find(const char *name);
const struct machine_ops *const *machine_list(void);

/* What machine->init() found missing when it failed: one line, no newline. */
const char *machine_init_error(void);

#endif
