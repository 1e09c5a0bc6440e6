/*
 * stat.h - attributes in the forms in which guests get them.
 */
#ifndef FS_STAT_H
#define FS_STAT_H

#include "abi.h"
#include "fs/inode.h"

/* All that stat says of where a path leads to, which file system and mount included. */
int path_getattr(const struct path *p, struct kstat *k);
void stat_fill(const struct kstat *k, struct abi_stat *out);
void statx_fill(const struct kstat *k, struct abi_statx *out);

#endif
