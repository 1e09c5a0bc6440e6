/*
 * ioctl.c - ioctl(2): the requests that every descriptor knows; the rest is the file's.
 */
#include "fs/fasync.h"
#include "fs/file.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static long set_async(struct task *t, struct file *f, int fd, uaddr_t arg)
{
	int32_t on;
	int err;

	if (get_user(t, on, arg))
		return -EFAULT;
	/* Only what can tell of itself by a signal. */
	if (!S_ISFIFO(f->inode->mode) && !S_ISSOCK(f->inode->mode) && !S_ISCHR(f->inode->mode))
		return on ? -ENOTTY : 0;
	err = fasync_set(f, fd, on);
	if (!err)
		f->flags = on ? f->flags | O_ASYNC : f->flags & ~O_ASYNC;
	return err;
}

static long set_nonblock(struct task *t, struct file *f, uaddr_t arg)
{
	int32_t on;

	if (get_user(t, on, arg) < 0)
		return -EFAULT;
	int flags = on ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK;
	int err = f->ops->set_flags ? f->ops->set_flags(f, flags) : 0;
	if (err == 0)
		f->flags = flags;
	return err;
}

/* What is left to read of a regular file; it may be negative. */
static long bytes_left(struct task *t, struct file *f, uaddr_t arg)
{
	struct kstat st;
	int err = inode_getattr(f->inode, &st);

	if (err < 0)
		return err;
	int32_t left = (int32_t)(st.size - f->pos);
	return put_user(t, left, arg);
}

static long file_size(struct task *t, struct file *f, uaddr_t arg)
{
	struct kstat st;

	if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) && !S_ISLNK(f->inode->mode))
		return -ENOTTY;
	int err = inode_getattr(f->inode, &st);
	if (err < 0)
		return err;
	int64_t size = (int64_t)st.size;
	return put_user(t, size, arg);
}

long sys_ioctl(struct task *t, int fd, unsigned cmd, uaddr_t arg)
{
	struct file *f = fd_get(t, fd);
	long ret;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		ret = fd_set_cloexec(t, fd, cmd == FIOCLEX);
		break;
	case FIONBIO:
		ret = set_nonblock(t, f, arg);
		break;
	case FIOASYNC:
		ret = set_async(t, f, fd, arg);
		break;
	case FIOQSIZE:
		ret = file_size(t, f, arg);
		break;
	case FIONREAD:
		if (S_ISREG(f->inode->mode)) {
			ret = bytes_left(t, f, arg);
			break;
		}
		/* fall through */
	default:
		ret = f->ops->ioctl ? f->ops->ioctl(f, t, cmd, arg) : -ENOTTY;
	}
	file_put(f);
	return ret;
}
