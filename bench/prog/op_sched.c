/*
 * op_sched.c - what the scheduler does to programs that compute, and to one that sleeps beside
 * them.
 *
 * Two hogs share the first CPU.  Each reads the cycle counter all the time and leaves what it read
 * in shared memory; one that finds a hole in its own time looks whether the other ran in between.
 * If so, what lies between the other's last stamp and its own first is the hand-over; if not, the
 * hole is an interruption.  Both together are what preemption costs.
 */
#include "op.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOLE	  2000 /* cycles: longer than any turn of the loop */
#define SAMPLES	  8192
#define HOGS	  4
#define WEIGHT_MS (quick ? 1000 : 3000)

struct hog {
	uint64_t seen, lost, rounds;
	uint64_t first[2],
	    last[2]; /* rounds, its own and the other's, at its first and last turn */
	unsigned n;
	uint64_t handover[SAMPLES];
};

static struct shared {
	volatile struct hog hog[2];
	volatile uint64_t began, began_ns, ended, ended_ns;
} * shared;

static uint64_t cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static void shared_make(void)
{
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");
	memset((void *)shared, 0, sizeof(*shared));
	if (!pin_to(0))
		skip("cannot be bound to a CPU here");
}

static void turn_note(volatile struct hog *me, uint64_t theirs)
{
	me->last[0] = me->rounds;
	me->last[1] = theirs;
	if (!me->first[0]) {
		me->first[0] = me->rounds;
		me->first[1] = theirs;
	}
}

static void hog_run(volatile struct hog *me, const volatile struct hog *other, uint64_t until)
{
	uint64_t last = cycles();

	while (last < until) {
		uint64_t now = cycles();

		if (now - last > HOLE) {
			uint64_t theirs = other->seen;
			bool handover = theirs > last && theirs < now;
			uint64_t lost = handover ? now - theirs : now - last;

			me->lost += lost;
			if (handover)
				turn_note(me, other->rounds);
			if (handover && me->n < SAMPLES)
				me->handover[me->n++] = lost;
		}
		me->rounds++;
		me->seen = last = now;
	}
}

/* Both run for so many milliseconds; nice_by goes to the second. */
static void hogs_run(unsigned ms, int nice_by)
{
	struct timespec ts = {0, 20000000};

	shared_make();
	shared->began = cycles();
	shared->began_ns = now_ns();
	nanosleep(&ts, NULL);
	double per_ms =
	    (double)(cycles() - shared->began) / (double)(now_ns() - shared->began_ns) * 1e6;
	shared->began = cycles();
	shared->began_ns = now_ns();
	uint64_t until = shared->began + (uint64_t)(per_ms * ms);
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		if (nice_by)
			must(setpriority(PRIO_PROCESS, 0, nice_by) == 0, "setpriority");
		hog_run(&shared->hog[1], &shared->hog[0], until);
		_exit(0);
	}
	hog_run(&shared->hog[0], &shared->hog[1], until);
	shared->ended = cycles();
	shared->ended_ns = now_ns();
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static double ns_per_cycle(void)
{
	return (double)(shared->ended_ns - shared->began_ns) /
	       (double)(shared->ended - shared->began);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double handover(double part)
{
	static uint64_t all[2 * SAMPLES];
	unsigned n = 0;

	hogs_run(quick ? 300 : 1500, 0);
	for (int i = 0; i < 2; i++)
		for (unsigned k = 0; k < shared->hog[i].n; k++)
			all[n++] = shared->hog[i].handover[k];
	if (n < 10)
		skip("only %u switches between two that compute", n);
	qsort(all, n, sizeof(*all), by_value);
	return (double)all[(unsigned)(part * (n - 1))] * ns_per_cycle();
}

static double handover_p50(long n)
{
	(void)n;
	return handover(.5);
}
const struct op op_handover_p50 = {.timed = handover_p50, .once = true, .step = 1};

static double handover_p99(long n)
{
	(void)n;
	return handover(.99);
}
const struct op op_handover_p99 = {.timed = handover_p99, .once = true, .step = 1};

/* The part of the time in which neither ran. */
static double lost_part(void)
{
	hogs_run(quick ? 300 : 1500, 0);
	return (double)(shared->hog[0].lost + shared->hog[1].lost) /
	       (double)(shared->ended - shared->began);
}

static double tick_cost(long n)
{
	(void)n;
	return lost_part() * 1e6; /* ns in each millisecond */
}
const struct op op_tick_cost = {.timed = tick_cost, .once = true, .step = 1};

static double lost_percent(long n)
{
	(void)n;
	return 100 * lost_part();
}
const struct op op_lost_1ms = {.timed = lost_percent, .once = true, .step = 1};
const struct op op_lost_4ms = {.timed = lost_percent, .once = true, .step = 1};
const struct op op_lost_10ms = {.timed = lost_percent, .once = true, .step = 1};

/* From the beginning of a turn to that of another: in so short a time a turn of nice 19 that is cut
 * off, or begun before it had that value, is a tenth of all that it gets. */
static double nice_share(long n)
{
	const volatile struct hog *hog;

	(void)n;
	hogs_run(WEIGHT_MS, 19);
	hog = &shared->hog[0];
	if (hog->last[1] == hog->first[1])
		skip("nice 19 did not run twice");
	return (double)(hog->last[0] - hog->first[0]) / (double)(hog->last[1] - hog->first[1]);
}
const struct op op_nice_share = {.timed = nice_share, .once = true, .step = 1};

/* --- one that sleeps a millisecond, beside four that compute --- */

static double late(double part)
{
	static uint64_t all[2000];
	pid_t hogs[HOGS];
	unsigned n = quick ? 200 : 1000;

	shared_make();
	for (int i = 0; i < HOGS; i++) {
		hogs[i] = fork();
		must(hogs[i] >= 0, "fork");
		while (hogs[i] == 0)
			__asm__ volatile("" ::: "memory");
	}
	for (unsigned i = 0; i < n; i++) {
		struct timespec ts = {0, 1000000};
		uint64_t began = now_ns();

		nanosleep(&ts, NULL);
		uint64_t took = now_ns() - began;
		all[i] = took > 1000000 ? took - 1000000 : 0;
	}
	for (int i = 0; i < HOGS; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
	qsort(all, n, sizeof(*all), by_value);
	return (double)all[(unsigned)(part * (n - 1))];
}

static double sleeper_p50(long n)
{
	(void)n;
	return late(.5);
}
const struct op op_sleeper_p50 = {.timed = sleeper_p50, .once = true, .step = 1};

static double sleeper_p99(long n)
{
	(void)n;
	return late(.99);
}
const struct op op_sleeper_p99 = {.timed = sleeper_p99, .once = true, .step = 1};
