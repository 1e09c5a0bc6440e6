/*
 * mm.c - address spaces as a whole: birth, fork's copy, death, and what others ask about them.
 */
#include "mm/mm.h"

#include "fs/file.h"
#include "kern/task.h"
#include "mm/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int special_add(struct mm *mm, uaddr_t lo, uaddr_t hi, int prot, uint32_t flags,
		       const char *name)
{
	struct region *r;

	if (lo >= hi)
		return 0;
	r = region_alloc();
	if (!r)
		return -1;
	r->start = r->off = lo;
	r->end = hi;
	r->prot = prot;
	r->may = flags & REGION_HIDDEN ? 0 : prot;
	r->flags = flags;
	r->name = name;
	range_add(mm, r);
	return 0;
}

static struct mm *mm_alloc(void)
{
	static uint64_t last_id;
	struct mm *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->refs = 1;
	mm->id = ++last_id;
	return mm;
}

uint64_t mm_id(const struct mm *mm)
{
	return mm->id;
}

struct mm *mm_create(void)
{
	const struct machine_info *mi = &machine_info;
	struct mm *mm = mm_alloc();

	if (!mm)
		return NULL;
	if (special_add(mm, mi->stub_lo, mi->stub_hi, PROT_NONE, REGION_HIDDEN, NULL) ||
	    special_add(mm, mi->low_lo, mi->low_hi, PROT_NONE, REGION_HIDDEN, NULL) ||
	    special_add(mm, mi->vvar_lo, mi->vvar_hi, PROT_READ, REGION_SPECIAL, "[vvar]") ||
	    special_add(mm, mi->vdso_lo, mi->vdso_hi, PROT_READ | PROT_EXEC, REGION_SPECIAL,
			"[vdso]")) {
		mm_put(mm);
		return NULL;
	}
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	mm->refs++;
	return mm;
}

void mm_put(struct mm *mm)
{
	struct region *r, *next;

	if (!mm || --mm->refs)
		return;
	memory_uncharge(mm->charged);
	for (r = mm->first; r; r = next) {
		next = r->next;
		region_free(r);
	}
	free(mm);
}

static struct region *region_copy(const struct region *from)
{
	struct region *r = region_alloc();

	if (!r)
		return NULL;
	*r = *from;
	region_show(r, from->file);
	shared_anon_get(r->shm);
	r->flags &= ~(REGION_LOCKED | REGION_LOCKONFAULT); /* mlock(2): not inherited */
	/* Memory that has been written to; Linux knows, we suppose it of all that can be. */
	if (!(r->flags & REGION_SHARED) && (r->prot & PROT_WRITE))
		r->flags |= REGION_INHERITED;
	return r;
}

struct mm *mm_clone(struct mm *from)
{
	bool complete = !from->first;
	struct mm *mm;

	if (memory_charge(from->charged))
		return NULL;
	mm = mm_alloc();
	if (!mm) {
		memory_uncharge(from->charged);
		return NULL;
	}
	mm->mmap_base = from->mmap_base;
	mm->stack_top = from->stack_top;
	mm->stack_start = from->stack_start;
	mm->brk_start = from->brk_start;
	mm->brk = from->brk;
	mm->data_size = from->data_size;
	for (const struct region *r = from->first; r; r = r->next) {
		struct region *copy;

		if (r->flags & REGION_DONTFORK)
			continue;
		copy = region_copy(r);
		if (!copy)
			break;
		range_add_copy(mm, copy);
		complete = !r->next;
	}
	/* What was charged for regions not copied goes back. */
	memory_uncharge(from->charged - mm->charged);
	if (!complete) {
		mm_put(mm);
		return NULL;
	}
	return mm;
}

void mm_stats_get(struct mm *mm, struct mm_stats *out)
{
	*out = (struct mm_stats){.total = mm->total,
				 .data = mm->data,
				 .stack = mm->stack,
				 .text = mm->text,
				 .shared = mm->shared,
				 .locked = mm->locked};
}

static const char *region_name(const struct mm *mm, const struct region *r)
{
	if (r->name || r->file)
		return r->file ? NULL : r->name;
	if (r->start <= mm->brk && r->end >= mm->brk_start)
		return "[heap]";
	if (r->start <= mm->stack_start && r->end >= mm->stack_start)
		return "[stack]";
	return NULL;
}

bool mm_region_next(struct mm *mm, uaddr_t from, struct region_info *out)
{
	struct region *r = region_find(mm, from);

	while (r && (r->flags & REGION_HIDDEN))
		r = r->next;
	if (!r)
		return false;
	*out = (struct region_info){.start = r->start,
				    .end = r->end,
				    .prot = r->prot,
				    .shared = r->flags & REGION_SHARED,
				    .locked = r->flags & REGION_LOCKED,
				    .off = r->file ? r->off : 0,
				    .file = r->file,
				    .anon_ino = r->shm ? r->shm->id : 0,
				    .name = region_name(mm, r)};
	return true;
}

bool mm_shared(const struct mm *mm)
{
	return mm->refs > 1;
}

int mm_futex_key(struct mm *mm, uaddr_t addr, const void **object, uint64_t *off)
{
	struct region *r = region_at(mm, addr);

	if (!r || !(r->prot & PROT_READ))
		return -EFAULT;
	if (!(r->flags & REGION_SHARED))
		return 0;
	*object = r->shm ? (const void *)r->shm : (const void *)r->file->inode;
	*off = r->off + (addr - r->start);
	return 1;
}
