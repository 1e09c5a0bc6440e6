/*
 * memfd.h - memfd_create(2): anonymous files of memory, with seals.
 */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "fs/file.h"

/* A file of size bytes of zeroes that nobody can find by name; label is what /proc/PID/maps calls
 * it.  Counts against the box's memory.  *out is counted.  -ENOMEM, or what the host says. */
int memfd_open_fresh(struct task *t, const char *label, uint64_t size, mode_t mode,
		     struct file **out);

/* F_ADD_SEALS and F_GET_SEALS; -EINVAL when f cannot be sealed. */
long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg);
#endif
