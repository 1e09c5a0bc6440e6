/*
 * syscall_cost.c - lesson 5: what a system call costs (the homework of the textbook's chapter on
 * limited direct execution).
 *
 * A read of zero bytes does next to nothing but enter and leave the kernel.  The clock is read
 * before and after many of them: its own resolution would drown a single one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static __attribute__((noinline)) ssize_t call_nothing(int fd, void *buf, size_t len)
{
	__asm__ volatile("" : : "r"(fd), "r"(buf), "r"(len) : "memory");
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100000;
	double begin = now_us();

	for (int i = 0; i < rounds; i++)
		call_nothing(0, NULL, 0);
	double function = (now_us() - begin) / rounds;
	begin = now_us();
	for (int i = 0; i < rounds; i++)
		if (read(0, NULL, 0) != 0)
			return 1;
	double call = (now_us() - begin) / rounds;
	printf("a function call: %.4f us\n", function);
	printf("a system call:   %.4f us\n", call);
	return 0;
}
