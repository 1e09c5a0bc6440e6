/*
 * poll.h - what poll(2), select(2) and epoll(7) share: timeouts and temporary signal masks.
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "abi.h"
#include "fs/file.h"
#include "kern/signal.h"
#include "kern/waitq.h"

#include <stdbool.h>
#include <stdint.h>

#define POLLMASK_IN  (0x001 | 0x040 | 0x080 | 0x010 | 0x008) /* IN RDNORM RDBAND HUP ERR */
#define POLLMASK_OUT (0x004 | 0x100 | 0x200 | 0x008)	     /* OUT WRNORM WRBAND ERR */

/* Listening on many queues at once, for the length of one call. */
struct poll_entry;
struct poll_session {
	struct poll_table pt; /* first */
	struct task *task;
	struct poll_entry *entries; /* one a queue */
	int err;		    /* -ENOMEM if one could not be made */
};
void poll_session_init(struct poll_session *ps, struct task *t);
void poll_session_end(struct poll_session *ps);

/* A deadline on CLOCK_OF_TICKS, WAIT_FOREVER or 0 (do not wait). */
uint64_t deadline_from_ms(int64_t ms); /* negative: for ever */
/* uts 0: for ever.  -EFAULT, -EINVAL. */
int deadline_from_timespec(struct task *t, uaddr_t uts, uint64_t *deadline);
/* Write what is left of the time back (ppoll and pselect do, as far as they can). */
void timeout_write_left(struct task *t, uaddr_t uts, uint64_t deadline);

/* Put the signal mask at usig in place until the call is over; usig 0: nothing.  -EINVAL, -EFAULT.
 * Only if the call was interrupted by a signal does the mask stay until the handler has run:
 * temp_mask_end() puts the old one back at once for any other result. */
int temp_mask_begin(struct task *t, uaddr_t usig, size_t sigsetsize);
void temp_mask_end(struct task *t, uaddr_t usig, long result);
#endif
