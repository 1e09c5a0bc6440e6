/*
 * fasync.h - O_ASYNC: a signal when a file becomes ready (fcntl(2), F_SETOWN and F_SETSIG).
 */
#ifndef FS_FASYNC_H
#define FS_FASYNC_H

#include "fs/file.h"

/* O_ASYNC of f has been turned on or off through descriptor fd.  0, -ENOMEM. */
int fasync_set(struct file *f, int fd, bool on);
/* The last reference to f is going. */
void fasync_gone(struct file *f);
#endif
