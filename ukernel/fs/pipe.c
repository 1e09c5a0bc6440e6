/*
 * pipe.c - pipes and fifos (pipe(7), fifo(7)): who waits for whom.
 *
 * The bytes lie in a ring (pipe_ring.c).  A write of up to
 * PIPE_BUF bytes goes in whole or waits; larger ones go in as room appears.  A wake-up is given
 * to one reader or writer, and handed on by it when there is more for others to do.
 *
 * What it must not know: where the other end is (a guest, splice, or the kernel itself).
 */
#include "fs/pipe.h"

#include "fs/pipe_ring.h"
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

uint64_t pipe_size_max = 1u << 20;

static struct super *pipefs;
static const struct fs_type fs_pipe = {.name = "pipefs", .magic = 0x50495045};

void pipe_broken(struct task *t)
{
	struct abi_siginfo info = {.signo = SIGPIPE, .code = SI_USER};

	info.kill.pid = t->proc->pid;
	info.kill.uid = t->cred->uid;
	signal_send_task(t, SIGPIPE, &info);
}

static ssize_t push(struct pipe *p, struct uio *from, bool packet)
{
	size_t room = pipe_room(p), max = from->left < room ? from->left : room;
	ssize_t n = ring_fill(p, from, packet && max > PIPE_BUF ? PIPE_BUF : max, packet);

	if (n > 0)
		waitq_wake_n(&p->rq, 1, EPOLLIN | EPOLLRDNORM);
	return n;
}

ssize_t pipe_push(struct pipe *p, struct uio *from)
{
	return push(p, from, false);
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
	return wait_room(p, t, PAGE_SIZE, nonblock);
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
	bool slept = false, packet = f->flags & O_DIRECT;
	size_t total = from->left;
	ssize_t done = 0, n = 0;

	while (from->left) {
		size_t need = total <= PIPE_BUF ? total : 1;

		if (packet)
			need = from->left < PIPE_BUF ? from->left : PIPE_BUF;

		slept |= pipe_room(p) < need;
		n = wait_room(p, current, need, file_nonblock(f));
		if (n < 0)
			break;
		n = push(p, from, packet);
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
    .setattr = inode_setattr_simple,
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

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL; /* O_NOTIFICATION_PIPE is not there */
	err = pipe_files(flags & (O_NONBLOCK | O_DIRECT), end);
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
	size_t size = PAGE_SIZE;
	int err;

	if (arg > (1UL << 31))
		return -EINVAL;
	while (size < arg)
		size *= 2;
	if (size > pipe_size_max && size > p->size && !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT))
		return -EPERM;
	err = pipe_ring_resize(p, size);
	if (err)
		return err;
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
