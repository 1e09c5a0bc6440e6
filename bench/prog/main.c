/*
 * main.c - measure: what single operations and whole programs cost, seen from inside.
 *
 *	measure [--quick] NAME	print "figure N", nanoseconds for each operation: the median of
 *runs; or "skip WHY" and end with status 77 measure --init NAME	the same as process 1 of a
 *machine that is switched off afterwards measure --list
 *
 * The same program runs natively and in each way that is compared; it must not know which.  It is
 * static, so that what is measured is the operation and not the dynamic linker.
 */
#include "op.h"

#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 9

bool quick;
const char *self;

static const struct {
	const char *name;
	const struct op *op;
} ops[] = {
#define MEASURE(name, ...) {#name, &op_##name},
#define FLOOR(name, ...)   {#name, &op_##name},
#define START(name, ...)
#include "../measures.def"
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	fputs("skip ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	exit(EXIT_SKIPPED);
}

bool pin_to(int n)
{
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof(may), &may) != 0)
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &may) || n-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return sched_setaffinity(0, sizeof(one), &one) == 0;
	}
	return false;
}

static double run_once(const struct op *op, long n)
{
	if (op->timed)
		return op->timed(n);
	uint64_t began = now_ns();
	op->run(n);
	return (double)(now_ns() - began);
}

/* How many operations fill a run; finding out warms up. */
static long calibrate(const struct op *op, long step)
{
	const double enough = quick ? 4e6 : 2e7;
	long n = step;

	for (;;) {
		double took = run_once(op, n);

		if (took >= enough)
			return n;
		if (took > enough / 8) {
			long fit = (long)((double)n * enough / took);
			return fit / step * step + step;
		}
		n *= 2;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct op *op)
{
	long step = op->step ? op->step : 1;
	int runs = op->once ? 1 : quick ? 5 : RUNS_MAX;
	double took[RUNS_MAX];

	if (op->start)
		op->start();
	long n = op->once ? step : calibrate(op, step);
	for (int i = 0; i < runs; i++)
		took[i] = run_once(op, n) / (double)n;
	if (op->stop)
		op->stop();
	qsort(took, (size_t)runs, sizeof(took[0]), by_value);
	printf("figure %.3f\n", took[runs / 2]);
	fflush(stdout);
}

static int measure_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (strcmp(ops[i].name, name) == 0) {
			measure(ops[i].op);
			return 0;
		}
	fprintf(stderr, "measure: there is no '%s'\n", name);
	return 2;
}

static void loopback_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &lo);
		close(fd);
	}
}

/* As process 1 of a user-mode Linux: mount what programs expect, measure, switch off. */
static int be_init(const char *name)
{
	mount("proc", "/proc", "proc", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
	loopback_up();
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
	setenv("HOME", "/tmp", 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(measure_by_name(name));
	int status = 0;
	while (waitpid(pid, &status, 0) != pid)
		;
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = NULL;
	bool as_init = false;

	self = argv[0];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--nothing") == 0)
			return 0;
		if (strcmp(argv[i], "--quick") == 0) {
			quick = true;
		} else if (strcmp(argv[i], "--init") == 0) {
			as_init = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			for (size_t k = 0; k < sizeof(ops) / sizeof(*ops); k++)
				puts(ops[k].name);
			return 0;
		} else if (!as_init || !strchr(argv[i], '=')) { /* a kernel adds words of its own */
			name = argv[i];
		}
	}
	if (!name) {
		fputs("usage: measure [--quick] NAME | --list\n", stderr);
		return 2;
	}
	return as_init ? be_init(name) : measure_by_name(name);
}
