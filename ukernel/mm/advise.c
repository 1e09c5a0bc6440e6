/*
 * advise.c - madvise, msync, mincore.
 *
 * Advice that changes what the memory holds, or what fork does with it, is the host's to carry out;
 * what /proc/PID/maps shows of it is mirrored in the record.
 */
#include "fs/file.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

/* What an advice means here. */
struct advice {
	bool known;
	bool host;	     /* the host carries it out */
	bool private_anon;   /* other memory: EINVAL */
	bool unlocked;	     /* locked memory: EINVAL */
	bool whole;	     /* a hole is found before anything is done */
	uint32_t set, clear; /* in the record */
};

static const struct advice advices[] = {
    [MADV_NORMAL] = {true, true},
    [MADV_RANDOM] = {true, true},
    [MADV_SEQUENTIAL] = {true, true},
    [MADV_WILLNEED] = {true, true},
    [MADV_DONTNEED] = {true, true, .unlocked = true},
    [MADV_FREE] = {true, true, .private_anon = true, .unlocked = true},
    [MADV_REMOVE] = {true, .unlocked = true},
    [MADV_DONTFORK] = {true, true, .set = REGION_DONTFORK},
    [MADV_DOFORK] = {true, true, .clear = REGION_DONTFORK},
    [MADV_MERGEABLE] = {true, true},
    [MADV_UNMERGEABLE] = {true, true},
    [MADV_HUGEPAGE] = {true, true, .set = REGION_HUGEPAGE, .clear = REGION_NOHUGEPAGE},
    [MADV_NOHUGEPAGE] = {true, true, .set = REGION_NOHUGEPAGE, .clear = REGION_HUGEPAGE},
    [MADV_DONTDUMP] = {true, .set = REGION_DONTDUMP},
    [MADV_DODUMP] = {true, .clear = REGION_DONTDUMP},
    [MADV_WIPEONFORK] = {true, true, .private_anon = true, .set = REGION_WIPEONFORK},
    [MADV_KEEPONFORK] = {true, true, .clear = REGION_WIPEONFORK},
    [MADV_COLD] = {true, true, .unlocked = true},
    [MADV_PAGEOUT] = {true, true, .unlocked = true},
    [MADV_POPULATE_READ] = {true, true, .whole = true},
    [MADV_POPULATE_WRITE] = {true, true, .whole = true},
    [MADV_DONTNEED_LOCKED] = {true, true},
    [MADV_COLLAPSE] = {true, true},
    [MADV_GUARD_INSTALL] = {true, true, .unlocked = true},
    [MADV_GUARD_REMOVE] = {true, true},
};

static const struct advice *advice_find(int n)
{
	if (n < 0 || n >= (int)(sizeof(advices) / sizeof(advices[0])) || !advices[n].known) {
		log_once(mm, "madvise: advice %d refused", n);
		return NULL;
	}
	return &advices[n];
}

/* The file's own space under [start, end) of r becomes a hole. */
static int remove_range(struct task *t, struct region *r, uaddr_t start, uaddr_t end)
{
	struct vm_op op = {
	    .kind = VM_ADVISE, .addr = start, .len = end - start, .advice = MADV_REMOVE};
	struct file *f = r->file;
	uint64_t off = r->off + (start - r->start);
	size_t done;
	int err;

	if (!(r->flags & REGION_SHARED) || !(r->may & PROT_WRITE))
		return f || r->shm ? -EACCES : -EINVAL;
	if (r->shm)
		return machine->vm_apply(t->thread, &op, 1, &done);
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	file_get(f); /* the op may sleep */
	err = f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, end - start);
	file_put(f);
	return err;
}

static int advise_region(struct task *t, struct region *r, uaddr_t start, uaddr_t end, int n)
{
	const struct advice *a = &advices[n];
	struct vm_op op = {.kind = VM_ADVISE, .addr = start, .len = end - start, .advice = n};
	struct region_spare spare;
	size_t done;
	int err = 0;

	if (a->private_anon && (r->file || (r->flags & (REGION_SHARED | REGION_SPECIAL))))
		return -EINVAL;
	if (a->unlocked && (r->flags & REGION_LOCKED))
		return -EINVAL;
	if (n == MADV_REMOVE)
		return remove_range(t, r, start, end);
	if ((a->set || a->clear) && t->mm->count + 2 > REGION_COUNT_MAX)
		return -ENOMEM;
	if ((a->set || a->clear) && (err = region_spare_fill(&spare, 2)))
		return err;
	t->mm->file_changes += r->file != NULL;
	if (a->host)
		err = machine->vm_apply(t->thread, &op, 1, &done);
	/* A host without this kind of pages or merging: the advice is just not taken. */
	if (err == -EINVAL && (a->set | a->clear) & (REGION_HUGEPAGE | REGION_NOHUGEPAGE))
		err = 0;
	if (a->set || a->clear) {
		if (!err)
			range_change(t->mm, start, end, -1, a->clear, a->set, &spare);
		region_spare_drop(&spare);
	}
	return err;
}

long sys_madvise(struct task *t, uaddr_t addr, size_t len, int advice)
{
	uaddr_t end = addr + page_align_up(len), at = addr;
	const struct advice *a;
	int hole = 0;

	if (advice == 100 || advice == 101) /* MADV_HWPOISON, MADV_SOFT_OFFLINE: the host's RAM */
		return -EPERM;
	a = advice_find(advice);
	if (!a || (addr & ~PAGE_MASK) || (len && !page_align_up(len)) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (a->whole && !range_mapped(t->mm, addr, end))
		return -ENOMEM;
	while (at < end) {
		/* Looked up anew each time: the record changes, and removing may sleep. */
		struct region *r = region_overlap(t->mm, at, end);
		uaddr_t hi;
		int err;

		if (!r)
			return -ENOMEM;
		if (r->start > at || (r->flags & REGION_HIDDEN))
			hole = -ENOMEM;
		hi = r->end < end ? r->end : end;
		if (r->start > at)
			at = r->start;
		err = r->flags & REGION_HIDDEN ? 0 : advise_region(t, r, at, hi, advice);
		if (err)
			return err;
		at = hi;
	}
	return hole;
}

long sys_msync(struct task *t, uaddr_t addr, size_t len, int flags)
{
	uaddr_t end = addr + page_align_up(len), at = addr;
	int hole = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < addr || (len && !page_align_up(len)))
		return -ENOMEM;
	while (at < end) {
		struct region *r = region_overlap(t->mm, at, end);
		struct file *f;
		int err = 0;

		if (!r)
			return -ENOMEM;
		if (r->start > at || (r->flags & REGION_HIDDEN))
			hole = -ENOMEM;
		if ((flags & MS_INVALIDATE) && (r->flags & REGION_LOCKED))
			return -EBUSY;
		at = r->end;
		f = r->file;
		if (!(flags & MS_SYNC) || !f || !(r->flags & REGION_SHARED) || !f->ops->fsync)
			continue;
		/* The mapping and the file share the host's page cache. */
		file_get(f);
		err = f->ops->fsync(f, true);
		file_put(f);
		if (err)
			return err;
	}
	return hole;
}

/* Only the host knows.  It writes the vector into the guest's memory itself. */
long sys_mincore(struct task *t, uaddr_t addr, size_t len, uaddr_t vec)
{
	uaddr_t end = addr + page_align_up(len);
	uint64_t pages = page_align_up(len) >> PAGE_SHIFT;
	struct vm_op op = {.kind = VM_RESIDENT, .addr = addr, .len = end - addr, .new_addr = vec};
	size_t done;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len > machine_info.user_hi || addr > machine_info.user_hi - len)
		return -ENOMEM;
	if (vec > machine_info.user_hi - pages || (pages && range_hidden(vec, vec + pages)))
		return -EFAULT;
	if (!pages)
		return 0;
	if (!range_mapped(t->mm, addr, end) || range_hidden(addr, end))
		return -ENOMEM;
	return machine->vm_apply(t->thread, &op, 1, &done);
}
