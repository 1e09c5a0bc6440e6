/*
 * kstack.h - kernel stacks, and the switch between them.
 *
 * Each task runs its kernel side on a stack of its own, so that a handler that must wait simply
 * stops in the middle (OSTEP ch. 6: each process has a kernel stack).  The event loop runs on the
 * supervisor's first stack.
 */
#ifndef KERN_KSTACK_H
#define KERN_KSTACK_H

#include <stdbool.h>
#include <stddef.h>

struct kstack {
	void *base;  /* lowest usable byte; the guard page lies below */
	size_t size; /* usable bytes */
	void *sp;    /* where it left off */
	void *fake;  /* AddressSanitizer's fake stack while switched out */
};

/* Allocates (or takes from a cache) a stack that will enter fn(arg) at the first switch; fn must
 * never return.  0 or -ENOMEM. */
int kstack_init(struct kstack *k, void (*fn)(void *arg), void *arg);

/* Gives the stack back.  Not while running on it. */
void kstack_finish(struct kstack *k);

/* Save where we are in *from and continue where *to left off.  dying: from is never resumed. */
void kstack_switch(struct kstack *from, struct kstack *to, bool dying);
#endif
