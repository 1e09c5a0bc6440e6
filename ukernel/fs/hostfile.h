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

/* Walk the entries of a host directory, for which host_node_opendir() has been called, from *pos
 * (0: the start; else a cookie that was given) until emit answers false or the end; or when not
 * all of them are wanted, perhaps only some.  0 or -errno. */
int hostfile_readdir(struct host_node *dir, struct dir_sink *s, uint64_t *pos, bool all);
#endif
