/*
 * mm.h - address spaces: the list of regions (VMAs), and what may be done to it.
 *
 * The guest's memory is ordinary memory of its host process: the host's MMU does demand zero,
 * copy-on-write and the page cache.  What is kept here is the list of regions, the choice of
 * addresses and the limits; each change is ordered from the machine (vm_apply).
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct task;
struct file;
struct mm; /* mm/region.h has the inside */

struct mm *mm_create(void);
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* A number that no other address space ever has; not 0. */
uint64_t mm_id(const struct mm *mm);
/* The bookkeeping side of fork: regions copied, files counted. NULL: no memory. */
struct mm *mm_clone(struct mm *from);

/* What mmap(2) does, for the kernel's own use.  t's thread must be held (it is, in a handler).
 * Returns the address or -errno.  file may be NULL; a reference is taken. */
int64_t mm_map(struct task *t, uaddr_t addr, size_t len, int prot, int flags, struct file *file,
	       uint64_t off);
int mm_unmap(struct task *t, uaddr_t addr, size_t len);

/* A fault at addr below a stack that may grow: grow it and return true. */
bool mm_fault(struct task *t, uaddr_t addr, bool write);

/* For proc: sums in bytes and an iteration over the regions in order. */
struct mm_stats {
	uint64_t total, data, stack, text, shared, locked;
};
void mm_stats_get(struct mm *mm, struct mm_stats *out);
struct region_info {
	uaddr_t start, end;
	int prot;
	bool shared, locked;
	uint64_t off;
	struct file *file; /* borrowed, may be NULL */
	uint64_t anon_ino; /* shared anonymous memory: what identifies it; else 0 */
	const char *name;  /* "[heap]", "[stack]", "[vdso]", ... or NULL */
};
/* Regions in address order, starting with the first that ends above from.  false: no more. */
bool mm_region_next(struct mm *mm, uaddr_t from, struct region_info *out);

/*
 * execve(2) proper.  file has been opened by exec_open(); a reference is taken.  May sleep.
 * On -errno nothing changed.  0: the task runs the new program, its registers are set and
 * t->in_syscall is cleared.
 */
struct exec_args {
	char **argv, **envp; /* NULL-ended, kernel memory, owned by the caller */
	int argc, envc;
	const char *filename; /* as given: for AT_EXECFN, scripts, the task's name */
	char *block;	      /* of whoever made the strings; not looked at */
	bool inaccessible;    /* filename cannot be opened by a script's interpreter (O_CLOEXEC) */
	bool doomed; /* out: Linux would have given up the old program before this failure */
};
int task_exec(struct task *t, struct file *file, struct exec_args *args);
/* Open a program as execve does: a regular file with execute permission, -EACCES if not.
 * lookup: LOOKUP_FOLLOW | LOOKUP_EMPTY.  *out is counted. */
int exec_open(struct task *t, int dirfd, const char *name, unsigned lookup, struct file **out);

/* Is there a task besides one that uses mm? */
bool mm_shared(const struct mm *mm);
/* What identifies a shared futex at addr: 1 and the object mapped there (borrowed) with the byte
 * offset in it, when addr lies in a shared mapping; 0: mm and addr do; -EFAULT: nothing can be read
 * there. */
int mm_futex_key(struct mm *mm, uaddr_t addr, const void **object, uint64_t *off);

/*
 * The memory of the whole box.  What may become private or shared memory without a file on the host
 * behind it is charged when it is promised, not when it is touched: writable private mappings,
 * shared anonymous ones, and the contents of in-memory files.  What is reserved PROT_NONE, as
 * runtimes do with their heaps, costs nothing until it is made writable.  MAP_NORESERVE is heeded
 * only while there is no limit.
 */
extern uint64_t memory_max;		  /* the limit that --memory sets, in bytes; 0: none */
extern uint64_t memory_charged;		  /* now */
int memory_charge(uint64_t bytes);	  /* 0 or -ENOMEM */
void memory_charge_force(uint64_t bytes); /* it is there already: no limit */
void memory_uncharge(uint64_t bytes);
#endif
