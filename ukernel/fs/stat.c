/*
 * stat.c - what is known about a file: the stat family, statx, access, readlink.
 */
#include "fs/stat.h"

#include "fs/foretell.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define S_ISLNK_MODE(m) (((m)&0170000) == 0120000)

void stat_fill(const struct kstat *k, struct abi_stat *out)
{
	*out = (struct abi_stat){
	    .dev = k->dev,
	    .ino = k->ino,
	    .nlink = k->nlink,
	    .mode = k->mode,
	    .uid = k->uid,
	    .gid = k->gid,
	    .rdev = k->rdev,
	    .size = k->size,
	    .blksize = k->blksize,
	    .blocks = k->blocks,
	    .atime = k->atime,
	    .mtime = k->mtime,
	    .ctime = k->ctime,
	};
}

static int stat_put(struct task *t, const struct kstat *k, uaddr_t to)
{
	struct abi_stat st;

	stat_fill(k, &st);
	return put_user(t, st, to);
}

int path_getattr(const struct path *p, struct kstat *k)
{
	int err = inode_getattr(p->dentry->inode, k);

	k->mnt_id = p->mnt ? p->mnt->id : 0;
	k->mount_root = p->mnt && p->mnt->root == p->dentry;
	return err;
}

/* By descriptor: "" with AT_EMPTY_PATH, or fstat. */
static int getattr_fd(struct task *t, int fd, struct kstat *k)
{
	struct file *f = fd_get_path(t, fd);
	int err;

	if (!f)
		return -EBADF;
	vfs_tick++;
	err = path_getattr(&f->path, k);
	file_put(f);
	foretell_fstat(t);
	return err;
}

static int getattr_path(struct task *t, int dirfd, uaddr_t upath, int flags, struct kstat *k)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	char *name;
	int err;

	if (flags & AT_EMPTY_PATH) {
		lookup |= LOOKUP_EMPTY;
		if (!upath && dirfd != AT_FDCWD) /* since Linux 6.11 */
			return getattr_fd(t, dirfd, k);
		if (dirfd != AT_FDCWD && string_is_empty(t, upath))
			return getattr_fd(t, dirfd, k);
	}
	err = name_from_user(t, upath, flags & AT_EMPTY_PATH, &name);
	if (err)
		return err;
	err = path_lookup(t, dirfd, name, lookup, &p);
	if (!err) {
		err = path_getattr(&p, k);
		path_put(&p);
	}
	if (!err)
		foretell_stat(t, name);
	name_buf_put(name);
	return err;
}

static long do_stat(struct task *t, int dirfd, uaddr_t path, int flags, uaddr_t buf)
{
	struct kstat k;
	int err = getattr_path(t, dirfd, path, flags, &k);

	return err ? err : stat_put(t, &k, buf);
}

long sys_stat(struct task *t, uaddr_t path, uaddr_t buf)
{
	return do_stat(t, AT_FDCWD, path, 0, buf);
}

long sys_lstat(struct task *t, uaddr_t path, uaddr_t buf)
{
	return do_stat(t, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, buf);
}

long sys_fstat(struct task *t, int fd, uaddr_t buf)
{
	struct kstat k;
	int err = getattr_fd(t, fd, &k);

	return err ? err : stat_put(t, &k, buf);
}

long sys_newfstatat(struct task *t, int dirfd, uaddr_t path, uaddr_t buf, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return do_stat(t, dirfd, path, flags, buf);
}

static struct abi_statx_timestamp statx_time(struct abi_timespec ts)
{
	return (struct abi_statx_timestamp){.sec = ts.sec, .nsec = ts.nsec};
}

void statx_fill(const struct kstat *k, struct abi_statx *out)
{
	*out = (struct abi_statx){
	    .mask = STATX_BASIC_STATS,
	    .blksize = k->blksize,
	    .nlink = k->nlink,
	    .uid = k->uid,
	    .gid = k->gid,
	    .mode = k->mode,
	    .ino = k->ino,
	    .size = k->size,
	    .blocks = k->blocks,
	    .atime = statx_time(k->atime),
	    .ctime = statx_time(k->ctime),
	    .mtime = statx_time(k->mtime),
	    .attributes_mask = STATX_ATTR_MOUNT_ROOT,
	    .attributes = k->mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
	    .rdev_major = major(k->rdev),
	    .rdev_minor = minor(k->rdev),
	    .dev_major = major(k->dev),
	    .dev_minor = minor(k->dev),
	};
	if (k->btime.sec || k->btime.nsec) {
		out->btime = statx_time(k->btime);
		out->mask |= STATX_BTIME;
	}
	if (k->mnt_id) {
		out->mnt_id = k->mnt_id;
		out->mask |= STATX_MNT_ID;
	}
}

long sys_statx(struct task *t, int dirfd, uaddr_t path, int flags, unsigned long mask, uaddr_t buf)
{
	struct abi_statx sx;
	struct kstat k;
	int err;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = getattr_path(t, dirfd, path, flags, &k);
	if (err)
		return err;
	statx_fill(&k, &sx);
	return put_user(t, sx, buf);
}

/* The credentials that access(2) judges by: the real ids. Counted. */
static const struct cred *access_cred(struct task *t, bool effective)
{
	struct cred *c;

	if (effective || (t->cred->uid == t->cred->fsuid && t->cred->gid == t->cred->fsgid))
		return cred_get(t->cred);
	c = cred_copy(t->cred);
	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = c->uid == 0 ? c->cap_permitted : 0;
	return c;
}

static long do_access(struct task *t, int dirfd, uaddr_t upath, int mode, int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	const struct cred *c, *saved = t->cred;
	struct path p;
	int err;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	c = access_cred(t, flags & AT_EACCESS);
	if (!c)
		return -ENOMEM;
	t->cred = c; /* the walk is judged by them too */
	err = path_from_user(t, dirfd, upath, lookup, &p);
	if (!err) {
		if (mode)
			err = path_permission(&p, c, mode);
		path_put(&p);
	}
	t->cred = saved;
	cred_put(c);
	return err;
}

long sys_access(struct task *t, uaddr_t path, int mode)
{
	return do_access(t, AT_FDCWD, path, mode, 0);
}

long sys_faccessat(struct task *t, int dirfd, uaddr_t path, int mode)
{
	return do_access(t, dirfd, path, mode, 0);
}

long sys_faccessat2(struct task *t, int dirfd, uaddr_t path, int mode, int flags)
{
	return do_access(t, dirfd, path, mode, flags);
}

/* What readlink shows: the text, or for a magic link what the file system says. */
static ssize_t readlink_path(const struct path *p, char *buf)
{
	struct inode *ino = p->dentry->inode;

	if (!S_ISLNK_MODE(ino->mode) || !ino->ops->readlink)
		return -EINVAL;
	return ino->ops->readlink(ino, buf, PATH_LIMIT);
}

long sys_readlinkat(struct task *t, int dirfd, uaddr_t path, uaddr_t buf, size_t size)
{
	struct path p;
	char *text, *name;
	ssize_t len;
	bool empty;
	int err;

	if ((int)size <= 0)
		return -EINVAL;
	err = name_from_user(t, path, true, &name);
	if (err)
		return err;
	empty = !name[0];
	err = path_lookup(t, dirfd, name, empty && dirfd != AT_FDCWD ? LOOKUP_EMPTY : 0, &p);
	if (err) {
		name_buf_put(name);
		return err;
	}
	text = name_buf_get();
	len = text ? readlink_path(&p, text) : -ENOMEM;
	if (len == -EINVAL && !S_ISLNK_MODE(p.dentry->inode->mode))
		foretell_no_link(t, &p, name);
	name_buf_put(name);
	if (len == -EINVAL && empty)
		len = -ENOENT; /* readlink(2): "" and not a link */
	if (len > (ssize_t)size)
		len = size;
	if (len > 0 && copy_to_user(t, buf, text, len))
		len = -EFAULT;
	name_buf_put(text);
	path_put(&p);
	return len;
}

long sys_readlink(struct task *t, uaddr_t path, uaddr_t buf, size_t size)
{
	return sys_readlinkat(t, AT_FDCWD, path, buf, size);
}
