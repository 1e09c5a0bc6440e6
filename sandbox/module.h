/*
 * module.h - where a space has mapped files whose system calls may be rewritten.
 *
 * All of it is about the space of a thread, th->space; that thread is held.
 */
#ifndef SANDBOX_MODULE_H
#define SANDBOX_MODULE_H

#include "machine.h"

struct text_file;
struct turbo_space;
struct vthread;

struct piece {
	uaddr_t start, end;
	uint64_t off; /* of start in the file */
	int prot;
	struct text_file *file; /* counted */
};

struct modules {
	struct piece *piece; /* ordered by address */
	unsigned n, room;
	unsigned traps; /* by instructions that could be jumps */
	bool warm; /* makes enough calls to be worth it: has patched pages where there are any */
};

/* What trampolines add an offset in the file to. */
static inline uint64_t piece_base(const struct piece *p)
{
	return p->start - p->off;
}

/* The piece that holds addr, or NULL. */
struct piece *piece_at(const struct modules *m, uaddr_t addr);

/* A fork: space, new, is as from.  -ENOMEM.  fini: no thread is in it any more. */
int modules_clone(struct turbo_space *space, const struct turbo_space *from);
void modules_fini(struct turbo_space *space);

/* space->modules has become known: fill it in.  From then on it is kept up to date. */
void modules_publish(struct turbo_space *space);

/* From now on th's space shall have patched pages; th is held. */
void modules_warm(struct vthread *th);

/* vm_apply(), with files' patched pages in place of their own, and back. */
int modules_vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done);

/* mem_read() that shows text as it is in its file. */
size_t modules_mem_read(struct vthread *th, uaddr_t from, void *to, size_t len);
/* Make so of len bytes of th's memory that were read from there. */
void modules_restore(const struct vthread *th, uaddr_t from, void *to, size_t len);

#endif
