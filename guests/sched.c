/*
 * sched.c - what may be asked of the scheduler: yield, affinity, nice values, policies,
 * membarrier(2), getcpu(2).  How many CPUs there are differs, and is not printed.
 */
#include "check.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 0x3fffffff

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void affinity(void)
{
	unsigned long mask[16] = {0}, saved[16] = {0}, one[16] = {1}, none[16] = {0};
	unsigned cpu = 99, node = 99;
	long len = syscall(SYS_sched_getaffinity, 0, sizeof(saved), saved);

	CHECK(len >= 8 && len % 8 == 0 && saved[0] != 0);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 7, mask), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 12, mask), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getaffinity, NOBODY, sizeof(mask), mask), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, sizeof(mask), 8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setaffinity, 0, sizeof(none), none), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setaffinity, 0, sizeof(one), 8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setaffinity, NOBODY, sizeof(one), one), ESRCH);
	CHECK_OK(syscall(SYS_sched_setaffinity, 0, sizeof(one), one));
	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) == len && mask[0] == 1);
	CHECK_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
	printf("pinned: cpu %u node %u\n", cpu, node);
	CHECK_OK(syscall(SYS_getcpu, NULL, NULL, NULL));
	CHECK_ERR(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) == len && mask[0] == 1);
		_exit(check_failures);
	}
	int st;
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	CHECK_OK(syscall(SYS_sched_setaffinity, 0, sizeof(saved), saved));
	CHECK_OK(sched_yield());
}

static void niceness(void)
{
	CHECK_ERR(setpriority(3, 0, 0), EINVAL);
	CHECK_ERR(setpriority(PRIO_PROCESS, NOBODY, 0), ESRCH);
	CHECK_ERR(syscall(SYS_getpriority, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_getpriority, PRIO_PROCESS, NOBODY), ESRCH);
	CHECK_ERR(syscall(SYS_getpriority, PRIO_PGRP, NOBODY), ESRCH);
	printf("nice %d", getpriority(PRIO_PROCESS, 0));
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 3));
	printf(" %d", getpriority(PRIO_PROCESS, 0));
	CHECK_OK(setpriority(PRIO_PROCESS, getpid(), 100));
	printf(" %d\n", getpriority(PRIO_PROCESS, getpid()));
	CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(getpriority(PRIO_PROCESS, 0));
	int st;
	CHECK(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 19);
	pid = fork();
	if (pid == 0) { /* a group: the smallest counts */
		setpgid(0, 0);
		pid_t other = fork();
		if (other == 0)
			for (;;)
				pause();
		if (geteuid() == 0)
			setpriority(PRIO_PROCESS, other, 5);
		int min = getpriority(PRIO_PGRP, 0);
		CHECK_OK(setpriority(PRIO_PGRP, 0, 19));
		CHECK(getpriority(PRIO_PROCESS, other) == 19);
		kill(other, SIGKILL);
		wait(NULL);
		_exit(min == (geteuid() == 0 ? 5 : 19) ? check_failures : 99);
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	if (geteuid() == 0) {
		CHECK_OK(setpriority(PRIO_PROCESS, 0, 0));
	} else {
		CHECK_ERR(setpriority(PRIO_PROCESS, 0, 0), EACCES);
		CHECK_ERR(setpriority(PRIO_PROCESS, 1, 19), EPERM);
	}
}

static void policies(void)
{
	struct sched_param zero = {0}, five = {5}, p = {77};
	struct timespec ts;

	for (int policy = -1; policy < 7; policy++)
		printf("policy %d: priorities %ld to %ld\n", policy,
		       syscall(SYS_sched_get_priority_min, policy),
		       syscall(SYS_sched_get_priority_max, policy));
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
	CHECK_ERR(syscall(SYS_sched_getscheduler, -1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getscheduler, NOBODY), ESRCH);
	CHECK_OK(syscall(SYS_sched_getparam, 0, &p));
	CHECK(p.sched_priority == 0);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getparam, NOBODY, &p), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, 8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &five), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &zero), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, 77, &zero), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, -1, &zero), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, NOBODY, SCHED_OTHER, &zero), ESRCH);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setparam, 0, &five), EINVAL);
	CHECK_OK(syscall(SYS_sched_setparam, 0, &zero));
	CHECK_OK(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &zero));
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH);
	CHECK_OK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	CHECK(syscall(SYS_sched_getscheduler, 0) == (SCHED_OTHER | SCHED_RESET_ON_FORK));
	if (geteuid() != 0)
		CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &five), EPERM);
	CHECK_OK(syscall(SYS_sched_rr_get_interval, 0, &ts));
	CHECK(ts.tv_sec == 0 && ts.tv_nsec >= 0);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, -1, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, NOBODY, &ts), ESRCH);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, 0, 8), EFAULT);
}

static void attributes(void)
{
	struct attr a = {.size = sizeof(a)}, b;
	struct {
		struct attr a;
		char more[64];
	} big = {.a = {.size = sizeof(big)}, .more = {[40] = 1}};

	CHECK_OK(syscall(SYS_sched_getattr, 0, &b, 48, 0));
	printf("attr: size %u policy %u nice %d\n", b.size, b.policy, b.nice);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &b, 47, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &b, 48, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, NULL, 48, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, NOBODY, &b, 48, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, 8, 48, 0), EFAULT);
	a.policy = SCHED_BATCH;
	a.nice = 7;
	if (geteuid() == 0)
		CHECK_OK(syscall(SYS_sched_setattr, 0, &a, 0));
	else /* to be less nice takes a right */
		CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 0), EPERM);
	CHECK_OK(syscall(SYS_sched_getattr, 0, &b, 48, 0));
	printf("attr: policy %u nice %d flags %lu\n", b.policy, b.nice, (unsigned long)b.flags);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setattr, NOBODY, &a, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &big, 0), E2BIG);
	a.size = 20;
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	a.size = sizeof(a);
	a.policy = 77;
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
}

static volatile int stop;

static void *spin(void *arg)
{
	while (!stop)
		;
	return NULL;
}

static void barriers(void)
{
	pthread_t th;

	CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) & MEMBARRIER_CMD_GLOBAL);
	CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 77, 0), EINVAL);
	CHECK_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
	pthread_create(&th, NULL, spin, NULL);
	usleep(2000);
	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	stop = 1;
	pthread_join(th, NULL);
}

/* More runnable tasks than CPUs: all get on. */
static void sharing(void)
{
	pid_t pid[6];
	int st, done = 0;

	for (int i = 0; i < 6; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			for (volatile unsigned long n = 0;; n++)
				if (n == 20000000)
					_exit(0);
	}
	for (int i = 0; i < 6; i++)
		done += waitpid(pid[i], &st, 0) == pid[i] && st == 0;
	printf("%d shared\n", done);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	affinity();
	niceness();
	policies();
	attributes();
	barriers();
	sharing();
	return check_done();
}
