/*
 * inode.c - inodes and file system instances: counting, attributes, times.
 *
 * An inode borrows its super: nothing is ever unmounted while the kernel runs.
 */
#include "fs/inode.h"

#include "fs/dev.h"
#include "fs/file.h"
#include "fs/foretell.h"
#include "fs/inotify.h"
#include "fs/lock.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kern/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

uint64_t vfs_tick;

struct super *super_create(const struct fs_type *type, void *priv)
{
	static unsigned next_minor = 32; /* Linux numbers what has no device from 0:1 on */
	struct super *sb = calloc(1, sizeof(*sb));

	if (!sb)
		return NULL;
	sb->type = type;
	sb->refs = 1;
	sb->dev = makedev(0, next_minor++);
	sb->next_ino = 1;
	sb->priv = priv;
	return sb;
}

void super_put(struct super *sb)
{
	if (!sb || --sb->refs > 0)
		return;
	inode_put(sb->root);
	if (sb->type->kill)
		sb->type->kill(sb);
	free(sb);
}

static struct abi_timespec time_now(void)
{
	uint64_t now = time_wall_ns();

	return (struct abi_timespec){.sec = now / 1000000000, .nsec = now % 1000000000};
}

/* Of files without a place in the tree: every op is the documented default, opening is -ENXIO. */
static const struct inode_ops no_ops;

struct inode *inode_create(struct super *sb, mode_t mode)
{
	struct inode *ino = calloc(1, sizeof(*ino));

	if (!ino)
		return NULL;
	ino->refs = 1;
	ino->ops = &no_ops;
	ino->sb = sb;
	ino->ino = sb->next_ino++;
	ino->mode = mode;
	ino->nlink = 1;
	ino->atime = ino->mtime = ino->ctime = ino->btime = time_now();
	return ino;
}

struct inode *inode_get(struct inode *ino)
{
	ino->refs++;
	return ino;
}

void inode_put(struct inode *ino)
{
	if (!ino || --ino->refs > 0)
		return;
	if (ino->listed)
		foretell_dir_gone(ino);
	if (ino->watches)
		inotify_inode_gone(ino);
	if (ino->locks)
		locks_free(ino);
	if (ino->ops && ino->ops->evict)
		ino->ops->evict(ino);
	free(ino);
}

void inode_touch(struct inode *ino, unsigned which)
{
	struct abi_timespec now = time_now();

	foretell_spoil();
	if (which & ATTR_ATIME)
		ino->atime = now;
	if (which & ATTR_MTIME)
		ino->mtime = now;
	if (which & ATTR_CTIME)
		ino->ctime = now;
}

static void getattr_generic(struct inode *ino, struct kstat *out)
{
	*out = (struct kstat){
	    .dev = ino->sb->dev,
	    .ino = ino->ino,
	    .rdev = ino->rdev,
	    .mode = ino->mode,
	    .nlink = ino->nlink,
	    .uid = ino->uid,
	    .gid = ino->gid,
	    .size = ino->size,
	    .blocks = (ino->size + 511) / 512,
	    .blksize = PAGE_SIZE,
	    .atime = ino->atime,
	    .mtime = ino->mtime,
	    .ctime = ino->ctime,
	    .btime = ino->btime,
	};
}

int inode_getattr(struct inode *ino, struct kstat *out)
{
	if (ino->ops && ino->ops->getattr)
		return ino->ops->getattr(ino, out);
	getattr_generic(ino, out);
	return 0;
}

int inode_setattr_simple(struct inode *ino, const struct iattr *attr)
{
	if (attr->valid & ATTR_MODE)
		ino->mode = (ino->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & ATTR_UID)
		ino->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		ino->gid = attr->gid;
	if (attr->valid & ATTR_ATIME)
		ino->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		ino->mtime = attr->mtime;
	if (attr->valid & ATTR_CTIME)
		ino->ctime = attr->ctime;
	else
		inode_touch(ino, ATTR_CTIME);
	return 0;
}

void inode_init_owner(struct inode *ino, const struct inode *dir, mode_t mode, const struct cred *c)
{
	ino->uid = c->fsuid;
	ino->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		ino->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c, ino->gid) && !cred_capable(c, CAP_FSETID_BIT))
			mode &= ~S_ISGID;
	}
	ino->mode = mode;
}

bool inode_can_direct(const struct inode *ino)
{
	/* What the kernel makes up has no blocks to go around. */
	return (S_ISREG(ino->mode) && !ino->sb->type->uncached) || S_ISBLK(ino->mode);
}

/* A socket's name cannot be opened: connect(2) is the way in. */
int inode_open_special(struct inode *ino, struct file *f)
{
	switch (ino->mode & S_IFMT) {
	case S_IFIFO:
		return fifo_open(ino, f);
	case S_IFCHR:
	case S_IFBLK:
		return dev_open(ino, f);
	default:
		return -ENXIO;
	}
}
