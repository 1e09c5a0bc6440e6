/*
 * scaffold.c - until inotify has landed its hooks do nothing.  This file goes then.
 */
#include "fs/inotify.h"

#define SCAFFOLD __attribute__((weak))

SCAFFOLD void inotify_dentry(struct dentry *d, uint32_t mask)
{
}

SCAFFOLD void inotify_entry(struct inode *dir, uint32_t mask, const char *name, bool is_dir,
			    uint32_t cookie)
{
}

SCAFFOLD void inotify_inode(struct inode *ino, uint32_t mask)
{
}

SCAFFOLD void inotify_inode_gone(struct inode *ino)
{
}

SCAFFOLD uint32_t inotify_cookie(void)
{
	return 0;
}
