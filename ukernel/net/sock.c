/*
 * sock.c - what all sockets share: their life, shutdown and close, and the file that each one is.
 *
 * Knows nothing of names: which end is at an address is the family's business (unix.c, inet.c).
 */
#include "net/queue.h"

#include "fs/lock.h"
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
	if (p && s->type != SOCK_DGRAM) {		/* the other end sees the mirror image */
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
	bool reset = !list_empty(&s->queue) || s->never_accepted ||
		     (sock_is_inet(s) && s->linger.onoff && !s->linger.linger);

	s->closed = true;
	if (s->family->unbind)
		s->family->unbind(s);
	while (!list_empty(&s->pending)) { /* nobody will accept these */
		struct sock *p = list_first(&s->pending, struct sock, pending_link);

		list_del(&p->pending_link);
		p->never_accepted = true;
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
	struct sock *s = f->priv;
	bool local = !sock_is_inet(s);

	s->file = NULL;
	sock_close(s);
	if (local)
		inflight_closed();
}

/* --- the file --- */

static ssize_t sock_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct scm scm;
	int out_flags = 0;
	ssize_t n;

	if (!to->left) /* to recv(2) it would be an error that there is nothing */
		return 0;
	n = sock_recv(f->priv, to, 0, file_nonblock(f), &scm, &out_flags, NULL);

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
	case FIOSETOWN:
	case SIOCSPGRP:
		if (get_user(t, n, arg))
			return -EFAULT;
		return fcntl_owner(t, f, F_SETOWN, n);
	case FIOGETOWN:
	case SIOCGPGRP:
		n = fcntl_owner(t, f, F_GETOWN, 0);
		return put_user(t, n, arg);
	case TIOCOUTQ:
		n = s->peer ? s->peer->queued : 0;
		return put_user(t, n, arg);
	}
	return ifreq_ioctl(s, t, cmd, arg);
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
	list_init(&s->inflight_link);
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

static const struct inode_ops sock_inode_ops = {
    .open = sock_inode_open,
    .setattr = inode_setattr_simple,
};

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
	s->file = f;
	return f;
}

void sock_pair(struct sock *a, struct sock *b)
{
	a->peer = sock_get(b);
	b->peer = sock_get(a);
}
