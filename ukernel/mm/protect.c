/*
 * protect.c - mprotect and pkey_mprotect.
 */
#include "fs/file.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define PROT_ALL     (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_SEM_BIT 0x8 /* accepted and ignored, as Linux does on x86 */

/* May r become prot?  A memfd sealed against future writing answers anew here. */
static int region_may(struct region *r, int prot)
{
	int host_fd = -1;
	uint64_t off = r->off;

	if (r->flags & REGION_HIDDEN)
		return -ENOMEM;
	if (prot & ~r->may)
		return -EACCES;
	if ((prot & ~r->prot & PROT_WRITE) && (r->flags & REGION_SHARED) && r->file &&
	    r->file->ops->mmap(r->file, prot, true, &host_fd, &off) < 0)
		return -EACCES;
	return 0;
}

/* How far from start on prot may be given; *err says why not further; *charge gets the bytes that
 * begin to count against the box, *data those that begin to count as data. */
static uaddr_t protect_reach(struct mm *mm, uaddr_t start, uaddr_t end, int prot, int *err,
			     uint64_t *charge, uint64_t *data)
{
	struct region *r = region_overlap(mm, start, end);
	uaddr_t at = start;

	*err = 0;
	*charge = *data = 0;
	for (; at < end; r = r->next) {
		uaddr_t hi;

		if (!r || r->start > at) {
			*err = -ENOMEM;
			return at;
		}
		*err = region_may(r, prot);
		if (*err)
			return at;
		hi = r->end < end ? r->end : end;
		if (!(r->flags & REGION_ACCOUNT) && region_is_charged(prot, r->flags))
			*charge += hi - at;
		if (!region_is_data(r->prot, r->flags) && region_is_data(prot, r->flags))
			*data += hi - at;
		at = hi;
	}
	return end;
}

static int protect(struct task *t, uaddr_t start, uaddr_t end, int prot)
{
	struct mm *mm = t->mm;
	struct region_spare spare;
	struct vm_op op;
	uint64_t charge, data;
	uaddr_t reach;
	size_t done;
	int err, why;

	reach = protect_reach(mm, start, end, prot, &why, &charge, &data);
	if (reach == start)
		return why;
	if (data && mm->data + data > rlimit_now(t, RLIMIT_DATA))
		return -ENOMEM;
	if (mm->count + 2 > REGION_COUNT_MAX)
		return -ENOMEM;
	err = region_spare_fill(&spare, 2);
	if (err)
		return err;
	if (memory_charge(charge)) {
		region_spare_drop(&spare);
		return -ENOMEM;
	}
	op = (struct vm_op){.kind = VM_PROTECT, .addr = start, .len = reach - start, .prot = prot};
	err = machine->vm_apply(t->thread, &op, 1, &done);
	if (err)
		memory_uncharge(charge);
	else
		range_change(mm, start, reach, prot, 0, 0, &spare);
	region_spare_drop(&spare);
	return err ? err : why;
}

long sys_mprotect(struct task *t, uaddr_t addr, size_t len, int prot)
{
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	uaddr_t end = addr + page_align_up(len);
	struct region *r;

	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_ALL | PROT_SEM_BIT))
		return -EINVAL;
	prot &= PROT_ALL;
	if (end > machine_info.user_hi)
		return -ENOMEM;
	if ((t->proc->personality & READ_IMPLIES_EXEC) && (prot & PROT_READ))
		prot |= PROT_EXEC;
	r = region_overlap(t->mm, addr, end);
	if (!r)
		return -ENOMEM;
	if (grows == PROT_GROWSUP || (grows && !(r->flags & REGION_GROWSDOWN)))
		return -EINVAL;
	if (grows)
		addr = r->start;
	return protect(t, addr, end, prot);
}

long sys_pkey_mprotect(struct task *t, uaddr_t addr, size_t len, int prot, int pkey)
{
	if (pkey != -1)
		return -EINVAL;
	return sys_mprotect(t, addr, len, prot);
}
