/*
 * system.c - /proc's files about the whole system: what the host has, within the box's limits.
 */
#include "fs/proc/proc.h"

#include "kern/timer.h"
#include "kern/uts.h"
#include "lib/host.h"
#include "mm/mm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_TICK 10000000ULL

/* A whole file of the host's /proc, NUL-terminated; NULL when it cannot be read. */
static char *host_text(const char *path)
{
	struct seq s = {0};
	int fd = host_call(open(path, O_RDONLY | O_CLOEXEC));
	long n = 1;

	while (fd >= 0 && n > 0) {
		char *room = seq_room(&s, 16384);

		n = room ? host_call(read(fd, room, 16383)) : -ENOMEM;
		if (n > 0)
			s.len += n;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0 || !seq_room(&s, 1) || !s.buf) {
		seq_free(&s);
		return NULL;
	}
	s.buf[s.len] = '\0';
	return s.buf;
}

/* --- memory --- */

/* The value of "Name:   N kB" in text; 0 when it is not there. */
static uint64_t meminfo_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return strtoull(line + len + 1, NULL, 10);
		if (!*line)
			break;
	}
	return 0;
}

/* With --memory the box's limit is the whole memory, and what its processes have is used. */
static void meminfo_limited(struct seq *s, uint64_t total)
{
	uint64_t used = 0, spare;
	struct process *p;
	struct task *t;

	list_for_each (p, &process_list, all) {
		list_for_each (t, &p->threads, in_process) {
			if (!t->mm || t->state == TASK_DEAD)
				continue;
			used += proc_resident(t) / 1024;
			break;
		}
	}
	spare = used < total ? total - used : 0;
	seq_printf(s,
		   "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n"
		   "Buffers:        %8d kB\nCached:         %8d kB\nSwapCached:     %8d kB\n",
		   (unsigned long)total, (unsigned long)spare, (unsigned long)spare, 0, 0, 0);
}

int proc_show_meminfo(struct seq *s, const struct proc_node *n)
{
	/* In Linux's order. */
	static const char *const shown[] = {
	    "Active",	    "Inactive",	    "Unevictable",     "Mlocked",
	    "SwapTotal",    "SwapFree",	    "Dirty",	       "Writeback",
	    "AnonPages",    "Mapped",	    "Shmem",	       "KReclaimable",
	    "Slab",	    "SReclaimable", "SUnreclaim",      "KernelStack",
	    "PageTables",   "CommitLimit",  "Committed_AS",    "VmallocTotal",
	    "VmallocUsed",  "VmallocChunk", "HugePages_Total", "HugePages_Free",
	    "Hugepagesize",
	};
	static const char *const first[] = {"MemTotal", "MemFree", "MemAvailable",
					    "Buffers",	"Cached",  "SwapCached"};
	char *host = host_text("/proc/meminfo"), label[32];
	uint64_t total;

	if (!host)
		return -EIO;
	total = meminfo_value(host, "MemTotal");
	if (memory_max && memory_max / 1024 < total) {
		meminfo_limited(s, memory_max / 1024);
	} else {
		for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
			snprintf(label, sizeof(label), "%s:", first[i]);
			seq_printf(s, "%-16s%8lu kB\n", label,
				   (unsigned long)meminfo_value(host, first[i]));
		}
	}
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		snprintf(label, sizeof(label), "%s:", shown[i]);
		seq_printf(s, "%-16s%8lu%s\n", label, (unsigned long)meminfo_value(host, shown[i]),
			   strncmp(shown[i], "HugePages_", 10) ? " kB" : "");
	}
	free(host);
	return 0;
}

int proc_show_swaps(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* The host does the paging: of its counts only the free memory is passed on. */
int proc_show_vmstat(struct seq *s, const struct proc_node *n)
{
	char *host = host_text("/proc/meminfo");

	seq_printf(s, "nr_free_pages %lu\n",
		   host ? (unsigned long)meminfo_value(host, "MemFree") / 4 : 0UL);
	seq_puts(s, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n"
		    "oom_kill 0\n");
	free(host);
	return 0;
}

int proc_show_partitions(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "major minor  #blocks  name\n\n");
	return 0;
}

/* --- processors --- */

/* The host's blocks, as many as there are virtual CPUs. */
int proc_show_cpuinfo(struct seq *s, const struct proc_node *n)
{
	char *host = host_text("/proc/cpuinfo"), *block = host;
	int cpus = sched_cpus();

	if (!host)
		return -EIO;
	for (int i = 0; i < cpus; i++) {
		char *end = strstr(block, "\n\n");
		char *next = strchr(block, '\n');

		/* More virtual processors than real ones: the last one again, by another number. */
		if (!next)
			break;
		seq_printf(s, "processor\t: %d\n", i);
		seq_write(s, next + 1, end ? (size_t)(end + 2 - next - 1) : strlen(next + 1));
		if (end && end[2] == 'p')
			block = end + 2;
	}
	free(host);
	return 0;
}

/* --- time --- */

static uint64_t busy_ns(void)
{
	struct process *p;
	uint64_t sum = 0;

	list_for_each (p, &process_list, all)
		sum += process_cpu_ns(p) + process_sys_ns(p) + p->dead_children.user_ns +
		       p->dead_children.sys_ns;
	return sum;
}

static uint64_t idle_ns(uint64_t busy)
{
	uint64_t all = time_boot_ns() * sched_cpus();

	return all > busy ? all - busy : 0;
}

int proc_show_uptime(struct seq *s, const struct proc_node *n)
{
	uint64_t up = time_boot_ns() / NS_PER_TICK, idle = idle_ns(busy_ns()) / NS_PER_TICK;

	seq_printf(s, "%lu.%02lu %lu.%02lu\n", (unsigned long)up / 100, (unsigned long)up % 100,
		   (unsigned long)idle / 100, (unsigned long)idle % 100);
	return 0;
}

static unsigned count_tasks(enum task_state state)
{
	unsigned count = 0;
	struct process *p;
	struct task *t;

	list_for_each (p, &process_list, all)
		list_for_each (t, &p->threads, in_process)
			count += t->state == state;
	return count;
}

static pid_t newest_pid(void)
{
	struct process *p;
	pid_t newest = 0;

	list_for_each (p, &process_list, all)
		newest = p->pid > newest ? p->pid : newest;
	return newest;
}

/* Averages are not kept: the first figures say what runs now. */
int proc_show_loadavg(struct seq *s, const struct proc_node *n)
{
	unsigned running = count_tasks(TASK_RUNNABLE);

	seq_printf(s, "0.00 0.00 0.00 %u/%u %d\n", running, task_count(), newest_pid());
	return 0;
}

int proc_show_system_stat(struct seq *s, const struct proc_node *n)
{
	uint64_t busy = busy_ns(), idle = idle_ns(busy), switches = 0;
	int cpus = sched_cpus();
	struct process *p;
	struct task *t;

	list_for_each (p, &process_list, all)
		list_for_each (t, &p->threads, in_process)
			switches += t->sched.switches_voluntary + t->sched.switches_involuntary;
	seq_printf(s, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (unsigned long)(busy / NS_PER_TICK),
		   (unsigned long)(idle / NS_PER_TICK));
	/* Which of them did the work is not counted: shared out evenly. */
	for (int i = 0; i < cpus; i++)
		seq_printf(s, "cpu%d %lu 0 0 %lu 0 0 0 0 0 0\n", i,
			   (unsigned long)(busy / cpus / NS_PER_TICK),
			   (unsigned long)(idle / cpus / NS_PER_TICK));
	seq_printf(s,
		   "intr 0\nctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %u\n"
		   "procs_blocked %u\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		   (unsigned long)switches,
		   (unsigned long)((time_wall_ns() - time_boot_ns()) / 1000000000), newest_pid(),
		   count_tasks(TASK_RUNNABLE), count_tasks(TASK_KILLABLE));
	return 0;
}

/* --- names --- */

int proc_show_version(struct seq *s, const struct proc_node *n)
{
	const struct abi_utsname *uts = uts_names();

	seq_printf(s, "%s version %s (ukernel@localhost) (gcc) %s\n", uts->sysname, uts->release,
		   uts->version);
	return 0;
}

int proc_show_filesystems(struct seq *s, const struct proc_node *n)
{
	for (int i = 0; fs_types[i]; i++)
		seq_printf(s, "nodev\t%s\n", fs_types[i]->name);
	seq_puts(s, "nodev\tpipefs\n");
	return 0;
}

int proc_show_devices(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "Character devices:\n  1 mem\n  5 /dev/tty\n\nBlock devices:\n");
	return 0;
}

int proc_show_kernel_cmdline(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "ukernel\n");
	return 0;
}

int proc_show_empty(struct seq *s, const struct proc_node *n)
{
	return 0;
}
