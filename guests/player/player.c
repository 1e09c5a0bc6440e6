/*
 * player.c - carries out a workload in the box: the first program of `ukernel sched run`.
 *
 * usage: player WORKLOAD SEED UID GID LOOPS_PER_MS
 *	  player --calibrate
 *
 * Every task is a process of its own, made before the experiment starts and asleep until it
 * arrives, so that no policy can keep a task from arriving.  A shape computes until the kernel says
 * that it has had a virtual CPU for so long, in a loop whose speed is measured once for all runs
 * (--calibrate).
 *
 * What happened is written to standard output, a line each: "task INDEX PID", "refused INDEX
 * ERRNO", "job INDEX LATE_NS NOW_NS", "start NS".  It is an ordinary program and knows of ukernel
 * only PR_UKERNEL_SCHED.
 */
#include "lab/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PR_UKERNEL_SCHED	0x556b0001
#define UKERNEL_SCHED_TICKETS	0
#define UKERNEL_SCHED_LENGTH_NS 1
#define UKERNEL_SCHED_LATENCY	2
#define UKERNEL_SCHED_RAN	3

/* sched_setattr(2), as the C library does not have it. */
struct attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
};

#define START_NS      20000000ULL /* from when all are ready to the start ... */
#define START_TASK_NS 400000ULL	  /* ... and more for each task, which goes to sleep in it */
#define NEAR_NS	      5000ULL	  /* not worth another question */
#define ORDER_NS      2000ULL	  /* between those that arrive together: what clocks resolve */
#define CHUNK_NS      200000ULL	  /* how long to compute between two looks at the clock ... */
#define PART_NS	      500000ULL	  /* ... and before the kernel is asked how long it was */

/* Shared by all tasks. */
struct shared {
	uint64_t start_ns, stop_ns; /* stop_ns: UINT64_MAX: never */
	pthread_mutex_t locks[WORKLOAD_LOCKS_MAX];
};

static struct shared *shared;
static double loops_per_ns;
static unsigned task_index;
static uint64_t computed_ns; /* ran_ns() when it last had computed enough; 0: never */
static uid_t uid;
static gid_t gid;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *fmt, ...)
{
	char line[128];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(1, line, (size_t)n) != n)
		_exit(1);
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* --- computing --- */

static __attribute__((noinline)) void loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		__asm__ volatile("");
}

/* The quickest of several tries is the one that nobody disturbed. */
static void calibrate(void)
{
	const uint64_t loops = 2000000;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 40; i++) {
		uint64_t begin = now_ns();

		loop(loops);
		uint64_t ns = now_ns() - begin;
		if (ns < best)
			best = ns;
	}
	printf("%.0f\n", (double)loops / (double)best * 1e6);
}

static void stop_if_over(void)
{
	if (now_ns() >= shared->stop_ns)
		_exit(0);
}

static void loop_for(uint64_t ns)
{
	for (uint64_t part; ns; ns -= part) {
		part = ns < CHUNK_NS ? ns : CHUNK_NS;
		loop((uint64_t)((double)part * loops_per_ns));
		stop_if_over();
	}
}

/* The time that we have had a virtual CPU; 0 where nobody can tell. */
static uint64_t ran_ns(void)
{
	uint64_t ns;

	return prctl(PR_UKERNEL_SCHED, UKERNEL_SCHED_RAN, &ns, 0, 0) == 0 ? ns : 0;
}

/*
 * To compute for ns is to have a virtual CPU for that long: what the host does meanwhile makes no
 * task longer.  The half of what is left is done at a time, as the loop may be slower than it was.
 * What it cost to sleep, to wake up and to report since the last time counts, up to a tenth: a task
 * that says it needs 9 ms a period is to need no more.
 */
static void compute(uint64_t ns)
{
	uint64_t begin = ns == WORKLOAD_FOREVER ? 0 : ran_ns(), done;

	if (!begin) {
		loop_for(ns);
		return;
	}
	if (computed_ns)
		begin -= begin - computed_ns < ns / 10 ? begin - computed_ns : ns / 10;
	while ((done = ran_ns() - begin) + NEAR_NS < ns) {
		uint64_t part = ns - done > 4 * NEAR_NS ? (ns - done) / 2 : ns - done;

		loop_for(part < PART_NS ? part : PART_NS);
	}
	computed_ns = begin + done;
}

/* --- a task --- */

static int attributes_set(const struct workload_task *t)
{
	struct attr a = {
	    .size = sizeof(a),
	    .sched_policy = (uint32_t)t->class,
	    .sched_nice = t->nice,
	    .sched_priority = (uint32_t)t->rt_priority,
	};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (int i = 0; i < 64; i++)
		if (t->affinity >> i & 1)
			CPU_SET(i, &cpus);
	if (t->affinity != UINT64_MAX && sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		return errno;
	/* Not all of these need be known where it runs natively. */
	if (t->tickets)
		prctl(PR_UKERNEL_SCHED, UKERNEL_SCHED_TICKETS, t->tickets, 0, 0);
	if (t->length_ns)
		prctl(PR_UKERNEL_SCHED, UKERNEL_SCHED_LENGTH_NS, t->length_ns, 0, 0);
	if (t->latency_nice)
		prctl(PR_UKERNEL_SCHED, UKERNEL_SCHED_LATENCY, t->latency_nice, 0, 0);
	if (t->class == 6 /* SCHED_DEADLINE */) {
		a.sched_nice = 0;
		/* A budget that is used up to the last cycle is used up too early: getting in and
		 * out costs something. */
		a.sched_runtime = t->shape->runtime_ns + t->shape->runtime_ns / 50 + 50000;
		a.sched_deadline = t->shape->deadline_ns;
		a.sched_period = t->shape->period_ns;
	}
	if ((t->class || t->nice) && syscall(SYS_sched_setattr, 0, &a, 0) != 0)
		return errno;
	return 0;
}

static void play(struct program *p, unsigned *children)
{
	for (;;) {
		struct program_op op = program_next(p, now_ns());
		struct program child;

		switch (op.kind) {
		case OP_RUN:
			compute(op.ns);
			break;
		case OP_SLEEP_UNTIL:
			sleep_until(op.ns < shared->stop_ns ? op.ns : shared->stop_ns);
			stop_if_over();
			break;
		case OP_LOCK:
			pthread_mutex_lock(&shared->locks[op.arg]);
			break;
		case OP_UNLOCK:
			pthread_mutex_unlock(&shared->locks[op.arg]);
			break;
		case OP_YIELD:
			sched_yield();
			break;
		case OP_FORK:
			program_fork(&child, p, (*children)++, now_ns());
			if (fork() == 0) {
				*children = 0;
				*p = child;
				computed_ns = 0;
			}
			break;
		case OP_WAIT:
			while (wait(NULL) > 0 || errno == EINTR)
				;
			break;
		case OP_JOB:
			report("job %u %lld %llu\n", task_index, (long long)op.late_ns,
			       (unsigned long long)now_ns());
			break;
		case OP_EXIT:
			_exit(0);
		}
	}
}

/* What a command prints is not the experiment's. */
static void run_command(const char *command)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void task_main(const struct workload_task *t, int ready, int gate)
{
	struct program p;
	unsigned children = 0;
	char byte;

	int err = attributes_set(t);
	if (err)
		report("refused %u %d\n", task_index, err);
	report("task %u %d\n", task_index, getpid());
	/* Then wait until the parent closes the gate. */
	if (write(ready, "", 1) != 1 || read(gate, &byte, 1) != 0)
		_exit(1);
	close(ready);
	close(gate);
	/* Those that arrive together do so in the order of the file. */
	sleep_until(shared->start_ns + t->arrival_ns + task_index * ORDER_NS);
	if (t->shape->command)
		run_command(t->shape->command);
	program_start(&p, t, now_ns());
	play(&p, &children);
}

static void locks_init(unsigned n)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	for (unsigned i = 0; i < n; i++)
		pthread_mutex_init(&shared->locks[i], &a);
}

int main(int argc, char **argv)
{
	char error[256];
	int ready[2], gate[2];

	if (argc == 2 && strcmp(argv[1], "--calibrate") == 0) {
		calibrate();
		return 0;
	}
	if (argc != 6) {
		fputs("usage: player WORKLOAD SEED UID GID LOOPS_PER_MS\n", stderr);
		return 2;
	}
	loops_per_ns = strtod(argv[5], NULL) / 1e6;
	uint64_t seed = strtoull(argv[2], NULL, 10);
	uid = (uid_t)strtoul(argv[3], NULL, 10);
	gid = (gid_t)strtoul(argv[4], NULL, 10);
	struct workload *w = workload_load(argv[1], &seed, error, sizeof(error));
	if (!w) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe(gate) != 0 || pipe(ready) != 0)
		return 2;
	locks_init(w->nr_locks);
	for (task_index = 0; task_index < w->nr_tasks; task_index++) {
		pid_t pid = fork();

		if (pid < 0) {
			fprintf(stderr, "cannot make task %u: %s\n", task_index, strerror(errno));
			return 2;
		}
		if (pid == 0) {
			close(gate[1]);
			task_main(&w->tasks[task_index], ready[1], gate[0]);
		}
	}
	for (unsigned i = 0; i < w->nr_tasks; i++)
		if (read(ready[0], error, 1) != 1)
			return 2;
	shared->start_ns = now_ns() + START_NS + w->nr_tasks * START_TASK_NS;
	shared->stop_ns =
	    w->stop_ns == WORKLOAD_FOREVER ? UINT64_MAX : shared->start_ns + w->stop_ns;
	report("start %llu\n", (unsigned long long)shared->start_ns);
	close(gate[1]);
	if (w->stop_ns != WORKLOAD_FOREVER) {
		/* Commands do not look at the clock. */
		sleep_until(shared->stop_ns);
		return 0;
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
