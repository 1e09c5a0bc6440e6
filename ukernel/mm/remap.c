/*
 * remap.c - mremap.
 *
 * The vDSO and its data cannot be moved (Linux allows it, for checkpoint tools): EINVAL.
 */
#include "fs/file.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

struct remap_request {
	uaddr_t old, new;
	uint64_t old_len, new_len;
	int flags;
	struct region *r; /* holds all of the old range */
	uint64_t charge;  /* already taken */
};

static int args_check(const struct remap_request *q)
{
	bool fixed = q->flags & MREMAP_FIXED, keep = q->flags & MREMAP_DONTUNMAP;

	if (q->flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((fixed || keep) && !(q->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (keep && q->old_len != q->new_len)
		return -EINVAL;
	if ((q->old & ~PAGE_MASK) || !q->new_len || q->new_len > machine_info.user_hi)
		return -EINVAL;
	if (!fixed && !keep)
		return 0;
	if ((q->new & ~PAGE_MASK) || q->new > machine_info.user_hi - q->new_len)
		return -EINVAL;
	if (q->old + q->old_len > q->new && q->new + q->new_len > q->old)
		return -EINVAL;
	if (fixed && q->new < machine_info.user_lo)
		return -EPERM;
	return fixed && range_hidden(q->new, q->new + q->new_len) ? -EINVAL : 0;
}

/* Limits on what is new; takes the charge. */
static int growth_check(struct task *t, struct mm *mm, struct remap_request *q)
{
	bool keep = (q->flags & MREMAP_DONTUNMAP) || !q->old_len;
	uint64_t grow = keep ? q->new_len : q->new_len > q->old_len ? q->new_len - q->old_len : 0;
	struct region *r = q->r;
	int err;

	if (!q->old_len && !(r->flags & REGION_SHARED))
		return -EINVAL;
	if (q->old_len > r->end - q->old)
		return -EFAULT;
	if (!grow)
		return 0;
	if (r->file && r->off + (q->old - r->start) + q->new_len < q->new_len)
		return -EINVAL;
	if ((r->flags & REGION_LOCKED) && !mm_may_lock_all(t) &&
	    mm->locked + grow > rlimit_now(t, RLIMIT_MEMLOCK))
		return -EAGAIN;
	if (mm->count + 3 > REGION_COUNT_MAX)
		return -ENOMEM;
	err = mm_may_grow(t, mm, grow, r->prot, r->flags);
	if (err || !(r->flags & REGION_ACCOUNT))
		return err;
	err = memory_charge(grow);
	if (!err)
		q->charge = grow;
	return err;
}

/* A region like q->r for the new place. */
static struct region *region_like(const struct remap_request *q)
{
	struct region *r = region_alloc();

	if (!r)
		return NULL;
	r->prot = q->r->prot;
	r->may = q->r->may;
	r->flags = q->r->flags;
	r->name = q->r->name;
	region_show(r, q->r->file);
	r->shm = shared_anon_get(q->r->shm);
	r->off = q->r->off + (q->old - q->r->start);
	return r;
}

/* Grow without moving: the hole behind the region is large enough. */
static int64_t grow_in_place(struct task *t, struct mm *mm, struct remap_request *q)
{
	struct vm_op op = {.kind = VM_REMAP,
			   .addr = q->old,
			   .len = q->old_len,
			   .new_addr = q->old,
			   .new_len = q->new_len};
	size_t done;
	int err = machine->vm_apply(t->thread, &op, 1, &done);

	if (err)
		return err;
	range_extend(mm, q->r, q->new_len - q->old_len);
	q->charge = 0;
	return q->old;
}

static bool may_grow_in_place(const struct remap_request *q)
{
	const struct region *next = q->r->next;
	uaddr_t end = q->old + q->new_len;

	if (!q->old_len || q->old + q->old_len != q->r->end ||
	    q->new_len > machine_info.user_hi - q->old)
		return false;
	if (!next)
		return true;
	return end <= next->start &&
	       (!(next->flags & REGION_GROWSDOWN) || next->start - end >= STACK_GUARD_GAP);
}

static int64_t move(struct task *t, struct mm *mm, struct remap_request *q)
{
	bool keep = q->flags & MREMAP_DONTUNMAP;
	struct vm_op ops[2] = {
	    {.kind = VM_UNMAP, .addr = q->new, .len = q->new_len},
	    {.kind = VM_REMAP,
	     .addr = q->old,
	     .len = q->old_len,
	     .new_addr = q->new,
	     .new_len = q->new_len,
	     .dontunmap = keep},
	};
	unsigned first = region_overlap(mm, q->new, q->new + q->new_len) ? 0 : 1;
	struct region_spare spare, spare2;
	struct region *r;
	size_t done = 0;
	int err = region_spare_fill(&spare, 1);

	if (err)
		return err;
	err = region_spare_fill(&spare2, 1);
	if (err)
		goto out;
	r = region_like(q);
	err = -ENOMEM;
	if (!r)
		goto out2;
	err = machine->vm_apply(t->thread, ops + first, 2 - first, &done);
	done += first;
	if (done >= 1 && !first)
		range_drop(mm, q->new, q->new + q->new_len, &spare);
	if (done < 2) {
		region_free(r);
		goto out2;
	}
	if (!keep && q->old_len)
		range_drop(mm, q->old, q->old + q->old_len, &spare2);
	/* range_drop gave back the charge of what moved. */
	if (!keep && (r->flags & REGION_ACCOUNT))
		memory_charge_force(q->old_len < q->new_len ? q->old_len : q->new_len);
	q->charge = 0;
	r->start = q->new;
	r->end = q->new + q->new_len;
	range_add(mm, r);
out2:
	region_spare_drop(&spare2);
out:
	region_spare_drop(&spare);
	return err ? err : (int64_t)q->new;
}

static int64_t resize(struct task *t, struct mm *mm, struct remap_request *q)
{
	if (q->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		if (!(q->flags & MREMAP_FIXED)) {
			int64_t at = place_choose(t, mm, q->new, q->new_len, 0, false);

			if (at < 0)
				return at;
			q->new = at;
		}
		return move(t, mm, q);
	}
	if (may_grow_in_place(q)) {
		int64_t at = grow_in_place(t, mm, q);

		if (at >= 0 || !(q->flags & MREMAP_MAYMOVE))
			return at;
	}
	if (!(q->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	q->new = 0;
	q->new = place_choose(t, mm, 0, q->new_len, 0, !q->r->file);
	return (int64_t)q->new < 0 ? (int64_t)q->new : move(t, mm, q);
}

long sys_mremap(struct task *t, uaddr_t old, size_t old_len, size_t new_len, int flags,
		uaddr_t new_addr)
{
	struct remap_request q = {old, new_addr, page_align_up(old_len), page_align_up(new_len),
				  flags};
	struct mm *mm = t->mm;
	int64_t ret;

	ret = args_check(&q);
	if (ret)
		return ret;
	q.r = region_at(mm, old);
	if (!q.r || (q.r->flags & REGION_HIDDEN))
		return -EFAULT;
	if (q.r->flags & REGION_SPECIAL)
		return -EINVAL;
	if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && q.old_len >= q.new_len) {
		if (q.old_len > q.new_len)
			ret = mm_unmap(t, old + q.new_len, q.old_len - q.new_len);
		return ret ? ret : (long)old;
	}
	ret = growth_check(t, mm, &q);
	if (!ret)
		ret = resize(t, mm, &q);
	memory_uncharge(q.charge);
	return ret;
}
