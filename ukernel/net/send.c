/*
 * send.c - sending: a message into the queue of the other end, when there is room.
 */
#include "kern/task.h"
#include "net/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define NOBODY 65534 /* the user that stands for those who have no number */

#define CHUNK_MAX    32768 /* of a stream in one message */
#define DGRAM_QUEUE  512   /* messages that may wait, however small */
#define DATAGRAM_MAX 65507 /* UDP over IPv4 */

/* How much more may be sent before somebody reads. */
static size_t send_room(const struct sock *s)
{
	size_t limit = s->sndbuf, held = queue_bytes(s->peer);

	return held < limit ? limit - held : 0;
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
	size_t charged = message_bytes(len, scm->nfiles);
	struct message *m = NULL;
	ssize_t n;

	if (memory_charge(charged) == 0) {
		m = malloc(sizeof(*m) + len);
		if (!m)
			memory_uncharge(charged);
	}
	if (!m) {
		*err = -ENOBUFS;
		return NULL;
	}
	n = len ? uio_get(from, m->data, len) : 0;
	if (n < 0 || (size_t)n < len) {
		memory_uncharge(charged);
		free(m);
		*err = -EFAULT;
		return NULL;
	}
	list_init(&m->link);
	m->len = len;
	m->off = 0;
	m->charged = charged;
	m->scm = *scm;
	/* Descriptors travel with the first byte only; credentials with every one. */
	scm->files = NULL;
	scm->nfiles = 0;
	return m;
}

/* Who sent a message is noted where one of the two asks for it, or may once it is accepted. */
static void forget_sender(const struct sock *s, const struct sock *to, struct scm *scm)
{
	if (!scm->cred_given && !s->passcred && !to->passcred && to->file)
		scm->cred = (struct abi_ucred){0, NOBODY, NOBODY};
}

static void message_deliver(struct sock *to, struct message *m)
{
	if (to->timestamp)
		m->scm.stamp_ns = time_wall_ns();
	message_queue(to, m);
	waitq_wake(&to->readers, EPOLLIN | EPOLLRDNORM);
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
		if (!err)
			forget_sender(s, s->peer, scm);
		m = err ? NULL : message_build(from, len, scm, &err);
		if (err)
			return done ? done : err;
		message_deliver(s->peer, m);
		done += len;
	} while (from->left);
	return done;
}

/* What nobody gets has to be readable all the same. */
static ssize_t send_lost(struct uio *from, struct scm *scm)
{
	size_t len = from->left;
	int err = 0;
	struct message *m = message_build(from, len, scm, &err);

	if (!m)
		return err;
	message_free(m);
	return len;
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
		return sock_is_inet(s) ? send_lost(from, scm) : -EPERM;
	while (to->nqueued &&
	       (to->queued + len > (size_t)to->rcvbuf || to->nqueued >= DGRAM_QUEUE)) {
		if (sock_is_inet(s))
			return send_lost(from, scm); /* as UDP may */
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
	forget_sender(s, to, scm);
	m = message_build(from, len, scm, &err);
	if (!m)
		return err;
	m->from = s->local;
	message_deliver(to, m);
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
			return send_lost(from, scm);
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
