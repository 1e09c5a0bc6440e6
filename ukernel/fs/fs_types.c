/*
 * fs_types.c - the file systems there are, for /proc/filesystems and for mounting by name.
 */
#include "fs/inode.h"

#include <stddef.h>

const struct fs_type *const fs_types[] = {
    &fs_hostdir, &fs_overlay, &fs_tmpfs, &fs_proc, &fs_dev, NULL,
};
