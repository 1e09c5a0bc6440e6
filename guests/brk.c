/*
 * brk.c - brk(2): growing, shrinking, limits; the kernel's call answers the break that holds.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static sigjmp_buf back;

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

static uintptr_t kbrk(uintptr_t to)
{
	return syscall(SYS_brk, to);
}

int main(void)
{
	uintptr_t start, page;
	struct rlimit lim;
	volatile char *p;

	signal(SIGSEGV, on_fault);
	setvbuf(stdout, NULL, _IONBF, 0);
	start = kbrk(0);
	printf("grow: %d\n", kbrk(start + 100000) == start + 100000);
	memset((void *)start, 1, 100000);
	printf("again: %d\n", kbrk(0) == start + 100000);
	printf("shrink: %d\n", kbrk(start + 10) == start + 10);
	p = (char *)start;
	printf("kept: %d\n", p[9]);
	page = (start + 10 + 4095) & ~4095UL;
	if (sigsetjmp(back, 1))
		printf("the rest is gone\n");
	else
		printf("the rest is there: %d\n", *(volatile char *)(page + 4096));
	printf("grow again: %d\n", kbrk(start + 50000) == start + 50000);
	printf("fresh: %d\n", *(volatile char *)(page + 4096));
	printf("below the start: %d\n", kbrk(4096) == start + 50000);
	printf("kernel address: %d\n", kbrk(0xffff800000000000UL) == start + 50000);
	mmap((void *)(page + 16 * 4096), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	printf("blocked: %d\n", kbrk(start + 40 * 4096) == start + 50000);
	munmap((void *)(page + 16 * 4096), 4096);
	getrlimit(RLIMIT_DATA, &lim);
	lim.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_DATA, &lim);
	printf("over RLIMIT_DATA: %d\n", kbrk(start + (2 << 20)) == start + 50000);
	printf("back: %d\n", kbrk(start) == start);
	return 0;
}
