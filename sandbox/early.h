/*
 * early.h - bytes of a guest that its stub has copied with its call (turbo).
 */
#ifndef SANDBOX_EARLY_H
#define SANDBOX_EARLY_H

#include "machine.h"

struct vthread;
struct control;

/* Which calls bring what: into control->shape, where it says SHAPE_REQUEST, and control->fetch. */
void early_shapes(struct control *control);

/* The kernel is about to handle a call that th's stub has made: what came with it counts ... */
void early_begin(struct vthread *th);
/* ... until memory may have become another. */
void early_end(void);
/* th goes on, or is no more. */
void early_forget(struct vthread *th);

/* Bytes of th at from, if all of them came with the call. */
bool early_read(struct vthread *th, uaddr_t from, void *to, size_t len);
/* As many as came, up to max; a string may end among them. */
size_t early_have(struct vthread *th, uaddr_t from, void *to, size_t max);

#endif
