/*
 * carry.h - registers that come with a call, and go back with its answer.
 */
#ifndef SANDBOX_CARRY_H
#define SANDBOX_CARRY_H

#include "turbo.h"

/* Whether this CPU can is found out, and the stub told. */
void carry_init(const struct machine_info *info);
/* Give the calls that want registers their shapes.  After early_shapes(). */
void carry_shapes(struct control *control);

/* th's call has been taken from its mailbox. */
void carry_begin(struct vthread *th);
/* Its xstate frame came with it (rt_sigreturn). */
bool carry_frame(const struct vthread *th);

/* As those of the machine, for a thread that is held with what it brought.  False: it is not, or it
 * takes a stop to do that. */
bool carry_regs_get(struct vthread *th, struct regs *out);
bool carry_regs_set(struct vthread *th, const struct regs *in);
bool carry_xstate_get(struct vthread *th, void *buf, size_t *len);
bool carry_xstate_set(struct vthread *th, const void *buf, size_t len, int *ret);

/* th is about to be answered: leave in the mailbox what was set. */
void carry_give(struct vthread *th);
/* th stands in a ptrace stop now, its registers are loaded: set there what was set. */
void carry_settled(struct vthread *th);
/* th was stopped on its way to what carry_give() has left: it has arrived there. */
void carry_arrived(struct vthread *th);

#endif
