/*
 * file.c - open files: counting, and transfer with the checks that every kind of file shares.
 */
#include "fs/file.h"

#include "fs/epoll.h"
#include "fs/fasync.h"
#include "fs/inotify.h"
#include "fs/lease.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

char io_buffer[IO_BUFFER_SIZE] __attribute__((aligned(4096)));

struct file *file_alloc(const struct file_ops *ops, const struct path *path, int flags)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->ops = ops;
	f->flags = flags;
	f->host_fd = -1;
	f->path = *path;
	path_get(&f->path);
	f->inode = inode_get(path->dentry->inode);
	list_init(&f->epoll_links);
	return f;
}

struct file *file_anon(const struct file_ops *ops, const char *label, mode_t mode, int flags,
		       void *priv)
{
	struct super *sb = anon_super();
	struct inode *ino = sb ? inode_create(sb, mode) : NULL;
	struct path path = {.dentry = ino ? dentry_anon(ino, label) : NULL};
	struct file *f = path.dentry ? file_alloc(ops, &path, flags) : NULL;

	path_put(&path);
	inode_put(ino);
	if (f) {
		f->priv = priv;
		f->stream = true;
	}
	return f;
}

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

int file_deny_write(struct file *f)
{
	if (f->denies_write)
		return 0;
	if (f->inode->write_count > 0)
		return -ETXTBSY;
	f->inode->write_count--;
	f->denies_write = true;
	return 0;
}

void file_allow_write(struct file *f)
{
	dnotify_file_gone(f);
	f->inode->write_count += f->denies_write;
	f->denies_write = false;
}

static bool file_readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_RDONLY || (f->flags & O_ACCMODE) == O_RDWR;
}

static bool file_writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_WRONLY || (f->flags & O_ACCMODE) == O_RDWR;
}

void file_put(struct file *f)
{
	if (!f || --f->refs > 0)
		return;
	if (!list_empty(&f->epoll_links))
		epoll_file_gone(f);
	if (f->async)
		fasync_gone(f);
	if (f->inode->locks)
		locks_release_file(f);
	f->inode->write_count += f->denies_write - f->counts_write;
	if (!(f->flags & O_PATH))
		inotify_file(f->path.dentry, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	f->inode->read_count -= f->counts_read;
	if (f->inode->nr_leases > 0)
		lease_file_gone(f);
	if (f->ops->release)
		f->ops->release(f);
	path_put(&f->path);
	inode_put(f->inode);
	free(f);
}

uint64_t task_rlimit(const struct task *t, int which)
{
	return t->proc->rlimit[which].cur;
}

ssize_t file_read(struct file *f, struct uio *to, uint64_t *pos)
{
	ssize_t n;

	if (pos && f->stream)
		return -ESPIPE;
	if ((f->flags & O_PATH) || !file_readable(f))
		return -EBADF;
	if (!f->ops->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (f->stream)
		return f->ops->read(f, to, NULL);
	/* The file's own position, not a copy: that is how an op knows it (stdfile.c). */
	n = f->ops->read(f, to, pos ? pos : &f->pos);
	if (n > 0)
		inotify_file(f->path.dentry, IN_ACCESS);
	return n;
}

/* How much of from may be written at pos of a regular file (setrlimit(2), RLIMIT_FSIZE). */
static int check_size_limit(const struct file *f, struct uio *from, uint64_t pos, size_t *cut)
{
	uint64_t limit = task_rlimit(current, RLIMIT_FSIZE);

	*cut = 0;
	if (limit > INT64_MAX)
		limit = INT64_MAX;
	else if (f->flags & O_APPEND) {
		struct kstat st;
		int err = inode_getattr(f->inode, &st);

		if (err)
			return err;
		pos = st.size;
	}
	if (from->left > 0 && pos >= limit) {
		if (limit != INT64_MAX)
			signal_send_task(current, SIGXFSZ, NULL);
		return -EFBIG;
	}
	if (from->left > limit - pos)
		*cut = from->left - (limit - pos);
	return 0;
}

/* Writing takes away the set-user-ID bit (write(2)). */
static void remove_privileges(struct file *f)
{
	struct inode *ino = f->inode;
	struct iattr a = {.valid = ATTR_MODE, .mode = ino->mode & ~(mode_t)S_ISUID};

	if (!(ino->mode & (S_ISUID | S_ISGID)) || cred_capable(current->cred, CAP_FSETID_BIT))
		return;
	if (ino->mode & S_IXGRP)
		a.mode &= ~(mode_t)S_ISGID;
	if (a.mode != ino->mode && ino->ops->setattr)
		(void)ino->ops->setattr(ino, &a); /* the write itself decides */
}

static ssize_t write_regular(struct file *f, struct uio *from, uint64_t *pos)
{
	size_t cut;
	ssize_t n;
	int err = check_size_limit(f, from, *pos, &cut);

	if (err)
		return err;
	if (from->left > 0)
		remove_privileges(f);
	from->left -= cut;
	n = f->ops->write(f, from, pos);
	from->left += cut;
	return n;
}

ssize_t file_write(struct file *f, struct uio *from, uint64_t *pos)
{
	ssize_t n;

	if (pos && f->stream)
		return -ESPIPE;
	if ((f->flags & O_PATH) || !file_writable(f))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (f->stream)
		return f->ops->write(f, from, NULL);
	if (!pos)
		pos = &f->pos;
	n = S_ISREG(f->inode->mode) ? write_regular(f, from, pos) : f->ops->write(f, from, pos);
	if (n > 0)
		inotify_file(f->path.dentry, IN_MODIFY);
	return n;
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t len, uint64_t pos)
{
	size_t done = 0;

	if (!f->ops->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	while (done < len) {
		struct uio to;
		ssize_t n;

		uio_kernel(&to, (char *)buf + done, len - done);
		n = f->ops->read(f, &to, &pos);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
	/* What has no say is always ready: EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM. */
	return f->ops->poll ? f->ops->poll(f, pt) : 0x145;
}

int64_t file_llseek_noop(struct file *f, int64_t off, int whence)
{
	return f->pos;
}

int64_t file_llseek_generic(struct file *f, int64_t off, int whence)
{
	struct kstat st;
	int64_t base = 0;
	int err;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
	case SEEK_DATA:
	case SEEK_HOLE:
		err = inode_getattr(f->inode, &st);
		if (err)
			return err;
		base = st.size;
		break;
	default:
		return -EINVAL;
	}
	if (whence == SEEK_DATA || whence == SEEK_HOLE) { /* all data, and a hole at the end */
		if (off < 0 || off >= base)
			return -ENXIO;
		off = whence == SEEK_DATA ? off : base;
	} else if (__builtin_add_overflow(base, off, &off)) {
		return -EINVAL;
	}
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static const struct fs_type anon_type = {.name = "anon_inodefs", .magic = 0x09041934};

struct super *anon_super(void)
{
	static struct super *sb;

	if (!sb)
		sb = super_create(&anon_type, NULL);
	return sb;
}
