/*
 * open.c - open(2), openat(2), openat2(2), creat(2), close(2) and what they share.
 */
#include "abi.h"
#include "fs/foretell.h"
#include "fs/hostnode.h"
#include "fs/inotify.h"
#include "fs/lease.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/log.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABI_O_LARGEFILE 0100000	  /* the kernel's value; glibc's is 0 on x86-64 */
#define ABI_O_TMPFILE	020000000 /* without the O_DIRECTORY that must come with it */
#define PATH_FLAGS	(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_ASYNC | O_DIRECT | ABI_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_PATH | ABI_O_TMPFILE)

/* What is not remembered in f->flags. */
#define ONCE_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

int open_flags_check(int *flags, mode_t mode)
{
	int f = *flags & OPEN_FLAGS;

	if (f & O_PATH) {
		*flags = f & PATH_FLAGS;
		return 0;
	}
	if ((f & ABI_O_TMPFILE) && (!(f & O_DIRECTORY) || !(f & O_ACCMODE)))
		return -EINVAL;
	if ((f & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL; /* open(2), since Linux 6.4 */
	*flags = f | ABI_O_LARGEFILE;
	return 0;
}

static int access_mask(int flags)
{
	static const int mask[4] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};
	int m = mask[flags & O_ACCMODE];

	return flags & O_TRUNC ? m | W_OK : m;
}

/* May c open what p leads to like this?  (may_open of Linux) */
static int may_open(const struct path *p, const struct cred *c, int flags)
{
	struct inode *ino = p->dentry->inode;
	int mask = access_mask(flags), err;

	if (S_ISLNK(ino->mode))
		return -ELOOP;
	if (S_ISDIR(ino->mode) && (mask & W_OK))
		return -EISDIR;
	err = path_permission(p, c, mask);
	if (err)
		return err;
	if ((mask & W_OK) && ino->write_count < 0)
		return -ETXTBSY;
	if ((flags & O_NOATIME) && !inode_owner_or_capable(ino, c))
		return -EPERM;
	return 0;
}

static const struct file_ops path_ops = {.name = "path"};

static int file_open(const struct path *p, int flags, struct file **out)
{
	struct inode *ino = p->dentry->inode;
	struct file *f = file_alloc(flags & O_PATH ? &path_ops : ino->fops, p, flags & ~ONCE_FLAGS);
	int err = 0;

	if (!f)
		return -ENOMEM;
	if (!(flags & O_PATH) && (flags & O_DIRECT) && !inode_can_direct(ino))
		err = -EINVAL;
	else if (!(flags & O_PATH) && ino->ops->open)
		err = ino->ops->open(ino, f);
	if (!err && !f->ops)
		err = -ENXIO;
	if (err) {
		f->ops = &path_ops; /* nothing to release */
		file_put(f);
		return err;
	}
	if (!(flags & O_PATH)) {
		f->counts_write = S_ISREG(ino->mode) && (access_mask(flags) & W_OK);
		ino->write_count += f->counts_write;
		f->counts_read = !f->counts_write;
		ino->read_count += f->counts_read;
		inotify_file(p->dentry, IN_OPEN);
	}
	*out = f;
	return 0;
}

int path_open_resolved(struct task *t, struct path *p, int flags, struct file **out)
{
	int err;

	if (!(flags & O_PATH)) {
		err = may_open(p, t->cred, flags);
		if (!err && p->dentry->inode->nr_leases > 0)
			err = lease_break(p->dentry->inode,
					  (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC),
					  flags & O_NONBLOCK);
		if (!err && (flags & O_TRUNC) && S_ISREG(p->dentry->inode->mode))
			err = inode_truncate(t, p->dentry->inode, 0);
		if (err)
			return err;
	}
	return file_open(p, flags, out);
}

int path_open_exec(struct task *t, struct path *p, struct file **out)
{
	int err = path_permission(p, t->cred, X_OK);

	return err ? err : file_open(p, O_RDONLY, out);
}

/* An unnamed file in the directory p (O_TMPFILE). */
static int open_tmpfile(struct task *t, const struct path *p, int flags, mode_t mode,
			struct file **out)
{
	struct inode *dir = p->dentry->inode, *ino;
	struct path np = {.mnt = p->mnt};
	int err = may_create(p, t->cred);

	if (err)
		return err;
	if (!dir->ops->tmpfile)
		return -EOPNOTSUPP;
	err = dir->ops->tmpfile(dir, (mode & 07777 & ~t->fs->umask) | S_IFREG, t->cred, &ino);
	if (err)
		return err;
	np.dentry = dentry_anon(ino, "#tmpfile");
	inode_put(ino);
	if (!np.dentry)
		return -ENOMEM;
	np.dentry->unlinked = true;
	err = file_open(&np, flags & ~(ABI_O_TMPFILE | O_DIRECTORY), out);
	dentry_put(np.dentry);
	return err;
}

/* The entry d in w->cur does not exist: make it. */
static int create_and_open(struct walk *w, struct dentry *d, int flags, mode_t mode,
			   struct file **out)
{
	struct inode *dir = w->cur.dentry->inode, *ino;
	struct path p = {.mnt = w->cur.mnt, .dentry = d};
	struct task *t = w->task;
	int err;

	if (!dir->ops->create && dir->sb->type->uncached)
		return -ENOENT; /* proc knows no empty names */
	err = may_create(&w->cur, t->cred);
	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	err =
	    dir->ops->create(dir, d->name, (mode & 07777 & ~t->fs->umask) | S_IFREG, t->cred, &ino);
	if (err)
		return err;
	dentry_instantiate(d, ino);
	inotify_entry(dir, IN_CREATE, d->name, false, 0);
	/* The mode given limits later opens, not this one. */
	err = file_open(&p, flags & ~O_TRUNC, out);
	if (!err)
		(*out)->created = true;
	return err;
}

/* sysctl fs.protected_*: off, as the kernel has them unless a distribution asks for more. */

/* The last component of an O_CREAT open.  1: a symlink was pushed, walk on. */
static int open_last(struct walk *w, int flags, mode_t mode, struct file **out)
{
	struct dentry *d;
	struct path p;
	int err;

	if (w->last_dots)
		return flags & O_EXCL ? -EEXIST : -EISDIR;
	if (w->trailing)
		return -EISDIR;
	err = dentry_lookup(w->cur.dentry, w->last, strlen(w->last), &d);
	if (err)
		return err;
	if (!d->inode) {
		err = create_and_open(w, d, flags, mode, out);
		dentry_put(d);
		return err;
	}
	if (flags & O_EXCL) {
		dentry_put(d);
		return -EEXIST;
	}
	if (S_ISLNK(d->inode->mode) && !(flags & O_NOFOLLOW)) {
		err = walk_follow(w, d);
		dentry_put(d);
		if (err != WALK_JUMPED)
			return err ? err : 1;
		if (S_ISDIR(w->cur.dentry->inode->mode))
			return -EISDIR;
		return path_open_resolved(w->task, &w->cur, flags, out);
	}
	p = (struct path){.mnt = w->cur.mnt, .dentry = d};
	if (p.mnt)
		p.mnt->refs++;
	err = mount_descend(&p) && (w->flags & LOOKUP_NO_XDEV) ? -EXDEV : 0;
	if (!err && S_ISDIR(p.dentry->inode->mode))
		err = -EISDIR;
	if (!err)
		err = path_open_resolved(w->task, &p, flags, out);
	path_put(&p);
	return err;
}

static int open_create(struct walk *w, int flags, mode_t mode, struct file **out)
{
	int err;

	do {
		err = walk_parent(w);
		if (err)
			return err;
		err = open_last(w, flags, mode, out);
	} while (err == 1);
	return err;
}

static int open_walk_once(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
			  unsigned lookup, struct file **out)
{
	struct walk w;
	int err;

	if (!(flags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	err = walk_init(&w, t, dirfd, name, lookup);
	if (!err && (flags & O_CREAT)) {
		err = open_create(&w, flags, mode, out);
	} else if (!err) {
		err = walk_all(&w);
		if (!err && (flags & ABI_O_TMPFILE))
			err = open_tmpfile(t, &w.cur, flags, mode, out);
		else if (!err)
			err = path_open_resolved(t, &w.cur, flags, out);
	}
	walk_end(&w);
	return err;
}

static int open_walk(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
		     unsigned lookup, struct file **out)
{
	unsigned before = host_misbeliefs;
	int err = open_flags_check(&flags, mode);

	if (!err)
		err = open_walk_once(t, dirfd, name, flags, mode, lookup, out);
	if (err == -ENOENT && host_misbeliefs != before)
		err = open_walk_once(t, dirfd, name, flags, mode, lookup, out);
	return err;
}

int path_open(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
	      struct file **out)
{
	return open_walk(t, dirfd, name, flags, mode, 0, out);
}

static long do_open(struct task *t, int dirfd, uaddr_t uname, int flags, mode_t mode,
		    unsigned lookup)
{
	struct file *f;
	char *name;
	int fd, err = name_from_user(t, uname, false, &name);

	if (err)
		return err;
	/* The number first: a failure must not leave a file created or truncated. */
	fd = fd_reserve(t, 0, flags & O_CLOEXEC);
	if (fd < 0) {
		name_buf_put(name);
		return fd;
	}
	err = open_walk(t, dirfd, name, flags, mode, lookup, &f);
	if (err) {
		fd_unreserve(t, fd);
	} else {
		fd_fill(t, fd, f);
		foretell_opened(t, fd, f, name);
	}
	name_buf_put(name);
	return err ? err : fd;
}

long sys_open(struct task *t, uaddr_t path, int flags, unsigned mode)
{
	return do_open(t, AT_FDCWD, path, flags, mode, 0);
}

long sys_openat(struct task *t, int dirfd, uaddr_t path, int flags, unsigned mode)
{
	return do_open(t, dirfd, path, flags, mode, 0);
}

long sys_creat(struct task *t, uaddr_t path, unsigned mode)
{
	return do_open(t, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

/* A structure that may be longer than we know if the rest is zero: -E2BIG, -EFAULT. */
static int check_zeroed(struct task *t, uaddr_t from, size_t len)
{
	char buf[64];

	while (len > 0) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		if (copy_from_user(t, buf, from, n))
			return -EFAULT;
		for (size_t i = 0; i < n; i++)
			if (buf[i])
				return -E2BIG;
		from += n;
		len -= n;
	}
	return 0;
}

static int open_how_check(const struct abi_open_how *how)
{
	int flags = how->flags;
	bool makes = flags & (O_CREAT | ABI_O_TMPFILE);

	if (how->flags & ~(uint64_t)(unsigned)OPEN_FLAGS)
		return -EINVAL;
	if ((flags & O_PATH) && (flags & ~PATH_FLAGS))
		return -EINVAL;
	if (makes ? how->mode & ~07777ULL : how->mode)
		return -EINVAL;
	if (how->resolve &
	    ~(uint64_t)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	/* Asking the host cannot be excluded: the caller must be ready to try again without. */
	return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

long sys_openat2(struct task *t, int dirfd, uaddr_t path, uaddr_t uhow, size_t size)
{
	struct abi_open_how how;
	unsigned lookup = 0;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (get_user(t, how, uhow))
		return -EFAULT;
	err = check_zeroed(t, uhow + sizeof(how), size - sizeof(how));
	if (!err)
		err = open_how_check(&how);
	if (err)
		return err;
	if (how.resolve & RESOLVE_NO_XDEV)
		lookup |= LOOKUP_NO_XDEV;
	if (how.resolve & RESOLVE_NO_MAGICLINKS)
		lookup |= LOOKUP_NO_MAGIC;
	if (how.resolve & RESOLVE_NO_SYMLINKS)
		lookup |= LOOKUP_NO_SYMLINKS;
	if (how.resolve & RESOLVE_BENEATH)
		lookup |= LOOKUP_BENEATH;
	if (how.resolve & RESOLVE_IN_ROOT)
		lookup |= LOOKUP_IN_ROOT;
	return do_open(t, dirfd, path, how.flags, how.mode, lookup);
}

long sys_close(struct task *t, int fd)
{
	return fd_close(t, fd);
}
