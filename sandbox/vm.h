/*
 * vm.h - changes to an address space.
 */
#ifndef SANDBOX_VM_H
#define SANDBOX_VM_H

#include "machine.h"

struct vthread;

/* More pages of the machine's own that nobody changes; none when equal. */
extern uaddr_t vm_low_lo, vm_low_hi;

int vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done);

/* The thread whose last change is left for its own system call to make, or NULL.  That call must
 * be the very next thing to happen: whatever else might see the difference settles first. */
extern struct vthread *vm_leaver;

/* Is th to make its own call, whose result, 0, is all that it is to get? */
bool vm_own_call(const struct vthread *th);

/* th, in a stop, is about to go on.  1: it has been given registers with which it makes the change
 * that was left to it, by follow.c; 0: it has not, and nothing is left; or -errno. */
int vm_follow(struct vthread *th);

/* Make the change now, by order. */
void vm_settle_now(void);

static inline void vm_settle(void)
{
	if (__builtin_expect(vm_leaver != NULL, 0))
		vm_settle_now();
}

#endif
