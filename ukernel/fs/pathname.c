/*
 * pathname.c - from a place in the tree back to its name; getcwd(2), chdir(2), fchdir(2),
 * chroot(2), umask(2).
 */
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED_MARK " (deleted)"

/* Text grows towards the front of a buffer. */
struct prepender {
	char *start, *at;
};

static bool prepend(struct prepender *p, const char *text, size_t len)
{
	if ((size_t)(p->at - p->start) < len)
		return false;
	p->at -= len;
	memcpy(p->at, text, len);
	return true;
}

/* Prepend the names from d up to root or to the top of the tree.  0 or -ERANGE; *reached: root was
 * met. */
static int prepend_names(struct prepender *out, const struct mount *mnt, const struct dentry *d,
			 const struct path *root, bool *reached)
{
	*reached = false;
	for (;;) {
		if (mnt == root->mnt && d == root->dentry) {
			*reached = true;
			return 0;
		}
		if (mnt && d == mnt->root) {
			if (!mnt->parent)
				return 0;
			d = mnt->mountpoint;
			mnt = mnt->parent;
			continue;
		}
		if (!prepend(out, d->name, strlen(d->name)) || !prepend(out, "/", 1))
			return -ERANGE;
		if (d->parent == d)
			return 0;
		d = d->parent;
	}
}

static ssize_t name_build(const struct path *p, const struct path *root, char *buf, size_t size,
			  bool mark, bool *reached)
{
	struct prepender out = {.start = buf, .at = buf + size};
	const char *end = buf + size;
	int err;

	if (!prepend(&out, "", 1))
		return -ERANGE;
	if (p->dentry->unlinked) {
		if (!mark)
			return -ENOENT;
		if (!prepend(&out, DELETED_MARK, strlen(DELETED_MARK)))
			return -ERANGE;
	}
	*reached = true;
	if (!p->mnt) { /* a label, not a path */
		err = prepend(&out, p->dentry->name, strlen(p->dentry->name)) ? 0 : -ERANGE;
	} else {
		const char *before = out.at;

		err = prepend_names(&out, p->mnt, p->dentry, root, reached);
		if (!err && out.at == before && !prepend(&out, "/", 1))
			err = -ERANGE;
	}
	if (err)
		return err;
	memmove(buf, out.at, end - out.at);
	return end - out.at - 1;
}

ssize_t path_name(const struct path *p, const struct path *root, char *buf, size_t size, bool mark)
{
	bool reached;

	return name_build(p, root, buf, size, mark, &reached);
}

#define UNREACHABLE "(unreachable)"

long sys_getcwd(struct task *t, uaddr_t buf, size_t size)
{
	const size_t prefix = strlen(UNREACHABLE);
	char *text = name_buf_get();
	bool reached;
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = name_build(&t->fs->cwd, &t->fs->root, text, PATH_LIMIT, false, &reached);
	if (len == -ERANGE)
		len = -ENAMETOOLONG;
	if (len >= 0 && !reached) {
		if (len + prefix + 1 > PATH_LIMIT) {
			len = -ENAMETOOLONG;
		} else {
			memmove(text + prefix, text, len + 1);
			memcpy(text, UNREACHABLE, prefix);
			len += prefix;
		}
	}
	if (len >= 0) {
		len++;
		if ((size_t)len > size)
			len = -ERANGE;
		else if (copy_to_user(t, buf, text, len))
			len = -EFAULT;
	}
	name_buf_put(text);
	return len;
}

static void cwd_set(struct fs_context *fs, struct path *to)
{
	struct path old = fs->cwd;

	fs->cwd = *to;
	path_put(&old);
}

long sys_chdir(struct task *t, uaddr_t path)
{
	struct path p;
	int err = path_from_user(t, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, t->cred, X_OK);
	if (err)
		path_put(&p);
	else
		cwd_set(t->fs, &p);
	return err;
}

long sys_fchdir(struct task *t, int fd)
{
	struct file *f = fd_get_path(t, fd);
	struct path p;
	int err;

	if (!f)
		return -EBADF;
	err = S_ISDIR(f->inode->mode) ? inode_permission(f->inode, t->cred, X_OK) : -ENOTDIR;
	if (!err) {
		p = f->path;
		cwd_set(t->fs, path_get(&p));
	}
	file_put(f);
	return err;
}

long sys_chroot(struct task *t, uaddr_t path)
{
	struct path p, old;
	int err = path_from_user(t, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, t->cred, X_OK);
	if (!err && !cred_capable(t->cred, CAP_SYS_CHROOT_BIT))
		err = -EPERM;
	if (err) {
		path_put(&p);
		return err;
	}
	old = t->fs->root;
	t->fs->root = p;
	path_put(&old);
	return 0;
}

long sys_umask(struct task *t, unsigned mask)
{
	mode_t old = t->fs->umask;

	t->fs->umask = mask & 0777;
	return old;
}
