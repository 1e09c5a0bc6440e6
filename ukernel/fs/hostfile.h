/*
 * hostfile.h - open files whose data lives in the host's file system: used by hostdir and, for
 * files that have not been copied up, by overlay.
 */
#ifndef FS_HOSTFILE_H
#define FS_HOSTFILE_H

#include "fs/file.h"
#include "fs/hostnode.h"

/* For inode_ops.open of a regular file that is node. */
int hostfile_open(struct host_node *node, struct file *f);
/* For a directory. */
int hostfile_opendir(struct host_node *node, struct file *f);

/* *at: where fd's position is, -1 when not known.
 * Walk the entries of a host directory from *pos (0: the start; else a cookie that was given)
 * until the end or until emit answers false; 0 or -errno. */
int hostfile_readdir(struct host_node *dir, int fd, struct dir_sink *s, uint64_t *pos, int64_t *at);
#endif
