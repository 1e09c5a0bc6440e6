/*
 * place.c - which addresses a mapping gets: Linux's x86-64 layout, top-down from a base below the
 * stack, with its randomisation.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>

#define MMAP_GAP_MIN   (128UL << 20)
#define STACK_RND_BITS 22
#define MMAP_RND_BITS  28
#define HUGE_SIZE      (2UL << 20)
#define LOW_START      0x40000000UL /* MAP_32BIT looks between these */
#define LOW_END	       0x80000000UL

void mm_random(void *buf, size_t len)
{
	static uint8_t pool[256];
	static size_t left;

	for (uint8_t *p = buf; len > 0; p++, len--) {
		/* Up to 256 bytes are never cut short (getrandom(2)). */
		if (!left && getrandom(pool, sizeof(pool), 0) == sizeof(pool))
			left = sizeof(pool);
		if (left)
			left--;
		*p = pool[left];
		pool[left] = 0;
	}
}

uint64_t place_random(struct task *t, unsigned bits)
{
	uint64_t r;

	if (t->proc->personality & ADDR_NO_RANDOMIZE)
		return 0;
	mm_random(&r, sizeof(r));
	return (r & ((1UL << bits) - 1)) << PAGE_SHIFT;
}

/* The top of a stack below top that has room bytes free of the machine's and the vDSO's pages. */
static uaddr_t clear_of_special(uaddr_t top, uint64_t room)
{
	const uaddr_t special[][2] = {
	    {machine_info.stub_lo, machine_info.stub_hi},
	    {machine_info.vdso_lo, machine_info.vdso_hi},
	    {machine_info.vvar_lo, machine_info.vvar_hi},
	};
	bool moved;

	do {
		moved = false;
		for (unsigned i = 0; i < 3; i++) {
			if (special[i][0] < top && special[i][1] > top - room) {
				top = special[i][0];
				moved = true;
			}
		}
	} while (moved);
	return top;
}

void mm_layout(struct task *t, struct mm *mm)
{
	uint64_t gap = rlimit_now(t, RLIMIT_STACK), pad = STACK_GUARD_GAP, room, max;
	bool random = !(t->proc->personality & ADDR_NO_RANDOMIZE);
	uaddr_t hi = machine_info.user_hi;

	room = gap > MMAP_GAP_MIN ? MMAP_GAP_MIN : gap + STACK_GUARD_GAP;
	mm->stack_top = clear_of_special(hi - place_random(t, STACK_RND_BITS), room);
	if (random)
		pad += PAGE_SIZE << STACK_RND_BITS;
	max = hi / 6 * 5;
	gap = gap > max ? max : gap + pad;
	if (gap < MMAP_GAP_MIN)
		gap = MMAP_GAP_MIN;
	if (gap > max)
		gap = max;
	mm->mmap_base = (hi - gap - place_random(t, MMAP_RND_BITS)) & PAGE_MASK;
	/* A stack that had to move down keeps its room. */
	if (mm->mmap_base > mm->stack_top - room)
		mm->mmap_base = (mm->stack_top - room) & PAGE_MASK;
}

static bool range_free(struct mm *mm, uaddr_t addr, uint64_t len)
{
	struct region *r = region_find(mm, addr);

	if (!r)
		return true;
	if (r->flags & REGION_GROWSDOWN && r->start > addr)
		return r->start - addr >= STACK_GUARD_GAP &&
		       addr + len <= r->start - STACK_GUARD_GAP;
	return addr + len <= r->start;
}

static uaddr_t choose_high(struct mm *mm, uint64_t len)
{
	uaddr_t lo = machine_info.user_lo, addr;

	addr = region_hole_high(mm, lo, mm->mmap_base, len);
	if (!addr)
		addr = region_hole_low(mm, machine_info.user_hi / 3 & PAGE_MASK,
				       machine_info.user_hi, len);
	return addr;
}

int64_t place_choose(struct task *t, struct mm *mm, uaddr_t hint, uint64_t len, int flags,
		     bool anonymous)
{
	uaddr_t lo = machine_info.user_lo, hi = machine_info.user_hi, addr;

	if (len > hi - lo)
		return -ENOMEM;
	hint &= PAGE_MASK;
	if (hint && hint < lo)
		hint = lo;
	if (hint && hint <= hi - len && range_free(mm, hint, len) &&
	    !(flags & MAP_32BIT && hint > LOW_END - len))
		return hint;
	if (flags & MAP_32BIT) {
		addr = region_hole_low(mm, LOW_START + place_random(t, 13), LOW_END, len);
		return addr ? (int64_t)addr : -ENOMEM;
	}
	/* As Linux since 6.7: memory that can be huge pages begins at one. */
	if (anonymous && len >= HUGE_SIZE && !(len & (HUGE_SIZE - 1)) && !hint) {
		addr = region_hole_high(mm, lo, mm->mmap_base, len + HUGE_SIZE);
		if (addr)
			return (addr + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	}
	addr = choose_high(mm, len);
	return addr ? (int64_t)addr : -ENOMEM;
}
