/*
 * proc.h - inside procfs: what a row of its tables says, and the nodes that the rows become.
 */
#ifndef FS_PROC_PROC_H
#define FS_PROC_PROC_H

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/proc/seq.h"
#include "kern/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct proc_node;

struct proc_setting {
	uint64_t *value, min, max;
};

/* One file, link or directory.  mode has the type; which ops count depends on it. */
struct proc_entry {
	const char *name; /* NULL: names are dynamic */
	mode_t mode;
	bool guarded; /* only for those who might ptrace the process: -EACCES */
	bool memory;  /* about the address space that the process had at open */

	/* Regular files: the whole text; 0 or -errno.  store gets what one write(2) brought, with a
	 * NUL behind it: bytes taken or -errno. */
	int (*show)(struct seq *s, const struct proc_node *n);
	ssize_t (*store)(const struct proc_node *n, char *text, size_t len);
	const struct file_ops *fops; /* files that are no text */
	bool polled;		     /* may be given to epoll: mount tables */

	/* Links: the text, without NUL; where opening it leads [walk the text]. */
	ssize_t (*link)(const struct proc_node *n, char *buf, size_t size);
	int (*follow)(const struct proc_node *n, struct path *out);

	const struct proc_dir *dir;
	uint64_t arg;		      /* the row's own */
	struct proc_setting *setting; /* of a number that root may change */
};

/* A directory: fixed entries first, then dynamic ones. */
struct proc_dir {
	const struct proc_entry *entries;
	size_t count;
	/* Fill in entry, tid and key of *out for name; -ENOENT. */
	int (*lookup)(const struct proc_node *dir, const char *name, struct proc_node *out);
	/* The first dynamic name with a key >= *key: sets *key and writes it; false: no more. */
	bool (*next)(const struct proc_node *dir, uint64_t *key, char name[32]);
	unsigned next_type; /* DT_* of dynamic names */
};

/* inode->priv. */
struct proc_node {
	const struct proc_entry *entry;
	pid_t tid;	   /* below /proc/PID: whose; 0 elsewhere */
	bool thread;	   /* below task/TID: of that thread alone */
	uint64_t start_ns; /* of that task: a number may be used again */
	uint64_t key;	   /* descriptor number, ... */
};

#define PROC_DIR(table) .entries = (table), .count = sizeof(table) / sizeof((table)[0])

/* The process or a thread of it, if it still lives; borrowed until the next sleep. */
struct process *proc_process(const struct proc_node *n);
struct task *proc_task(const struct proc_node *n); /* NULL when only a zombie is left */
/* The process whose /proc/PID f is (pidfd_send_signal(2) takes one).  0 and *out borrowed, -ESRCH
 * when it has gone, -EBADF for any other file. */
int proc_dir_process(const struct file *f, struct process **out);
/* May the caller look inside?  0 or -EACCES; -ESRCH when it is gone. */
int proc_access(const struct proc_node *n);
/* Has the address space gone that such an open file is about? */
bool proc_memory_gone(const struct file *f);
/* What a process and its first thread are called when all that is left is a zombie. */
const char *proc_comm(const struct process *p, const struct task *t);

/* pid.c, ... */
extern const struct proc_dir proc_root_dir, proc_pid_dir, proc_tid_dir, proc_tasks_dir,
    proc_fds_dir, proc_fdinfos_dir, proc_ns_dir, proc_sys_dir, proc_net_dir;
extern const struct proc_entry proc_pid_entry, proc_tid_entry;

/* pid_mem.c */
uint64_t proc_resident(const struct task *t); /* bytes; 0 without memory */
int proc_show_maps(struct seq *s, const struct proc_node *n);
int proc_show_smaps(struct seq *s, const struct proc_node *n);
int proc_show_smaps_rollup(struct seq *s, const struct proc_node *n);
int proc_show_statm(struct seq *s, const struct proc_node *n);
int proc_show_cmdline(struct seq *s, const struct proc_node *n);
int proc_show_environ(struct seq *s, const struct proc_node *n);
int proc_show_auxv(struct seq *s, const struct proc_node *n);
extern const struct file_ops proc_mem_fops;

/* pagemap.c */
extern const struct file_ops proc_pagemap_fops;

/* pid_stat.c */
int proc_show_stat(struct seq *s, const struct proc_node *n);
int proc_show_status(struct seq *s, const struct proc_node *n);
int proc_show_limits(struct seq *s, const struct proc_node *n);

/* mounts.c */
int proc_show_mounts(struct seq *s, const struct proc_node *n);
int proc_show_mountinfo(struct seq *s, const struct proc_node *n);

/* system.c */
int proc_show_meminfo(struct seq *s, const struct proc_node *n);
int proc_show_cpuinfo(struct seq *s, const struct proc_node *n);
int proc_show_uptime(struct seq *s, const struct proc_node *n);
int proc_show_loadavg(struct seq *s, const struct proc_node *n);
int proc_show_system_stat(struct seq *s, const struct proc_node *n);
int proc_show_version(struct seq *s, const struct proc_node *n);
int proc_show_filesystems(struct seq *s, const struct proc_node *n);
int proc_show_devices(struct seq *s, const struct proc_node *n);
int proc_show_partitions(struct seq *s, const struct proc_node *n);
int proc_show_vmstat(struct seq *s, const struct proc_node *n);
int proc_show_kernel_cmdline(struct seq *s, const struct proc_node *n);
int proc_show_swaps(struct seq *s, const struct proc_node *n);
int proc_show_empty(struct seq *s, const struct proc_node *n);
#endif
