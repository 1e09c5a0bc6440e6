/*
 * region_test.c - the list of regions against the simplest model there is: what each page of a
 * window should be.  After every change the model, the kernel's list (as /proc/PID/maps shows it)
 * and the pages that the machine really has must agree, and what was written must still be there.
 */
#include "box_test.h"

#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"

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

/* The sums that limits are checked on, against a walk over the list; and the tree's own order. */
static void compare_sums(void)
{
	struct mm *mm = task_find(SYS(gettid))->mm;
	uint64_t total = 0, data = 0, charged = 0;
	unsigned count = 0;

	for (struct region *r = mm->first; r; r = r->next) {
		uint64_t len = r->end - r->start;

		count++;
		GUEST_CHECK(r->start < r->end && (!r->next || r->end <= r->next->start));
		GUEST_CHECK(!r->parent || r->parent->left == r || r->parent->right == r);
		GUEST_CHECK(region_at(mm, r->start) == r && region_at(mm, r->end - 1) == r);
		if (r->flags & (REGION_HIDDEN | REGION_SPECIAL))
			continue;
		total += len;
		data += region_is_data(r->prot, r->flags) ? len : 0;
		charged += r->flags & REGION_ACCOUNT ? len : 0;
	}
	GUEST_EQ(mm->count, count);
	GUEST_EQ(mm->total, total);
	GUEST_EQ(mm->data, data);
	GUEST_EQ(mm->charged, charged);
}

static void compare(unsigned step)
{
	int before = guest_failures;

	compare_sums();

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

static void child_sees_nothing(uint64_t arg)
{
	compare_sums();
	do_unmap(12, 20);
	compare_sums();
}

/* Whatever is done, what was charged to the box comes back. */
BOX_TEST(region, charges_come_back)
{
	struct mm *mm = task_find(SYS(gettid))->mm;
	uint64_t others = memory_charged - mm->charged;
	int status;

	for (int round = 0; round < 20; round++) {
		do_map(0, 20, RW);
		do_protect(3, 4, PROT_READ);
		do_unmap(5, 3);
		do_map(30, 2, PROT_READ);
		do_protect(30, 1, RW);
		do_remap(10, 4, 40, 6);
		do_remap(40, 6, 50, 2);
		GUEST_EQ(SYS(madvise, page_at(1), PAGE_SIZE, MADV_DONTFORK), 0);
		GUEST_EQ(memory_charged, others + mm->charged);
		guest_fork(child_sees_nothing, 0);
		guest_wait(-1, &status, 0);
		GUEST_EQ(memory_charged, others + mm->charged);
		do_unmap(0, PAGES);
		GUEST_EQ(memory_charged, others + mm->charged);
		compare_sums();
	}
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

/* The obvious way to find the highest or lowest hole. */
static uaddr_t slow_hole(const struct mm *mm, uaddr_t lo, uaddr_t hi, uint64_t len, bool high)
{
	uaddr_t at = lo, found = 0;

	for (const struct region *r = mm->first;; r = r->next) {
		uaddr_t end = !r || r->start > hi ? hi : r->start;

		if (r && (r->flags & REGION_GROWSDOWN) && r->start <= hi + STACK_GUARD_GAP) {
			end = r->start > STACK_GUARD_GAP ? r->start - STACK_GUARD_GAP : 0;
			end = end > hi ? hi : end;
		}
		if (end > at && end - at >= len) {
			if (!high)
				return at;
			found = end - len;
		}
		if (!r)
			return found;
		if (r->end > at)
			at = r->end;
	}
}

BOX_TEST(region, holes_are_found_as_by_walking)
{
	struct mm *mm = mm_create();
	unsigned made = 0;

	for (int i = 0; i < 4000; i++) {
		uaddr_t start = (1 + pick(3000)) * PAGE_SIZE, len = (1 + pick(8)) * PAGE_SIZE;
		uaddr_t lo = (1 + pick(1500)) * PAGE_SIZE, hi = lo + pick(1500) * PAGE_SIZE;
		uint64_t want = (1 + pick(12)) * PAGE_SIZE;
		struct region *r = region_overlap(mm, start, start + len);

		if (r && r->start < 0x10000000) {
			region_remove(mm, r);
			region_free(r);
			made--;
		} else if (!r) {
			r = region_alloc();
			r->start = start;
			r->end = start + len;
			r->flags = pick(20) ? 0 : REGION_GROWSDOWN;
			region_insert(mm, r);
			made++;
		}
		if (hi > lo) {
			GUEST_EQ(region_hole_high(mm, lo, hi, want),
				 slow_hole(mm, lo, hi, want, true));
			GUEST_EQ(region_hole_low(mm, lo, hi, want),
				 slow_hole(mm, lo, hi, want, false));
		}
	}
	GUEST_CHECK(made > 100);
	mm_put(mm);
}
