/*
 * host.c - the machine that was measured on, in words: figures mean little without.
 */
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void fact(struct bench_report *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fact(struct bench_report *r, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (r->nr_facts == FACTS_MAX)
		return;
	struct bench_fact *f = &r->facts[r->nr_facts++];
	f->name = name;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

/* What stands after key and ':' or '=' in a file of lines; empty when it does not. */
static void value_in(const char *path, const char *key, char *out, size_t len)
{
	char line[1024];
	FILE *f = fopen(path, "re");

	*out = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		char *value = line + strlen(key);
		value += strspn(value, " \t:=\"");
		value[strcspn(value, "\"\n")] = '\0';
		snprintf(out, len, "%s", value);
		break;
	}
	if (f)
		fclose(f);
}

static void first_line(const char *path, char *out, size_t len)
{
	value_in(path, "", out, len);
}

static void describe_cpu(struct bench_report *r)
{
	char text[160], l2[40], smt[8];
	cpu_set_t may;

	value_in("/proc/cpuinfo", "model name", text, sizeof(text));
	fact(r, "CPU", "%s", *text ? text : "not known");
	int usable = sched_getaffinity(0, sizeof(may), &may) == 0 ? CPU_COUNT(&may) : 1;
	first_line("/sys/devices/system/cpu/smt/active", smt, sizeof(smt));
	fact(r, "CPUs", "%d usable of %ld, %s", usable, sysconf(_SC_NPROCESSORS_CONF),
	     *smt == '1' ? "hardware threads share cores" : "no shared cores known");
	first_line("/sys/devices/system/cpu/cpu0/cache/index2/size", l2, sizeof(l2));
	if (*l2)
		fact(r, "second cache", "%s", l2);
	first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof(text));
	if (*text)
		fact(r, "frequency governor", "%s", text);
	value_in("/proc/cpuinfo", "flags", text, sizeof(text));
	char *flags = NULL;
	size_t size = 0;
	FILE *f = fopen("/proc/cpuinfo", "re");
	while (f && getline(&flags, &size, f) > 0)
		if (strncmp(flags, "flags", 5) == 0)
			break;
	if (f)
		fclose(f);
	fact(r, "virtual machine", "%s", flags && strstr(flags, " hypervisor") ? "yes" : "no");
	free(flags);
}

void bench_host_describe(struct bench_report *r)
{
	char text[160], when[40];
	struct utsname uts;
	time_t now = time(NULL);

	describe_cpu(r);
	fact(r, "memory", "%ld MiB",
	     (sysconf(_SC_PHYS_PAGES) >> 10) * (sysconf(_SC_PAGESIZE) >> 10));
	if (uname(&uts) == 0)
		fact(r, "kernel", "%s %s", uts.sysname, uts.release);
	value_in("/etc/os-release", "PRETTY_NAME", text, sizeof(text));
	fact(r, "system", "%s", *text ? text : "not known");
	first_line("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
	if (*text)
		fact(r, "huge pages", "%s", text);
	first_line("/proc/loadavg", text, sizeof(text));
	fact(r, "load before", "%s", text);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	fact(r, "when", "%s", when);
	fact(r, "ukernel", "%s", UKERNEL_VERSION);
}
