/*
 * hoststream.h - a host descriptor that is a stream (pipe, terminal, socket, device), as a file.
 *
 * Shared between the standard files (stdfile.c) and their terminal side (stdtty.c).
 */
#ifndef FS_HOSTSTREAM_H
#define FS_HOSTSTREAM_H

#include "fs/file.h"
#include "kern/task.h"
#include "kern/waitq.h"

#include <stdbool.h>
#include <stdint.h>

struct hoststream {
	struct host_watch watch; /* first: the machine's cookie */
	struct waitq wait;	 /* readers, writers and pollers */
	uint32_t armed;		 /* EPOLL* events that the machine watches for us */
	int fd;			 /* owned */
	bool may_block; /* the description is shared and blocking: ask before each transfer */
	bool socket, tty;
	bool always_ready; /* the host cannot poll it */
};

/* A stream on a private, non-blocking description of what from_fd is open on, or, where the host
 * refuses that, on a duplicate.  from_fd stays the caller's.  0 or -errno. */
int hoststream_open(int from_fd, int accmode, struct hoststream **out);

extern const struct file_ops hoststream_ops, hosttty_ops;

ssize_t hoststream_read(struct file *f, struct uio *to, uint64_t *pos);
ssize_t hoststream_write(struct file *f, struct uio *from, uint64_t *pos);
uint32_t hoststream_poll(struct file *f, struct poll_table *pt);
void hoststream_release(struct file *f);
int hoststream_set_flags(struct file *f, int flags);

/* stdtty.c: fd is a terminal that the supervisor was started with. */
void hosttty_adopt(struct task *t, int fd);
/* How long a read of an empty terminal in non-canonical mode may wait: WAIT_FOREVER, or a deadline
 * after which it answers 0 bytes (VMIN 0). */
uint64_t hosttty_read_deadline(int fd);
#endif
