/*
 * splice.c - sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2): bytes from file to
 * file without a stop in the guest.
 *
 * Pages are not moved, only bytes: through a buffer of the kernel's, or straight out of a pipe's
 * ring.
 */
#include "fs/pipe.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK	     65536
#define COUNT_LIMIT  0x7ffff000UL
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* An offset that the caller gave by reference, or the file's own position. */
struct place {
	uaddr_t user; /* 0: the file's own */
	uint64_t pos;
	uint64_t *use; /* for file_read and file_write */
};

static int place_begin(struct place *p, struct task *t, uaddr_t user)
{
	int64_t pos = 0;

	*p = (struct place){.user = user};
	if (!user)
		return 0;
	if (get_user(t, pos, user))
		return -EFAULT;
	if (pos < 0)
		return -EINVAL;
	p->pos = pos;
	p->use = &p->pos;
	return 0;
}

static long place_end(struct place *p, struct task *t, long ret)
{
	if (p->user && put_user(t, p->pos, p->user))
		return -EFAULT;
	return ret;
}

static bool readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_RDONLY || (f->flags & O_ACCMODE) == O_RDWR;
}

static bool writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_WRONLY || (f->flags & O_ACCMODE) == O_RDWR;
}

/* Files without a kind (eventfd, epoll, ...) have no bytes to move. */
static bool has_bytes(const struct file *f)
{
	return S_ISREG(f->inode->mode) || S_ISFIFO(f->inode->mode) || S_ISSOCK(f->inode->mode) ||
	       S_ISCHR(f->inode->mode) || S_ISBLK(f->inode->mode);
}

/* Give back what was read and could not be written. */
static void unread(struct file *in, struct place *p, size_t len)
{
	if (p->use)
		*p->use -= len;
	else if (!in->stream && in->ops->llseek)
		(void)in->ops->llseek(in, -(int64_t)len, 1 /* SEEK_CUR */);
}

/* One step of in to out through buf.  Bytes, 0 at the end of in, or -errno. */
static ssize_t copy_step(struct file *in, struct place *from, struct file *out, struct place *to,
			 char *buf, size_t len)
{
	struct uio u;
	ssize_t got, put = 0;

	uio_kernel(&u, buf, len);
	got = file_read(in, &u, from->use);
	if (got <= 0)
		return got;
	uio_kernel(&u, buf, got);
	put = file_write(out, &u, to->use);
	if (put < got)
		unread(in, from, got - (put > 0 ? put : 0));
	return put;
}

static long copy_bytes(struct file *in, struct place *from, struct file *out, struct place *to,
		       size_t count)
{
	char *buf = malloc(count < CHUNK ? count + 1 : CHUNK);
	size_t done = 0;
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	while (done < count) {
		size_t want = count - done < CHUNK ? count - done : CHUNK;

		n = copy_step(in, from, out, to, buf, want);
		if (n > 0)
			done += n;
		/* Short: the end, a full pipe, or a signal: say how far we came. */
		if (n < (ssize_t)want || signal_pending(current))
			break;
	}
	free(buf);
	return done ? (long)done : n;
}

/* --- sendfile --- */

static long sendfile_files(struct task *t, struct file *out, struct file *in, uaddr_t offset,
			   size_t count)
{
	struct place from, to = {0};
	int err;

	if (!readable(in) || !writable(out))
		return -EBADF;
	if (!has_bytes(in) || !has_bytes(out) || !in->ops->read || !out->ops->write)
		return -EINVAL;
	if (in->stream) /* only what could be mapped */
		return offset ? -ESPIPE : -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	err = place_begin(&from, t, offset);
	if (err)
		return err;
	if (count > COUNT_LIMIT)
		count = COUNT_LIMIT;
	return place_end(&from, t, copy_bytes(in, &from, out, &to, count));
}

long sys_sendfile(struct task *t, int out, int in, uaddr_t offset, size_t count)
{
	struct file *fin = fd_get(t, in), *fout = fd_get(t, out);
	long ret = fin && fout ? sendfile_files(t, fout, fin, offset, count) : -EBADF;

	file_put(fin);
	file_put(fout);
	return ret;
}

/* --- copy_file_range --- */

static long copy_range(struct task *t, struct file *in, uaddr_t off_in, struct file *out,
		       uaddr_t off_out, size_t len)
{
	struct place from, to;
	uint64_t start, target;
	int err;

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!readable(in) || !writable(out) || (out->flags & O_APPEND))
		return -EBADF;
	err = place_begin(&from, t, off_in);
	if (!err)
		err = place_begin(&to, t, off_out);
	if (err)
		return err;
	start = from.use ? from.pos : in->pos;
	target = to.use ? to.pos : out->pos;
	if (len > COUNT_LIMIT)
		len = COUNT_LIMIT;
	if (start + len > INT64_MAX || target + len > INT64_MAX)
		return -EOVERFLOW;
	if (in->inode == out->inode && start < target + len && target < start + len && len)
		return -EINVAL;
	err = place_end(&from, t, copy_bytes(in, &from, out, &to, len));
	return place_end(&to, t, err);
}

long sys_copy_file_range(struct task *t, int in, uaddr_t off_in, int out, uaddr_t off_out,
			 size_t len, unsigned long flags)
{
	struct file *fin, *fout;
	long ret = -EBADF;

	if ((unsigned)flags)
		return -EINVAL;
	fin = fd_get(t, in);
	fout = fd_get(t, out);
	if (fin && fout)
		ret = copy_range(t, fin, off_in, fout, off_out, len);
	file_put(fin);
	file_put(fout);
	return ret;
}

/* --- splice --- */

/* Out of a pipe into anything.  The bytes are copied out first: while the write sleeps, another
 * reader may empty the pipe. */
static long splice_from_pipe(struct task *t, struct pipe *p, struct file *out, struct place *to,
			     size_t len, bool nonblock)
{
	int ready = pipe_wait_readable(p, nonblock);
	const void *run;
	struct uio u;
	ssize_t put;
	char *buf;
	size_t n;

	if (ready <= 0)
		return ready;
	n = pipe_peek(p, 0, len < CHUNK ? len : CHUNK, &run);
	buf = malloc(n);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, run, n);
	uio_kernel(&u, buf, n);
	put = file_write(out, &u, to->use);
	if (put > 0)
		pipe_consume(p, put);
	free(buf);
	return put;
}

/* No more than fits is read, so that nothing has to be given back. */
static long splice_to_pipe(struct task *t, struct file *in, struct place *from, struct file *out,
			   struct pipe *p, size_t len, bool nonblock)
{
	int ready = pipe_wait_writable(p, t, nonblock);
	size_t room = pipe_room(p);
	struct place to = {0};

	if (ready < 0)
		return ready;
	room &= ~(PAGE_SIZE - 1UL);
	return copy_bytes(in, from, out, &to, len < room ? len : room);
}

/* From pipe to pipe; keep: leave it in the first (tee). */
static long pipe_to_pipe(struct task *t, struct pipe *in, struct file *out, struct pipe *p,
			 size_t len, bool nonblock, bool keep)
{
	int ready = pipe_wait_readable(in, nonblock);
	size_t done = 0, n;
	const void *run;

	if (ready > 0)
		ready = pipe_wait_writable(p, t, nonblock);
	if (ready <= 0)
		return ready;
	/* Neither step sleeps from here on: there is room, and what is there stays. */
	while (done < len && pipe_room(p) &&
	       (n = pipe_peek(in, keep ? done : 0, len - done, &run)) > 0) {
		struct uio u;
		ssize_t put;

		if (n > pipe_room(p))
			n = pipe_room(p);
		uio_kernel(&u, (void *)(uintptr_t)run, n);
		put = pipe_push(p, &u);
		if (put <= 0)
			break;
		if (!keep)
			pipe_consume(in, put);
		done += put;
	}
	return done;
}

static long splice_files(struct task *t, struct file *in, uaddr_t off_in, struct file *out,
			 uaddr_t off_out, size_t len, bool nonblock)
{
	struct pipe *pin = pipe_of(in), *pout = pipe_of(out);
	struct place from, to;
	long ret;

	if (!readable(in) || !writable(out))
		return -EBADF;
	if (!pin && !pout)
		return -EINVAL;
	if ((pin && off_in) || (pout && off_out))
		return -ESPIPE;
	if (pin && pout && pin == pout)
		return -EINVAL;
	if ((off_in && in->stream) || (off_out && out->stream))
		return -EINVAL;
	if (!pin && (!in->ops->read || !has_bytes(in)))
		return -EINVAL;
	if (!pout && (!out->ops->write || !has_bytes(out) || (out->flags & O_APPEND)))
		return -EINVAL;
	ret = place_begin(&from, t, off_in);
	if (!ret)
		ret = place_begin(&to, t, off_out);
	if (ret)
		return ret;
	if (pin && pout)
		return pipe_to_pipe(t, pin, out, pout, len,
				    nonblock || file_nonblock(in) || file_nonblock(out), false);
	if (pin) {
		ret = splice_from_pipe(t, pin, out, &to, len, nonblock || file_nonblock(in));
		return place_end(&to, t, ret);
	}
	ret = splice_to_pipe(t, in, &from, out, pout, len, nonblock || file_nonblock(out));
	return place_end(&from, t, ret);
}

long sys_splice(struct task *t, int in, uaddr_t off_in, int out, uaddr_t off_out, size_t len,
		unsigned long flags)
{
	struct file *fin, *fout;
	long ret = -EBADF;

	if (!len)
		return 0;
	if ((unsigned)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	fin = fd_get(t, in);
	fout = fd_get(t, out);
	if (fin && fout)
		ret =
		    splice_files(t, fin, off_in, fout, off_out,
				 len < COUNT_LIMIT ? len : COUNT_LIMIT, flags & SPLICE_F_NONBLOCK);
	file_put(fin);
	file_put(fout);
	return ret;
}

long sys_tee(struct task *t, int in, int out, size_t len, unsigned long flags)
{
	struct pipe *pin, *pout;
	struct file *fin, *fout;
	long ret = -EBADF;

	if ((unsigned)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	fin = fd_get(t, in);
	fout = fd_get(t, out);
	if (fin && fout && readable(fin) && writable(fout)) {
		pin = pipe_of(fin);
		pout = pipe_of(fout);
		ret = pin && pout && pin != pout
			  ? pipe_to_pipe(t, pin, fout, pout, len, flags & SPLICE_F_NONBLOCK, true)
			  : -EINVAL;
	}
	file_put(fin);
	file_put(fout);
	return ret;
}

/* What fits: unlike a write, vmsplice waits for the first byte's room only. */
static long vmsplice_in(struct task *t, struct file *f, struct uio *u, bool nonblock)
{
	struct pipe *p = pipe_of(f);
	int ready = u->left ? pipe_wait_writable(p, t, nonblock || file_nonblock(f)) : 0;

	return ready > 0 ? pipe_push(p, u) : ready;
}

/* Memory into a pipe, or out of it: a copy either way, which the caller cannot tell. */
long sys_vmsplice(struct task *t, int fd, uaddr_t uiov, unsigned long nr, unsigned long flags)
{
	struct abi_iovec fast[8], *iov;
	struct file *f;
	struct uio u;
	long ret;

	if ((unsigned)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_get(t, fd);
	if (!f)
		return -EBADF;
	ret = pipe_of(f) ? iov_from_user(t, uiov, nr, fast, 8, &iov) : -EBADF;
	if (!ret) {
		uio_vector(&u, t, iov, nr);
		ret = writable(f) ? vmsplice_in(t, f, &u, flags & SPLICE_F_NONBLOCK)
				  : file_read(f, &u, NULL);
		iov_free(iov, fast);
	}
	file_put(f);
	return ret;
}
