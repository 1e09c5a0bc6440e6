/*
 * late.h - bytes for a guest that its stub copies itself, on its way back from a call (turbo).
 */
#ifndef SANDBOX_LATE_H
#define SANDBOX_LATE_H

#include "machine.h"

struct vthread;

/* Keep bytes for th until its answer.  False: not possible, write them. */
bool late_write(struct vthread *th, uaddr_t to, const void *from, size_t len);
/* Whoever may look at guest memory before the answer: write them now. */
void late_flush(void);
/* th gets its answer: hand them over.  late_taken(): it did not come for them. */
void late_give(struct vthread *th);
void late_untaken(struct vthread *th);
void late_forget(struct vthread *th);

#endif
