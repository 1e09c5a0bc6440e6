/*
 * schedcalls.c - policies, priorities, affinity, nice values: what may be asked of the scheduler.
 */
#include "show.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD	       ((void *)1)
#define GONE	       (1 << 22)
#define sys(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void policies(void)
{
	struct sched_param p = {0};
	struct timespec ts;

	for (int policy = 0; policy < 7; policy++)
		printf("policy %d: %d %d\n", policy, sched_get_priority_min(policy),
		       sched_get_priority_max(policy));
	SHOW(sys(sched_getscheduler, 0));
	SHOW(sys(sched_getscheduler, -1));
	SHOW(sys(sched_getscheduler, GONE));
	SHOW(sys(sched_setscheduler, 0, SCHED_BATCH, &p));
	SHOW(sys(sched_getscheduler, 0));
	SHOW(sys(sched_setscheduler, 0, SCHED_IDLE, &p));
	SHOW(sys(sched_setscheduler, 0, SCHED_OTHER, &p));
	SHOW(sys(sched_setscheduler, 0, SCHED_OTHER, NULL));
	SHOW(sys(sched_setscheduler, 0, SCHED_OTHER, BAD));
	SHOW(sys(sched_setscheduler, 0, 77, &p));
	SHOW(sys(sched_setscheduler, -1, SCHED_OTHER, &p));
	SHOW(sys(sched_setscheduler, GONE, SCHED_OTHER, &p));
	p.sched_priority = 1;
	SHOW(sys(sched_setscheduler, 0, SCHED_OTHER, &p));
	SHOW(sys(sched_setparam, 0, &p));
	p.sched_priority = 0;
	SHOW(sys(sched_setscheduler, 0, SCHED_FIFO, &p));
	SHOW(sys(sched_setparam, 0, &p));
	SHOW(sys(sched_setparam, 0, NULL));
	SHOW(sys(sched_getparam, 0, &p));
	SHOW(sys(sched_getparam, 0, NULL));
	SHOW(sys(sched_getparam, GONE, &p));
	SHOW(sys(sched_rr_get_interval, 0, BAD));
	SHOW(sys(sched_rr_get_interval, -1, &ts));
	SHOW(sys(sched_rr_get_interval, GONE, &ts));
}

static void attributes(void)
{
	struct attr a = {0};

	SHOW(sys(sched_getattr, 0, &a, sizeof(a), 0));
	printf("policy %u nice %d priority %u\n", a.policy, a.nice, a.priority);
	SHOW(sys(sched_getattr, 0, &a, sizeof(a), 1));
	SHOW(sys(sched_getattr, 0, &a, 8, 0));
	SHOW(sys(sched_getattr, 0, BAD, sizeof(a), 0));
	SHOW(sys(sched_getattr, GONE, &a, sizeof(a), 0));
	a = (struct attr){.size = 48, .policy = SCHED_BATCH, .nice = 3};
	SHOW(sys(sched_setattr, 0, &a, 0));
	SHOW(sys(sched_getscheduler, 0));
	SHOW(sys(getpriority, PRIO_PROCESS, 0));
	SHOW(sys(sched_setattr, 0, &a, 1));
	SHOW(sys(sched_setattr, 0, NULL, 0));
	SHOW(sys(sched_setattr, 0, BAD, 0));
	a.policy = 77;
	SHOW(sys(sched_setattr, 0, &a, 0));
}

static void nice_values(void)
{
	SHOW(sys(setpriority, PRIO_PROCESS, 0, 5));
	SHOW(sys(getpriority, PRIO_PROCESS, 0));
	SHOW(sys(setpriority, PRIO_PROCESS, 0, 100));
	SHOW(sys(getpriority, PRIO_PROCESS, 0));
	SHOW(sys(getpriority, 9, 0));
	SHOW(sys(setpriority, 9, 0, 0));
	SHOW(sys(getpriority, PRIO_PROCESS, GONE));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(sys(getpriority, PRIO_PROCESS, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	if (getuid() != 0)
		SHOW(sys(setpriority, PRIO_PROCESS, 0, 0));
}

static void affinity(void)
{
	uint64_t all[16] = {0}, one[16] = {1}, none[16] = {0}, got[16];

	printf("get %d\n", sys(sched_getaffinity, 0, sizeof(all), all) >= 8);
	printf("any %d\n", all[0] != 0);
	one[0] = all[0] & -all[0];
	SHOW(sys(sched_setaffinity, 0, sizeof(one), one));
	printf("get %d, equal %d\n", sys(sched_getaffinity, 0, sizeof(got), got) >= 8,
	       got[0] == one[0]);
	SHOW(sys(sched_setaffinity, 0, sizeof(none), none));
	SHOW(sys(sched_setaffinity, 0, sizeof(one), BAD));
	SHOW(sys(sched_setaffinity, GONE, sizeof(one), one));
	SHOW(sys(sched_getaffinity, 0, 4, got));
	SHOW(sys(sched_getaffinity, 0, 9, got));
	SHOW(sys(sched_getaffinity, 0, sizeof(got), BAD));
	SHOW(sys(sched_getaffinity, GONE, sizeof(got), got));
	unsigned cpu = 99, node = 99;
	SHOW(sys(getcpu, &cpu, &node, NULL));
	printf("on it %d, node %u\n", (int)(one[0] >> cpu & 1), node);
	SHOW(sys(getcpu, NULL, NULL, NULL));
	SHOW(sys(getcpu, BAD, NULL, NULL));
	SHOW(sys(sched_setaffinity, 0, sizeof(all), all));
}

static void barriers(void)
{
	printf("query %d\n", (sys(membarrier, MEMBARRIER_CMD_QUERY, 0, 0) &
			      MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0);
	SHOW(sys(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	SHOW(sys(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	SHOW(sys(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	SHOW(sys(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	SHOW(sys(membarrier, 1 << 30, 0, 0));
	SHOW(sys(membarrier, MEMBARRIER_CMD_GLOBAL, 77, 0));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 0);
	policies();
	attributes();
	nice_values();
	affinity();
	barriers();
	SHOW(sched_yield());
	return 0;
}
