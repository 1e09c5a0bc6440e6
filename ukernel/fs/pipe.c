/*
 * pipe.c - pipes and fifos: a ring of bytes between readers and writers (pipe(7), fifo(7)).
 *
 * One ring of contiguous bytes, so that a large transfer is at most two copies.  A write of up to
 * PIPE_BUF bytes goes in whole or waits; larger ones go in as room appears.  A wake-up is given
 * to one reader or writer, and handed on by it when there is more for others to do.
 *
 * What it must not know: where the other end is (a guest, splice, or the kernel itself).
 */
#include "fs/pipe.h"

#include "kern/cred.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define PIPE_SIZE_DEFAULT 65536
#define PIPE_SIZE_MAX	  (1u << 20) /* as /proc/sys/fs/pipe-max-size */

struct pipe {
	int refs; /* open files on it */
	char *ring;
	size_t size, head, used; /* bytes; head: the next to read */
	unsigned readers, writers;
	uint64_t reader_opens, writer_opens; /* ever: for the rendezvous of fifo opens */
	struct waitq rq, wq;		     /* readers and writers, and who polls for them */
	struct waitq opens;		     /* fifo opens that wait for the other side */
};

static struct super *pipefs;
static const struct fs_type fs_pipe = {.name = "pipefs", .magic = 0x50495045};

static struct pipe *pipe_create(void)
{
	struct pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->size = PIPE_SIZE_DEFAULT;
	p->ring = malloc(p->size);
	if (!p->ring) {
		free(p);
		return NULL;
	}
	waitq_init(&p->rq);
	waitq_init(&p->wq);
	waitq_init(&p->opens);
	return p;
}

static void pipe_destroy(struct pipe *p)
{
	free(p->ring);
	free(p);
}

void pipe_broken(struct task *t)
{
	struct abi_siginfo info = {.signo = SIGPIPE, .code = SI_USER};

	info.kill.pid = t->proc->pid;
	info.kill.uid = t->cred->uid;
	signal_send_task(t, SIGPIPE, &info);
}

/* --- the ring --- */

size_t pipe_room(const struct pipe *p)
{
	return p->size - p->used;
}

size_t pipe_peek(struct pipe *p, size_t skip, size_t max, const void **run)
{
	size_t at, n;

	if (skip >= p->used)
		return 0;
	at = (p->head + skip) % p->size;
	n = p->used - skip;
	if (n > p->size - at)
		n = p->size - at;
	*run = p->ring + at;
	return n < max ? n : max;
}

void pipe_consume(struct pipe *p, size_t len)
{
	bool was_full = pipe_room(p) < PIPE_BUF;

	if (len > p->used) /* somebody else read while splice slept */
		len = p->used;
	p->head = (p->head + len) % p->size;
	p->used -= len;
	if (!p->used)
		p->head = 0; /* keep transfers in one piece */
	if (was_full && pipe_room(p) >= PIPE_BUF)
		waitq_wake_n(&p->wq, 1, EPOLLOUT | EPOLLWRNORM);
}

/* Move out what is there.  Bytes, or -EFAULT. */
static ssize_t ring_take(struct pipe *p, struct uio *to)
{
	ssize_t done = 0;

	while (to->left && p->used) {
		const void *run;
		size_t n = pipe_peek(p, 0, to->left, &run);
		ssize_t put = uio_put(to, run, n);

		if (put < 0)
			return done ? done : put;
		pipe_consume(p, put);
		done += put;
		if ((size_t)put < n)
			break;
	}
	return done;
}

/* Move in up to max bytes; max must not exceed the room. */
static ssize_t ring_fill(struct pipe *p, struct uio *from, size_t max)
{
	ssize_t done = 0;

	while (max) {
		size_t at = (p->head + p->used) % p->size;
		size_t n = at < p->head ? p->head - at : p->size - at;
		ssize_t got = uio_get(from, p->ring + at, n < max ? n : max);

		if (got < 0)
			return done ? done : got;
		if (!got)
			break;
		p->used += got;
		done += got;
		max -= got;
	}
	return done;
}

ssize_t pipe_push(struct pipe *p, struct uio *from)
{
	size_t room = pipe_room(p);
	ssize_t n = ring_fill(p, from, from->left < room ? from->left : room);

	if (n > 0)
		waitq_wake_n(&p->rq, 1, EPOLLIN | EPOLLRDNORM);
	return n;
}

/* --- transfers --- */

int pipe_wait_readable(struct pipe *p, bool nonblock)
{
	while (!p->used) {
		int err;

		if (!p->writers)
			return 0;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_exclusive(&p->rq);
		if (err) {
			/* The wake-up that came with the signal belongs to somebody else. */
			if (p->used)
				waitq_wake_n(&p->rq, 1, EPOLLIN | EPOLLRDNORM);
			return err;
		}
	}
	return 1;
}

/* Until there is room for need bytes. */
static int wait_room(struct pipe *p, struct task *t, size_t need, bool nonblock)
{
	for (;;) {
		int err;

		if (!p->readers) {
			pipe_broken(t);
			return -EPIPE;
		}
		if (pipe_room(p) >= need)
			return 1;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_exclusive(&p->wq);
		if (err) {
			if (pipe_room(p) >= PIPE_BUF)
				waitq_wake_n(&p->wq, 1, EPOLLOUT | EPOLLWRNORM);
			return err;
		}
	}
}

int pipe_wait_writable(struct pipe *p, struct task *t, bool nonblock)
{
	return wait_room(p, t, 1, nonblock);
}

static ssize_t pipe_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct pipe *p = f->priv;
	bool slept = !p->used;
	ssize_t n;
	int ready;

	if (!to->left)
		return 0;
	ready = pipe_wait_readable(p, file_nonblock(f));
	if (ready <= 0)
		return ready;
	n = ring_take(p, to);
	if (slept && p->used) /* the one wake-up was ours: hand it on */
		waitq_wake_n(&p->rq, 1, EPOLLIN | EPOLLRDNORM);
	return n;
}

static ssize_t pipe_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct pipe *p = f->priv;
	size_t total = from->left;
	ssize_t done = 0, n = 0;
	bool slept = false;

	while (from->left) {
		size_t need = total <= PIPE_BUF ? total : 1;

		slept |= pipe_room(p) < need;
		n = wait_room(p, current, need, file_nonblock(f));
		if (n < 0)
			break;
		n = pipe_push(p, from);
		if (n <= 0)
			break;
		done += n;
	}
	if (slept && pipe_room(p) >= PIPE_BUF)
		waitq_wake_n(&p->wq, 1, EPOLLOUT | EPOLLWRNORM);
	return done ? done : n;
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->priv;
	int accmode = f->flags & O_ACCMODE;
	uint32_t ready = 0;

	if (accmode != O_WRONLY) {
		poll_wait(pt, f, &p->rq);
		if (p->used)
			ready |= EPOLLIN | EPOLLRDNORM;
		/* A reader of a fifo that has not had a writer yet sees no hang-up. */
		if (!p->writers && f->dir_cookie != p->writer_opens)
			ready |= EPOLLHUP;
	}
	if (accmode != O_RDONLY) {
		poll_wait(pt, f, &p->wq);
		if (pipe_room(p) >= PIPE_BUF)
			ready |= EPOLLOUT | EPOLLWRNORM;
		if (!p->readers)
			ready |= EPOLLERR;
	}
	return ready;
}

static long pipe_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct pipe *p = f->priv;
	int32_t used = p->used;

	return cmd == FIONREAD ? put_user(t, used, arg) : -ENOTTY;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->priv;
	int accmode = f->flags & O_ACCMODE;

	if (accmode != O_WRONLY && --p->readers == 0)
		waitq_wake(&p->wq, EPOLLOUT | EPOLLERR | EPOLLHUP);
	if (accmode != O_RDONLY && --p->writers == 0)
		waitq_wake(&p->rq, EPOLLIN | EPOLLHUP);
	if (--p->refs == 0) {
		f->inode->pipe = NULL;
		pipe_destroy(p);
	}
}

static const struct file_ops pipe_ops = {
	.name = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* --- opening --- */

/* From here on pipe_release() undoes what was counted. */
static void pipe_attach(struct pipe *p, struct file *f)
{
	int accmode = f->flags & O_ACCMODE;

	f->ops = &pipe_ops;
	f->priv = p;
	f->stream = true;
	p->refs++;
	/* For pipe_poll: no hang-up before the first writer. */
	f->dir_cookie = p->writers ? UINT64_MAX : p->writer_opens;
	if (accmode != O_WRONLY) {
		p->readers++;
		p->reader_opens++;
	}
	if (accmode != O_RDONLY) {
		p->writers++;
		p->writer_opens++;
	}
	waitq_wake(&p->opens, 0);
}

/* Sleep until *count moves on from what it is now, or the side is there already. */
static int wait_partner(struct pipe *p, const unsigned *present, const uint64_t *opens)
{
	uint64_t seen = *opens;

	while (!*present && *opens == seen) {
		int err = wait_on(&p->opens);

		if (err)
			return err;
	}
	return 0;
}

int fifo_open(struct inode *ino, struct file *f)
{
	int accmode = f->flags & O_ACCMODE, err = 0;
	bool nonblock = file_nonblock(f);
	struct pipe *p;

	if (!ino->pipe)
		ino->pipe = pipe_create();
	p = ino->pipe;
	if (!p)
		return -ENOMEM;
	if (accmode == O_WRONLY && nonblock && !p->readers && ino->sb != pipefs) {
		if (!p->refs) {
			ino->pipe = NULL;
			pipe_destroy(p);
		}
		return -ENXIO;
	}
	pipe_attach(p, f);
	/* One without a name has no partner to wait for: whoever can open it knows of it. */
	if (ino->sb == pipefs)
		return 0;
	if (accmode == O_RDONLY && !nonblock)
		err = wait_partner(p, &p->writers, &p->writer_opens);
	else if (accmode == O_WRONLY)
		err = wait_partner(p, &p->readers, &p->reader_opens);
	if (!err)
		return 0;
	pipe_release(f);
	f->ops = NULL;
	f->priv = NULL;
	return err;
}

static const struct inode_ops pipe_inode_ops = {
	.open = fifo_open,
};

static struct inode *pipe_inode(void)
{
	struct inode *ino;

	if (!pipefs)
		pipefs = super_create(&fs_pipe, NULL);
	if (!pipefs)
		return NULL;
	ino = inode_create(pipefs, S_IFIFO | 0600);
	if (!ino)
		return NULL;
	ino->ops = &pipe_inode_ops;
	ino->uid = current->cred->fsuid;
	ino->gid = current->cred->fsgid;
	ino->pipe = pipe_create();
	if (!ino->pipe) {
		inode_put(ino);
		return NULL;
	}
	return ino;
}

/* Both ends, with one reference each. */
static int pipe_files(int flags, struct file *end[2])
{
	struct inode *ino = pipe_inode();
	struct path path = {NULL, NULL};
	struct pipe *p;
	char label[32];

	if (!ino)
		return -ENOMEM;
	p = ino->pipe;
	snprintf(label, sizeof(label), "pipe:[%lu]", (unsigned long)ino->ino);
	path.dentry = dentry_anon(ino, label);
	inode_put(ino);
	if (!path.dentry) {
		pipe_destroy(p);
		return -ENOMEM;
	}
	p->refs++; /* ours, until both ends hold it */
	end[0] = file_alloc(&pipe_ops, &path, O_RDONLY | flags);
	if (end[0])
		pipe_attach(p, end[0]);
	end[1] = file_alloc(&pipe_ops, &path, O_WRONLY | flags);
	if (end[1])
		pipe_attach(p, end[1]);
	dentry_put(path.dentry);
	p->refs--;
	if (end[0] && end[1])
		return 0;
	if (!end[0] && !end[1])
		pipe_destroy(p);
	file_put(end[0]);
	file_put(end[1]);
	return -ENOMEM;
}

long sys_pipe2(struct task *t, uaddr_t fds, int flags)
{
	struct file *end[2];
	int32_t fd[2];
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL; /* O_DIRECT (packets) and O_NOTIFICATION_PIPE are not there */
	err = pipe_files(flags & O_NONBLOCK, end);
	if (err)
		return err;
	fd[0] = fd_reserve(t, 0, flags & O_CLOEXEC);
	fd[1] = fd[0] < 0 ? -1 : fd_reserve(t, 0, flags & O_CLOEXEC);
	err = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : copy_to_user(t, fds, fd, sizeof(fd));
	if (!err) {
		fd_fill(t, fd[0], end[0]);
		fd_fill(t, fd[1], end[1]);
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			fd_unreserve(t, fd[i]);
		file_put(end[i]);
	}
	return err;
}

long sys_pipe(struct task *t, uaddr_t fds)
{
	return sys_pipe2(t, fds, 0);
}

/* --- fcntl --- */

struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_ops ? f->priv : NULL;
}

static long pipe_resize(struct pipe *p, struct task *t, unsigned long arg)
{
	size_t size = PAGE_SIZE, n, part = 0;
	const void *run;
	char *ring;

	if (arg > (1UL << 31))
		return -EINVAL;
	while (size < arg)
		size *= 2;
	if (size > PIPE_SIZE_MAX && size > p->size && !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT))
		return -EPERM;
	if (size < p->used)
		return -EBUSY;
	ring = malloc(size);
	if (!ring)
		return -ENOMEM;
	for (; (n = pipe_peek(p, part, SIZE_MAX, &run)) > 0; part += n)
		memcpy(ring + part, run, n);
	free(p->ring);
	p->ring = ring;
	p->head = 0;
	p->size = size;
	if (pipe_room(p) >= PIPE_BUF)
		waitq_wake_n(&p->wq, 1, EPOLLOUT | EPOLLWRNORM);
	return size;
}

long pipe_fcntl(struct file *f, struct task *t, unsigned cmd, unsigned long arg)
{
	struct pipe *p = pipe_of(f);

	if (!p)
		return -EBADF;
	switch (cmd) {
	case F_GETPIPE_SZ:
		return p->size;
	case F_SETPIPE_SZ:
		return pipe_resize(p, t, (unsigned)arg);
	}
	return -EINVAL;
}
