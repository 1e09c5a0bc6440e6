/*
 * doctor.c - `ukernel doctor`: what this host offers, what that means, and what to do about it.
 *
 * What matters is found by trying (sandbox/probe.c); this file turns it into advice.
 */
#include "cli/cli.h"
#include "cli/options.h"
#include "sandbox.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum verdict { OK, WARN, FAIL };

static void report(enum verdict v, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void report(enum verdict v, const char *subject, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "warn", "fail"};
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	va_list ap;

	printf("%s%-4s%s  %-14s ", colour ? colours[v] : "", words[v], colour ? "\033[0m" : "",
	       subject);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* The first line of a file, "" when it cannot be read. */
static const char *read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (f)
		fclose(f);
	return buf;
}

/* The value of "Key:\tvalue" in /proc/self/status, -1 when absent. */
static long read_status(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long value = -1;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = atol(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

static const char *container_name(void)
{
	if (access("/.dockerenv", F_OK) == 0)
		return "docker";
	if (access("/run/.containerenv", F_OK) == 0)
		return "podman";
	if (getenv("KUBERNETES_SERVICE_HOST"))
		return "kubernetes";
	return getenv("container");
}

static void report_surroundings(const struct host_probe *p)
{
	const char *container = container_name();
	long seccomp = read_status("Seccomp:"), tracer = read_status("TracerPid:");

	report(OK, "kernel", "Linux %s, user %d", p->kernel, (int)geteuid());
	if (container)
		report(OK, "container", "%s%s", container,
		       seccomp > 0 ? ", with a seccomp profile" : "");
	if (tracer > 0)
		report(WARN, "tracer",
		       "process %ld traces this one: guests cannot be traced twice, and a debugger "
		       "that follows children breaks them",
		       tracer);
}

/* Why a machine does not start: 0 or an errno. */
static int machine_error(const struct host_probe *p, const char *name)
{
	for (int i = 0; p->machine[i].name; i++)
		if (strcmp(p->machine[i].name, name) == 0)
			return -p->machine[i].error;
	return ENODEV;
}

static void report_yama(const struct host_probe *p)
{
	if (p->yama_scope >= 3)
		report(
		    FAIL, "yama",
		    "kernel.yama.ptrace_scope is %d: nobody may trace. It can only be lowered by "
		    "booting with another value",
		    p->yama_scope);
	else if (p->yama_scope == 2)
		report(machine_error(p, "ptrace") ? FAIL : OK, "yama",
		       "kernel.yama.ptrace_scope is 2: only with CAP_SYS_PTRACE may one trace%s",
		       machine_error(p, "ptrace") ? ". Set it to 1, or run as root"
						  : ", which you have");
	else if (p->yama_scope >= 0)
		report(OK, "yama",
		       "kernel.yama.ptrace_scope is %d: one's own children may be traced",
		       p->yama_scope);
	else
		report(OK, "yama", "absent");
}

static void report_machines(const struct host_probe *p)
{
	char subject[32];

	for (int i = 0; p->machine[i].name; i++) {
		bool last = p->machine[i + 1].name == NULL; /* all others do without */

		snprintf(subject, sizeof(subject), "%.20s", p->machine[i].name);
		if (p->machine[i].error == 0)
			report(OK, subject, "starts here, in %u us", p->machine[i].start_us);
		else
			report(last ? FAIL : WARN, subject, "%s", p->machine[i].reason);
	}
	if (!p->ptrace_allowed && container_name())
		report(FAIL, "container",
		       "it forbids ptrace: start it with --cap-add=SYS_PTRACE, or with a seccomp "
		       "profile that allows ptrace");
}

static void report_seccomp(const struct host_probe *p)
{
	if (!p->notify_known)
		report(WARN, "notification",
		       "no seccomp user notification: it needs Linux 5.0, and no profile that "
		       "forbids it");
	else if (machine_error(p, "seccomp"))
		report(OK, "notification", "seccomp user notification");
	else if (p->notify_sync_wake_up)
		report(OK, "notification", "seccomp user notification, with synchronous wake-up");
	else
		report(WARN, "notification",
		       "seccomp user notification without synchronous wake-up (Linux 6.6): each "
		       "call costs some microseconds more");
}

static void report_time(const struct host_probe *p)
{
	report(OK, "cpus", "%d: --cpus above that gains nothing", p->cpus);
	if (p->short_slice)
		report(OK, "scheduling", "slices of our own choice%s",
		       p->realtime ? ", real-time priorities" : "");
	else
		report(OK, "scheduling",
		       "no slices of our own choice (Linux 6.12)%s: calls may now and then take "
		       "milliseconds when all cores are busy",
		       p->realtime ? ", real-time priorities" : "");
}

static void report_limits(const struct host_probe *p)
{
	char buf[64];
	struct rlimit stack;

	report(p->nofile_hard < 1024 ? WARN : OK, "descriptors",
	       "RLIMIT_NOFILE %lu: all guests together may have about that many host files open",
	       p->nofile_hard);
	if (p->nproc == (unsigned long)RLIM_INFINITY)
		report(OK, "processes", "RLIMIT_NPROC unlimited, pid_max %s",
		       read_line("/proc/sys/kernel/pid_max", buf, sizeof(buf)));
	else
		report(p->nproc < 64 ? WARN : OK, "processes",
		       "RLIMIT_NPROC %lu, pid_max %s: each guest thread is a host thread", p->nproc,
		       read_line("/proc/sys/kernel/pid_max", buf, sizeof(buf)));
	report(p->max_map_count >= 0 && p->max_map_count < 65530 ? WARN : OK, "mappings",
	       "vm.max_map_count %ld: regions that one guest process may have", p->max_map_count);
	if (p->mmap_min > 65536)
		report(WARN, "low addresses", "guests can map nothing below %#lx", p->mmap_min);
	if (!p->vsyscall)
		report(OK, "vsyscall", "absent: only very old static programs miss it");
	if (strcmp(read_line("/proc/sys/vm/overcommit_memory", buf, sizeof(buf)), "2") == 0)
		report(WARN, "memory",
		       "vm.overcommit_memory is 2: programs that reserve much may get ENOMEM");
	if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_max != RLIM_INFINITY &&
	    stack.rlim_max < 8 << 20)
		report(WARN, "stack", "RLIMIT_STACK is %lu KiB at most: guests get no more",
		       (unsigned long)stack.rlim_max / 1024);
}

int command_doctor(int argc, char **argv)
{
	struct option_parser parser;
	struct host_probe probe;
	char why[256] = "";
	int id;

	option_parser_init(&parser, "doctor");
	while ((id = option_next(&parser, argc, argv)) != OPT_END) {
		options_print_help(stdout, "doctor");
		return 0;
	}
	if (optind < argc)
		die("doctor takes no argument '%s'", argv[optind]);
	memset(&probe, 0, sizeof(probe));
	host_probe(&probe);
	report_surroundings(&probe);
	report_yama(&probe);
	report_machines(&probe);
	report_seccomp(&probe);
	report_time(&probe);
	report_limits(&probe);
	const struct machine_ops *m = machine_choose(&probe, why, sizeof(why));
	if (m)
		printf("\nauto takes %s: %s\n", m->name, why);
	else
		printf("\nNo backend works here: %s\n", why);
	return m ? 0 : 1;
}
