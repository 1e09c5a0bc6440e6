/*
 * rename.c - rename(2), renameat(2), renameat2(2).
 */
#include "fs/inotify.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/log.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct side {
	struct path dir;  /* counted */
	struct dentry *d; /* counted */
	char last[NAME_LIMIT + 1];
	bool trailing;
};

static void side_put(struct side *s)
{
	dentry_put(s->d);
	path_put(&s->dir);
}

static int side_parent(struct task *t, int dirfd, uaddr_t uname, struct side *s)
{
	char *name;
	int err = name_from_user(t, uname, false, &name);

	s->d = NULL;
	s->dir = (struct path){0};
	if (err)
		return err;
	err = path_lookup_parent(t, dirfd, name, &s->dir, s->last, &s->trailing);
	name_buf_put(name);
	return err;
}

static bool is_dots(const char *s)
{
	return strcmp(s, ".") == 0 || strcmp(s, "..") == 0;
}

static int side_entry(struct side *s)
{
	return dentry_lookup(s->dir.dentry, s->last, strlen(s->last), &s->d);
}

/* Moving a directory to another parent changes its "..". */
static int may_reparent(struct task *t, const struct side *from, const struct side *to)
{
	struct inode *ino = from->d->inode;

	if (!S_ISDIR(ino->mode) || from->dir.dentry == to->dir.dentry)
		return 0;
	return inode_permission(ino, t->cred, W_OK);
}

static int rename_check(struct task *t, struct side *old, struct side *new, unsigned flags)
{
	bool isdir, exchange = flags & RENAME_EXCHANGE;
	int err;

	if (!old->d->inode)
		return -ENOENT;
	if (exchange && !new->d->inode)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && new->d->inode)
		return -EEXIST;
	isdir = S_ISDIR(old->d->inode->mode);
	if (!isdir && (old->trailing || (!exchange && new->trailing)))
		return -ENOTDIR;
	if (exchange && new->trailing && !S_ISDIR(new->d->inode->mode))
		return -ENOTDIR;
	/* Not into itself; and what is replaced may not be above what is moved. */
	if (dentry_is_below(new->dir.dentry, old->d))
		return -EINVAL;
	if (new->d->inode && dentry_is_below(old->dir.dentry, new->d))
		return exchange ? -EINVAL : -ENOTEMPTY;
	err = may_delete(&old->dir, old->d, t->cred, isdir);
	if (!err && !new->d->inode)
		err = may_create(&new->dir, t->cred);
	else if (!err)
		err = may_delete(&new->dir, new->d, t->cred,
				 exchange ? S_ISDIR(new->d->inode->mode) : isdir);
	if (!err)
		err = may_reparent(t, old, new);
	if (!err && exchange)
		err = may_reparent(t, new, old);
	return err;
}

static void exchange_dentries(struct side *old, struct side *new)
{
	struct dentry *parent = dentry_get(old->d->parent);

	dentry_move(old->d, new->d->parent, new->last);
	dentry_move(new->d, parent, old->last);
	dentry_put(parent);
}

static void tell(struct side *old, struct side *new, struct inode *moved, struct inode *victim)
{
	bool isdir = S_ISDIR(moved->mode);
	uint32_t cookie = inotify_cookie();

	inotify_entry(old->dir.dentry->inode, IN_MOVED_FROM, old->last, isdir, cookie);
	inotify_entry(new->dir.dentry->inode, IN_MOVED_TO, new->last, isdir, cookie);
	if (victim) /* what it says when its last user is gone comes from the dentry */
		inotify_inode(victim, IN_ATTRIB | (S_ISDIR(victim->mode) ? IN_ISDIR : 0));
	inotify_inode(moved, IN_MOVE_SELF);
}

static int rename_sides(struct task *t, struct side *old, struct side *new, unsigned flags)
{
	struct inode *olddir = old->dir.dentry->inode, *newdir = new->dir.dentry->inode;
	struct inode *moved, *victim;
	int err = rename_check(t, old, new, flags);

	if (err)
		return err;
	if (old->d->inode == new->d->inode) /* two names of one file: nothing happens */
		return 0;
	if (!olddir->ops->rename)
		return -EPERM;
	moved = inode_get(old->d->inode);
	victim = new->d->inode ? inode_get(new->d->inode) : NULL;
	err = olddir->ops->rename(olddir, old->last, newdir, new->last, flags);
	if (!err && (flags & RENAME_EXCHANGE)) {
		exchange_dentries(old, new);
		tell(old, new, moved, NULL);
		tell(new, old, victim, NULL);
	} else if (!err) {
		if (victim)
			dentry_delete(new->d);
		else
			dentry_drop(new->d);
		dentry_move(old->d, new->dir.dentry, new->last);
		tell(old, new, moved, victim);
	}
	inode_put(victim);
	inode_put(moved);
	return err;
}

long sys_renameat2(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath,
		   unsigned flags)
{
	struct side old, new;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) {
		if (flags == RENAME_WHITEOUT)
			log_once(fs, "renameat2: RENAME_WHITEOUT is not supported");
		return -EINVAL;
	}
	if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = side_parent(t, olddirfd, oldpath, &old);
	if (err)
		return err;
	err = side_parent(t, newdirfd, newpath, &new);
	if (err) {
		path_put(&old.dir);
		return err;
	}
	if (old.dir.mnt != new.dir.mnt)
		err = -EXDEV;
	else if (is_dots(old.last))
		err = -EBUSY;
	else if (is_dots(new.last))
		err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (!err)
		err = side_entry(&old);
	if (!err)
		err = side_entry(&new);
	if (!err)
		err = rename_sides(t, &old, &new, flags);
	side_put(&new);
	side_put(&old);
	return err;
}

long sys_rename(struct task *t, uaddr_t oldpath, uaddr_t newpath)
{
	return sys_renameat2(t, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_renameat(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath)
{
	return sys_renameat2(t, olddirfd, oldpath, newdirfd, newpath, 0);
}
