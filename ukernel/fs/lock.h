/*
 * lock.h - advisory locks: flock(2), fcntl(2)'s record locks, open file description locks.
 *
 * locks_release_posix() and locks_release_file() are declared in fs/file.h.
 */
#ifndef FS_LOCK_H
#define FS_LOCK_H

#include "fs/file.h"

/* F_GETLK, F_SETLK, F_SETLKW and F_OFD_*; arg is a struct flock in the guest.  May sleep.
 * -EACCES never; -EAGAIN, -EBADF (mode), -EDEADLK, -EINVAL, -EOVERFLOW, -ENOLCK, -EFAULT. */
long fcntl_lock(struct task *t, struct file *f, int fd, unsigned cmd, uaddr_t arg);

/* F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. */
long fcntl_owner(struct task *t, struct file *f, unsigned cmd, unsigned long arg);

/* Tell f's owner with SIGIO, or the signal it chose: code is POLL_*, band EPOLL*. */
void file_signal_owner(struct file *f, int fd, uint32_t band, int code);

/* The inode goes: free ino->locks (no lock can be left in it). */
void locks_free(struct inode *ino);

/* One line for each lock there is, with its number from 1 on: for /proc/locks. */
void locks_each(void (*line)(void *ctx, unsigned n, const char *text), void *ctx);
#endif
