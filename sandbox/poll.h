/*
 * poll.h - whether and how to look at mailboxes instead of sleeping.
 */
#ifndef SANDBOX_POLL_H
#define SANDBOX_POLL_H

#include "machine.h"

struct vthread;

void poll_init(void);
/* Is there a call in a mailbox now? */
bool poll_look(struct event *out);
/* Look for a while, if that is likely to bring something sooner than sleeping would.  False: guests
 * know now that they must wake us. */
bool poll_wait(struct event *out);
void poll_begin(struct vthread *th);	 /* it has a mailbox now */
void poll_called(struct vthread *th);	 /* it has made a call, from the stub */
void poll_elsewhere(struct vthread *th); /* it has made a call that no mailbox can take */
void poll_parked(struct vthread *th);	 /* it waited too long for its answer */
void poll_given(struct vthread *th);	 /* it runs on */
void poll_forget(struct vthread *th);	 /* it is destroyed */

#endif
