/*
 * link.c - calls that make and remove names: mkdir, mknod, symlink, link, unlink, rmdir.
 * rename.c has the rest.
 */
#include "fs/inotify.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/log.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A place where an entry is to be made: its directory and the negative entry. */
struct place {
	struct path dir;
	struct dentry *d;
};

static void place_put(struct place *p)
{
	dentry_put(p->d);
	path_put(&p->dir);
}

/* Find the place for a new entry.  -EEXIST when there is something. isdir: a trailing slash is
 * fine. */
static int place_named(struct task *t, int dirfd, const char *name, bool isdir, struct place *out)
{
	char last[NAME_LIMIT + 1];
	bool trailing;
	int err = path_lookup_parent(t, dirfd, name, &out->dir, last, &trailing);

	if (err)
		return err;
	err = strcmp(last, ".") == 0 || strcmp(last, "..") == 0
		  ? -EEXIST
		  : dentry_lookup(out->dir.dentry, last, strlen(last), &out->d);
	if (err) {
		path_put(&out->dir);
		return err;
	}
	if (out->d->inode)
		err = -EEXIST;
	else if (trailing && !isdir)
		err = -ENOENT;
	else
		err = may_create(&out->dir, t->cred);
	if (err)
		place_put(out);
	return err;
}

/* The same with the name still in the guest. */
static int place_new(struct task *t, int dirfd, uaddr_t uname, bool isdir, struct place *out)
{
	char *name;
	int err = name_from_user(t, uname, false, &name);

	if (err)
		return err;
	err = place_named(t, dirfd, name, isdir, out);
	name_buf_put(name);
	return err;
}

static void place_filled(struct place *p, struct inode *ino)
{
	dentry_instantiate(p->d, ino);
	inotify_entry(p->dir.dentry->inode, IN_CREATE, p->d->name, S_ISDIR(ino->mode), 0);
}

long sys_mkdirat(struct task *t, int dirfd, uaddr_t path, unsigned mode)
{
	struct inode *dir, *ino;
	struct place p;
	int err = place_new(t, dirfd, path, true, &p);

	if (err)
		return err;
	dir = p.dir.dentry->inode;
	mode &= 01777 & ~t->fs->umask;
	err = dir->ops->mkdir ? dir->ops->mkdir(dir, p.d->name, mode | S_IFDIR, t->cred, &ino)
			      : -EPERM;
	if (!err)
		place_filled(&p, ino);
	place_put(&p);
	return err;
}

long sys_mkdir(struct task *t, uaddr_t path, unsigned mode)
{
	return sys_mkdirat(t, AT_FDCWD, path, mode);
}

/* mknod(2)'s dev argument is 32 bits in the layout of new_encode_dev. */
static uint64_t decode_dev(unsigned dev)
{
	return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static int mknod_check(struct task *t, unsigned mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		return cred_capable(t->cred, CAP_MKNOD_BIT) ? 0 : -EPERM;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

int path_mknod(struct task *t, int dirfd, const char *name, mode_t mode, uint64_t rdev,
	       struct inode **out)
{
	struct inode *dir;
	struct place p;
	int err = place_named(t, dirfd, name, false, &p);

	if (err)
		return err;
	dir = p.dir.dentry->inode;
	mode &= ~t->fs->umask | S_IFMT;
	err = dir->ops->mknod ? dir->ops->mknod(dir, p.d->name, mode, rdev, t->cred, out) : -EPERM;
	if (!err) {
		inode_get(*out);
		place_filled(&p, *out);
	}
	place_put(&p);
	return err;
}

long sys_mknodat(struct task *t, int dirfd, uaddr_t path, unsigned mode, unsigned dev)
{
	struct inode *dir, *ino;
	struct place p;
	int err = mknod_check(t, mode);

	if (!err)
		err = place_new(t, dirfd, path, false, &p);
	if (err)
		return err;
	dir = p.dir.dentry->inode;
	mode &= ~t->fs->umask | S_IFMT;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISREG(mode))
		err = dir->ops->create ? dir->ops->create(dir, p.d->name, mode, t->cred, &ino)
				       : -EPERM;
	else
		err = dir->ops->mknod
			  ? dir->ops->mknod(dir, p.d->name, mode, decode_dev(dev), t->cred, &ino)
			  : -EPERM;
	if (!err)
		place_filled(&p, ino);
	place_put(&p);
	return err;
}

long sys_mknod(struct task *t, uaddr_t path, unsigned mode, unsigned dev)
{
	return sys_mknodat(t, AT_FDCWD, path, mode, dev);
}

long sys_symlinkat(struct task *t, uaddr_t target, int newdirfd, uaddr_t linkpath)
{
	struct inode *dir, *ino;
	struct place p;
	char *text;
	int err = name_from_user(t, target, false, &text);

	if (err)
		return err;
	err = place_new(t, newdirfd, linkpath, false, &p);
	if (!err) {
		dir = p.dir.dentry->inode;
		err = dir->ops->symlink ? dir->ops->symlink(dir, p.d->name, text, t->cred, &ino)
					: -EPERM;
		if (!err)
			place_filled(&p, ino);
		place_put(&p);
	}
	name_buf_put(text);
	return err;
}

long sys_symlink(struct task *t, uaddr_t target, uaddr_t linkpath)
{
	return sys_symlinkat(t, target, AT_FDCWD, linkpath);
}

/* fs.protected_hardlinks = 1 (proc_sys_fs(5)): only the owner, or who may read and write it,
 * links a plain file. */
static int may_link(struct task *t, struct inode *ino)
{
	if (inode_owner_or_capable(ino, t->cred))
		return 0;
	if (!S_ISREG(ino->mode) || (ino->mode & S_ISUID) ||
	    (ino->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	    inode_permission(ino, t->cred, 6))
		return -EPERM;
	return 0;
}

static int link_to(struct task *t, struct path *old, struct place *p)
{
	struct inode *ino = old->dentry->inode, *dir = p->dir.dentry->inode;
	struct kstat st;
	int err;

	if (old->mnt != p->dir.mnt)
		return -EXDEV;
	if (S_ISDIR(ino->mode))
		return -EPERM;
	err = may_link(t, ino);
	if (err)
		return err;
	/* A deleted file stays so, but one from O_TMPFILE may get its first name. */
	err = inode_getattr(ino, &st);
	if (!err && st.nlink == 0 && strcmp(old->dentry->name, "#tmpfile") != 0)
		err = -ENOENT;
	if (err)
		return err;
	if (!dir->ops->link)
		return -EPERM;
	return dir->ops->link(dir, p->d->name, ino);
}

long sys_linkat(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath,
		int flags)
{
	unsigned lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	struct place p;
	struct path old;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!cred_capable(t->cred, CAP_DAC_READ_SEARCH_BIT))
			return -ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	err = path_from_user(t, olddirfd, oldpath, lookup, &old);
	if (err)
		return err;
	err = place_new(t, newdirfd, newpath, false, &p);
	if (!err) {
		err = link_to(t, &old, &p);
		if (!err) {
			inotify_inode(old.dentry->inode, IN_ATTRIB);
			place_filled(&p, inode_get(old.dentry->inode));
		}
		place_put(&p);
	}
	path_put(&old);
	return err;
}

long sys_link(struct task *t, uaddr_t oldpath, uaddr_t newpath)
{
	return sys_linkat(t, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

static int remove_entry(struct task *t, struct path *dir, struct dentry *d, bool isdir)
{
	struct inode *parent = dir->dentry->inode, *victim;
	int err = may_delete(dir, d, t->cred, isdir);

	if (err)
		return err;
	victim = inode_get(d->inode);
	if (isdir)
		err = parent->ops->rmdir ? parent->ops->rmdir(parent, d->name, victim) : -EPERM;
	else
		err = parent->ops->unlink ? parent->ops->unlink(parent, d->name, victim) : -EPERM;
	if (!err) {
		dentry_delete(d);
		if (!isdir)
			inotify_inode(victim, IN_ATTRIB);
		inotify_unlinked(d, 1); /* before its directory hears of it, as in Linux */
		inotify_entry(parent, IN_DELETE, d->name, isdir, 0);
	}
	inode_put(victim);
	return err;
}

static long do_unlink(struct task *t, int dirfd, uaddr_t uname, bool isdir)
{
	char *name, last[NAME_LIMIT + 1];
	struct dentry *d;
	struct path dir;
	bool trailing;
	int err = name_from_user(t, uname, false, &name);

	if (err)
		return err;
	err = path_lookup_parent(t, dirfd, name, &dir, last, &trailing);
	if (!err && (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)) {
		bool root = name[strspn(name, "/")] == '\0';

		err = !isdir ? -EISDIR : root ? -EBUSY : last[1] == '.' ? -ENOTEMPTY : -EINVAL;
		path_put(&dir);
	}
	name_buf_put(name);
	if (err)
		return err;
	err = dentry_lookup(dir.dentry, last, strlen(last), &d);
	if (!err) {
		if (trailing && !isdir && d->inode)
			err = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
		else
			err = remove_entry(t, &dir, d, isdir);
		dentry_put(d);
	}
	path_put(&dir);
	return err;
}

long sys_unlink(struct task *t, uaddr_t path)
{
	return do_unlink(t, AT_FDCWD, path, false);
}

long sys_rmdir(struct task *t, uaddr_t path)
{
	return do_unlink(t, AT_FDCWD, path, true);
}

long sys_unlinkat(struct task *t, int dirfd, uaddr_t path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink(t, dirfd, path, flags & AT_REMOVEDIR);
}
