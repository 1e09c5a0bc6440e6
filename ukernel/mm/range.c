/*
 * range.c - changes to ranges of the record: adding, forgetting, giving new attributes, with the
 * splits and merges that /proc/self/maps shows on Linux, and the sums that limits are checked on.
 *
 * A change is recorded after the host has made it, so nothing here may fail: nodes that a split
 * needs are brought along.
 */
#include "mm/region.h"

#include "fs/file.h"
#include "mm/mm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Freed nodes are kept for the next region: a loop of mmap and munmap needs no malloc. */
static struct region *node_cache;
static unsigned node_cached;
#define NODE_CACHE_MAX 1024

struct region *region_alloc(void)
{
	struct region *r = node_cache;

	if (!r)
		return calloc(1, sizeof(*r));
	node_cache = r->next;
	node_cached--;
	memset(r, 0, sizeof(*r));
	return r;
}

void region_show(struct region *r, struct file *f)
{
	r->file = f ? file_get(f) : NULL;
	if (f && f->ops->mapped)
		f->ops->mapped(f, true);
}

void region_free(struct region *r)
{
	if (r->file && r->file->ops->mapped)
		r->file->ops->mapped(r->file, false);
	file_put(r->file);
	shared_anon_put(r->shm);
	if (node_cached >= NODE_CACHE_MAX) {
		free(r);
		return;
	}
	r->next = node_cache;
	node_cache = r;
	node_cached++;
}

int region_spare_fill(struct region_spare *s, unsigned n)
{
	for (unsigned i = 0; i < 2; i++)
		s->node[i] = NULL;
	for (unsigned i = 0; i < n; i++) {
		s->node[i] = region_alloc();
		if (!s->node[i]) {
			region_spare_drop(s);
			return -ENOMEM;
		}
	}
	return 0;
}

void region_spare_drop(struct region_spare *s)
{
	for (unsigned i = 0; i < 2; i++) {
		if (s->node[i])
			region_free(s->node[i]);
		s->node[i] = NULL;
	}
}

static struct region *spare_take(struct region_spare *s)
{
	struct region *r = s->node[0] ? s->node[0] : s->node[1];

	assert(r);
	if (r == s->node[0])
		s->node[0] = NULL;
	else
		s->node[1] = NULL;
	return r;
}

struct shared_anon *shared_anon_create(void)
{
	static uint64_t last_id;
	struct shared_anon *s = calloc(1, sizeof(*s));

	if (s) {
		s->refs = 1;
		s->id = ++last_id;
	}
	return s;
}

struct shared_anon *shared_anon_get(struct shared_anon *s)
{
	if (s)
		s->refs++;
	return s;
}

void shared_anon_put(struct shared_anon *s)
{
	if (s && --s->refs == 0) {
		memory_uncharge(s->charged);
		free(s);
	}
}

/* Add r's len bytes to the sums, or take them off (sign -1). */
static void range_count(struct mm *mm, const struct region *r, uint64_t len, int sign)
{
	int64_t n = sign * (int64_t)len;

	if (r->flags & (REGION_HIDDEN | REGION_SPECIAL))
		return;
	mm->total += n;
	if (r->flags & REGION_GROWSDOWN)
		mm->stack += n;
	else if (region_is_data(r->prot, r->flags))
		mm->data += n;
	else if ((r->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC && r->file)
		mm->text += n;
	if (r->file || (r->flags & REGION_SHARED))
		mm->shared += n;
	if (r->flags & REGION_LOCKED)
		mm->locked += n;
	if (r->flags & REGION_ACCOUNT)
		mm->charged += n;
}

static bool mergeable(const struct region *a, const struct region *b)
{
	return a->end == b->start && a->prot == b->prot && a->may == b->may &&
	       a->flags == b->flags && a->file == b->file && a->shm == b->shm &&
	       a->name == b->name && !(a->flags & (REGION_SPECIAL | REGION_HIDDEN)) &&
	       a->off + (a->end - a->start) == b->off;
}

/* Join r with equal neighbours; returns the region that now holds r.  Of a file that counts its
 * regions only a new one may go: with one neighbour, as if that one's border had moved. */
static struct region *merge(struct mm *mm, struct region *r, bool new)
{
	struct region *prev = r->prev, *next = r->next;
	unsigned budget = r->file && r->file->ops->mapped ? new : 2;

	if (budget && prev && mergeable(prev, r)) {
		uaddr_t end = r->end;

		budget--;
		region_remove(mm, r);
		region_free(r);
		region_resize(mm, prev, prev->start, end);
		r = prev;
	}
	if (budget && next && mergeable(r, next)) {
		uaddr_t end = next->end;

		region_remove(mm, next);
		region_free(next);
		region_resize(mm, r, r->start, end);
	}
	return r;
}

void range_extend(struct mm *mm, struct region *r, uint64_t len)
{
	range_count(mm, r, len, 1);
	region_resize(mm, r, r->start, r->end + len);
	merge(mm, r, false);
}

struct region *range_add(struct mm *mm, struct region *r)
{
	range_count(mm, r, r->end - r->start, 1);
	region_insert(mm, r);
	return merge(mm, r, true);
}

void range_add_copy(struct mm *mm, struct region *r)
{
	range_count(mm, r, r->end - r->start, 1);
	region_insert(mm, r);
	merge(mm, r, false);
}

/* Cut r at addr, strictly inside; returns the upper part. */
static struct region *split(struct mm *mm, struct region *r, uaddr_t addr, struct region_spare *s)
{
	struct region *up = spare_take(s);

	assert(r->start < addr && addr < r->end);
	*up = *r;
	region_show(up, r->file);
	shared_anon_get(up->shm);
	up->start = addr;
	up->off = r->off + (addr - r->start);
	region_resize(mm, r, r->start, addr);
	region_insert(mm, up);
	return up;
}

void range_drop(struct mm *mm, uaddr_t start, uaddr_t end, struct region_spare *s)
{
	struct region *r = region_overlap(mm, start, end), *next;

	for (; r && r->start < end; r = next) {
		uaddr_t lo = r->start > start ? r->start : start;
		uaddr_t hi = r->end < end ? r->end : end;

		next = r->next;
		range_count(mm, r, hi - lo, -1);
		if (r->flags & REGION_ACCOUNT)
			memory_uncharge(hi - lo);
		if (lo > r->start && hi < r->end) {
			split(mm, r, hi, s);
			region_resize(mm, r, r->start, lo);
		} else if (lo > r->start) {
			region_resize(mm, r, r->start, lo);
		} else if (hi < r->end) {
			r->off += hi - r->start;
			region_resize(mm, r, hi, r->end);
		} else {
			region_remove(mm, r);
			region_free(r);
		}
	}
}

void range_change(struct mm *mm, uaddr_t start, uaddr_t end, int prot, uint32_t clear, uint32_t set,
		  struct region_spare *s)
{
	struct region *r = region_overlap(mm, start, end);

	for (; r && r->start < end; r = r->next) {
		uint8_t to = prot < 0 ? r->prot : prot;
		uint32_t flags = (r->flags & ~clear) | set;
		bool part = r->start < start || r->end > end;

		if (prot >= 0 && region_is_charged(to, flags))
			flags |= REGION_ACCOUNT;
		if (to == r->prot && flags == r->flags)
			continue;
		if (r->start < start)
			r = split(mm, r, start, s);
		if (r->end > end)
			split(mm, r, end, s);
		range_count(mm, r, r->end - r->start, -1);
		mm->file_changes += r->file != NULL;
		r->prot = to;
		r->flags = flags;
		range_count(mm, r, r->end - r->start, 1);
		r = merge(mm, r, part);
	}
	/* The region after the range may now equal the last one in it. */
	if (r && r->prev && mergeable(r->prev, r))
		merge(mm, r, false);
}

bool range_mapped(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct region *r = region_overlap(mm, start, end);

	if (!r || r->start > start)
		return false;
	while (r->end < end) {
		if (!r->next || r->next->start != r->end)
			return false;
		r = r->next;
	}
	return true;
}

bool range_hidden(uaddr_t start, uaddr_t end)
{
	return (start < machine_info.stub_hi && end > machine_info.stub_lo) ||
	       (start < machine_info.low_hi && end > machine_info.low_lo);
}
