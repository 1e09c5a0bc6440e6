/*
 * pages.c - every way to have the machine's own pages in our address space changed.
 *
 *	pages
 *
 * After "ready" the host says where they are: lines "LO HI FIXED", ended by "go"; FIXED is 1 for
 * what never changes.  All of them can be read and none may ever be written, moved, hidden or given
 *away: code, orders, the way back from one's own call, published values, slots of rewritten calls.
 */
#include "hostile.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/uio.h>

#define RANGES 16

static struct range {
	uint64_t lo, hi, fixed;
} range[RANGES];
static int ranges;
static char *spare; /* a page of ours */

static void bad(const char *what, uint64_t page)
{
	printf("FAIL %s at %#lx\n", what, page);
}

static int store(void *arg)
{
	*(volatile char *)arg = 0x5e;
	return 0;
}

/* The kernel would have to write a signal frame there. */
static int stack_there(void *arg)
{
	stack_t ss = {.ss_sp = arg, .ss_size = 16384};
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&ss, NULL) < 0)
		return 1;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	return 0;
}

static int thread_id_there(void *arg)
{
	const uint64_t clone[6] = {CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0,
				   (uint64_t)arg, (uint64_t)arg};
	long pid = raw_syscall(SYS_clone, clone);

	if (pid == 0)
		raw_exit(0);
	return 1;
}

static void memory_calls(uint64_t page)
{
	void *p = (void *)page, *got;

	for (int prot = 0; prot < 8; prot++)
		if (mprotect(p, 4096, prot) == 0)
			bad("mprotect", page);
	got = mmap(p, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (got != MAP_FAILED)
		bad("mmap", page);
	got = mmap((char *)p - 4096, 12288, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (got != MAP_FAILED)
		bad("mmap around it", page);
	if (mremap(p, 4096, 8192, MREMAP_MAYMOVE) != MAP_FAILED ||
	    mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, spare + 8192) != MAP_FAILED ||
	    mremap(p, 4096, 4096, MREMAP_MAYMOVE | 4, 0) != MAP_FAILED)
		bad("mremap of it", page);
	if (mremap(spare, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p) != MAP_FAILED)
		bad("mremap to it", page);
	for (int advice = 0; advice < 26; advice++)
		madvise(p, 4096, advice);
	munmap(p, 4096);
	msync(p, 4096, MS_INVALIDATE | MS_SYNC);
	mlock(p, 4096);
	munlock(p, 4096);
}

/* Results that the kernel is asked to put there, and what it is asked to take from there. */
static void copies(uint64_t page, int zero, int sink, int self)
{
	char *p = (char *)page;
	struct iovec from = {spare, 16}, to = {p + 8, 16};
	long owner = getpid();
	const uint64_t wake[6] = {(uint64_t)spare,
				  FUTEX_WAKE_OP,
				  0,
				  0,
				  page,
				  FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 0)};
	const uint64_t lock[6] = {page, FUTEX_LOCK_PI};
	const uint64_t limits[6] = {owner, 7, 0, page};

	if (read(zero, p, 64) >= 0 || read(zero, p - 1, 2) == 2)
		bad("read() into it", page);
	if (process_vm_writev(owner, &from, 1, &to, 1, 0) >= 0)
		bad("process_vm_writev() into it", page);
	if (self >= 0 && pwrite(self, spare, 16, (off_t)page) >= 0)
		bad("writing to /proc/self/mem", page);
	if (raw_syscall(SYS_prlimit64, limits) >= 0)
		bad("prlimit() into it", page);
	if (raw_syscall(SYS_futex, wake) >= 0)
		bad("FUTEX_WAKE_OP on it", page);
	if (raw_syscall(SYS_futex, lock) >= 0)
		bad("FUTEX_LOCK_PI on it", page);
	if (write(sink, p, 16) >= 0)
		bad("write() out of it", page);
}

static void one_page(uint64_t page, int zero, int sink, int self)
{
	void *p = (void *)page;

	memory_calls(page);
	copies(page, zero, sink, self);
	if (in_child(store, p, 2000) != 128 + SIGSEGV)
		bad("a store", page);
	if (in_child(stack_there, p, 2000) != 128 + SIGSEGV)
		bad("a signal's stack", page);
	in_child(thread_id_there, p, 2000);
	(void)*(volatile char *)p; /* still there, or this is our end */
}

static uint64_t sum_of(const struct range *r)
{
	uint64_t sum = 0;

	for (uint64_t at = r->lo; at < r->hi; at += 8)
		sum = sum * 31 + *(volatile uint64_t *)at;
	return sum;
}

int main(void)
{
	char line[128];
	int zero, sink, self, pages = 0;

	require_box();
	for (int i = 0; i < 1000; i++) /* whoever calls often gets all that there is */
		getpgrp();
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "go\n") != 0)
		if (ranges < RANGES && sscanf(line, "%lx %lx %lx", &range[ranges].lo,
					      &range[ranges].hi, &range[ranges].fixed) == 3)
			ranges++;
	spare = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	zero = open("/dev/zero", O_RDONLY);
	sink = memfd_create("sink", 0);
	self = open("/proc/self/mem", O_RDWR);
	for (int i = 0; i < ranges; i++) {
		uint64_t size = range[i].hi - range[i].lo, before = sum_of(&range[i]);
		/* All of a few, some of many. */
		uint64_t step = size <= 8 * 4096 ? 4096 : size / 8 & ~4095UL;

		for (uint64_t at = 0; at < size; at += step, pages++)
			one_page(range[i].lo + at, zero, sink, self);
		if (range[i].fixed && sum_of(&range[i]) != before)
			bad("the code is not what it was", range[i].lo);
	}
	printf("%d pages of %d ranges\n", pages, ranges);
	if (ranges < 2)
		printf("FAIL the pages were not found\n");
	meet("done");
	return 0;
}
