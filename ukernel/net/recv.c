/*
 * recv.c - receiving: from the front of a socket's own queue, as packets or as a stream.
 */
#include "net/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static int recv_wait(struct sock *s, bool nonblock, uint64_t deadline)
{
	while (list_empty(&s->queue)) {
		int err = s->error;

		s->error = 0;
		if (err)
			return -err;
		if (s->read_shut && !(nonblock && s->type == SOCK_DGRAM))
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
	to->stamp_ns = from->stamp_ns;
	if (!from->nfiles)
		return 0;
	if (!copy) {
		inflight_remove(from);
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

	list_for_each_safe (m, tmp, &s->queue, link) {
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
	/* There are no urgent bytes, and no queue of errors ever has one. */
	if (flags & MSG_OOB)
		return is_stream(s) && sock_is_inet(s) ? -EINVAL : -EOPNOTSUPP;
	if ((flags & MSG_ERRQUEUE) && sock_is_inet(s))
		return -EAGAIN;
	if (flags & MSG_DONTWAIT)
		nonblock = true;
	if (is_stream(s)) {
		if (from_name && !sock_is_inet(s) && s->peer && s->peer->local.len > 2)
			*from_name = s->peer->local; /* TCP does not say */
		return recv_stream(s, to, flags, nonblock, deadline, scm);
	}
	wait = recv_wait(s, nonblock, deadline);
	if (wait)
		return wait < 0 ? wait : 0;
	return recv_packet(s, to, flags, scm, out_flags, from_name);
}
