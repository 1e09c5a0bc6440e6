/*
 * follow.h - changes to an address space that a thread makes on its way back from its own call.
 */
#ifndef SANDBOX_FOLLOW_H
#define SANDBOX_FOLLOW_H

#include "machine.h"

struct order;
struct vthread;

void follow_init(void);
/* May th, held in a trace stop, be trusted to carry out op by itself when it is resumed? */
bool follow_may(const struct vthread *th, const struct vm_op *op);
/* Registers for that: th goes on, makes the call o and returns to the guest. */
int follow_enter(struct vthread *th, const struct order *o);
/* th's registers have just been read: if it is still on its way, make them what they will be. */
void follow_unwind(struct vthread *th);
/* th has arrived, or is gone: nobody needs to read its registers there any more. */
void follow_wipe(struct vthread *th);
/* It came to the stub's int3: the host refused.  True: *out is its system call once more; this time
 * the change will be made at once, and its error seen.  False: it is being killed. */
bool follow_failed(struct vthread *th, struct event *out);

#endif
