/*
 * memfd.h - memfd_create(2): anonymous files of memory, with seals.
 */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "fs/file.h"

/* F_ADD_SEALS and F_GET_SEALS; -EINVAL when f cannot be sealed. */
long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg);
#endif
