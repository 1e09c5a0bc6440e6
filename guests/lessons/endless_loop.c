/*
 * endless_loop.c - lesson 4: a program that never lets go, and one that would like to run.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	pid_t child = fork();
	if (child == 0)
		for (volatile unsigned long i = 0;; i++)
			;
	usleep(50000); /* the child has the CPU now */
	puts("I got the CPU back");
	return 0;
}
