/*
 * region.h - the inside of an address space: its regions, ordered by address.
 *
 * The regions form a list and a balanced tree (a treap).  Each tree node knows the largest hole
 * below any region of its subtree, so that a free range is found without a walk, as a large Java
 * or Go program with thousands of regions needs.
 *
 * Only mm/ includes this.  Nothing here talks to the machine: these functions keep the record.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "machine.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file;
struct task;

/* What a region is, beside its protection. */
#define REGION_SHARED	   (1u << 0)
#define REGION_NORESERVE   (1u << 1)
#define REGION_GROWSDOWN   (1u << 2)
#define REGION_LOCKED	   (1u << 3)
#define REGION_LOCKONFAULT (1u << 4)
#define REGION_DONTFORK	   (1u << 5)
#define REGION_WIPEONFORK  (1u << 6)
#define REGION_DONTDUMP	   (1u << 7)
#define REGION_HUGEPAGE	   (1u << 8)
#define REGION_NOHUGEPAGE  (1u << 9)
#define REGION_ACCOUNT	   (1u << 10) /* its bytes count against the box's memory */
#define REGION_HEAP	   (1u << 11) /* made by brk */
#define REGION_SPECIAL	   (1u << 12) /* vDSO and its data: no file behind it, never counted */
#define REGION_HIDDEN	   (1u << 13) /* the machine's own pages: guests may not touch or see them */
#define REGION_INHERITED   (1u << 14) /* fork's copy: does not merge with what is new */

/* The identity of shared anonymous memory: what fork's copies have in common. */
struct shared_anon {
	int refs;
	uint64_t id;
	uint64_t charged; /* bytes counted against the box's memory */
};

struct region {
	uaddr_t start, end;
	uint8_t prot; /* PROT_* now ... */
	uint8_t may;  /* ... and what mprotect may ask for */
	uint32_t flags;
	uint64_t off;		 /* in file; for anonymous memory the address it was born at */
	struct file *file;	 /* counted */
	struct shared_anon *shm; /* counted; shared anonymous memory only */
	const char *name;	 /* a constant, or NULL */

	/* Kept by region.c. */
	struct region *prev, *next;
	struct region *parent, *left, *right;
	uint32_t prio;
	uint64_t max_hole; /* the largest hole just below a region of this subtree */
};

struct mm {
	int refs;
	uint64_t id; /* never used again: private futexes */

	struct region *root, *first, *last;
	struct region *hit; /* the last one found */
	unsigned count;

	uaddr_t mmap_base, stack_top, stack_start;
	uaddr_t brk_start, brk;
	uint64_t data_size; /* of the program's data segment, for RLIMIT_DATA */

	/* Bytes, by kind; kept with each change. */
	uint64_t total, data, stack, text, shared, locked, charged;
	/* An empty string in a mapped file, as long as none of those changed (uaccess.c). */
	uaddr_t empty_at;
	uint64_t empty_changes;
	uint64_t file_changes; /* of regions with a file: fewer, other rights, other contents */

	uint32_t lock_future; /* REGION_LOCKED | REGION_LOCKONFAULT from mlockall(MCL_FUTURE) */
};

/* As Linux's default vm.max_map_count; the host's own limit may come first. */
#define REGION_COUNT_MAX 65530
#define STACK_GUARD_GAP	 (256 * PAGE_SIZE)

/* --- the ordered tree (region.c) --- */
void region_insert(struct mm *mm, struct region *r); /* must not overlap another */
void region_remove(struct mm *mm, struct region *r); /* unlinks only */
/* r's bounds change, without passing a neighbour. */
void region_resize(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end);
/* The first region that ends above addr, or NULL. */
struct region *region_find(struct mm *mm, uaddr_t addr);
/* The region that holds addr, or NULL. */
struct region *region_at(struct mm *mm, uaddr_t addr);
/* The first region that overlaps [start, end), or NULL. */
struct region *region_overlap(struct mm *mm, uaddr_t start, uaddr_t end);
/* The highest / lowest free range of len bytes in [lo, hi): its address, or 0. */
uaddr_t region_hole_high(struct mm *mm, uaddr_t lo, uaddr_t hi, uint64_t len);
uaddr_t region_hole_low(struct mm *mm, uaddr_t lo, uaddr_t hi, uint64_t len);

/* --- changes to the record (range.c) --- */
struct region *region_alloc(void);  /* zeroed; NULL: no memory */
void region_free(struct region *r); /* drops file and shm; not linked */
/* r, which shows no file yet, is to show f (counted here; may be NULL). */
void region_show(struct region *r, struct file *f);
/* Spare nodes, so that a change that the host has already made can always be recorded. */
struct region_spare {
	struct region *node[2];
};
int region_spare_fill(struct region_spare *s, unsigned n); /* 0 or -ENOMEM */
void region_spare_drop(struct region_spare *s);
/* Link r and count it; merges it with equal neighbours.  Takes r over; returns where it went. */
struct region *range_add(struct mm *mm, struct region *r);
/* The same for fork's copy of a region. */
void range_add_copy(struct mm *mm, struct region *r);
/* r's end moves up by len bytes, which must be free; r may become part of a neighbour. */
void range_extend(struct mm *mm, struct region *r, uint64_t len);
/* Forget [start, end).  Needs a spare node if the range lies inside one region. */
void range_drop(struct mm *mm, uaddr_t start, uaddr_t end, struct region_spare *s);
/* Give [start, end), which must be mapped, new attributes: prot < 0 keeps; flags: clear, then set.
 * Needs two spare nodes. */
void range_change(struct mm *mm, uaddr_t start, uaddr_t end, int prot, uint32_t clear, uint32_t set,
		  struct region_spare *s);
/* Is every byte of it mapped? */
bool range_mapped(struct mm *mm, uaddr_t start, uaddr_t end);
/* Would guests touch the machine's own pages? */
bool range_hidden(uaddr_t start, uaddr_t end);
struct shared_anon *shared_anon_create(void);
struct shared_anon *shared_anon_get(struct shared_anon *s);
void shared_anon_put(struct shared_anon *s);

/* --- limits (limit.c) --- */
/* May t's address space grow by len bytes of such a region?  0 or -ENOMEM. */
int mm_may_grow(struct task *t, struct mm *mm, uint64_t len, int prot, uint32_t flags);
/* Do prot and flags describe memory that counts as data (RLIMIT_DATA), or against the box?  Shared
 * anonymous memory is charged with its object instead. */
bool region_is_data(int prot, uint32_t flags);
bool region_is_charged(int prot, uint32_t flags);
/* Is t free of RLIMIT_MEMLOCK? */
bool mm_may_lock_all(struct task *t);
uint64_t rlimit_now(const struct task *t, int which);

/* --- address choice (place.c) --- */
void mm_layout(struct task *t, struct mm *mm);
/* A free range for a new mapping, page aligned, or -ENOMEM. */
int64_t place_choose(struct task *t, struct mm *mm, uaddr_t hint, uint64_t len, int flags,
		     bool anonymous);
/* A random number of pages below 1 << bits, in bytes; 0 when t's personality says so. */
uint64_t place_random(struct task *t, unsigned bits);

/* A few unpredictable bytes, cheap enough for every exec. */
void mm_random(void *buf, size_t len);

static inline uint64_t page_align_up(uint64_t n)
{
	return (n + PAGE_SIZE - 1) & PAGE_MASK;
}
#endif
