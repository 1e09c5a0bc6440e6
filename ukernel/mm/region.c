/*
 * region.c - the ordered tree of regions.
 *
 * A treap: a search tree by address and a heap by random priority, so that it stays balanced with
 * two rotations and no cases, whatever addresses a guest asks for.
 */
#include "mm/region.h"

#include <stdlib.h>
#include <sys/random.h>

static uint32_t prio_next(void)
{
	static uint64_t x;

	while (!x)
		if (getrandom(&x, sizeof(x), 0) != sizeof(x))
			x = (uintptr_t)&x;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* A stack that may grow keeps its guard gap free: the hole below ends earlier. */
static uaddr_t hole_end(const struct region *r)
{
	uaddr_t lo = r->prev ? r->prev->end : 0;

	if (!(r->flags & REGION_GROWSDOWN))
		return r->start;
	return r->start - lo > STACK_GUARD_GAP ? r->start - STACK_GUARD_GAP : lo;
}

static uint64_t hole_below(const struct region *r)
{
	return hole_end(r) - (r->prev ? r->prev->end : 0);
}

static void node_update(struct region *r)
{
	uint64_t hole = hole_below(r);

	if (r->left && r->left->max_hole > hole)
		hole = r->left->max_hole;
	if (r->right && r->right->max_hole > hole)
		hole = r->right->max_hole;
	r->max_hole = hole;
}

static void path_update(struct region *r)
{
	for (; r; r = r->parent)
		node_update(r);
}

static void child_replace(struct mm *mm, struct region *parent, struct region *from,
			  struct region *to)
{
	if (!parent)
		mm->root = to;
	else if (parent->left == from)
		parent->left = to;
	else
		parent->right = to;
	if (to)
		to->parent = parent;
}

/* Move r's child c up into r's place. */
static void rotate_up(struct mm *mm, struct region *r, struct region *c)
{
	struct region *inner;

	child_replace(mm, r->parent, r, c);
	if (r->left == c) {
		inner = c->right;
		c->right = r;
		r->left = inner;
	} else {
		inner = c->left;
		c->left = r;
		r->right = inner;
	}
	r->parent = c;
	if (inner)
		inner->parent = r;
	node_update(r);
	node_update(c);
}

void region_insert(struct mm *mm, struct region *r)
{
	struct region *parent = NULL, **link = &mm->root;

	r->prev = r->next = r->left = r->right = NULL;
	while (*link) {
		parent = *link;
		if (r->start < parent->start) {
			r->next = parent;
			link = &parent->left;
		} else {
			r->prev = parent;
			link = &parent->right;
		}
	}
	*link = r;
	r->parent = parent;
	if (r->prev)
		r->prev->next = r;
	else
		mm->first = r;
	if (r->next)
		r->next->prev = r;
	else
		mm->last = r;
	r->prio = prio_next();
	path_update(r);
	while (r->parent && r->parent->prio < r->prio)
		rotate_up(mm, r->parent, r);
	path_update(r);
	if (r->next)
		path_update(r->next);
	mm->count++;
}

void region_remove(struct mm *mm, struct region *r)
{
	struct region *next = r->next, *from;

	mm->file_changes += r->file != NULL;
	while (r->left && r->right)
		rotate_up(mm, r, r->left->prio > r->right->prio ? r->left : r->right);
	from = r->parent;
	child_replace(mm, r->parent, r, r->left ? r->left : r->right);
	if (r->prev)
		r->prev->next = next;
	else
		mm->first = next;
	if (next)
		next->prev = r->prev;
	else
		mm->last = r->prev;
	path_update(from);
	if (next)
		path_update(next);
	if (mm->hit == r)
		mm->hit = NULL;
	mm->count--;
}

void region_resize(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
	mm->file_changes += r->file != NULL;
	r->start = start;
	r->end = end;
	path_update(r);
	if (r->next)
		path_update(r->next);
}

struct region *region_find(struct mm *mm, uaddr_t addr)
{
	struct region *r = mm->root, *best = NULL;

	if (mm->hit && mm->hit->start <= addr && addr < mm->hit->end)
		return mm->hit;
	while (r) {
		if (addr < r->end) {
			best = r;
			if (addr >= r->start)
				break;
			r = r->left;
		} else {
			r = r->right;
		}
	}
	if (best)
		mm->hit = best;
	return best;
}

struct region *region_at(struct mm *mm, uaddr_t addr)
{
	struct region *r = region_find(mm, addr);

	return r && r->start <= addr ? r : NULL;
}

struct region *region_overlap(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct region *r = region_find(mm, start);

	return r && r->start < end ? r : NULL;
}

static uaddr_t max_addr(uaddr_t a, uaddr_t b)
{
	return a > b ? a : b;
}

static uaddr_t min_addr(uaddr_t a, uaddr_t b)
{
	return a < b ? a : b;
}

/* Subtrees whose holes are too small, or lie outside [lo, hi), are not entered. */
static uaddr_t hole_high(const struct region *r, uaddr_t lo, uaddr_t hi, uint64_t len)
{
	while (r && r->max_hole >= len) {
		uaddr_t a = max_addr(r->prev ? r->prev->end : 0, lo), b = min_addr(hole_end(r), hi);

		/* Holes in the right subtree start at or above r->end. */
		if (r->right && r->end < hi) {
			uaddr_t found = hole_high(r->right, lo, hi, len);

			if (found)
				return found;
		}
		if (b >= a && b - a >= len)
			return b - len;
		if (r->start <= lo)
			return 0;
		r = r->left;
	}
	return 0;
}

uaddr_t region_hole_high(struct mm *mm, uaddr_t lo, uaddr_t hi, uint64_t len)
{
	uaddr_t a = max_addr(mm->last ? mm->last->end : 0, lo);

	if (hi <= lo || hi - lo < len)
		return 0;
	if (a < hi && hi - a >= len)
		return hi - len;
	return hole_high(mm->root, lo, hi, len);
}

static uaddr_t hole_low(const struct region *r, uaddr_t lo, uaddr_t hi, uint64_t len)
{
	while (r && r->max_hole >= len) {
		uaddr_t a = max_addr(r->prev ? r->prev->end : 0, lo), b = min_addr(hole_end(r), hi);

		if (r->left && r->start > lo) {
			uaddr_t found = hole_low(r->left, lo, hi, len);

			if (found)
				return found;
		}
		if (b >= a && b - a >= len)
			return a;
		if (r->end >= hi)
			return 0;
		r = r->right;
	}
	return 0;
}

uaddr_t region_hole_low(struct mm *mm, uaddr_t lo, uaddr_t hi, uint64_t len)
{
	uaddr_t a = max_addr(mm->last ? mm->last->end : 0, lo), found;

	if (hi <= lo || hi - lo < len)
		return 0;
	found = hole_low(mm->root, lo, hi, len);
	if (found)
		return found;
	return a < hi && hi - a >= len ? a : 0;
}
