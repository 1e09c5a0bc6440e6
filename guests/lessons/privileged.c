/*
 * privileged.c - lesson 2: instructions that only kernel mode may execute.
 *
 * The argument names one: hlt stops the CPU, cli switches interrupts off, cr3 would show where the
 * page table lies, out talks to a device.
 */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "hlt";
	unsigned long value = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	printf("about to execute %s\n", what);
	if (strcmp(what, "cli") == 0)
		__asm__ volatile("cli");
	else if (strcmp(what, "cr3") == 0)
		__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	else if (strcmp(what, "out") == 0)
		__asm__ volatile("outb %%al, $0x80" : : "a"(0));
	else
		__asm__ volatile("hlt");
	puts("the machine is mine");
	return 0;
}
