/*
 * unix.c - AF_UNIX sockets: two ends, each with a queue of what it has received (unix(7)).
 *
 * Only connected pairs exist so far; names (bind, listen, accept) are to come here too.
 */
#include "net/unix.h"

#include "fs/pipe.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BUFFER_DEFAULT 212992 /* as net.core.wmem_default */
#define CHUNK_MAX      32768  /* of a stream in one message */
#define DGRAM_QUEUE    512    /* messages that may wait, however small */

static const struct file_ops usock_ops;
static struct super *sockfs;
static const struct fs_type fs_sock = {.name = "sockfs", .magic = 0x534f434b};

struct usock *usock_of(struct file *f)
{
	return f->ops == &usock_ops ? f->priv : NULL;
}

struct abi_ucred ucred_of(const struct task *t)
{
	return (struct abi_ucred){t->proc->pid, t->cred->euid, t->cred->egid};
}

void scm_release(struct scm *scm)
{
	for (unsigned i = 0; i < scm->nfiles; i++)
		file_put(scm->files[i]);
	free(scm->files);
	scm->files = NULL;
	scm->nfiles = 0;
}

static void message_free(struct message *m)
{
	list_del(&m->link);
	scm_release(&m->scm);
	free(m);
}

static void usock_put(struct usock *s)
{
	if (s && --s->refs == 0)
		free(s);
}

static bool is_stream(const struct usock *s)
{
	return s->type == SOCK_STREAM;
}

static bool connected(const struct usock *s)
{
	return s->peer != NULL;
}

/* --- sending --- */

/* How much more may be sent before somebody reads. */
static size_t send_room(const struct usock *s)
{
	const struct usock *p = s->peer;
	size_t limit = s->sndbuf;

	return p->queued < limit ? limit - p->queued : 0;
}

static bool writable(const struct usock *s)
{
	return !s->peer || s->peer->queued * 4 <= (size_t)s->sndbuf;
}

/* Until len bytes (any, for a stream) may be sent. */
static int send_wait(struct usock *s, size_t len, bool nonblock, uint64_t deadline)
{
	for (;;) {
		struct usock *p = s->peer;
		int err;

		if (s->error) {
			err = s->error;
			s->error = 0;
			return -err;
		}
		if (!p)
			return -ENOTCONN;
		if (s->write_shut)
			return -EPIPE;
		if (p->closed || p->read_shut)
			return s->type == SOCK_DGRAM && p->closed ? -ECONNREFUSED : -EPIPE;
		if (send_room(s) >= (is_stream(s) ? 1 : len) || (!p->queued && !is_stream(s)))
			return 0;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_until(&s->writers, deadline);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
	}
}

static struct message *message_build(struct uio *from, size_t len, struct scm *scm, int *err)
{
	struct message *m = malloc(sizeof(*m) + len);
	ssize_t n;

	if (!m) {
		*err = -ENOBUFS;
		return NULL;
	}
	n = len ? uio_get(from, m->data, len) : 0;
	if (n < 0 || (size_t)n < len) {
		free(m);
		*err = -EFAULT;
		return NULL;
	}
	list_init(&m->link);
	m->len = len;
	m->off = 0;
	m->scm = *scm;
	/* Descriptors travel with the first byte only; credentials with every one. */
	scm->files = NULL;
	scm->nfiles = 0;
	return m;
}

static void message_queue(struct usock *to, struct message *m)
{
	list_add_tail(&m->link, &to->queue);
	to->queued += m->len;
	waitq_wake(&to->readers, EPOLLIN | EPOLLRDNORM);
}

static uint64_t deadline_after(uint64_t ns)
{
	return ns ? time_now_ns() + ns : WAIT_FOREVER;
}

ssize_t usock_send(struct usock *s, struct uio *from, int flags, bool nonblock, struct scm *scm)
{
	uint64_t deadline = deadline_after(s->sndtimeo_ns);
	ssize_t done = 0;

	if (flags & MSG_DONTWAIT)
		nonblock = true;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!is_stream(s) && from->left > (size_t)s->sndbuf)
		return -EMSGSIZE;
	do {
		size_t len = from->left;
		struct message *m;
		int err = send_wait(s, len, nonblock, deadline);

		if (!err && is_stream(s)) {
			len = len < CHUNK_MAX ? len : CHUNK_MAX;
			len = len < send_room(s) ? len : send_room(s);
			if (!len)
				break;
		}
		m = err ? NULL : message_build(from, len, scm, &err);
		if (err)
			return done ? done : err;
		message_queue(s->peer, m);
		done += len;
	} while (is_stream(s) && from->left);
	return done;
}

/* --- receiving --- */

static int recv_wait(struct usock *s, bool nonblock, uint64_t deadline)
{
	while (list_empty(&s->queue)) {
		int err = s->error;

		s->error = 0;
		if (err)
			return -err;
		if (s->read_shut)
			return 1;
		if (!connected(s) && s->type != SOCK_DGRAM)
			return is_stream(s) ? -EINVAL : -ENOTCONN;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_until(&s->readers, deadline);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
	}
	return 0;
}

/* After reading: the peer's writers may go on. */
static void recv_made_room(struct usock *s)
{
	if (s->peer && writable(s->peer))
		waitq_wake(&s->peer->writers, EPOLLOUT | EPOLLWRNORM);
}

/* Copies of the files, for MSG_PEEK; or the files themselves. */
static int scm_take(struct scm *from, struct scm *to, bool copy)
{
	to->cred = from->cred;
	if (!from->nfiles)
		return 0;
	if (!copy) {
		to->files = from->files;
		to->nfiles = from->nfiles;
		from->files = NULL;
		from->nfiles = 0;
		return 0;
	}
	to->files = malloc(from->nfiles * sizeof(*to->files));
	if (!to->files)
		return -ENOMEM;
	for (unsigned i = 0; i < from->nfiles; i++)
		to->files[i] = file_get(from->files[i]);
	to->nfiles = from->nfiles;
	return 0;
}

static ssize_t recv_packet(struct usock *s, struct uio *to, int flags, struct scm *scm,
			   int *out_flags)
{
	struct message *m = list_first(&s->queue, struct message, link);
	size_t want = m->len < to->left ? m->len : to->left;
	ssize_t n = want ? uio_put(to, m->data, want) : 0;

	if (n < 0)
		return n;
	if (want < m->len)
		*out_flags |= MSG_TRUNC;
	if (scm_take(&m->scm, scm, flags & MSG_PEEK))
		return -ENOMEM;
	if (flags & MSG_TRUNC)
		n = m->len;
	if (!(flags & MSG_PEEK)) {
		s->queued -= m->len;
		message_free(m);
		recv_made_room(s);
	}
	return n;
}

static bool same_sender(const struct scm *a, const struct scm *b)
{
	return memcmp(&a->cred, &b->cred, sizeof(a->cred)) == 0;
}

/* What is queued, as far as it may be read in one go: a stretch ends behind a message with
 * descriptors and, when credentials are asked for, where the sender changes (unix(7)). */
static ssize_t recv_stretch(struct usock *s, struct uio *to, int flags, struct scm *scm, bool *begun)
{
	struct message *m, *tmp;
	ssize_t done = 0;

	list_for_each_safe(m, tmp, &s->queue, link) {
		size_t left = m->len - m->off;
		ssize_t n;

		if (!to->left || (*begun && s->passcred && !same_sender(scm, &m->scm)) ||
		    (*begun && m->scm.nfiles))
			break;
		n = left ? uio_put(to, m->data + m->off, left) : 0;
		if (n < 0)
			return done ? done : n;
		*begun = true;
		if (scm_take(&m->scm, scm, flags & MSG_PEEK))
			return -ENOMEM;
		done += n;
		if (!(flags & MSG_PEEK)) {
			m->off += n;
			s->queued -= n;
			if (m->off == m->len)
				message_free(m);
		}
		if (scm->nfiles)
			break;
	}
	if (done && !(flags & MSG_PEEK))
		recv_made_room(s);
	return done;
}

static ssize_t recv_stream(struct usock *s, struct uio *to, int flags, bool nonblock,
			   uint64_t deadline, struct scm *scm)
{
	bool begun = false;
	ssize_t done = 0;

	if (!to->left)
		return 0;
	for (;;) {
		int wait = recv_wait(s, nonblock, deadline);
		ssize_t n;

		if (wait)
			return done ? done : wait < 0 ? wait : 0;
		n = recv_stretch(s, to, flags, scm, &begun);
		if (n <= 0)
			return done ? done : n;
		done += n;
		if (!(flags & MSG_WAITALL) || (flags & MSG_PEEK) || !to->left || scm->nfiles)
			return done;
	}
}

ssize_t usock_recv(struct usock *s, struct uio *to, int flags, bool nonblock, struct scm *scm,
		   int *out_flags)
{
	uint64_t deadline = deadline_after(s->rcvtimeo_ns);
	int wait;

	*scm = (struct scm){0};
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (flags & MSG_DONTWAIT)
		nonblock = true;
	if (is_stream(s))
		return recv_stream(s, to, flags, nonblock, deadline, scm);
	wait = recv_wait(s, nonblock, deadline);
	if (wait)
		return wait < 0 ? wait : 0;
	return recv_packet(s, to, flags, scm, out_flags);
}

/* --- shutdown, close --- */

static void wake_all(struct usock *s, uint32_t events)
{
	waitq_wake(&s->readers, events);
	waitq_wake(&s->writers, events);
}

int usock_shutdown(struct usock *s, int how)
{
	struct usock *p = s->peer;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (!p)
		return -ENOTCONN;
	if (how != SHUT_WR)
		s->read_shut = true;
	if (how != SHUT_RD)
		s->write_shut = true;
	if (s->type != SOCK_DGRAM) { /* a connection: the other end sees the mirror image */
		if (how != SHUT_WR)
			p->write_shut = true;
		if (how != SHUT_RD)
			p->read_shut = true;
	}
	wake_all(s, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	wake_all(p, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	return 0;
}

static void usock_release(struct file *f)
{
	struct usock *s = f->priv, *p = s->peer;
	bool unread = !list_empty(&s->queue);

	s->closed = true;
	s->peer = NULL;
	while (!list_empty(&s->queue))
		message_free(list_first(&s->queue, struct message, link));
	s->queued = 0;
	if (p && !p->closed) {
		if (s->type != SOCK_DGRAM) {
			p->read_shut = p->write_shut = true;
			if (unread)
				p->error = ECONNRESET;
		}
		wake_all(p, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	}
	usock_put(p);
	usock_put(s);
}

/* --- the file --- */

static ssize_t usock_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct scm scm;
	int out_flags = 0;
	ssize_t n = usock_recv(f->priv, to, 0, file_nonblock(f), &scm, &out_flags);

	scm_release(&scm); /* read(2) has no place for descriptors: they are closed */
	return n;
}

static ssize_t usock_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct scm scm = {.cred = ucred_of(current)};
	ssize_t n = usock_send(f->priv, from, 0, file_nonblock(f), &scm);

	if (n == -EPIPE)
		pipe_broken(current);
	return n;
}

static uint32_t usock_poll(struct file *f, struct poll_table *pt)
{
	struct usock *s = f->priv;
	uint32_t ready = 0;

	poll_wait(pt, f, &s->readers);
	poll_wait(pt, f, &s->writers);
	if (!list_empty(&s->queue) || s->read_shut)
		ready |= EPOLLIN | EPOLLRDNORM;
	if (s->read_shut)
		ready |= EPOLLRDHUP;
	if (s->read_shut && s->write_shut)
		ready |= EPOLLHUP;
	if (!connected(s) && s->type != SOCK_DGRAM)
		ready |= EPOLLHUP;
	if (writable(s))
		ready |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	if (s->error)
		ready |= EPOLLERR;
	return ready;
}

static long usock_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct usock *s = f->priv;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		if (is_stream(s))
			n = s->queued;
		else if (!list_empty(&s->queue))
			n = list_first(&s->queue, struct message, link)->len;
		return put_user(t, n, arg);
	case TIOCOUTQ:
		n = s->peer ? s->peer->queued : 0;
		return put_user(t, n, arg);
	}
	return -ENOTTY;
}

static const struct file_ops usock_ops = {
	.name = "socket",
	.read = usock_read,
	.write = usock_write,
	.poll = usock_poll,
	.ioctl = usock_ioctl,
	.release = usock_release,
};

static struct usock *usock_alloc(int type)
{
	struct usock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->type = type;
	s->sndbuf = s->rcvbuf = BUFFER_DEFAULT;
	list_init(&s->queue);
	waitq_init(&s->readers);
	waitq_init(&s->writers);
	return s;
}

/* open("/proc/self/fd/N") of a socket: there is no such thing (socket(7): ENXIO). */
static int usock_inode_open(struct inode *ino, struct file *f)
{
	return -ENXIO;
}

static const struct inode_ops usock_inode_ops = {.open = usock_inode_open};

struct file *usock_create(struct task *t, int type, int flags)
{
	struct path path = {NULL, NULL};
	struct file *f = NULL;
	struct inode *ino;
	struct usock *s;
	char label[40];

	if (!sockfs)
		sockfs = super_create(&fs_sock, NULL);
	ino = sockfs ? inode_create(sockfs, S_IFSOCK | 0777) : NULL;
	if (!ino)
		return NULL;
	ino->ops = &usock_inode_ops;
	ino->uid = t->cred->fsuid;
	ino->gid = t->cred->fsgid;
	snprintf(label, sizeof(label), "socket:[%lu]", (unsigned long)ino->ino);
	path.dentry = dentry_anon(ino, label);
	inode_put(ino);
	s = path.dentry ? usock_alloc(type) : NULL;
	if (s)
		f = file_alloc(&usock_ops, &path, O_RDWR | (flags & O_NONBLOCK));
	dentry_put(path.dentry);
	if (!f) {
		free(s);
		return NULL;
	}
	f->stream = true;
	f->priv = s;
	return f;
}

void usock_connect(struct task *t, struct file *a, struct file *b)
{
	struct usock *sa = a->priv, *sb = b->priv;

	sa->peer = sb;
	sb->peer = sa;
	sa->refs++;
	sb->refs++;
	sa->peer_cred = sb->peer_cred = ucred_of(t);
}
