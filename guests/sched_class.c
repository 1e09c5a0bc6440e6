/*
 * sched_class.c - scheduling classes: what sched_setattr(2) takes and refuses, who may have which
 * (RLIMIT_NICE, RLIMIT_RTPRIO), what a child inherits, what /proc shows.
 */
#include "check.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE   6
#define MS	   1000000ULL
#define KEEP_CLASS 8
#define KEEP_ALL   24

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static long attr_set(struct attr a)
{
	if (!a.size)
		a.size = sizeof(a);
	return syscall(SYS_sched_setattr, 0, &a, 0);
}

static struct attr attr_now(void)
{
	struct attr a;

	CHECK_OK(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0));
	return a;
}

static long class_set(int class, int priority)
{
	struct sched_param p = {priority};

	return syscall(SYS_sched_setscheduler, 0, class, &p);
}

/* Field n (from 1) of /proc/self/stat; the name has no blanks. */
static long stat_field(int n)
{
	char text[2048] = "", *at = text;
	FILE *f = fopen("/proc/self/stat", "r");

	CHECK(f && fgets(text, sizeof(text), f));
	fclose(f);
	while (--n && at)
		at = strchr(at + 1, ' ');
	return at ? strtol(at, NULL, 10) : -9999;
}

static void in_child(void (*f)(void))
{
	int st = -1;
	pid_t pid = fork();

	if (pid == 0) {
		f();
		_exit(check_failures != 0);
	}
	CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && st == 0);
}

static void refused(void)
{
	CHECK_ERR(attr_set((struct attr){.policy = DEADLINE}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = DEADLINE, .runtime = 100, .deadline = MS}),
		  EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = DEADLINE, .runtime = 2 * MS, .deadline = MS}),
		  EINVAL);
	CHECK_ERR(attr_set((struct attr){
		      .policy = DEADLINE, .runtime = MS, .deadline = 3 * MS, .period = 2 * MS}),
		  EINVAL);
	CHECK_ERR(attr_set((struct attr){
		      .policy = DEADLINE, .runtime = MS, .deadline = 2 * MS, .period = 1ULL << 63}),
		  EINVAL);
	CHECK_ERR(attr_set((struct attr){
		      .policy = DEADLINE, .priority = 3, .runtime = MS, .deadline = 2 * MS}),
		  EINVAL);
	CHECK_ERR(attr_set((struct attr){.flags = 1 << 20}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = 7}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = SCHED_FIFO, .priority = 100}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = SCHED_OTHER, .priority = 1}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.policy = (uint32_t)-1}), EINVAL);
	CHECK_ERR(attr_set((struct attr){.size = 48, .flags = 0x20}), EINVAL);
}

static void kept(void)
{
	struct attr a;
	char big[200];

	CHECK_OK(attr_set((struct attr){.policy = SCHED_BATCH, .nice = 4}));
	CHECK_OK(attr_set((struct attr){.policy = SCHED_IDLE, .flags = KEEP_CLASS, .nice = 6}));
	a = attr_now();
	CHECK(a.policy == SCHED_BATCH && a.nice == 6);
	CHECK_OK(attr_set((struct attr){.policy = SCHED_BATCH, .flags = KEEP_ALL, .nice = 9}));
	a = attr_now();
	CHECK(a.policy == SCHED_BATCH && a.nice == 6);
	CHECK(stat_field(18) == 26 && stat_field(19) == 6 && stat_field(41) == SCHED_BATCH);
	memset(big, 0x55, sizeof(big));
	CHECK_OK(syscall(SYS_sched_getattr, 0, big, sizeof(big), 0));
	CHECK(big[0] == (int)sizeof(a) && big[48] == 0);
}

static void idle_child(void)
{
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH);
	CHECK(attr_now().flags == 0);
}

/* The flag itself is not inherited, nor is the right to be nasty. */
static void reset_on_fork(void)
{
	CHECK_OK(class_set(SCHED_BATCH | SCHED_RESET_ON_FORK, 0));
	CHECK(attr_now().flags == 1);
	in_child(idle_child);
}

static void limited_user(void)
{
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	/* RLIMIT_RTPRIO is 10, RLIMIT_NICE 25: down to nice -5. */
	CHECK_ERR(class_set(SCHED_FIFO, 11), EPERM);
	CHECK_OK(class_set(SCHED_FIFO, 10));
	CHECK(stat_field(18) == -11 && stat_field(40) == 10 && stat_field(41) == SCHED_FIFO);
	CHECK_ERR(class_set(SCHED_RR, 11), EPERM);
	CHECK_OK(class_set(SCHED_RR, 3));
	CHECK_OK(class_set(SCHED_OTHER, 0));
	CHECK_ERR(attr_set((struct attr){.policy = DEADLINE, .runtime = MS, .deadline = 100 * MS}),
		  EPERM);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, -5));
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, -6), EACCES);
	CHECK_ERR(attr_set((struct attr){.nice = -6}), EPERM);
	CHECK_OK(attr_set((struct attr){.nice = 1}));
	CHECK_OK(class_set(SCHED_IDLE, 0));
	CHECK_OK(class_set(SCHED_OTHER, 0)); /* nice 1 is within the limit */
	CHECK_OK(class_set(SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
	CHECK_ERR(class_set(SCHED_OTHER, 0), EPERM);
	CHECK_ERR(setpriority(PRIO_PROCESS, getppid(), 5), EPERM);
	CHECK_ERR(syscall(SYS_sched_setattr, getppid(), &(struct attr){.size = 48}, 0), EPERM);
	CHECK_ERR(syscall(SYS_sched_setaffinity, getppid(), 8, &(uint64_t){1}), EPERM);
}

static void poor_user(void)
{
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	CHECK_ERR(class_set(SCHED_FIFO, 1), EPERM);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, -1), EACCES);
	CHECK_OK(class_set(SCHED_IDLE, 0));
	CHECK_ERR(class_set(SCHED_OTHER, 0), EPERM);
}

static void limits(void)
{
	struct rlimit none = {0, 0}, nice = {25, 25}, rtprio = {10, 10};

	if (geteuid() != 0)
		return;
	if (setrlimit(RLIMIT_NICE, &nice) == 0 && setrlimit(RLIMIT_RTPRIO, &rtprio) == 0)
		in_child(limited_user);
	CHECK_OK(setrlimit(RLIMIT_NICE, &none));
	CHECK_OK(setrlimit(RLIMIT_RTPRIO, &none));
	in_child(poor_user);
}

/* Only where the host lets us have it, for the comparison. */
static void reservation(void)
{
	struct attr a = {.policy = DEADLINE, .runtime = MS, .deadline = 50 * MS};

	if (attr_set(a) != 0)
		return;
	a = attr_now();
	CHECK(a.policy == DEADLINE && a.runtime == MS && a.deadline == 50 * MS);
	CHECK(a.period == 50 * MS && a.nice == 0 && a.priority == 0);
	CHECK(stat_field(18) == -101 && stat_field(41) == DEADLINE);
	CHECK_ERR(fork(), EAGAIN);
	struct timespec ts = {9, 9};
	CHECK_OK(syscall(SYS_sched_rr_get_interval, 0, &ts));
	CHECK(ts.tv_sec == 0 && ts.tv_nsec == 0);
	CHECK_OK(sched_yield());
	CHECK_OK(class_set(SCHED_OTHER, 0));
	CHECK(attr_now().period == 0);
}

int main(void)
{
	refused();
	in_child(kept);
	in_child(reset_on_fork);
	in_child(limits);
	in_child(reservation);
	return check_done();
}
