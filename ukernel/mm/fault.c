/*
 * fault.c - the one kind of page fault that the host does not resolve: a stack that grows.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <sys/mman.h>
#include <sys/resource.h>

/* Each growth is a trap, so more than the one page that Linux would add. */
#define GROWTH_CHUNK (128UL << 10)

/* The lowest address that r may be grown to. */
static uaddr_t growth_floor(struct task *t, const struct region *r)
{
	uint64_t limit = rlimit_now(t, RLIMIT_STACK);
	uaddr_t floor = r->end > limit ? r->end - (limit & PAGE_MASK) : 0;
	uaddr_t below = 0;

	if (r->prev) {
		below = r->prev->end;
		/* The guard gap is kept from everything but another stack and PROT_NONE. */
		if (r->prev->prot && !(r->prev->flags & REGION_GROWSDOWN))
			below += STACK_GUARD_GAP;
	}
	if (below < machine_info.user_lo)
		below = machine_info.user_lo;
	return floor > below ? floor : below;
}

static bool stack_grow(struct task *t, struct mm *mm, struct region *r, uaddr_t to)
{
	uint64_t len = r->start - to;
	struct vm_op op = {.kind = VM_MAP,
			   .addr = to,
			   .len = len,
			   .prot = r->prot,
			   .flags = MAP_PRIVATE,
			   .host_fd = -1};
	bool charged = r->flags & REGION_ACCOUNT;
	size_t done;

	if (mm_may_grow(t, mm, len, r->prot, r->flags) || (charged && memory_charge(len)))
		return false;
	if (machine->vm_apply(t->thread, &op, 1, &done)) {
		if (charged)
			memory_uncharge(len);
		return false;
	}
	region_resize(mm, r, to, r->end);
	r->off -= len;
	mm->total += len;
	mm->stack += len;
	if (charged)
		mm->charged += len;
	if (r->flags & REGION_LOCKED)
		mm->locked += len;
	return true;
}

bool mm_fault(struct task *t, uaddr_t addr, bool write)
{
	struct region *r;
	uaddr_t floor, to;

	/* Only its own thread is known to be held. */
	if (t != current || !t->mm || addr >= machine_info.user_hi)
		return false;
	r = region_find(t->mm, addr);
	if (!r || r->start <= addr || !(r->flags & REGION_GROWSDOWN) || !r->prot)
		return false;
	if (write && !(r->prot & PROT_WRITE))
		return false;
	floor = growth_floor(t, r);
	to = addr & PAGE_MASK;
	if (to < floor)
		return false;
	if (r->start - to < GROWTH_CHUNK)
		to = r->start - GROWTH_CHUNK;
	if (to < floor || to > r->start)
		to = floor;
	return stack_grow(t, t->mm, r, to) ||
	       (to != (addr & PAGE_MASK) && stack_grow(t, t->mm, r, addr & PAGE_MASK));
}
