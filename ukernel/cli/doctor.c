/*
 * doctor.c - `ukernel doctor`: what this host offers, what that means, and what to do about it.
 */
#include "cli/cli.h"
#include "cli/options.h"
#include "sandbox.h"

#include <stdio.h>

static void print_bool(const char *what, bool yes, const char *meaning)
{
	printf("  %-28s %-5s %s\n", what, yes ? "yes" : "no", meaning);
}

static void print_number(const char *what, long value, const char *meaning)
{
	printf("  %-28s %-5ld %s\n", what, value, meaning);
}

static void print_machines(const struct host_probe *p)
{
	printf("backends:\n");
	for (int i = 0; i < 4 && p->machine[i].name != NULL; i++) {
		if (p->machine[i].error == 0)
			printf("  %-28s works (starts in %u us)\n", p->machine[i].name,
			       p->machine[i].start_us);
		else
			printf("  %-28s does not work: %s\n", p->machine[i].name,
			       p->machine[i].reason);
	}
}

static void print_host(const struct host_probe *p)
{
	printf("host: Linux %s\n", p->kernel);
	print_number("CPUs", p->cpus, "most that --cpus can use at a time");
	print_bool("seccomp notification", p->notify_known, "for --backend seccomp");
	print_bool("  synchronous wake-up", p->notify_sync_wake_up, "cheaper traps (Linux 6.6)");
	print_bool("  wait killable", p->notify_wait_killable, "not used");
	if (p->yama_scope < 0)
		printf("  %-28s %-5s %s\n", "yama ptrace scope", "none", "no restriction");
	else
		print_number("yama ptrace scope", p->yama_scope,
			     p->yama_scope == 3 ? "forbids ptrace: no backend can work"
						: "no obstacle: guests are children");
	print_bool("scheduling slice of choice", p->short_slice,
		   "the kernel gets its core back sooner (Linux 6.12)");
	print_bool("real-time scheduling", p->realtime, "not used");
	print_bool("vsyscall page", p->vsyscall, "for very old static programs");
	print_number("max_map_count", p->max_map_count, "mappings of one guest process");
	printf("  %-28s %lu of %lu\n", "open files (soft, hard)", p->nofile_soft, p->nofile_hard);
	printf("  %-28s %lu\n", "processes", p->nproc);
	printf("  %-28s %lu bytes\n", "extended CPU state", p->xstate_size);
}

int command_doctor(int argc, char **argv)
{
	struct host_probe probe;
	char why[256] = "";

	host_probe(&probe);
	print_host(&probe);
	print_machines(&probe);
	const struct machine_ops *m = machine_choose(&probe, why, sizeof(why));
	printf("auto takes %s: %s\n", m ? m->name : "nothing", why);
	return m ? 0 : 1;
}
