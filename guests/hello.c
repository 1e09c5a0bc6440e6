/*
 * hello.c - the smallest useful program: one line on each output, and a status of its own.
 */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	printf("hello, %d argument%s\n", argc - 1, argc == 2 ? "" : "s");
	fflush(stdout);
	if (write(2, "and on standard error\n", 22) != 22)
		return 1;
	return 7;
}
