/*
 * root.c - the top of /proc: the system's own files, self, and one directory a process.
 */
#include "fs/proc/proc.h"

#include "fs/lock.h"
#include "ipc/ipc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ssize_t link_text(char *buf, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(buf, text, len < size ? len : size);
	return len < size ? len : size;
}

static ssize_t self_link(const struct proc_node *n, char *buf, size_t size)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", current->proc->pid);
	return link_text(buf, size, text);
}

static ssize_t thread_self_link(const struct proc_node *n, char *buf, size_t size)
{
	char text[32];

	snprintf(text, sizeof(text), "%d/task/%d", current->proc->pid, current->tid);
	return link_text(buf, size, text);
}

static ssize_t mounts_link(const struct proc_node *n, char *buf, size_t size)
{
	return link_text(buf, size, "self/mounts");
}

static ssize_t net_link(const struct proc_node *n, char *buf, size_t size)
{
	return link_text(buf, size, "self/net");
}

static void lock_line(void *ctx, unsigned n, const char *text)
{
	seq_printf(ctx, "%u: %s\n", n, text);
}

static int show_locks(struct seq *s, const struct proc_node *n)
{
	locks_each(lock_line, s);
	return 0;
}

static const struct proc_entry sysvipc_entries[] = {
    {"msg", S_IFREG | 0444, .show = ipc_show_msg},
    {"sem", S_IFREG | 0444, .show = ipc_show_sem},
    {"shm", S_IFREG | 0444, .show = ipc_show_shm},
};
static const struct proc_dir sysvipc_dir = {PROC_DIR(sysvipc_entries)};

static const struct proc_entry root_entries[] = {
    {"cmdline", S_IFREG | 0444, .show = proc_show_kernel_cmdline},
    {"cpuinfo", S_IFREG | 0444, .show = proc_show_cpuinfo},
    {"devices", S_IFREG | 0444, .show = proc_show_devices},
    {"diskstats", S_IFREG | 0444, .show = proc_show_empty},
    {"filesystems", S_IFREG | 0444, .show = proc_show_filesystems},
    {"loadavg", S_IFREG | 0444, .show = proc_show_loadavg},
    {"locks", S_IFREG | 0444, .show = show_locks},
    {"meminfo", S_IFREG | 0444, .show = proc_show_meminfo},
    {"modules", S_IFREG | 0444, .show = proc_show_empty},
    {"mounts", S_IFLNK | 0777, .link = mounts_link},
    {"net", S_IFLNK | 0777, .link = net_link},
    {"partitions", S_IFREG | 0444, .show = proc_show_partitions},
    {"self", S_IFLNK | 0777, .link = self_link},
    {"stat", S_IFREG | 0444, .show = proc_show_system_stat},
    {"swaps", S_IFREG | 0444, .show = proc_show_swaps},
    {"sys", S_IFDIR | 0555, .dir = &proc_sys_dir},
    {"sysvipc", S_IFDIR | 0555, .dir = &sysvipc_dir},
    {"thread-self", S_IFLNK | 0777, .link = thread_self_link},
    {"uptime", S_IFREG | 0444, .show = proc_show_uptime},
    {"version", S_IFREG | 0444, .show = proc_show_version},
    {"vmstat", S_IFREG | 0444, .show = proc_show_vmstat},
};

/* Threads that lead no process can be named, but are not listed. */
static int root_lookup(const struct proc_node *dir, const char *name, struct proc_node *out)
{
	char *end;
	long pid = strtol(name, &end, 10);
	struct process *p;
	struct task *t;

	if (name[0] < '1' || name[0] > '9' || *end || pid > PID_LIMIT)
		return -ENOENT;
	p = process_find(pid);
	t = p ? p->leader : task_find(pid);
	if (!p && !t)
		return -ENOENT;
	out->entry = &proc_pid_entry;
	out->tid = pid;
	out->start_ns = t ? t->start_ns : 0;
	return 0;
}

static bool root_next(const struct proc_node *dir, uint64_t *key, char name[32])
{
	for (uint64_t pid = *key ? *key : 1; pid <= PID_LIMIT; pid++) {
		if (!process_find(pid))
			continue;
		*key = pid;
		snprintf(name, 32, "%d", (int)pid);
		return true;
	}
	return false;
}

const struct proc_dir proc_root_dir = {
    PROC_DIR(root_entries),
    .lookup = root_lookup,
    .next = root_next,
    .next_type = DT_DIR,
};
