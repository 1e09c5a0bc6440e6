/*
 * host_cpu.c - which host core runs what.
 *
 * A wake-up across cores costs several times one on the same core, so with one virtual CPU the
 * supervisor and its guests keep to the core that the host's scheduler had chosen for us.
 */
#include "vthread.h"

#include <sched.h>

static cpu_set_t cpus_before;
static bool pinned;

void host_cpu_init(int cpus)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	pinned = false;
	if (cpus != 1 || cpu < 0)
		return;
	if (sched_getaffinity(0, sizeof(cpus_before), &cpus_before) < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pinned = sched_setaffinity(0, sizeof(one), &one) == 0;
}

void host_cpu_fini(void)
{
	if (pinned)
		sched_setaffinity(0, sizeof(cpus_before), &cpus_before);
	pinned = false;
}
