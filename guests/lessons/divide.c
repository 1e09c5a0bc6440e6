/*
 * divide.c - lesson 1: what the CPU does with a division by zero, and what the kernel makes of it.
 *
 * With the argument "catch" it has a handler for the signal.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static sigjmp_buf after;

static void on_fpe(int sig)
{
	(void)sig;
	siglongjmp(after, 1);
}

int main(int argc, char **argv)
{
	volatile int zero = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && strcmp(argv[1], "catch") == 0)
		signal(SIGFPE, on_fpe);
	if (sigsetjmp(after, 1)) {
		puts("the handler brought me back");
		return 0;
	}
	puts("about to divide");
	printf("42 / 0 = %d\n", 42 / zero);
	return 0;
}
