/*
 * readwrite.c - read(2), write(2), their vector and position variants, lseek(2).
 */
#include "fs/foretell.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* preadv2(2) */
#define ABI_RWF_HIPRI  1
#define ABI_RWF_DSYNC  2
#define ABI_RWF_SYNC   4
#define ABI_RWF_NOWAIT 8
#define ABI_RWF_APPEND 16

/* pos NULL: the file's own. */
static ssize_t transfer(struct file *f, struct uio *u, uint64_t *pos, bool write)
{
	if (u->left > RW_LIMIT)
		u->left = RW_LIMIT;
	return write ? file_write(f, u, pos) : file_read(f, u, pos);
}

static long rw_buffer(struct task *t, int fd, uaddr_t buf, size_t count, const int64_t *pos,
		      bool write)
{
	struct file *f = fd_get(t, fd);
	struct uio u;
	uint64_t at;
	ssize_t n;

	if (!f)
		return -EBADF;
	if (pos && *pos < 0) {
		file_put(f);
		return -EINVAL;
	}
	if (count > SSIZE_MAX) {
		file_put(f);
		return -EFAULT; /* no such range in a guest */
	}
	uio_user(&u, t, buf, count);
	at = pos ? *pos : 0;
	f->at_end = false;
	n = transfer(f, &u, pos ? &at : NULL, write);
	if (n > 0 && f->at_end && !pos && !write)
		foretell_end(t, f);
	file_put(f);
	return n;
}

long sys_read(struct task *t, int fd, uaddr_t buf, size_t count)
{
	return rw_buffer(t, fd, buf, count, NULL, false);
}

long sys_write(struct task *t, int fd, uaddr_t buf, size_t count)
{
	return rw_buffer(t, fd, buf, count, NULL, true);
}

long sys_pread64(struct task *t, int fd, uaddr_t buf, size_t count, int64_t pos)
{
	return rw_buffer(t, fd, buf, count, &pos, false);
}

long sys_pwrite64(struct task *t, int fd, uaddr_t buf, size_t count, int64_t pos)
{
	return rw_buffer(t, fd, buf, count, &pos, true);
}

#define FAST_IOV 8

static long rw_vector(struct task *t, int fd, uaddr_t uiov, unsigned long iovcnt,
		      const int64_t *pos, bool write)
{
	struct abi_iovec fast[FAST_IOV], *iov;
	struct file *f = fd_get(t, fd);
	struct uio u;
	uint64_t at;
	ssize_t n;

	if (!f)
		return -EBADF;
	if (pos && *pos < 0) {
		file_put(f);
		return -EINVAL;
	}
	n = iov_from_user(t, uiov, iovcnt, fast, FAST_IOV, &iov);
	if (n < 0) {
		file_put(f);
		return n;
	}
	uio_vector(&u, t, iov, iovcnt);
	at = pos ? *pos : 0;
	n = transfer(f, &u, pos ? &at : NULL, write);
	iov_free(iov, fast);
	file_put(f);
	return n;
}

long sys_readv(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt)
{
	return rw_vector(t, fd, iov, iovcnt, NULL, false);
}

long sys_writev(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt)
{
	return rw_vector(t, fd, iov, iovcnt, NULL, true);
}

/* pos_high is for 32-bit callers: on x86-64 pos holds all of it. */
long sys_preadv(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos,
		long pos_high)
{
	return rw_vector(t, fd, iov, iovcnt, &pos, false);
}

long sys_pwritev(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos,
		 long pos_high)
{
	return rw_vector(t, fd, iov, iovcnt, &pos, true);
}

/* The flags stand for status flags of the file during this one call. */
static long rw_vector_flags(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos,
			    unsigned long flags, bool write)
{
	const int64_t *at = pos == -1 ? NULL : &pos;
	struct file *f;
	int extra = 0, saved;
	long n;

	if (flags & ~(unsigned long)(ABI_RWF_HIPRI | ABI_RWF_DSYNC | ABI_RWF_SYNC | ABI_RWF_NOWAIT |
				     ABI_RWF_APPEND))
		return -EOPNOTSUPP;
	if (flags & ABI_RWF_NOWAIT)
		return -EOPNOTSUPP; /* the host may have to wait for its disk */
	if (!(flags & (ABI_RWF_DSYNC | ABI_RWF_SYNC | ABI_RWF_APPEND)))
		return rw_vector(t, fd, iov, iovcnt, at, write);
	if (flags & ABI_RWF_APPEND)
		extra |= O_APPEND;
	extra |= flags & ABI_RWF_SYNC ? O_SYNC : flags & ABI_RWF_DSYNC ? O_DSYNC : 0;
	f = fd_get(t, fd);
	if (!f)
		return -EBADF;
	if (f->stream) { /* nothing of this concerns a stream, which may sleep */
		file_put(f);
		return rw_vector(t, fd, iov, iovcnt, at, write);
	}
	saved = f->flags;
	f->flags |= extra;
	n = rw_vector(t, fd, iov, iovcnt, at, write);
	f->flags = saved;
	file_put(f);
	return n;
}

long sys_preadv2(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos,
		 long pos_high, unsigned long flags)
{
	return rw_vector_flags(t, fd, iov, iovcnt, pos, flags, false);
}

long sys_pwritev2(struct task *t, int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos,
		  long pos_high, unsigned long flags)
{
	return rw_vector_flags(t, fd, iov, iovcnt, pos, flags, true);
}

long sys_lseek(struct task *t, int fd, int64_t offset, int whence)
{
	struct file *f = fd_get(t, fd);
	int64_t r;

	if (!f)
		return -EBADF;
	vfs_tick++;
	if (!f->ops->llseek)
		r = -ESPIPE;
	else
		r = f->ops->llseek(f, offset, whence);
	file_put(f);
	return r;
}
