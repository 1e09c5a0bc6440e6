/*
 * connect.c - how two ends find each other: bind, listen, connect, accept.
 *
 * A connection is made whole by connect(2): the server's end is created then and waits in the
 * listener's backlog.  accept(2) only gives it a descriptor.
 */
#include "kern/task.h"
#include "kern/timer.h"
#include "net/sockname.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define SOMAXCONN_DEFAULT 4096 /* net.core.somaxconn */

int sockname_from_user(struct task *t, uaddr_t addr, int len, struct sockname *out)
{
	memset(out, 0, sizeof(*out));
	if (len < (int)sizeof(out->family) || len > (int)sizeof(struct sockaddr_storage))
		return -EINVAL;
	out->len = len;			/* the families judge it */
	if (len > (int)sizeof(out->un)) /* longer than any address we know: the rest says nothing */
		len = sizeof(out->un);
	return copy_from_user(t, &out->family, addr, len);
}

int sockname_to_user(struct task *t, const struct sockname *name, uaddr_t addr, uaddr_t addrlen)
{
	int32_t room, len = (int32_t)name->len;

	if (get_user(t, room, addrlen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(t, addr, &name->family, room < len ? room : len))
		return -EFAULT;
	return put_user(t, len, addrlen);
}

long sys_bind(struct task *t, int fd, uaddr_t addr, int addrlen)
{
	struct sockname name;
	struct sock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = sockname_from_user(t, addr, addrlen, &name);
	if (!err)
		err = s->family->bind(t, s, &name);
	file_put(f);
	return err;
}

static int listen_start(struct sock *s, int backlog)
{
	int err;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (s->peer)
		return -EINVAL;
	if (s->local.len <= sizeof(s->local.family)) {
		if (!sock_is_inet(s))
			return -EINVAL;
		err = s->family->autobind(s);
		if (err)
			return err;
	}
	if (backlog < 0 || backlog > SOMAXCONN_DEFAULT)
		backlog = SOMAXCONN_DEFAULT;
	s->backlog_max = (unsigned)backlog;
	s->listening = true;
	s->read_shut = s->write_shut = false;
	s->peer_cred = ucred_of(current);
	return 0;
}

long sys_listen(struct task *t, int fd, int backlog)
{
	struct sock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = listen_start(s, backlog);
	file_put(f);
	return err;
}

/* --- connect --- */

/* Until the listener takes one more (Linux lets one above the backlog in). */
static int backlog_wait(struct sock *listener, bool nonblock, uint64_t deadline)
{
	while (listener->backlog > listener->backlog_max) {
		int err;

		if (nonblock)
			return -EAGAIN;
		sock_get(listener);
		err = wait_on_until(&listener->connectors, deadline);
		bool gone = listener->closed || !listener->listening;
		sock_put(listener);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
		if (gone)
			return -ECONNREFUSED;
	}
	return 0;
}

static int connect_stream(struct task *t, struct sock *s, const struct sockname *name,
			  bool nonblock)
{
	uint64_t deadline = s->sndtimeo_ns ? time_now_ns() + s->sndtimeo_ns : WAIT_FOREVER;
	struct sock *listener, *end;
	int err = s->family->autobind(s);

	if (!err)
		err = s->family->find(t, s, name, &listener);
	if (err)
		return err;
	if (!listener->listening)
		return -ECONNREFUSED;
	if (listener->type != s->type)
		return -EPROTOTYPE;
	err = backlog_wait(listener, nonblock, deadline);
	if (err)
		return err;
	if (s->peer)
		return -EISCONN; /* another thread was quicker */
	end = sock_alloc(listener->family, s->type, listener->protocol);
	if (!end)
		return -ENOMEM;
	sock_pair(s, end);
	end->sndbuf = listener->sndbuf;
	end->rcvbuf = listener->rcvbuf;
	end->passcred = listener->passcred;
	end->flag_options = listener->flag_options;
	end->peer_cred = ucred_of(t);
	s->peer_cred = listener->peer_cred;
	s->read_shut = s->write_shut = false;
	s->error = 0;
	s->family->connected(s, name, end, listener);
	list_add_tail(&end->pending_link, &listener->pending);
	listener->backlog++;
	waitq_wake_n(&listener->readers, 1, EPOLLIN | EPOLLRDNORM);
	return 0;
}

static int connect_datagram(struct task *t, struct sock *s, const struct sockname *name)
{
	struct sock *to = NULL;
	int err;

	if (name->family == AF_UNSPEC) { /* connected no more */
		s->remote.len = 0;
		if (s->peer) {
			sock_put(s->peer);
			s->peer = NULL;
		}
		if (s->family->disconnected)
			s->family->disconnected(s);
		return 0;
	}
	if (sock_is_inet(s) && name->len >= sizeof(name->in) &&
	    !name->in.sin_port) { /* nowhere: sending will be refused */
		s->remote.len = 0;
		return 0;
	}
	err = s->family->autobind(s);
	if (!err)
		err = s->family->find(t, s, name, &to);
	if (err && !(err == -ECONNREFUSED && sock_is_inet(s)))
		return err;
	if (!sock_is_inet(s)) {
		sock_get(to);
		sock_put(s->peer);
		s->peer = to;
	}
	s->family->connected(s, name, to, NULL);
	return 0;
}

int sock_connect(struct task *t, struct sock *s, const struct sockname *name, bool nonblock)
{
	if (s->type == SOCK_DGRAM)
		return connect_datagram(t, s, name);
	if (s->listening)
		return sock_is_inet(s) ? -EISCONN : -EINVAL;
	if (s->peer) {
		bool first = s->connecting;

		s->connecting = false;
		return first ? 0 : -EISCONN;
	}
	int err = connect_stream(t, s, name, nonblock);

	/* A handshake takes a moment, even with oneself. */
	if (!err && nonblock && sock_is_inet(s)) {
		s->connecting = true;
		return -EINPROGRESS;
	}
	return err;
}

long sys_connect(struct task *t, int fd, uaddr_t addr, int addrlen)
{
	struct sockname name;
	struct sock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = sockname_from_user(t, addr, addrlen, &name);
	if (!err)
		err = sock_connect(t, s, &name, file_nonblock(f));
	file_put(f);
	return err;
}

/* --- accept --- */

int sock_accept(struct sock *s, bool nonblock, struct sock **out)
{
	uint64_t deadline = s->rcvtimeo_ns ? time_now_ns() + s->rcvtimeo_ns : WAIT_FOREVER;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!s->listening)
		return -EINVAL;
	while (list_empty(&s->pending)) {
		int err;

		if (s->read_shut)
			return -EINVAL;
		if (nonblock)
			return -EAGAIN;
		err = wait_on_until(&s->readers, deadline);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
	}
	*out = list_first(&s->pending, struct sock, pending_link);
	list_del(&(*out)->pending_link);
	s->backlog--;
	waitq_wake(&s->connectors, 0);
	return 0;
}

static long accept_fd(struct task *t, struct file *lf, struct sock *listener, uaddr_t addr,
		      uaddr_t addrlen, int flags)
{
	struct sock *s;
	struct file *f;
	int fd, err = sock_accept(listener, file_nonblock(lf), &s);

	if (err)
		return err;
	f = sock_file(t, s, flags);
	if (!f) {
		sock_close(s);
		return -ENOMEM;
	}
	if (addr) {
		err = sockname_to_user(t, &s->remote, addr, addrlen);
		if (err)
			goto out;
	}
	fd = fd_install(t, f, 0, flags & SOCK_CLOEXEC);
	if (fd >= 0)
		return fd;
	err = fd;
out:
	file_put(f);
	return err;
}

static long do_accept(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen, unsigned long flags)
{
	struct sock *s;
	struct file *f;
	long ret;

	if (flags & ~(unsigned long)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	ret = socket_get(t, fd, &f, &s);
	if (ret)
		return ret;
	ret = accept_fd(t, f, s, addr, addrlen, (int)flags);
	file_put(f);
	return ret;
}

long sys_accept(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	return do_accept(t, fd, addr, addrlen, 0);
}

long sys_accept4(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen, unsigned long flags)
{
	return do_accept(t, fd, addr, addrlen, flags);
}

/* --- names --- */

long sys_getsockname(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = sockname_to_user(t, &s->local, addr, addrlen);
	file_put(f);
	return ret;
}

long sys_getpeername(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	static const struct sockname unnamed = {.len = 2, .family = AF_UNIX};
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	if (s->remote.len)
		ret = sockname_to_user(t, &s->remote, addr, addrlen);
	else if (s->peer && !sock_is_inet(s))
		ret = sockname_to_user(t, &unnamed, addr, addrlen);
	else
		ret = -ENOTCONN;
	file_put(f);
	return ret;
}
