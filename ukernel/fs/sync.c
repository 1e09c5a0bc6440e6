/*
 * sync.c - calls about when and how data gets to the disk: fsync, sync, fallocate, fadvise,
 * readahead.
 */
#include "fs/host.h"
#include "fs/inotify.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

static long do_fsync(struct task *t, int fd, bool data_only)
{
	struct file *f = fd_get(t, fd);
	int err;

	if (!f)
		return -EBADF;
	err = f->ops->fsync ? f->ops->fsync(f, data_only) : -EINVAL;
	file_put(f);
	return err;
}

long sys_fsync(struct task *t, int fd)
{
	return do_fsync(t, fd, false);
}

long sys_fdatasync(struct task *t, int fd)
{
	return do_fsync(t, fd, true);
}

/* What guests write is in the host's cache or in memory; the host writes it when it wants. */
long sys_sync(struct task *t)
{
	return 0;
}

long sys_syncfs(struct task *t, int fd)
{
	struct file *f = fd_get(t, fd);

	if (!f)
		return -EBADF;
	if (f->host_fd >= 0 && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)))
		(void)host_syncfs(f->host_fd);
	file_put(f);
	return 0;
}

long sys_sync_file_range(struct task *t, int fd, int64_t offset, int64_t nbytes,
			 unsigned long flags)
{
	struct file *f;
	int64_t end;
	int err = 0;

	if (flags & ~7UL)
		return -EINVAL;
	if (offset < 0 || nbytes < 0 || __builtin_add_overflow(offset, nbytes, &end))
		return -EINVAL;
	f = fd_get(t, fd);
	if (!f)
		return -EBADF;
	if (!S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode) && !S_ISDIR(f->inode->mode) &&
	    !S_ISLNK(f->inode->mode))
		err = -ESPIPE;
	else if (flags && f->ops->fsync)
		err = f->ops->fsync(f, true);
	file_put(f);
	return err;
}

#define FALLOC_KNOWN                                                                               \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |                   \
	 FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

static int fallocate_check(struct task *t, struct file *f, unsigned long mode, int64_t offset,
			   int64_t len)
{
	int64_t end;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(unsigned long)FALLOC_KNOWN)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && (mode & FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (S_ISDIR(f->inode->mode))
		return -EISDIR;
	if (!S_ISREG(f->inode->mode))
		return -ENODEV;
	if (__builtin_add_overflow(offset, len, &end))
		return -EFBIG;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && (uint64_t)end > task_rlimit(t, RLIMIT_FSIZE)) {
		signal_send_task(t, SIGXFSZ, NULL);
		return -EFBIG;
	}
	return 0;
}

long sys_fallocate(struct task *t, int fd, unsigned long mode, int64_t offset, int64_t len)
{
	struct file *f = fd_get(t, fd);
	int err;

	if (!f)
		return -EBADF;
	err = fallocate_check(t, f, (unsigned)mode, offset, len);
	if (!err)
		err = f->ops->fallocate ? f->ops->fallocate(f, mode, offset, len) : -EOPNOTSUPP;
	if (!err)
		inotify_file(f->path.dentry, IN_MODIFY);
	file_put(f);
	return err;
}

long sys_fadvise64(struct task *t, int fd, int64_t offset, int64_t len, int advice)
{
	struct file *f = fd_get(t, fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (S_ISFIFO(f->inode->mode) || (f->stream && S_ISSOCK(f->inode->mode)))
		err = -ESPIPE;
	else if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		err = -EINVAL;
	else if (S_ISREG(f->inode->mode) && f->host_fd >= 0)
		(void)host_fadvise(f->host_fd, offset, len, advice); /* advice, no more */
	file_put(f);
	return err;
}

long sys_readahead(struct task *t, int fd, int64_t offset, size_t count)
{
	struct file *f = fd_get(t, fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		err = -EBADF;
	else if (!S_ISREG(f->inode->mode))
		err = -EINVAL;
	else if (f->host_fd >= 0)
		(void)host_fadvise(f->host_fd, offset, count, POSIX_FADV_WILLNEED);
	file_put(f);
	return err;
}
