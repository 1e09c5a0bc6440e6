/*
 * lease.h - leases: a process is told before somebody else opens its file (fcntl(2), F_SETLEASE).
 */
#ifndef FS_LEASE_H
#define FS_LEASE_H

#include "fs/file.h"
#include <stdint.h>

#include <stdbool.h>

/* F_SETLEASE.  -EACCES, -EAGAIN (open elsewhere in a way that conflicts), -EINVAL, -ENOMEM. */
int lease_set(struct task *t, struct file *f, int fd, unsigned long type);
/* F_GETLEASE: F_RDLCK, F_WRLCK or F_UNLCK; while it is being broken, what it is to become. */
int lease_get(const struct file *f);
/* Somebody wants to open or truncate ino: have leases in the way given up.  Sleeps until they are
 * or their time is over.  -EAGAIN (nonblock), -ERESTARTSYS.  Cheap when there are none. */
int lease_break(struct inode *ino, bool write, bool nonblock);
void lease_file_gone(struct file *f);

/* How long a holder has to give its lease up: /proc/sys/fs/lease-break-time. */
extern uint64_t lease_break_seconds;
#endif
