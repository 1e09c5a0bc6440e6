/*
 * pid.c - /proc/PID and /proc/PID/task/TID: the table, and its small files, links and directories.
 */
#include "fs/proc/proc.h"

#include "kern/cred.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- small files --- */

static int show_comm(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%s\n", proc_comm(proc_process(n), proc_task(n)));
	return 0;
}

/* Only threads of the same process may rename each other. */
static ssize_t store_comm(const struct proc_node *n, char *text, size_t len)
{
	struct task *t = proc_task(n);

	if (!t || t->proc != current->proc)
		return -EINVAL;
	text[strcspn(text, "\n")] = '\0';
	snprintf(t->comm, sizeof(t->comm), "%.15s", text);
	return len;
}

static int show_oom_score(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "0\n");
	return 0;
}

static int show_oom_score_adj(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%d\n", proc_process(n)->oom_score_adj);
	return 0;
}

static ssize_t store_oom_score_adj(const struct proc_node *n, char *text, size_t len)
{
	struct process *p = proc_process(n);
	char *end;
	long adj = strtol(text, &end, 10);

	if (end == text || (*end && *end != '\n') || adj < -1000 || adj > 1000)
		return -EINVAL;
	if (adj < p->oom_score_adj && !cred_capable(current->cred, CAP_SYS_RESOURCE_BIT))
		return -EACCES;
	p->oom_score_adj = adj;
	return len;
}

static int show_cgroup(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "0::/\n");
	return 0;
}

/* Not counted: zeroes, in the format that readers expect. */
static int show_io(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
		    "cancelled_write_bytes: 0\n");
	return 0;
}

static int show_wchan(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "0");
	return 0;
}

static int show_unset_id(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "4294967295");
	return 0;
}

static int show_personality(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%08lx\n", proc_process(n)->personality);
	return 0;
}

static int show_schedstat(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	seq_printf(s, "%lu %lu %lu\n", (unsigned long)t->se.ran_ns,
		   (unsigned long)t->sched.waited_ns,
		   (unsigned long)(t->sched.switches_voluntary + t->sched.switches_involuntary));
	return 0;
}

/* A task's part of what Linux shows with CONFIG_SCHED_DEBUG, in its format. */
static int show_sched(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	const struct sched_entity *se = &t->se;
	const struct sched_account *a = &t->sched;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
	    {"nr_switches", a->switches_voluntary + a->switches_involuntary},
	    {"nr_voluntary_switches", a->switches_voluntary},
	    {"nr_involuntary_switches", a->switches_involuntary},
	    {"se.nr_migrations", a->migrations},
	    {"se.load.weight", (uint64_t)se->weight * 1024},
	    {"policy", (uint64_t)se->class},
	    {"prio", (uint64_t)(se->rt_priority ? 99 - se->rt_priority : 120 + se->nice)},
	};

	seq_printf(s, "%s (%d, #threads: %d)\n", t->comm, t->tid, t->proc->nr_threads);
	seq_puts(s, "-------------------------------------------------------------------\n");
	seq_printf(s, "%-45s:%14lu.%06lu\n", "se.sum_exec_runtime",
		   (unsigned long)(se->ran_ns / 1000000), (unsigned long)(se->ran_ns % 1000000));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		seq_printf(s, "%-45s:%21lu\n", rows[i].name, (unsigned long)rows[i].value);
	return 0;
}

/* --- links --- */

static int path_follow(const struct path *p, struct path *out)
{
	if (!p->dentry)
		return -ENOENT;
	*out = *p;
	path_get(out);
	return 0;
}

/* The text of a link to p, as the reader's root shows it. */
static ssize_t path_link(const struct path *p, char *buf, size_t size)
{
	char *text = malloc(4096 + 16);
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = p->dentry ? path_name(p, &current->fs->root, text, 4096 + 16, true) : -ENOENT;
	if (len > (ssize_t)size)
		len = size;
	if (len > 0)
		memcpy(buf, text, len);
	free(text);
	return len;
}

/* What the three links of a process lead to; a zombie has none of it. */
static const struct path *link_path(const struct proc_node *n)
{
	static const struct path none;
	struct task *t = proc_task(n);

	if (t && t->proc->is_init)
		return n->entry->arg == 'e' ? &none : &root_path;
	switch (n->entry->arg) {
	case 'e':
		return t && t->mm && t->proc->exe ? &t->proc->exe->path : &none;
	case 'c':
		return t && t->fs ? &t->fs->cwd : &none;
	default:
		return t && t->fs ? &t->fs->root : &none;
	}
}

static ssize_t place_link(const struct proc_node *n, char *buf, size_t size)
{
	return path_link(link_path(n), buf, size);
}

static int place_follow(const struct proc_node *n, struct path *out)
{
	return path_follow(link_path(n), out);
}

/* --- fd, fdinfo --- */

static struct file *node_file(const struct proc_node *n)
{
	struct task *t = proc_task(n);

	return t && t->files ? fdtable_file(t->files, n->key) : NULL;
}

static ssize_t fd_link(const struct proc_node *n, char *buf, size_t size)
{
	struct file *f = node_file(n);

	return f ? path_link(&f->path, buf, size) : -ENOENT;
}

static int fd_follow(const struct proc_node *n, struct path *out)
{
	struct file *f = node_file(n);

	return f ? path_follow(&f->path, out) : -ENOENT;
}

static int show_fdinfo(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);
	struct file *f = node_file(n);
	char *more;
	int len;

	if (!f)
		return -ENOENT;
	seq_printf(s, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n",
		   f->stream ? 0UL : (unsigned long)f->pos,
		   f->flags | (fd_cloexec(t, n->key) ? O_CLOEXEC : 0),
		   f->path.mnt ? f->path.mnt->id : 15, f->inode ? (unsigned long)f->inode->ino : 0);
	if (!f->ops->show_fdinfo)
		return 0;
	more = seq_room(s, 8192);
	len = more ? f->ops->show_fdinfo(f, more, 8192) : 0;
	if (len > 0)
		s->len += len < 8192 ? len : 8191;
	return 0;
}

static const struct proc_entry fdinfo_entry = {NULL, S_IFREG | 0444, true, .show = show_fdinfo};

/* A link's permission bits say how the file was opened: one row each. */
#define FD_ROW(bits)                                                                               \
	{                                                                                          \
		NULL, S_IFLNK | (bits), true, .link = fd_link, .follow = fd_follow                 \
	}
static const struct proc_entry fd_entries[4] = {FD_ROW(0500), FD_ROW(0300), FD_ROW(0700),
						FD_ROW(0)};

static const struct proc_entry *fd_row(const struct file *f)
{
	if (f->flags & O_PATH)
		return &fd_entries[3];
	return &fd_entries[f->flags & O_ACCMODE];
}

static int fds_lookup(const struct proc_node *dir, const char *name, struct proc_node *out)
{
	struct file *f;
	char *end;
	long fd = strtol(name, &end, 10);
	int err = proc_access(dir);

	if (err)
		return err;
	if (name[0] < '0' || name[0] > '9' || *end || (name[0] == '0' && name[1]) || fd > INT32_MAX)
		return -ENOENT;
	out->key = fd;
	f = node_file(out);
	if (!f)
		return -ENOENT;
	out->entry = dir->entry->dir == &proc_fds_dir ? fd_row(f) : &fdinfo_entry;
	return 0;
}

static bool fds_next(const struct proc_node *dir, uint64_t *key, char name[32])
{
	struct task *t = proc_task(dir);
	int fd = t && t->files && *key <= INT32_MAX ? fd_next(t->files, *key) : -1;

	if (fd < 0)
		return false;
	*key = fd;
	snprintf(name, 32, "%d", fd);
	return true;
}

const struct proc_dir proc_fds_dir = {
    .lookup = fds_lookup,
    .next = fds_next,
    .next_type = DT_LNK,
};
const struct proc_dir proc_fdinfos_dir = {
    .lookup = fds_lookup,
    .next = fds_next,
    .next_type = DT_REG,
};

/* --- task --- */

static int tasks_lookup(const struct proc_node *dir, const char *name, struct proc_node *out)
{
	struct process *p = proc_process(dir);
	struct task *t;
	char *end;
	long tid = strtol(name, &end, 10);

	if (name[0] < '1' || name[0] > '9' || *end || tid > PID_LIMIT)
		return -ENOENT;
	t = task_find(tid);
	if (!t || t->proc != p)
		return -ENOENT;
	out->entry = &proc_tid_entry;
	out->tid = tid;
	out->thread = true;
	out->start_ns = t->start_ns;
	return 0;
}

static bool tasks_next(const struct proc_node *dir, uint64_t *key, char name[32])
{
	struct process *p = proc_process(dir);
	struct task *t;
	pid_t best = 0;

	if (!p)
		return false;
	list_for_each (t, &p->threads, in_process)
		if ((uint64_t)t->tid >= *key && (!best || t->tid < best))
			best = t->tid;
	*key = best;
	snprintf(name, 32, "%d", best);
	return best > 0;
}

const struct proc_dir proc_tasks_dir = {
    .lookup = tasks_lookup,
    .next = tasks_next,
    .next_type = DT_DIR,
};

/* --- ns: names only; there is one of each --- */

static ssize_t ns_link(const struct proc_node *n, char *buf, size_t size)
{
	const struct task *t = proc_task(n);
	char text[40];
	int len;

	/* What a process gives up when it exits; the other two come with its number and rights. */
	if ((!t || t->exiting) && strcmp(n->entry->name, "user") && strcmp(n->entry->name, "pid"))
		return -ENOENT;
	len =
	    snprintf(text, sizeof(text), "%s:[%lu]", n->entry->name, (unsigned long)n->entry->arg);

	memcpy(buf, text, (size_t)len < size ? (size_t)len : size);
	return (size_t)len < size ? (size_t)len : size;
}

static const struct proc_entry ns_entries[] = {
    {"cgroup", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531835},
    {"ipc", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531839},
    {"mnt", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531841},
    {"net", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531840},
    {"pid", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531836},
    {"user", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531837},
    {"uts", S_IFLNK | 0777, true, .link = ns_link, .arg = 4026531838},
};
const struct proc_dir proc_ns_dir = {PROC_DIR(ns_entries)};

/* --- net: no interfaces but what a program must find to go on --- */

static const struct proc_entry net_entries[] = {
    {"unix", S_IFREG | 0444, .show = proc_show_empty},
};
const struct proc_dir proc_net_dir = {PROC_DIR(net_entries)};

/* --- the table, for processes and (without task and the rest of the first lines) threads --- */

#define THREAD_ROWS                                                                                 \
	{"auxv", S_IFREG | 0400, true, .memory = true, .show = proc_show_auxv},                     \
	    {"cgroup", S_IFREG | 0444, .show = show_cgroup},                                        \
	    {"cmdline", S_IFREG | 0444, .show = proc_show_cmdline},                                 \
	    {"comm", S_IFREG | 0644, .show = show_comm, .store = store_comm},                       \
	    {"cwd", S_IFLNK | 0777, true, .link = place_link, .follow = place_follow, .arg = 'c'},  \
	    {"environ", S_IFREG | 0400, true, .memory = true, .show = proc_show_environ},           \
	    {"exe", S_IFLNK | 0777, true, .link = place_link, .follow = place_follow, .arg = 'e'},  \
	    {"fd", S_IFDIR | 0500, .dir = &proc_fds_dir},                                           \
	    {"fdinfo", S_IFDIR | 0555, .dir = &proc_fdinfos_dir},                                   \
	    {"io", S_IFREG | 0400, true, .show = show_io},                                          \
	    {"limits", S_IFREG | 0444, .show = proc_show_limits},                                   \
	    {"loginuid", S_IFREG | 0644, .show = show_unset_id},                                    \
	    {"maps", S_IFREG | 0444, true, .memory = true, .show = proc_show_maps},                 \
	    {"mem", S_IFREG | 0600, true, .memory = true, .fops = &proc_mem_fops},                  \
	    {"mountinfo", S_IFREG | 0444, .show = proc_show_mountinfo, .polled = true},             \
	    {"mounts", S_IFREG | 0444, .show = proc_show_mounts, .polled = true},                   \
	    {"net", S_IFDIR | 0555, .dir = &proc_net_dir},                                          \
	    {"ns", S_IFDIR | 0511, .dir = &proc_ns_dir},                                            \
	    {"oom_score", S_IFREG | 0444, .show = show_oom_score},                                  \
	    {"oom_score_adj", S_IFREG | 0644, .show = show_oom_score_adj,                           \
	     .store = store_oom_score_adj},                                                         \
	    {"personality", S_IFREG | 0400, true, .show = show_personality},                        \
	    {"root", S_IFLNK | 0777, true, .link = place_link, .follow = place_follow, .arg = 'r'}, \
	    {"schedstat", S_IFREG | 0444, .show = show_schedstat},                                  \
	    {"sched", S_IFREG | 0644, .show = show_sched},                                          \
	    {"sessionid", S_IFREG | 0444, .show = show_unset_id},                                   \
	    {"pagemap", S_IFREG | 0400, true, .memory = true, .fops = &proc_pagemap_fops},          \
	    {"smaps", S_IFREG | 0444, true, .memory = true, .show = proc_show_smaps},               \
	    {"smaps_rollup", S_IFREG | 0444, true, .memory = true,                                  \
	     .show = proc_show_smaps_rollup},                                                       \
	    {"stat", S_IFREG | 0444, .show = proc_show_stat},                                       \
	    {"statm", S_IFREG | 0444, .show = proc_show_statm},                                     \
	    {"status", S_IFREG | 0444, .show = proc_show_status},                                   \
	    {"wchan", S_IFREG | 0444, .show = show_wchan},

static const struct proc_entry pid_entries[] = {{"task", S_IFDIR | 0555, .dir = &proc_tasks_dir},
						THREAD_ROWS};
static const struct proc_entry tid_entries[] = {THREAD_ROWS};

const struct proc_dir proc_pid_dir = {PROC_DIR(pid_entries)};
const struct proc_dir proc_tid_dir = {PROC_DIR(tid_entries)};
const struct proc_entry proc_pid_entry = {NULL, S_IFDIR | 0555, .dir = &proc_pid_dir};
const struct proc_entry proc_tid_entry = {NULL, S_IFDIR | 0555, .dir = &proc_tid_dir};
