/*
 * unix.c - AF_UNIX sockets: two ends, each with a queue of what it has received (unix(7)).
 *
 * Only connected pairs exist so far; names (bind, listen, accept) are to come here too.
 */
#include "net/sock.h"

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
#define DATAGRAM_MAX   65507  /* UDP over IPv4 */

static const struct file_ops sock_ops;
static struct super *sockfs;
static const struct fs_type fs_sock = {.name = "sockfs", .magic = 0x534f434b};

struct sock *sock_of(struct file *f)
{
	return f->ops == &sock_ops ? f->priv : NULL;
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

struct sock *sock_get(struct sock *s)
{
	s->refs++;
	return s;
}

void sock_put(struct sock *s)
{
	if (!s || --s->refs)
		return;
	free(s->options);
	free(s);
}

static bool is_stream(const struct sock *s)
{
	return s->type == SOCK_STREAM;
}

static bool connected(const struct sock *s)
{
	return s->peer != NULL;
}

/* --- sending --- */

/* How much more may be sent before somebody reads. */
static size_t send_room(const struct sock *s)
{
	const struct sock *p = s->peer;
	size_t limit = s->sndbuf;

	return p->queued < limit ? limit - p->queued : 0;
}

static bool writable(const struct sock *s)
{
	return !s->peer || s->peer->queued * 4 <= (size_t)s->sndbuf;
}

/* The peer has closed.  TCP learns that only by the answer to the first bytes sent (a reset, which
 * then is EPIPE); the others know at once. */
static int send_to_closed(struct sock *s)
{
	if (s->type == SOCK_DGRAM)
		return -ECONNREFUSED;
	if (!sock_is_inet(s) || s->was_reset)
		return -EPIPE;
	s->was_reset = true;
	return 1;
}

/* Until len bytes (any, for a stream) may be sent.  1: swallow them. */
static int send_wait(struct sock *s, size_t len, bool nonblock, uint64_t deadline)
{
	for (;;) {
		struct sock *p = s->peer;
		int err;

		if (s->error) {
			err = s->error;
			s->error = 0;
			return -err;
		}
		if (s->write_shut)
			return -EPIPE;
		if (!p)
			return is_stream(s) && sock_is_inet(s) ? -EPIPE : -ENOTCONN;
		if (p->closed)
			return send_to_closed(s);
		if (p->read_shut && !sock_is_inet(s))
			return -EPIPE;
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

static void message_queue(struct sock *to, struct message *m)
{
	list_add_tail(&m->link, &to->queue);
	to->queued += m->len;
	to->nqueued++;
	waitq_wake(&to->readers, EPOLLIN | EPOLLRDNORM);
}

static uint64_t deadline_after(uint64_t ns)
{
	return ns ? time_now_ns() + ns : WAIT_FOREVER;
}

static ssize_t send_stream(struct sock *s, struct uio *from, bool nonblock, uint64_t deadline,
			   struct scm *scm)
{
	ssize_t done = 0;

	do {
		size_t len = from->left;
		struct message *m;
		int err = send_wait(s, len, nonblock, deadline);

		if (err > 0) {
			uio_advance(from, len);
			return done + len;
		}
		if (!err) {
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
	} while (from->left);
	return done;
}

/* A connected datagram socket hears only its peer (connect(2)). */
static bool hears(const struct sock *to, const struct sock *from)
{
	if (to->type != SOCK_DGRAM || !to->remote.len)
		return true;
	if (!sock_is_inet(to))
		return to->peer == from;
	return sockname_equal(&to->remote, &from->local);
}

/* One packet to a socket of our own choice. */
static ssize_t send_packet_to(struct sock *s, struct sock *to, struct uio *from, bool nonblock,
			      uint64_t deadline, struct scm *scm)
{
	size_t len = from->left;
	struct message *m;
	int err = 0;

	if (!hears(to, s))
		return sock_is_inet(s) ? (ssize_t)len : -EPERM;
	while (to->nqueued && (to->queued + len > (size_t)to->rcvbuf || to->nqueued >= DGRAM_QUEUE)) {
		if (sock_is_inet(s))
			return len; /* UDP: lost */
		if (nonblock)
			return -EAGAIN;
		sock_get(to);
		err = wait_on_until(&to->senders, deadline);
		bool gone = to->closed;
		sock_put(to);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
		if (gone)
			return -ECONNREFUSED;
	}
	m = message_build(from, len, scm, &err);
	if (!m)
		return err;
	m->from = s->local;
	message_queue(to, m);
	return len;
}

static ssize_t send_datagram(struct sock *s, struct uio *from, bool nonblock, uint64_t deadline,
			     struct scm *scm, const struct sockname *dest)
{
	struct sock *to = s->peer;
	int err = s->error;

	s->error = 0;
	if (err)
		return -err;
	if (s->write_shut)
		return -EPIPE;
	if (!dest && s->remote.len && sock_is_inet(s))
		dest = &s->remote;
	if (dest) {
		err = s->family->autobind(s);
		if (!err)
			err = s->family->find(current, s, dest, &to);
		if (err == -ECONNREFUSED && sock_is_inet(s)) {
			/* The answer to a datagram comes later, if anybody listens for it. */
			if (dest == &s->remote)
				s->error = ECONNREFUSED;
			return from->left;
		}
		if (err)
			return err;
	}
	if (!to)
		return sock_is_inet(s) ? -EDESTADDRREQ : -ENOTCONN;
	if (to->closed)
		return -ECONNREFUSED;
	if (to->read_shut)
		return -EPIPE;
	return send_packet_to(s, to, from, nonblock, deadline, scm);
}

ssize_t sock_send(struct sock *s, struct uio *from, int flags, bool nonblock, struct scm *scm,
		  const struct sockname *dest)
{
	uint64_t deadline = deadline_after(s->sndtimeo_ns);
	int err;

	if (flags & MSG_DONTWAIT)
		nonblock = true;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type == SOCK_DGRAM && sock_is_inet(s) && from->left > DATAGRAM_MAX)
		return -EMSGSIZE;
	if (!is_stream(s) && from->left > (size_t)s->sndbuf)
		return -EMSGSIZE;
	if (s->type == SOCK_DGRAM)
		return send_datagram(s, from, nonblock, deadline, scm, dest);
	if (is_stream(s))
		return send_stream(s, from, nonblock, deadline, scm);
	err = send_wait(s, from->left, nonblock, deadline);
	return err ? err : send_packet_to(s, s->peer, from, nonblock, deadline, scm);
}

/* --- receiving --- */

static int recv_wait(struct sock *s, bool nonblock, uint64_t deadline)
{
	while (list_empty(&s->queue)) {
		int err = s->error;

		s->error = 0;
		if (err)
			return -err;
		if (s->read_shut)
			return 1;
		if (!connected(s) && s->type != SOCK_DGRAM)
			return is_stream(s) && !sock_is_inet(s) ? -EINVAL : -ENOTCONN;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_until(&s->readers, deadline);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
	}
	return 0;
}

/* After reading: the peer's writers may go on. */
static void recv_made_room(struct sock *s)
{
	waitq_wake(&s->senders, EPOLLOUT);
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

static ssize_t recv_packet(struct sock *s, struct uio *to, int flags, struct scm *scm,
			   int *out_flags, struct sockname *from_name)
{
	struct message *m = list_first(&s->queue, struct message, link);
	size_t want = m->len < to->left ? m->len : to->left;
	ssize_t n = want ? uio_put(to, m->data, want) : 0;

	if (n < 0)
		return n;
	if (want < m->len)
		*out_flags |= MSG_TRUNC;
	if (from_name)
		*from_name = m->from;
	if (scm_take(&m->scm, scm, flags & MSG_PEEK))
		return -ENOMEM;
	if (flags & MSG_TRUNC)
		n = m->len;
	if (!(flags & MSG_PEEK)) {
		s->queued -= m->len;
		s->nqueued--;
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
static ssize_t recv_stretch(struct sock *s, struct uio *to, int flags, struct scm *scm, bool *begun)
{
	struct message *m, *tmp;
	ssize_t done = 0;

	list_for_each_safe(m, tmp, &s->queue, link) {
		size_t left = m->len - m->off;
		ssize_t n;

		if (!to->left || (*begun && s->passcred && !same_sender(scm, &m->scm)))
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
			if (m->off == m->len) {
				s->nqueued--;
				message_free(m);
			}
		}
		if (scm->nfiles)
			break;
	}
	if (done && !(flags & MSG_PEEK))
		recv_made_room(s);
	return done;
}

static ssize_t recv_stream(struct sock *s, struct uio *to, int flags, bool nonblock,
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

ssize_t sock_recv(struct sock *s, struct uio *to, int flags, bool nonblock, struct scm *scm,
		  int *out_flags, struct sockname *from_name)
{
	uint64_t deadline = deadline_after(s->rcvtimeo_ns);
	int wait;

	*scm = (struct scm){0};
	if (from_name)
		from_name->len = 0;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (flags & MSG_DONTWAIT)
		nonblock = true;
	if (is_stream(s))
		return recv_stream(s, to, flags, nonblock, deadline, scm);
	wait = recv_wait(s, nonblock, deadline);
	if (wait)
		return wait < 0 ? wait : 0;
	return recv_packet(s, to, flags, scm, out_flags, from_name);
}

/* --- shutdown, close --- */

void sock_wake(struct sock *s, uint32_t events)
{
	waitq_wake(&s->readers, events);
	waitq_wake(&s->writers, events);
	waitq_wake(&s->senders, events);
}

int sock_shutdown(struct sock *s, int how)
{
	struct sock *p = s->peer;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (sock_is_inet(s) && !p && !(s->type == SOCK_DGRAM && s->remote.len) && !s->listening)
		return -ENOTCONN; /* AF_UNIX does not ask */
	if (how != SHUT_WR)
		s->read_shut = true;
	if (how != SHUT_RD)
		s->write_shut = true;
	if (p && s->type != SOCK_DGRAM) { /* the other end sees the mirror image */
		if (how != SHUT_WR && !sock_is_inet(s)) /* TCP does not tell it */
			p->write_shut = true;
		if (how != SHUT_RD)
			p->read_shut = true;
	}
	sock_wake(s, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	if (p)
		sock_wake(p, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	return 0;
}

/* The connection of s is over; reset: not in good order (unread bytes, SO_LINGER 0). */
static void disconnect(struct sock *s, bool reset)
{
	struct sock *p = s->peer;

	s->peer = NULL;
	if (!p)
		return;
	if (!p->closed && p->peer == s) {
		if (s->type != SOCK_DGRAM) {
			p->read_shut = true;
			if (!sock_is_inet(s) || reset)
				p->write_shut = true;
			if (reset)
				p->error = ECONNRESET;
		}
		sock_wake(p, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	}
	sock_put(p);
}

void sock_close(struct sock *s)
{
	bool reset = !list_empty(&s->queue) || (sock_is_inet(s) && s->linger.onoff && !s->linger.linger);

	s->closed = true;
	if (s->family->unbind)
		s->family->unbind(s);
	while (!list_empty(&s->pending)) { /* nobody will accept these */
		struct sock *p = list_first(&s->pending, struct sock, pending_link);

		list_del(&p->pending_link);
		p->linger.onoff = 1;
		p->linger.linger = 0;
		sock_close(p);
	}
	waitq_wake(&s->connectors, 0);
	waitq_wake(&s->senders, 0);
	disconnect(s, reset);
	while (!list_empty(&s->queue))
		message_free(list_first(&s->queue, struct message, link));
	s->queued = 0;
	sock_put(s);
}

static void sock_release(struct file *f)
{
	sock_close(f->priv);
}

/* --- the file --- */

static ssize_t sock_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct scm scm;
	int out_flags = 0;
	ssize_t n = sock_recv(f->priv, to, 0, file_nonblock(f), &scm, &out_flags, NULL);

	scm_release(&scm); /* read(2) has no place for descriptors: they are closed */
	return n;
}

static ssize_t sock_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct scm scm = {.cred = ucred_of(current)};
	ssize_t n = sock_send(f->priv, from, 0, file_nonblock(f), &scm, NULL);

	if (n == -EPIPE)
		pipe_broken(current);
	return n;
}

static uint32_t sock_poll(struct file *f, struct poll_table *pt)
{
	struct sock *s = f->priv;
	uint32_t ready = 0;

	poll_wait(pt, f, &s->readers);
	poll_wait(pt, f, &s->writers);
	if (s->listening)
		return list_empty(&s->pending) ? 0 : EPOLLIN | EPOLLRDNORM;
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

static long sock_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct sock *s = f->priv;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		if (s->type != SOCK_DGRAM)
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

static const struct file_ops sock_ops = {
	.name = "socket",
	.read = sock_read,
	.write = sock_write,
	.poll = sock_poll,
	.ioctl = sock_ioctl,
	.release = sock_release,
};

struct sock *sock_alloc(const struct sock_family *family, int type, int protocol)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->local.len = sizeof(s->local.family);
	s->local.family = family->family;
	s->sndbuf = s->rcvbuf = BUFFER_DEFAULT;
	s->peer_cred = (struct abi_ucred){0, -1, -1};
	list_init(&s->bound);
	list_init(&s->pending);
	list_init(&s->pending_link);
	list_init(&s->queue);
	waitq_init(&s->readers);
	waitq_init(&s->writers);
	waitq_init(&s->senders);
	waitq_init(&s->connectors);
	return s;
}

/* open("/proc/self/fd/N") of a socket: there is no such thing (socket(7): ENXIO). */
static int sock_inode_open(struct inode *ino, struct file *f)
{
	return -ENXIO;
}

static const struct inode_ops sock_inode_ops = {.open = sock_inode_open};

struct file *sock_file(struct task *t, struct sock *s, int flags)
{
	struct path path = {NULL, NULL};
	struct file *f = NULL;
	struct inode *ino;
	char label[40];

	if (!sockfs)
		sockfs = super_create(&fs_sock, NULL);
	ino = sockfs ? inode_create(sockfs, S_IFSOCK | 0777) : NULL;
	if (!ino)
		return NULL;
	ino->ops = &sock_inode_ops;
	ino->uid = t->cred->fsuid;
	ino->gid = t->cred->fsgid;
	snprintf(label, sizeof(label), "socket:[%lu]", (unsigned long)ino->ino);
	path.dentry = dentry_anon(ino, label);
	inode_put(ino);
	if (path.dentry)
		f = file_alloc(&sock_ops, &path, O_RDWR | (flags & O_NONBLOCK));
	dentry_put(path.dentry);
	if (!f)
		return NULL;
	f->stream = true;
	f->priv = s;
	return f;
}

void sock_pair(struct sock *a, struct sock *b)
{
	a->peer = sock_get(b);
	b->peer = sock_get(a);
}
