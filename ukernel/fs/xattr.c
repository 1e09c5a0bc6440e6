/*
 * xattr.c - extended attributes (xattr(7)).
 */
#include "fs/inotify.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTR_NAME_LIMIT 255
#define XATTR_SIZE_LIMIT 65536

static int name_get(struct task *t, uaddr_t uname, char name[XATTR_NAME_LIMIT + 1])
{
	ssize_t len = string_from_user(t, name, uname, XATTR_NAME_LIMIT + 1);

	if (len == -ENAMETOOLONG || len == 0)
		return -ERANGE;
	return len < 0 ? len : 0;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0 && s[strlen(prefix)];
}

/* Who may touch which name space. */
static int may_access(struct task *t, struct path *p, const char *name, bool write)
{
	struct inode *ino = p->dentry->inode;
	int err = write ? mount_want_write(p->mnt) : 0;

	if (err)
		return err;
	if (has_prefix(name, "trusted.")) {
		if (!cred_capable(t->cred, CAP_SYS_ADMIN_BIT))
			return write ? -EPERM : -ENODATA;
		return 0;
	}
	if (has_prefix(name, "security."))
		return write && !cred_capable(t->cred, CAP_SYS_ADMIN_BIT) ? -EPERM : 0;
	if (strcmp(name, "user.") == 0 || strcmp(name, "trusted.") == 0 ||
	    strcmp(name, "security.") == 0)
		return -EINVAL;
	if (!has_prefix(name, "user."))
		return -EOPNOTSUPP; /* system.*: no access control lists here */
	if (!S_ISREG(ino->mode) && !S_ISDIR(ino->mode))
		return write ? -EPERM : -ENODATA;
	if (S_ISDIR(ino->mode) && (ino->mode & S_ISVTX) && write &&
	    !inode_owner_or_capable(ino, t->cred))
		return -EPERM;
	return path_permission(p, t->cred, write ? W_OK : R_OK);
}

static long get_xattr(struct task *t, struct path *p, uaddr_t uname, uaddr_t value, size_t size)
{
	struct inode *ino = p->dentry->inode;
	char name[XATTR_NAME_LIMIT + 1];
	void *buf = NULL;
	ssize_t n;
	int err = name_get(t, uname, name);

	if (!err)
		err = may_access(t, p, name, false);
	if (err)
		return err;
	if (!ino->ops->getxattr)
		return -EOPNOTSUPP;
	if (size > XATTR_SIZE_LIMIT)
		size = XATTR_SIZE_LIMIT;
	if (size > 0) {
		buf = malloc(size);
		if (!buf)
			return -ENOMEM;
	}
	n = ino->ops->getxattr(ino, name, buf, size);
	if (n > 0 && size > 0 && copy_to_user(t, value, buf, n))
		n = -EFAULT;
	free(buf);
	return n;
}

static long set_xattr(struct task *t, struct path *p, uaddr_t uname, uaddr_t value, size_t size,
		      unsigned long flags)
{
	struct inode *ino = p->dentry->inode;
	char name[XATTR_NAME_LIMIT + 1];
	void *buf;
	int err;

	if (flags & ~(unsigned long)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_get(t, uname, name);
	if (err)
		return err;
	if (size > XATTR_SIZE_LIMIT)
		return -E2BIG;
	buf = malloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	err = copy_from_user(t, buf, value, size);
	if (!err)
		err = may_access(t, p, name, true);
	if (!err)
		err = ino->ops->setxattr ? ino->ops->setxattr(ino, name, buf, size, flags)
					 : -EOPNOTSUPP;
	free(buf);
	if (!err)
		inotify_dentry(p->dentry, IN_ATTRIB);
	return err;
}

/* trusted.* names are not shown to those who cannot read them. */
static size_t hide_trusted(char *list, size_t len)
{
	size_t out = 0;

	for (size_t i = 0, n; i < len; i += n) {
		n = strlen(list + i) + 1;
		if (has_prefix(list + i, "trusted.") || has_prefix(list + i, "system."))
			continue;
		memmove(list + out, list + i, n);
		out += n;
	}
	return out;
}

static long list_xattr(struct task *t, struct path *p, uaddr_t ulist, size_t size)
{
	struct inode *ino = p->dentry->inode;
	char *buf;
	ssize_t n;

	if (!ino->ops->listxattr)
		return 0;
	buf = malloc(XATTR_SIZE_LIMIT);
	if (!buf)
		return -ENOMEM;
	n = ino->ops->listxattr(ino, buf, XATTR_SIZE_LIMIT);
	if (n == -EOPNOTSUPP)
		n = 0;
	if (n > 0 && !cred_capable(t->cred, CAP_SYS_ADMIN_BIT))
		n = hide_trusted(buf, n);
	if (n > 0 && size > 0) {
		if ((size_t)n > size)
			n = -ERANGE;
		else if (copy_to_user(t, ulist, buf, n))
			n = -EFAULT;
	}
	free(buf);
	return n;
}

static long remove_xattr(struct task *t, struct path *p, uaddr_t uname)
{
	struct inode *ino = p->dentry->inode;
	char name[XATTR_NAME_LIMIT + 1];
	int err = name_get(t, uname, name);

	if (!err)
		err = may_access(t, p, name, true);
	if (!err)
		err = ino->ops->removexattr ? ino->ops->removexattr(ino, name) : -EOPNOTSUPP;
	if (!err)
		inotify_dentry(p->dentry, IN_ATTRIB);
	return err;
}

/* Run expr, with p the path that the call names, and give p back. */
#define WITH_PATH(t, upath, lookup, expr)                                                          \
	({                                                                                         \
		struct path p;                                                                     \
		long r_ = path_from_user((t), AT_FDCWD, (upath), (lookup), &p);                    \
		if (!r_) {                                                                         \
			r_ = (expr);                                                               \
			path_put(&p);                                                              \
		}                                                                                  \
		r_;                                                                                \
	})

#define WITH_FD(t, fd, expr)                                                                       \
	({                                                                                         \
		struct file *f_ = fd_get((t), (fd));                                               \
		long r_ = -EBADF;                                                                  \
		if (f_) {                                                                          \
			struct path p = f_->path;                                                  \
			r_ = (expr);                                                               \
			file_put(f_);                                                              \
		}                                                                                  \
		r_;                                                                                \
	})

long sys_setxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, size_t size,
		  unsigned long flags)
{
	return WITH_PATH(t, path, LOOKUP_FOLLOW, set_xattr(t, &p, name, value, size, flags));
}

long sys_lsetxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, size_t size,
		   unsigned long flags)
{
	return WITH_PATH(t, path, 0, set_xattr(t, &p, name, value, size, flags));
}

long sys_fsetxattr(struct task *t, int fd, uaddr_t name, uaddr_t value, size_t size,
		   unsigned long flags)
{
	return WITH_FD(t, fd, set_xattr(t, &p, name, value, size, flags));
}

long sys_getxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	return WITH_PATH(t, path, LOOKUP_FOLLOW, get_xattr(t, &p, name, value, size));
}

long sys_lgetxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	return WITH_PATH(t, path, 0, get_xattr(t, &p, name, value, size));
}

long sys_fgetxattr(struct task *t, int fd, uaddr_t name, uaddr_t value, size_t size)
{
	return WITH_FD(t, fd, get_xattr(t, &p, name, value, size));
}

long sys_listxattr(struct task *t, uaddr_t path, uaddr_t list, size_t size)
{
	return WITH_PATH(t, path, LOOKUP_FOLLOW, list_xattr(t, &p, list, size));
}

long sys_llistxattr(struct task *t, uaddr_t path, uaddr_t list, size_t size)
{
	return WITH_PATH(t, path, 0, list_xattr(t, &p, list, size));
}

long sys_flistxattr(struct task *t, int fd, uaddr_t list, size_t size)
{
	return WITH_FD(t, fd, list_xattr(t, &p, list, size));
}

long sys_removexattr(struct task *t, uaddr_t path, uaddr_t name)
{
	return WITH_PATH(t, path, LOOKUP_FOLLOW, remove_xattr(t, &p, name));
}

long sys_lremovexattr(struct task *t, uaddr_t path, uaddr_t name)
{
	return WITH_PATH(t, path, 0, remove_xattr(t, &p, name));
}

long sys_fremovexattr(struct task *t, int fd, uaddr_t name)
{
	return WITH_FD(t, fd, remove_xattr(t, &p, name));
}
