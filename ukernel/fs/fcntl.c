/*
 * fcntl.c - dup(2) and its variants, and fcntl(2): the part about descriptors and status flags;
 * locks, owners, pipes and seals have files of their own.
 */
#include "fs/fasync.h"
#include "fs/foretell.h"
#include "fs/inotify.h"
#include "fs/lease.h"
#include "fs/lock.h"
#include "fs/memfd.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/log.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Since Linux 6.10 and 6.12. */
#define ABI_F_DUPFD_QUERY   1027
#define ABI_F_CREATED_QUERY 1028

/* What F_SETFL may change (fcntl(2)). */
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

long sys_dup(struct task *t, int fd)
{
	struct file *f = fd_get_path(t, fd);
	int new;

	if (!f)
		return -EBADF;
	new = fd_install(t, f, 0, false);
	if (new < 0)
		file_put(f);
	return new;
}

static long do_dup(struct task *t, int oldfd, int newfd, bool cloexec)
{
	struct file *f = fd_get_path(t, oldfd);
	int fd;

	if (!f)
		return -EBADF;
	fd = fd_replace(t, newfd, f, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_dup2(struct task *t, int oldfd, int newfd)
{
	if (oldfd == newfd)
		return fdtable_file(t->files, oldfd) ? newfd : -EBADF;
	return do_dup(t, oldfd, newfd, false);
}

long sys_dup3(struct task *t, int oldfd, int newfd, int flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	return do_dup(t, oldfd, newfd, flags & O_CLOEXEC);
}

static long dup_from(struct task *t, struct file *f, unsigned long min, bool cloexec)
{
	int fd;

	if (min > INT32_MAX || min >= task_rlimit(t, RLIMIT_NOFILE))
		return -EINVAL;
	fd = fd_install(t, file_get(f), min, cloexec);
	if (fd < 0)
		file_put(f);
	else
		foretell_duplicated(t, fd, f);
	return fd;
}

static long set_flags(struct task *t, struct file *f, int fd, unsigned long arg)
{
	int flags = arg & SETFL_FLAGS, err;

	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) &&
	    !inode_owner_or_capable(f->inode, t->cred))
		return -EPERM;
	/* Of a pipe it makes packets. */
	if ((flags & O_DIRECT) && !S_ISFIFO(f->inode->mode) && !inode_can_direct(f->inode))
		return -EINVAL;
	flags |= f->flags & ~SETFL_FLAGS;
	if (f->ops->set_flags) {
		err = f->ops->set_flags(f, flags);
		if (err)
			return err;
	}
	if ((flags ^ f->flags) & O_ASYNC) {
		err = fasync_set(f, fd, flags & O_ASYNC);
		if (err)
			return err;
	}
	f->flags = flags;
	return 0;
}

static long is_same_file(struct task *t, const struct file *f, unsigned long arg)
{
	const struct file *other = arg > INT32_MAX ? NULL : fdtable_file(t->files, arg);

	return other ? f == other : -EBADF;
}

static bool allowed_on_path(unsigned cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL || cmd == ABI_F_DUPFD_QUERY;
}

static long do_fcntl(struct task *t, struct file *f, int fd, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_from(t, f, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(t, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		return fd_set_cloexec(t, fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return set_flags(t, f, fd, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(t, f, fd, cmd, arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return fcntl_owner(t, f, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_fcntl(f, t, cmd, arg);
	case F_SETLEASE:
		return lease_set(t, f, fd, arg);
	case F_GETLEASE:
		return lease_get(f);
	case ABI_F_CREATED_QUERY:
		return f->created;
	case ABI_F_DUPFD_QUERY:
		return is_same_file(t, f, arg);
	case F_NOTIFY:
		return fcntl_notify(t, f, fd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return memfd_fcntl(f, cmd, arg);
	default:
		log_once(fs, "fcntl: command %u is not supported", cmd);
		return -EINVAL;
	}
}

long sys_fcntl(struct task *t, int fd, unsigned cmd, unsigned long arg)
{
	struct file *f = fd_get_path(t, fd);
	long r;

	if (!f)
		return -EBADF;
	if ((f->flags & O_PATH) && !allowed_on_path(cmd))
		r = -EBADF;
	else
		r = do_fcntl(t, f, fd, cmd, arg);
	file_put(f);
	return r;
}
