/*
 * switch_cost.c - lesson 6: what a context switch costs (the homework again, after lmbench).
 *
 * Two processes pass a byte through two pipes.  Each one waits for the other, so every round is
 * two switches - if both are on the same CPU, which is why each binds itself to number 0.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10000, to[2], back[2];
	cpu_set_t cpu;
	char byte = 'x';

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu) != 0 || pipe(to) != 0 || pipe(back) != 0)
		return 1;
	if (fork() == 0) {
		for (int i = 0; i < rounds; i++)
			if (read(to[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	double begin = now_us();
	for (int i = 0; i < rounds; i++)
		if (write(to[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			return 1;
	double round = (now_us() - begin) / rounds;
	wait(NULL);
	printf("one round (4 calls, 2 switches): %.3f us\n", round);
	return 0;
}
