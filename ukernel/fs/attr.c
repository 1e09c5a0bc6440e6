/*
 * attr.c - changing attributes: chmod, chown, truncate, utimensat and their variants.
 */
#include "fs/inotify.h"
#include "fs/lease.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int inode_setattr(struct inode *ino, struct iattr *attr)
{
	if (!ino->ops || !ino->ops->setattr)
		return ino->sb->read_only ? -EROFS : -EPERM;
	return ino->ops->setattr(ino, attr);
}

/* What a call on attributes works on: a path, or a descriptor's. */
static int target_fd(struct task *t, int fd, bool allow_path, struct path *out)
{
	struct file *f = allow_path ? fd_get_path(t, fd) : fd_get(t, fd);

	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static int target_path(struct task *t, int dirfd, uaddr_t path, int flags, struct path *out)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	return path_from_user(t, dirfd, path, lookup, out);
}

static void attr_changed(struct path *p)
{
	inotify_dentry(p->dentry, IN_ATTRIB);
}

static int chmod_path(struct task *t, struct path *p, mode_t mode)
{
	struct inode *ino = p->dentry->inode;
	struct iattr a = {.valid = ATTR_MODE, .mode = mode & 07777};
	int err = mount_want_write(p->mnt);

	if (err)
		return err;
	if (S_ISLNK(ino->mode))
		return -EOPNOTSUPP;
	if (!inode_owner_or_capable(ino, t->cred))
		return -EPERM;
	if (!cred_in_group(t->cred, ino->gid) && !cred_capable(t->cred, CAP_FSETID_BIT))
		a.mode &= ~(mode_t)S_ISGID;
	err = inode_setattr(ino, &a);
	if (!err)
		attr_changed(p);
	return err;
}

long sys_fchmodat2(struct task *t, int dirfd, uaddr_t path, unsigned mode, int flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = target_path(t, dirfd, path, flags, &p);
	if (err)
		return err;
	err = chmod_path(t, &p, mode);
	path_put(&p);
	return err;
}

long sys_fchmodat(struct task *t, int dirfd, uaddr_t path, unsigned mode)
{
	return sys_fchmodat2(t, dirfd, path, mode, 0);
}

long sys_chmod(struct task *t, uaddr_t path, unsigned mode)
{
	return sys_fchmodat2(t, AT_FDCWD, path, mode, 0);
}

long sys_fchmod(struct task *t, int fd, unsigned mode)
{
	struct path p;
	int err = target_fd(t, fd, false, &p);

	if (err)
		return err;
	err = chmod_path(t, &p, mode);
	path_put(&p);
	return err;
}

/* chown(2): who may give what to whom. */
static int may_chown(struct task *t, const struct inode *ino, const struct iattr *a)
{
	const struct cred *c = t->cred;

	if (cred_capable(c, CAP_CHOWN_BIT))
		return 0;
	if (c->fsuid != ino->uid)
		return -EPERM;
	if ((a->valid & ATTR_UID) && a->uid != ino->uid)
		return -EPERM;
	if ((a->valid & ATTR_GID) && a->gid != ino->gid && !cred_in_group(c, a->gid))
		return -EPERM;
	return 0;
}

static int chown_path(struct task *t, struct path *p, unsigned uid, unsigned gid)
{
	struct inode *ino = p->dentry->inode;
	struct iattr a = {.uid = uid, .gid = gid};
	int err = mount_want_write(p->mnt);

	if (err)
		return err;
	if (uid != (unsigned)-1)
		a.valid |= ATTR_UID;
	if (gid != (unsigned)-1)
		a.valid |= ATTR_GID;
	err = may_chown(t, ino, &a);
	if (err)
		return err;
	/* Even root's chown takes these bits off what can be executed. */
	if (!S_ISDIR(ino->mode) && (ino->mode & (S_ISUID | S_ISGID))) {
		mode_t mode = ino->mode & ~(mode_t)S_ISUID;

		if (mode & S_IXGRP)
			mode &= ~(mode_t)S_ISGID;
		if (mode != ino->mode) {
			a.valid |= ATTR_MODE;
			a.mode = mode & 07777;
		}
	}
	err = inode_setattr(ino, &a);
	if (!err)
		attr_changed(p);
	return err;
}

long sys_fchownat(struct task *t, int dirfd, uaddr_t path, unsigned uid, unsigned gid, int flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = target_path(t, dirfd, path, flags, &p);
	if (err)
		return err;
	err = chown_path(t, &p, uid, gid);
	path_put(&p);
	return err;
}

long sys_chown(struct task *t, uaddr_t path, unsigned uid, unsigned gid)
{
	return sys_fchownat(t, AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(struct task *t, uaddr_t path, unsigned uid, unsigned gid)
{
	return sys_fchownat(t, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(struct task *t, int fd, unsigned uid, unsigned gid)
{
	struct path p;
	int err = target_fd(t, fd, false, &p);

	if (err)
		return err;
	err = chown_path(t, &p, uid, gid);
	path_put(&p);
	return err;
}

int inode_truncate(struct task *t, struct inode *ino, uint64_t size)
{
	struct iattr a = {.valid = ATTR_SIZE, .size = size};
	uint64_t limit = t ? task_rlimit(t, RLIMIT_FSIZE) : RLIM_INFINITY;
	struct kstat st;
	int err = 0;

	if (size > limit && !(inode_getattr(ino, &st) == 0 && st.size >= size)) {
		signal_send_task(t, SIGXFSZ, NULL);
		return -EFBIG;
	}
	if (t && (ino->mode & (S_ISUID | S_ISGID)) && !cred_capable(t->cred, CAP_FSETID_BIT)) {
		a.valid |= ATTR_MODE;
		a.mode = ino->mode & ~(mode_t)S_ISUID & 07777;
		if (ino->mode & S_IXGRP)
			a.mode &= ~(mode_t)S_ISGID;
	}
	err = inode_setattr(ino, &a);
	return err;
}

long sys_truncate(struct task *t, uaddr_t path, int64_t length)
{
	struct path p;
	struct inode *ino;
	int err;

	if (length < 0)
		return -EINVAL;
	err = path_from_user(t, AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	ino = p.dentry->inode;
	if (S_ISDIR(ino->mode))
		err = -EISDIR;
	else if (!S_ISREG(ino->mode))
		err = -EINVAL;
	else
		err = path_permission(&p, t->cred, W_OK);
	if (!err && ino->write_count < 0)
		err = -ETXTBSY;
	if (!err)
		err = lease_break(ino, true, false);
	if (!err)
		err = inode_truncate(t, ino, length);
	if (!err)
		inotify_dentry(p.dentry, IN_MODIFY);
	path_put(&p);
	return err;
}

long sys_ftruncate(struct task *t, int fd, int64_t length)
{
	struct file *f;
	int err;

	if (length < 0)
		return -EINVAL;
	f = fd_get(t, fd);
	if (!f)
		return -EBADF;
	if (!S_ISREG(f->inode->mode) || (f->flags & O_ACCMODE) == O_RDONLY)
		err = -EINVAL;
	else
		err = inode_truncate(t, f->inode, length);
	if (!err)
		inotify_dentry(f->path.dentry, IN_MODIFY);
	file_put(f);
	return err;
}
