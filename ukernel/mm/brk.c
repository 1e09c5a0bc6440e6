/*
 * brk.c - the program break: the end of the [heap] region.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

static int heap_grow(struct task *t, struct mm *mm, uaddr_t from, uaddr_t to)
{
	uint32_t flags = REGION_HEAP | mm->lock_future;
	struct vm_op op = {.kind = VM_MAP,
			   .addr = from,
			   .len = to - from,
			   .prot = PROT_READ | PROT_WRITE,
			   .flags = MAP_PRIVATE | (mm->lock_future ? MAP_POPULATE : 0),
			   .host_fd = -1};
	struct region *r, *next = region_find(mm, from);
	size_t done;
	int err;

	if (next && (next->flags & REGION_GROWSDOWN ? to + PAGE_SIZE + STACK_GUARD_GAP
						    : to + PAGE_SIZE) > next->start)
		return -ENOMEM;
	if (mm->count + 1 > REGION_COUNT_MAX)
		return -ENOMEM;
	err = mm_may_grow(t, mm, to - from, op.prot, flags);
	if (err)
		return err;
	if (mm->lock_future && !mm_may_lock_all(t) &&
	    mm->locked + (to - from) > rlimit_now(t, RLIMIT_MEMLOCK))
		return -EAGAIN;
	r = region_alloc();
	if (!r)
		return -ENOMEM;
	err = memory_charge(to - from);
	if (err)
		goto fail;
	err = machine->vm_apply(t->thread, &op, 1, &done);
	if (err) {
		memory_uncharge(to - from);
		goto fail;
	}
	r->start = r->off = from;
	r->end = to;
	r->prot = op.prot;
	r->may = PROT_READ | PROT_WRITE | PROT_EXEC;
	r->flags = flags | REGION_ACCOUNT;
	range_add(mm, r);
	return 0;
fail:
	region_free(r);
	return err;
}

/* Linux's brk never fails: it answers the break that holds now. */
long sys_brk(struct task *t, uaddr_t brk)
{
	struct mm *mm = t->mm;
	uaddr_t from = page_align_up(mm->brk), to;

	if (brk < mm->brk_start || brk > machine_info.user_hi - PAGE_SIZE)
		return mm->brk;
	if (brk - mm->brk_start + mm->data_size > rlimit_now(t, RLIMIT_DATA))
		return mm->brk;
	to = page_align_up(brk);
	if (to < from) {
		if (mm_unmap(t, to, from - to))
			return mm->brk;
	} else if (to > from && heap_grow(t, mm, from, to)) {
		return mm->brk;
	}
	mm->brk = brk;
	return brk;
}
