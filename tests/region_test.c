/*
 * region_test.c - the list of regions against the simplest model there is: what each page of a
 * window should be.  After every change the model, the kernel's list (as /proc/PID/maps shows it)
 * and the pages that the machine really has must agree, and what was written must still be there.
 */
#include "box_test.h"

#include "kern/task.h"
#include "mm/mm.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

BOX_SUITE(region);

#define WINDOW 0x30000000UL
#define PAGES  64
#define RW     (PROT_READ | PROT_WRITE)
#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)

struct model_page {
	bool mapped;
	int prot;
	uint32_t tag; /* its first word; 0 after mmap */
};
static struct model_page model[PAGES];
static uint64_t seed = 42;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % n;
}

static uaddr_t page_at(unsigned i)
{
	return WINDOW + i * PAGE_SIZE;
}

static bool all_mapped(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if (!model[i].mapped)
			return false;
	return true;
}

static void do_map(unsigned first, unsigned n, int prot)
{
	GUEST_EQ(SYS(mmap, page_at(first), n * PAGE_SIZE, prot, ANON | MAP_FIXED, -1, 0),
		 page_at(first));
	for (unsigned i = first; i < first + n; i++)
		model[i] = (struct model_page){.mapped = true, .prot = prot};
}

static void do_unmap(unsigned first, unsigned n)
{
	GUEST_EQ(SYS(munmap, page_at(first), n * PAGE_SIZE), 0);
	memset(&model[first], 0, n * sizeof(model[0]));
}

static void do_protect(unsigned first, unsigned n, int prot)
{
	GUEST_EQ(SYS(mprotect, page_at(first), n * PAGE_SIZE, prot),
		 all_mapped(first, n) ? 0 : -ENOMEM);
	/* Linux changes what lies before the hole (mprotect(2), ENOMEM). */
	for (unsigned i = first; i < first + n && model[i].mapped; i++)
		model[i].prot = prot;
}

/* Can one mremap move these pages?  Only within a region; memory that was moved before keeps apart
 * from its new neighbours, as on Linux. */
static bool one_region(unsigned first, unsigned n)
{
	struct region_info r;

	return mm_region_next(task_find(SYS(gettid))->mm, page_at(first), &r) &&
	       r.start <= page_at(first) && r.end >= page_at(first + n);
}

static void do_remap(unsigned first, unsigned n, unsigned to, unsigned new)
{
	struct model_page old[PAGES];
	long got;

	if (to < first + n && first < to + new)
		return;
	got = SYS(mremap, page_at(first), n * PAGE_SIZE, new *PAGE_SIZE,
		  MREMAP_MAYMOVE | MREMAP_FIXED, page_at(to));
	GUEST_EQ(got, page_at(to));
	memcpy(old, model, sizeof(old));
	memset(&model[first], 0, n * sizeof(model[0]));
	for (unsigned i = 0; i < new; i++)
		model[to + i] = i < n
				    ? old[first + i]
				    : (struct model_page){.mapped = true, .prot = old[first].prot};
}

static void do_write(unsigned i)
{
	if (!model[i].mapped || !(model[i].prot & PROT_WRITE))
		return;
	model[i].tag = pick(1000000) + 1;
	guest_put32(page_at(i), model[i].tag);
}

/* The protection that the kernel's list gives to addr; -1: in no region. */
static int listed(uaddr_t addr)
{
	struct region_info r;

	if (!mm_region_next(task_find(SYS(gettid))->mm, addr, &r) || r.start > addr)
		return -1;
	return r.prot;
}

static void compare(unsigned step)
{
	int before = guest_failures;

	for (unsigned i = 0; i < PAGES; i++) {
		struct model_page *m = &model[i];

		GUEST_EQ(guest_page_mapped(page_at(i)), m->mapped);
		GUEST_EQ(listed(page_at(i)), m->mapped ? m->prot : -1);
		if (m->mapped && m->prot)
			GUEST_CHECK(guest_page_allows(page_at(i), m->prot));
		if (m->mapped && (m->prot & PROT_READ))
			GUEST_EQ(guest_get32(page_at(i)), m->tag);
	}
	if (guest_failures > before) {
		fprintf(stderr, "after step %u\n", step);
		guest_exit(1);
	}
}

BOX_TEST(region, random_changes)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW, RW, PROT_READ | PROT_EXEC};

	for (unsigned step = 0; step < 3000; step++) {
		unsigned first = pick(PAGES), n = 1 + pick(PAGES - first < 12 ? PAGES - first : 12);
		unsigned to = pick(PAGES), new = 1 + pick(PAGES - to < 12 ? PAGES - to : 12);
		int prot = prots[pick(5)];

		switch (pick(6)) {
		case 0:
			do_map(first, n, prot);
			break;
		case 1:
			do_unmap(first, n);
			break;
		case 2:
			do_protect(first, n, prot);
			break;
		case 3:
			if (one_region(first, n))
				do_remap(first, n, to, new);
			break;
		default:
			do_write(first);
		}
		if (step % 10 == 0)
			compare(step);
	}
	compare(3000);
}

static void child_sees_the_copy(uint64_t arg)
{
	compare(arg);
	do_unmap(0, PAGES);
	compare(arg + 1);
}

BOX_TEST(region, fork_copies_the_list)
{
	struct model_page copy[PAGES];
	int status = -1;

	for (unsigned i = 0; i < PAGES; i += 8) {
		do_map(i, 5, RW);
		do_protect(i + 1, 2, PROT_READ);
		do_write(i);
	}
	memcpy(copy, model, sizeof(copy));
	guest_fork(child_sees_the_copy, 1);
	guest_wait(-1, &status, 0);
	GUEST_EQ(status, 0);
	memcpy(model, copy, sizeof(copy));
	compare(3);
}

BOX_TEST(region, the_kernel_chooses_free_places)
{
	uaddr_t got[32];

	for (int i = 0; i < 32; i++) {
		got[i] = SYS(mmap, 0, (1 + i) * PAGE_SIZE, RW, ANON, -1, 0);
		GUEST_CHECK((got[i] & ~PAGE_MASK) == 0 && got[i] < (1UL << 47));
		for (int j = 0; j < i; j++)
			GUEST_CHECK(got[i] + (1 + i) * PAGE_SIZE <= got[j] ||
				    got[j] + (1 + j) * PAGE_SIZE <= got[i]);
	}
	for (int i = 0; i < 32; i++)
		GUEST_EQ(SYS(munmap, got[i], (1 + i) * PAGE_SIZE), 0);
}

BOX_TEST(region, hints_and_fixed)
{
	do_map(4, 4, RW);
	GUEST_EQ(SYS(mmap, page_at(6), PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
	GUEST_EQ(SYS(mmap, page_at(8), PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
		 page_at(8));
	GUEST_EQ(SYS(mmap, page_at(20), PAGE_SIZE, RW, ANON, -1, 0), page_at(20));
	GUEST_CHECK((uaddr_t)SYS(mmap, page_at(20), PAGE_SIZE, RW, ANON, -1, 0) != page_at(20));
	GUEST_EQ(SYS(mmap, page_at(1) + 1, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0), -EINVAL);
}

BOX_TEST(region, what_mmap_refuses)
{
	GUEST_EQ(SYS(mmap, 0, 0, RW, ANON, -1, 0), -EINVAL);
	GUEST_EQ(SYS(mmap, 0, (uint64_t)-1, RW, ANON, -1, 0), -ENOMEM);
	GUEST_EQ(SYS(mmap, 0, 1UL << 60, RW, ANON, -1, 0), -ENOMEM);
	GUEST_EQ(SYS(mmap, 0, PAGE_SIZE, RW, MAP_ANONYMOUS, -1, 0), -EINVAL);
	GUEST_EQ(SYS(mmap, 0, PAGE_SIZE, RW, MAP_PRIVATE, 99, 0), -EBADF);
	GUEST_EQ(SYS(mmap, 0, PAGE_SIZE, RW, ANON, -1, 1), -EINVAL);
	GUEST_EQ(SYS(mmap, 0x7ffffffff000UL, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
	GUEST_EQ(SYS(mmap, 0xffffffffff600000UL, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
	GUEST_EQ(SYS(munmap, WINDOW + 1, PAGE_SIZE), -EINVAL);
	GUEST_EQ(SYS(munmap, WINDOW, 0), -EINVAL);
	GUEST_EQ(SYS(munmap, 0xffffffff00000000UL, PAGE_SIZE), -EINVAL);
	GUEST_EQ(SYS(mprotect, WINDOW, PAGE_SIZE, PROT_READ), -ENOMEM);
	GUEST_EQ(SYS(mprotect, WINDOW + 1, PAGE_SIZE, PROT_READ), -EINVAL);
	GUEST_EQ(SYS(mremap, WINDOW, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE), -EFAULT);
	GUEST_EQ(SYS(mremap, WINDOW, PAGE_SIZE, 0, MREMAP_MAYMOVE), -EINVAL);
	GUEST_EQ(SYS(mremap, WINDOW, PAGE_SIZE, PAGE_SIZE, 0x80), -EINVAL);
}

/* The machine's own pages belong to nobody else. */
BOX_TEST(region, the_stub_is_out_of_reach)
{
	uaddr_t stub = machine_info.stub_lo;

	GUEST_CHECK(SYS(mmap, stub, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0) < 0);
	GUEST_CHECK(SYS(mmap, stub - PAGE_SIZE, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0) < 0);
	GUEST_CHECK(SYS(mprotect, stub, PAGE_SIZE, RW) < 0);
	GUEST_CHECK(!guest_page_mapped(stub));
	do_map(0, 2, RW);
	GUEST_CHECK(SYS(mremap, WINDOW, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, stub) <
		    0);
	compare(1);
}

BOX_TEST(region, brk_grows_and_shrinks)
{
	uaddr_t start = SYS(brk, 0);

	GUEST_EQ(SYS(brk, start + 3 * PAGE_SIZE), start + 3 * PAGE_SIZE);
	guest_put32(start + 2 * PAGE_SIZE, 5);
	GUEST_EQ(guest_get32(start + 2 * PAGE_SIZE), 5);
	GUEST_EQ(SYS(brk, start + PAGE_SIZE), start + PAGE_SIZE);
	GUEST_EQ(SYS(brk, start + 3 * PAGE_SIZE), start + 3 * PAGE_SIZE);
	GUEST_EQ(guest_get32(start + 2 * PAGE_SIZE), 0);
	GUEST_EQ(SYS(brk, (uint64_t)-1), start + 3 * PAGE_SIZE);
	GUEST_EQ(SYS(brk, 1), start + 3 * PAGE_SIZE);
}

BOX_TEST(region, memory_has_an_end, .memory_max = 16 << 20)
{
	long got = 0;
	int n = 0;

	while (n < 100 && (got = SYS(mmap, 0, 1 << 20, RW, ANON, -1, 0)) > 0)
		n++;
	GUEST_EQ(got, -ENOMEM);
	GUEST_CHECK(n > 4 && n <= 16);
}
