/*
 * hostops.c - changing a host directory that the user has bound for writing.
 *
 * Our own permission check has been made; here the supervisor's rights count.  Everything happens
 * relative to held directory descriptors.  What is made belongs to the guest's user where the host
 * lets us say so, else to the supervisor's.
 *
 * Nothing that a guest leaves behind may give rights to who runs it on the host later: no
 * set-user-ID or set-group-ID programs, no file capabilities, no device nodes.
 */
#include "fs/hostops.h"

#include "fs/host.h"
#include "fs/hostnode.h"
#include "fs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir_fd(const struct inode *dir)
{
	host_node_changed(dir->priv);
	return host_node_fd(dir->priv);
}

/* Owner and mode of what has just been made and is open as fd; closes fd. */
static int make_own(int fd, const struct inode *dir, mode_t mode, const struct cred *c)
{
	gid_t gid = dir->mode & S_ISGID ? dir->gid : c->fsgid;
	int err = 0;

	if (geteuid() == 0)
		(void)host_fchown(fd, c->fsuid, gid); /* a host that maps ids may refuse */
	if (S_ISDIR(mode))
		mode |= dir->mode & S_ISGID;
	else
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (!S_ISLNK(mode))
		err = host_fchmod(fd, mode & 07777);
	host_close(fd);
	return err;
}

/* The same for what has been made under name. */
static int make_own_at(int dirfd, const char *name, const struct inode *dir, mode_t mode,
		       const struct cred *c)
{
	int fd = host_openat(dirfd, name, O_PATH | O_NOFOLLOW, 0);

	return fd < 0 ? fd : make_own(fd, dir, mode, c);
}

int hostdir_create(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		   struct inode **out)
{
	int dirfd = dir_fd(dir), fd, err;

	if (dirfd < 0)
		return dirfd;
	fd = host_openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	err = make_own(fd, dir, mode, c);
	return err ? err : hostdir_lookup(dir, name, out);
}

int hostdir_mkdir(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		  struct inode **out)
{
	int dirfd = dir_fd(dir), err;

	if (dirfd < 0)
		return dirfd;
	err = host_mkdirat(dirfd, name, 0700);
	if (!err)
		err = make_own_at(dirfd, name, dir, mode, c);
	return err ? err : hostdir_lookup(dir, name, out);
}

int hostdir_mknod(struct inode *dir, const char *name, mode_t mode, uint64_t rdev,
		  const struct cred *c, struct inode **out)
{
	int dirfd, err;

	if (!S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EPERM;
	dirfd = dir_fd(dir);
	if (dirfd < 0)
		return dirfd;
	err = host_mknodat(dirfd, name, (mode & S_IFMT) | 0600, 0);
	if (!err)
		err = make_own_at(dirfd, name, dir, mode, c);
	return err ? err : hostdir_lookup(dir, name, out);
}

int hostdir_symlink(struct inode *dir, const char *name, const char *target, const struct cred *c,
		    struct inode **out)
{
	int dirfd = dir_fd(dir), err;

	if (dirfd < 0)
		return dirfd;
	err = host_symlinkat(target, dirfd, name);
	if (!err)
		err = make_own_at(dirfd, name, dir, S_IFLNK | 0777, c);
	return err ? err : hostdir_lookup(dir, name, out);
}

/* Descriptors of two directories at once.  Opening the second may have closed the first. */
static int two_dirs(const struct inode *a, const struct inode *b, int *afd, int *bfd)
{
	struct host_node *na = a->priv, *nb = b->priv;
	int fd = dir_fd(a);

	if (fd >= 0)
		fd = dir_fd(b);
	if (fd >= 0)
		fd = dir_fd(a);
	if (fd < 0)
		return fd;
	*afd = host_node_held_dir(na);
	*bfd = host_node_held_dir(nb);
	return *afd < 0 || *bfd < 0 ? -EMFILE : 0;
}

int hostdir_link(struct inode *dir, const char *name, struct inode *target)
{
	struct host_node *n = target->priv;
	int from, to, err;

	if (!n->parent || !n->parent->owner)
		return -EXDEV;
	err = two_dirs(n->parent->owner, dir, &from, &to);
	if (!err)
		err = host_linkat(from, n->name, to, name);
	host_node_changed(n);
	return err;
}

int hostdir_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	int fd = dir_fd(dir);

	host_node_changed(victim->priv);
	return fd < 0 ? fd : host_unlinkat(fd, name, 0);
}

int hostdir_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	int fd = dir_fd(dir);

	host_node_changed(victim->priv);
	return fd < 0 ? fd : host_unlinkat(fd, name, AT_REMOVEDIR);
}

int hostdir_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
		   const char *newname, unsigned flags)
{
	struct inode *a, *b = NULL;
	int from, to, err = hostdir_lookup(olddir, oldname, &a);

	if (err)
		return err;
	/* What was called newname, if anything: it is renamed, too, or has one link less. */
	err = hostdir_lookup(newdir, newname, &b);
	if (err == -ENOENT && !(flags & RENAME_EXCHANGE))
		err = 0;
	if (!err)
		err = two_dirs(olddir, newdir, &from, &to);
	if (!err)
		err = host_renameat2(from, oldname, to, newname, flags);
	if (!err) {
		host_node_changed(a->priv);
		host_node_moved(a->priv, newdir->priv, newname);
	}
	if (b)
		host_node_changed(b->priv);
	if (!err && (flags & RENAME_EXCHANGE))
		host_node_moved(b->priv, olddir->priv, oldname);
	inode_put(b);
	inode_put(a);
	return err;
}

static int set_size(struct host_node *n, uint64_t size)
{
	int fd = host_node_open(n, true), err;

	if (fd < 0)
		return fd;
	err = host_ftruncate(fd, size);
	host_node_close(n, true);
	return err;
}

static int set_times(int fd, const struct iattr *a)
{
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	if (a->valid & ATTR_ATIME)
		ts[0] = (struct timespec){a->atime.sec, a->atime.nsec};
	if (a->valid & ATTR_MTIME)
		ts[1] = (struct timespec){a->mtime.sec, a->mtime.nsec};
	return host_futimens(fd, ts);
}

int hostdir_setattr(struct inode *ino, const struct iattr *a)
{
	struct host_node *n = ino->priv;
	int fd, err = 0;

	if ((a->valid & ATTR_MODE) && !S_ISDIR(ino->mode) && (a->mode & (S_ISUID | S_ISGID)))
		return -EPERM;
	host_node_changed(n);
	fd = host_node_fd(n);
	if (fd < 0)
		return fd;
	if (a->valid & (ATTR_UID | ATTR_GID))
		err = host_fchown(fd, a->valid & ATTR_UID ? a->uid : (uid_t)-1,
				  a->valid & ATTR_GID ? a->gid : (gid_t)-1);
	if (!err && (a->valid & ATTR_MODE))
		err = host_fchmod(fd, a->mode & 07777);
	if (!err && (a->valid & (ATTR_ATIME | ATTR_MTIME)))
		err = set_times(fd, a);
	if (!err && (a->valid & ATTR_SIZE))
		err = set_size(n, a->size);
	if (!err) {
		struct stat st;

		if (host_node_stat(n, &st) == 0)
			host_stat_to_inode(&st, ino);
		host_node_changed(n);
	}
	return err;
}

ssize_t hostdir_getxattr(struct inode *ino, const char *name, void *buf, size_t size)
{
	int fd = host_node_fd(ino->priv);

	return fd < 0 ? fd : host_fgetxattr(fd, name, buf, size);
}

/* security.* would give rights to programs on the host, trusted.* belongs to its root. */
static bool may_change(const char *name)
{
	return strncmp(name, "user.", 5) == 0;
}

int hostdir_setxattr(struct inode *ino, const char *name, const void *val, size_t size, int flags)
{
	int fd = host_node_fd(ino->priv);

	if (!may_change(name))
		return -EPERM;
	host_node_changed(ino->priv);
	return fd < 0 ? fd : host_fsetxattr(fd, name, val, size, flags);
}

ssize_t hostdir_listxattr(struct inode *ino, char *buf, size_t size)
{
	int fd = host_node_fd(ino->priv);

	return fd < 0 ? fd : host_flistxattr(fd, buf, size);
}

int hostdir_removexattr(struct inode *ino, const char *name)
{
	int fd = host_node_fd(ino->priv);

	if (!may_change(name))
		return -EPERM;
	host_node_changed(ino->priv);
	return fd < 0 ? fd : host_fremovexattr(fd, name);
}
