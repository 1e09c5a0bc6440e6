/*
 * op_switch.c - context switches, and a loop that makes no call at all.
 *
 * Much as lat_ctx of lmbench has it: processes in a ring pass a token through pipes, each adding up
 * an array of its own before it passes it on.  What adding up takes with warm caches is taken off;
 * the pipe is not, as lat_ctx would: where a call costs more than a switch, what is left when one
 * large figure is taken from another is noise.
 */
#include "op.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING	4
#define SET_MAX 65536

static int pipes[RING][2];
static pid_t members[RING];
static long array[SET_MAX / sizeof(long)];
static size_t set_bytes;
static volatile long total;

static void add_up(void)
{
	long sum = 0;

	for (size_t i = 0; i < set_bytes / sizeof(long); i++)
		sum += array[i];
	total = sum;
}

static void pass_on(int from, int to)
{
	char token = 0;

	must(read(from, &token, 1) == 1, "ring");
	add_up();
	must(write(to, &token, 1) == 1, "ring");
}

static void ring_start(size_t bytes)
{
	set_bytes = bytes;
	for (int i = 0; i < RING; i++)
		must(pipe(pipes[i]) == 0, "pipe");
	for (size_t i = 0; i < sizeof(array) / sizeof(*array); i++)
		array[i] = (long)i;
	for (int i = 1; i < RING; i++) {
		members[i] = fork();
		must(members[i] >= 0, "fork");
		while (members[i] == 0)
			pass_on(pipes[i][0], pipes[(i + 1) % RING][1]);
	}
}

static void ring_stop(void)
{
	for (int i = 1; i < RING; i++) {
		kill(members[i], SIGKILL);
		waitpid(members[i], NULL, 0);
	}
}

static double ring_run(long n)
{
	char token = 0;
	uint64_t began = now_ns();

	for (long i = 0; i < n; i += RING) {
		must(write(pipes[1][1], &token, 1) == 1, "ring");
		must(read(pipes[0][0], &token, 1) == 1, "ring");
		add_up();
	}
	uint64_t round = now_ns() - began;

	began = now_ns();
	for (long i = 0; i < n; i++)
		add_up();
	uint64_t work = now_ns() - began;
	return round > work ? (double)(round - work) : 1;
}

#define SWITCH(kib)                                                                                \
	static void switch_##kib##k_start(void)                                                    \
	{                                                                                          \
		ring_start((kib)*1024);                                                            \
	}                                                                                          \
	const struct op op_switch_##kib##k = {.start = switch_##kib##k_start,                      \
					      .timed = ring_run,                                   \
					      .stop = ring_stop,                                   \
					      .step = 16 * RING}
SWITCH(0);
SWITCH(16);
SWITCH(64);

static void cpu_loop(long n)
{
	for (long i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
}
const struct op op_cpu_loop = {.run = cpu_loop, .step = 100000};
