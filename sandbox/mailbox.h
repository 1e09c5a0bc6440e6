/*
 * mailbox.h - calls that arrive in memory shared with a guest thread, and who has such memory.
 */
#ifndef SANDBOX_MAILBOX_H
#define SANDBOX_MAILBOX_H

#include "turbo.h"

struct vthread;

int boxes_init(void);
void boxes_fini(void);

/* The published page and the modules of th's space; 0 when it has them.  th held in a stop. */
int space_give(struct vthread *th);
/* A mailbox for th, and what its space lacks.  th held in a stop.  -errno: it stays without. */
int box_give(struct vthread *th);

/* th was born of from; is destroyed; the host process with that pid is no more. */
void box_cloned(struct vthread *from, struct vthread *th, bool same_space);
void box_destroyed(struct vthread *th);
void box_reaped(pid_t host_pid);

/* th, whose mailbox is known, begins or ends to run: look at it, or no more. */
void box_watch(struct vthread *th, bool running);
struct vthread *box_first_running(void); /* in a list by box_next; NULL when none */

/* A call in the mailbox of th?  Then it is held, and *out filled. */
bool box_take(struct vthread *th, struct event *out);
/* th waits in a notification, *out.  Is that for a call in its mailbox?  Then *out is that. */
void box_called(struct vthread *th, struct event *out);
/* The result of the call that th is held in. */
void box_answer(struct vthread *th);
/* A notification came from th.  True: it was the mailbox's business, and is dealt with. */
bool box_notified(struct vthread *th, uint64_t id, uaddr_t ip);
/* The stop of a thread that was held in its mailbox has come: now it is held in that. */
void box_left(struct vthread *th);

#endif
