/*
 * lock.c - the mlock family.
 *
 * Locked memory is brought in and counted against RLIMIT_MEMLOCK; whether the host may swap it out
 * all the same is the host's affair.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define LOCK_FLAGS (REGION_LOCKED | REGION_LOCKONFAULT)

/* Bring the pages of [start, end) in.  Linux's errors: ENOMEM for what cannot be accessed. */
static int range_populate(struct task *t, uaddr_t start, uaddr_t end)
{
	for (uaddr_t at = start; at < end;) {
		struct region *r = region_overlap(t->mm, at, end);
		struct vm_op op = {.kind = VM_ADVISE};
		size_t done;
		int err;

		if (!r)
			return 0;
		op.addr = r->start > at ? r->start : at;
		at = r->end < end ? r->end : end;
		op.len = at - op.addr;
		if (r->flags & (REGION_SPECIAL | REGION_HIDDEN))
			continue;
		if (!r->prot)
			return -ENOMEM;
		/* Private memory is made the region's own at once, shared memory is only read. */
		op.advice = MADV_POPULATE_READ;
		if (!(r->prot & PROT_READ) ||
		    ((r->prot & PROT_WRITE) && !(r->flags & REGION_SHARED)))
			op.advice = MADV_POPULATE_WRITE;
		err = machine->vm_apply(t->thread, &op, 1, &done);
		/* Hosts before Linux 5.14 do not know the advice: pages come when touched. */
		if (err && err != -EINVAL)
			return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
	}
	return 0;
}

/* Bytes of [start, end) that are locked already. */
static uint64_t range_locked(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct region *r = region_overlap(mm, start, end);
	uint64_t sum = 0;

	for (; r && r->start < end; r = r->next)
		if (r->flags & REGION_LOCKED)
			sum +=
			    (r->end < end ? r->end : end) - (r->start > start ? r->start : start);
	return sum;
}

/* The end of what is mapped without a hole from start on. */
static uaddr_t range_reach(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct region *r = region_overlap(mm, start, end);
	uaddr_t at = start;

	for (; r && r->start <= at && at < end; r = r->next)
		at = r->end;
	return at < end ? at : end;
}

static int range_lock(struct task *t, uaddr_t start, uaddr_t end, uint32_t set)
{
	struct mm *mm = t->mm;
	uaddr_t reach = range_reach(mm, start, end);
	struct region_spare spare;
	int err;

	if (mm->count + 2 > REGION_COUNT_MAX)
		return -ENOMEM;
	err = region_spare_fill(&spare, 2);
	if (err)
		return err;
	if (reach > start)
		range_change(mm, start, reach, -1, LOCK_FLAGS, set, &spare);
	region_spare_drop(&spare);
	return reach < end ? -ENOMEM : 0;
}

/* Round to pages: 0, or -EINVAL when the end wraps. */
static int range_round(uaddr_t *start, size_t len, uaddr_t *end)
{
	*end = page_align_up(*start + len);
	*start &= PAGE_MASK;
	return *end < *start || *start + len < *start ? -EINVAL : 0;
}

static int lock(struct task *t, uaddr_t start, size_t len, uint32_t set)
{
	uint64_t limit = rlimit_now(t, RLIMIT_MEMLOCK);
	uaddr_t end;
	int err = range_round(&start, len, &end);

	if (!mm_may_lock_all(t)) {
		if (!limit)
			return -EPERM;
		if (!err && t->mm->locked + (end - start) - range_locked(t->mm, start, end) > limit)
			return -ENOMEM;
	}
	if (err || start == end)
		return err;
	err = range_lock(t, start, end, set);
	if (!err && !(set & REGION_LOCKONFAULT))
		err = range_populate(t, start, end);
	return err;
}

long sys_mlock(struct task *t, uaddr_t addr, size_t len)
{
	return lock(t, addr, len, REGION_LOCKED);
}

long sys_mlock2(struct task *t, uaddr_t addr, size_t len, unsigned long flags)
{
	if (flags & ~1UL) /* MLOCK_ONFAULT */
		return -EINVAL;
	return lock(t, addr, len, flags ? LOCK_FLAGS : REGION_LOCKED);
}

long sys_munlock(struct task *t, uaddr_t addr, size_t len)
{
	uaddr_t end;
	int err = range_round(&addr, len, &end);

	if (err || addr == end)
		return err;
	return range_lock(t, addr, end, 0);
}

/* Every region gets these flags. */
static int all_lock(struct task *t, uint32_t set)
{
	struct region_spare spare;
	int err = region_spare_fill(&spare, 2);

	if (err)
		return err;
	for (struct region *r = t->mm->first; r; r = r ? r->next : NULL) {
		uaddr_t end = r->end;

		if (r->flags & (REGION_SPECIAL | REGION_HIDDEN))
			continue;
		range_change(t->mm, r->start, end, -1, LOCK_FLAGS, set, &spare);
		/* It may have merged. */
		r = region_at(t->mm, end - 1);
	}
	region_spare_drop(&spare);
	return 0;
}

long sys_mlockall(struct task *t, unsigned long flags)
{
	uint64_t limit = rlimit_now(t, RLIMIT_MEMLOCK);
	uint32_t set = flags & MCL_ONFAULT ? LOCK_FLAGS : REGION_LOCKED;
	int err = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm_may_lock_all(t)) {
		if (!limit)
			return -EPERM;
		if ((flags & MCL_CURRENT) && t->mm->total > limit)
			return -ENOMEM;
	}
	t->mm->lock_future = flags & MCL_FUTURE ? set : 0;
	if (flags & MCL_CURRENT) {
		err = all_lock(t, set);
		/* What cannot be brought in is not an error here (mlockall(2)). */
		if (!err && !(flags & MCL_ONFAULT))
			(void)range_populate(t, 0, machine_info.user_hi);
	}
	return err;
}

long sys_munlockall(struct task *t)
{
	t->mm->lock_future = 0;
	return all_lock(t, 0);
}
