/*
 * pipe.h - pipes and fifos.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pipe;

/* What F_SETPIPE_SZ gives to the unprivileged at most: /proc/sys/fs/pipe-max-size. */
extern uint64_t pipe_size_max;
/* What all pipes of the box hold before new ones are made small: pipe-user-pages-soft. */
#define PIPE_PAGES_SOFT 16384

/*
 * The open op of a fifo inode, named or anonymous (open("/proc/self/fd/N")).  Sets f's ops and
 * priv and waits for the other side as fifo(7) says.  0, -ENXIO (O_WRONLY|O_NONBLOCK without a
 * reader), -ENOMEM, -ERESTARTSYS.  May sleep; f and f->inode must be counted by the caller.
 */
int fifo_open(struct inode *ino, struct file *f);

/* F_GETPIPE_SZ and F_SETPIPE_SZ.  Bytes, or -EBADF (no pipe), -EBUSY, -EPERM, -EINVAL. */
long pipe_fcntl(struct file *f, struct task *t, unsigned cmd, unsigned long arg);

/* t wrote to something that nobody reads: SIGPIPE (the caller answers -EPIPE). */
void pipe_broken(struct task *t);

/*
 * For splice: the pipe behind f, or NULL.  The bytes next in line without consuming them (a
 * contiguous run of at most max, valid until the next sleep), consuming, and the free room.
 */
struct pipe *pipe_of(struct file *f);
size_t pipe_peek(struct pipe *p, size_t skip, size_t max, const void **run);
void pipe_consume(struct pipe *p, size_t len);
size_t pipe_room(const struct pipe *p);
/* Put in what there is room for, and wake a reader.  Does not sleep. */
ssize_t pipe_push(struct pipe *p, struct uio *from);
/* Wait until there is something to read / room for a byte.  1 when so, 0 at the end of the
 * stream (readers only), -EAGAIN if nonblock, -EPIPE (SIGPIPE has been sent), -ERESTARTSYS. */
int pipe_wait_readable(struct pipe *p, bool nonblock);
int pipe_wait_writable(struct pipe *p, struct task *t, bool nonblock);
#endif
