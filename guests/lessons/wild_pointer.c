/*
 * wild_pointer.c - lesson 3: a pointer to nowhere, used by the program, and given to the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *wild = (char *)0x123456789000;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && strcmp(argv[1], "kernel") == 0) {
		/* The kernel must not fall for it. */
		ssize_t n = write(1, wild, 10);

		printf("write() returned %zd: %s\n", n, strerrorname_np(errno));
		return 0;
	}
	puts("about to write to 0x123456789000");
	*wild = 1;
	puts("nothing happened");
	return 0;
}
