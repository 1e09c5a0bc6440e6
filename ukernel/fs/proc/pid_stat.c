/*
 * pid_stat.c - /proc/PID/{stat,status,limits}: a process in numbers, in proc(5)'s formats.
 */
#include "fs/proc/proc.h"

#include "fs/stdfile.h"
#include "kern/cred.h"
#include "kern/signal.h"
#include "mm/mm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_TICK 10000000ULL /* USER_HZ is 100 */

static char state_letter(const struct process *p, const struct task *t)
{
	if (!t)
		return p->state == PROC_ZOMBIE ? 'Z' : 'S';
	if (t->state == TASK_DEAD)
		return 'Z';
	switch (t->state) {
	case TASK_SLEEPING:
		return 'S';
	case TASK_KILLABLE:
		return 'D';
	case TASK_STOPPED:
		return 'T';
	default:
		return 'R';
	}
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	default:
		return "sleeping";
	}
}

struct signal_sets {
	sigmask_t pending, shared, blocked, ignored, caught;
	unsigned queued;
};

static void signal_sets_get(const struct process *p, const struct task *t, struct signal_sets *out)
{
	struct list_head *at;

	*out = (struct signal_sets){.shared = p->pending.set};
	for (at = p->pending.queue.next; at != &p->pending.queue; at = at->next)
		out->queued++;
	if (!t)
		return;
	out->pending = t->pending.set;
	out->blocked = t->blocked;
	for (at = t->pending.queue.next; at != &t->pending.queue; at = at->next)
		out->queued++;
	for (int sig = 1; t->sighand && sig <= NSIG_GUEST; sig++) {
		uaddr_t handler = t->sighand->action[sig].handler;

		if (handler == 1)
			out->ignored |= SIGMASK(sig);
		else if (handler)
			out->caught |= SIGMASK(sig);
	}
}

static pid_t parent_of(const struct process *p)
{
	return p->parent ? p->parent->pid : 0;
}

/* Counters of the whole process, or of one thread below task/. */
struct usage {
	uint64_t cpu_ns, sys_ns, child_ns, minflt;
};

static void usage_get(const struct proc_node *n, struct process *p, struct task *t,
		      struct usage *out)
{
	*out = (struct usage){.child_ns = p->dead_children.user_ns + p->dead_children.sys_ns};
	out->cpu_ns = n->thread && t ? task_cpu_ns(t) : process_cpu_ns(p);
	out->sys_ns = n->thread && t ? task_sys_ns(t) : process_sys_ns(p);
	out->minflt = t ? t->min_faults : 0;
}

int proc_show_stat(struct seq *s, const struct proc_node *n)
{
	struct process *p = proc_process(n);
	struct task *t = proc_task(n);
	struct mm_stats ms = {0};
	struct signal_sets sets;
	struct usage use;
	int nice = t ? t->se.nice : 0, priority = 20 + nice;

	if (t && t->se.class == SCLASS_DEADLINE)
		priority = -101;
	else if (t && t->se.rt_priority)
		priority = -1 - t->se.rt_priority;
	usage_get(n, p, t, &use);
	signal_sets_get(p, t, &sets);
	if (t && t->mm)
		mm_stats_get(t->mm, &ms);
	seq_printf(s, "%d (%s) %c %d %d %d %d %d %u ", n->tid, proc_comm(p, t), state_letter(p, t),
		   parent_of(p), p->pgid, p->sid, p->ctty ? 0x8800 : 0,
		   p->ctty ? stdfiles_foreground() : -1, 0x400000u);
	seq_printf(s, "%lu %lu 0 0 %lu %lu %lu %lu %d %d %d 0 %lu ", (unsigned long)use.minflt,
		   (unsigned long)p->dead_children.minflt,
		   (unsigned long)(use.cpu_ns / NS_PER_TICK),
		   (unsigned long)(use.sys_ns / NS_PER_TICK),
		   (unsigned long)(p->dead_children.user_ns / NS_PER_TICK),
		   (unsigned long)(p->dead_children.sys_ns / NS_PER_TICK), priority, nice,
		   p->nr_threads, (unsigned long)((t ? t->start_ns : n->start_ns) / NS_PER_TICK));
	seq_printf(s, "%lu %lu %lu ", (unsigned long)ms.total,
		   (unsigned long)(proc_resident(t) / PAGE_SIZE),
		   (unsigned long)p->rlimit[5 /* RLIMIT_RSS */].cur);
	/* startcode ... kstkeip are shown as to a stranger; the masks are the old 31-bit ones. */
	seq_printf(
	    s, "1 1 0 0 0 %lu %lu %lu %lu %d 0 0 %d %d %d %d 0 0 0 ",
	    (unsigned long)(sets.pending & 0x7fffffff), (unsigned long)(sets.blocked & 0x7fffffff),
	    (unsigned long)(sets.ignored & 0x7fffffff), (unsigned long)(sets.caught & 0x7fffffff),
	    state_letter(p, t) == 'S', p->exit_signal, t && t->vcpu >= 0 ? t->vcpu : 0,
	    t ? t->se.rt_priority : 0, t ? t->se.class : 0);
	seq_printf(s, "0 0 0 %lu %lu %lu %lu %d\n", (unsigned long)p->arg_start,
		   (unsigned long)p->arg_end, (unsigned long)p->env_start,
		   (unsigned long)p->env_end, p->state == PROC_ZOMBIE ? p->exit_status : 0);
	return 0;
}

/* --- status --- */

static void status_ids(struct seq *s, const struct cred *c)
{
	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
}

static void status_groups(struct seq *s, const struct cred *c)
{
	seq_puts(s, "Groups:\t");
	for (int i = 0; i < c->ngroups; i++)
		seq_printf(s, "%u ", c->groups[i]);
	seq_puts(s, "\n");
}

static unsigned fd_table_size(struct task *t)
{
	unsigned size = 64;
	int last = -1;

	for (int fd = -1; t->files && (fd = fd_next(t->files, fd + 1)) >= 0;)
		last = fd;
	while (last >= (int)size)
		size *= 2;
	return size;
}

static void status_memory(struct seq *s, struct task *t)
{
	unsigned long rss = proc_resident(t) / 1024;
	struct mm_stats ms;

	mm_stats_get(t->mm, &ms);
	seq_printf(s,
		   "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8d kB\n"
		   "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n"
		   "RssShmem:\t%8d kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n"
		   "VmLib:\t%8d kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8d kB\nHugetlbPages:\t%8d kB\n",
		   (unsigned long)ms.total / 1024, (unsigned long)ms.total / 1024,
		   (unsigned long)ms.locked / 1024, 0, rss, rss, rss, 0UL, 0,
		   (unsigned long)ms.data / 1024, (unsigned long)ms.stack / 1024,
		   (unsigned long)ms.text / 1024, 0, (unsigned long)(ms.total >> 21) * 4 + 40, 0,
		   0);
	seq_puts(s, "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n");
}

static void status_signals(struct seq *s, struct process *p, struct task *t)
{
	struct signal_sets sets;

	signal_sets_get(p, t, &sets);
	seq_printf(s, "SigQ:\t%u/%lu\n", sets.queued,
		   (unsigned long)p->rlimit[11 /* RLIMIT_SIGPENDING */].cur);
	seq_printf(s,
		   "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n"
		   "SigCgt:\t%016lx\n",
		   (unsigned long)sets.pending, (unsigned long)sets.shared,
		   (unsigned long)sets.blocked, (unsigned long)sets.ignored,
		   (unsigned long)sets.caught);
}

static void status_capabilities(struct seq *s, const struct cred *c)
{
	seq_printf(s,
		   "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
		   "CapAmb:\t%016lx\nNoNewPrivs:\t%d\n",
		   (unsigned long)c->cap_inheritable, (unsigned long)c->cap_permitted,
		   (unsigned long)c->cap_effective, (unsigned long)c->cap_bounding,
		   (unsigned long)c->cap_ambient, c->no_new_privs);
	seq_puts(s, "Seccomp:\t0\nSeccomp_filters:\t0\n"
		    "Speculation_Store_Bypass:\tvulnerable\n"
		    "SpeculationIndirectBranch:\talways enabled\n");
}

/* Masks in groups of 32 bits, lists as ranges. */
static void status_cpus(struct seq *s, const struct task *t)
{
	int cpus = sched_cpus(), first = -1;
	uint64_t all = cpus >= 64 ? UINT64_MAX : (1ULL << cpus) - 1;
	uint64_t mask = t->se.affinity & all;
	const char *comma = "";

	if (cpus > 32)
		seq_printf(s, "Cpus_allowed:\t%08lx,%08lx\n", (unsigned long)(mask >> 32),
			   (unsigned long)(mask & UINT32_MAX));
	else
		seq_printf(s, "Cpus_allowed:\t%lx\n", (unsigned long)mask);
	seq_puts(s, "Cpus_allowed_list:\t");
	for (int i = 0; i <= cpus; i++) {
		bool on = i < cpus && (mask >> i & 1);

		if (on && first < 0)
			first = i;
		if (on || first < 0)
			continue;
		seq_printf(s, first == i - 1 ? "%s%d" : "%s%d-%d", comma, first, i - 1);
		comma = ",";
		first = -1;
	}
	seq_puts(s, "\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\n");
}

int proc_show_status(struct seq *s, const struct proc_node *n)
{
	struct process *p = proc_process(n);
	struct task *t = proc_task(n);
	char letter = state_letter(p, t);

	seq_printf(s, "Name:\t%s\n", proc_comm(p, t));
	if (t && t->fs)
		seq_printf(s, "Umask:\t%04o\n", t->fs->umask);
	seq_printf(s, "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		   letter, state_name(letter), p->pid, n->tid, parent_of(p));
	if (t && t->cred) {
		status_ids(s, t->cred);
		seq_printf(s, "FDSize:\t%u\n", t->files ? fd_table_size(t) : 0);
		status_groups(s, t->cred);
	} else {
		seq_puts(s, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t0\nGroups:\t\n");
	}
	seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", p->pid,
		   n->tid, p->pgid, p->sid);
	if (t && t->mm)
		status_memory(s, t);
	seq_printf(s, "Threads:\t%d\n", p->nr_threads);
	status_signals(s, p, t);
	if (t && t->cred)
		status_capabilities(s, t->cred);
	if (t) {
		status_cpus(s, t);
		seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
			   (unsigned long)t->sched.switches_voluntary,
			   (unsigned long)t->sched.switches_involuntary);
	}
	return 0;
}

/* --- limits --- */

int proc_show_limits(struct seq *s, const struct proc_node *n)
{
	static const struct {
		const char *name, *unit;
	} limit[RLIM_COUNT] = {
	    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
	    {"Max data size", "bytes"},	     {"Max stack size", "bytes"},
	    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
	    {"Max processes", "processes"},  {"Max open files", "files"},
	    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
	    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
	    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
	    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
	};
	struct process *p = proc_process(n);

	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_COUNT; i++) {
		char soft[24] = "unlimited", hard[24] = "unlimited";

		if (p->rlimit[i].cur != UINT64_MAX)
			snprintf(soft, sizeof(soft), "%lu", (unsigned long)p->rlimit[i].cur);
		if (p->rlimit[i].max != UINT64_MAX)
			snprintf(hard, sizeof(hard), "%lu", (unsigned long)p->rlimit[i].max);
		seq_printf(s, "%-25s %-20s %-20s ", limit[i].name, soft, hard);
		seq_printf(s, limit[i].unit[0] ? "%-10s\n" : "\n%.0s", limit[i].unit);
	}
	return 0;
}
