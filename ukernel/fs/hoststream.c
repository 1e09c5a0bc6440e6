/*
 * hoststream.c - files on host streams: the pipes, terminals and sockets that the supervisor was
 * started with.
 *
 * The kernel thread must never block in the host.  So each stream is opened anew through
 * /proc/self/fd with O_NONBLOCK, which leaves the description that is shared with the parent
 * shell as it was; where the host refuses that, readiness is asked for first and writes stay
 * within PIPE_BUF.  Waiting is left to the machine (fd_watch), one armed event at a time: a
 * level-triggered watch that nobody waits for would spin the event loop.
 */
#include "fs/hoststream.h"

#include "fs/pipe.h"
#include "lib/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Filled and drained without a sleep in between, so one for all streams is enough. */
static char bounce[65536];

static void stream_ready(struct host_watch *w, uint32_t events)
{
	struct hoststream *s = container_of(w, struct hoststream, watch);

	if (events & (EPOLLERR | EPOLLHUP))
		events |= EPOLLIN | EPOLLOUT;
	s->armed &= ~events;
	if (s->armed)
		machine->fd_watch(s->fd, s->armed, &s->watch);
	else
		machine->fd_unwatch(s->fd);
	waitq_wake(&s->wait, events);
}

/* Have s->wait woken when one of events comes true.  false: the host cannot poll it. */
static bool stream_arm(struct hoststream *s, uint32_t events)
{
	if ((s->armed & events) == events)
		return true;
	if (machine->fd_watch(s->fd, s->armed | events, &s->watch) < 0) {
		s->always_ready = true;
		return false;
	}
	s->armed |= events;
	return true;
}

static int reopen_nonblocking(int from_fd, int accmode)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", from_fd);
	return host_call(open(link, accmode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

int hoststream_open(int from_fd, int accmode, struct hoststream **out)
{
	struct stat st;
	struct hoststream *s;
	int err = host_call(fstat(from_fd, &st));

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	waitq_init(&s->wait);
	s->watch.ready = stream_ready;
	s->socket = S_ISSOCK(st.st_mode);
	s->tty = S_ISCHR(st.st_mode) && isatty(from_fd);
	s->fd = s->socket ? -1 : reopen_nonblocking(from_fd, accmode);
	if (s->fd < 0) {
		s->may_block = !s->socket;
		s->fd = host_call(fcntl(from_fd, F_DUPFD_CLOEXEC, 3));
	}
	if (s->fd < 0) {
		err = s->fd;
		free(s);
		return err;
	}
	s->watch.host_fd = s->fd;
	*out = s;
	return 0;
}

static short host_poll(const struct hoststream *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};

	return host_call(poll(&p, 1, 0)) > 0 ? p.revents : 0;
}

static ssize_t stream_read_once(struct hoststream *s, size_t len)
{
	if (s->socket)
		return host_call(recv(s->fd, bounce, len, MSG_DONTWAIT));
	if (s->may_block && !host_poll(s, POLLIN))
		return -EAGAIN;
	return host_call(read(s->fd, bounce, len));
}

static ssize_t stream_write_once(struct hoststream *s, size_t len)
{
	if (s->socket)
		return host_call(send(s->fd, bounce, len, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (s->may_block) {
		if (!host_poll(s, POLLOUT))
			return -EAGAIN;
		if (len > PIPE_BUF)
			len = PIPE_BUF;
	}
	return host_call(write(s->fd, bounce, len));
}

ssize_t hoststream_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct hoststream *s = f->priv;
	uint64_t deadline = WAIT_FOREVER;
	size_t want = to->left < sizeof(bounce) ? to->left : sizeof(bounce);

	if (!want)
		return 0;
	for (bool first = true;; first = false) {
		ssize_t n = stream_read_once(s, want);
		int err;

		if (n > 0)
			return uio_put(to, bounce, n);
		if (n != -EAGAIN)
			return n;
		if (file_nonblock(f))
			return -EAGAIN;
		if (first && s->tty)
			deadline = hosttty_read_deadline(s->fd);
		if (!deadline)
			return 0;
		if (!stream_arm(s, EPOLLIN))
			return -EAGAIN;
		err = wait_on_until(&s->wait, deadline);
		if (err == -ETIMEDOUT)
			return 0;
		if (err)
			return err;
	}
}

ssize_t hoststream_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct hoststream *s = f->priv;
	ssize_t done = 0;

	while (from->left) {
		size_t want = from->left < sizeof(bounce) ? from->left : sizeof(bounce);
		struct uio ahead = *from; /* what the host does not take is read again */
		ssize_t n = uio_get(&ahead, bounce, want);

		if (n > 0)
			n = stream_write_once(s, n);
		if (n >= 0) {
			uio_advance(from, n);
			done += n;
			continue;
		}
		if (n == -EAGAIN && !file_nonblock(f) && stream_arm(s, EPOLLOUT))
			n = wait_on(&s->wait);
		if (!n)
			continue;
		if (n == -EPIPE && !done)
			pipe_broken(current);
		return done ? done : n;
	}
	return done;
}

uint32_t hoststream_poll(struct file *f, struct poll_table *pt)
{
	struct hoststream *s = f->priv;
	uint32_t ready, missing;
	bool reads = (f->flags & O_ACCMODE) != O_WRONLY,
	     writes = (f->flags & O_ACCMODE) != O_RDONLY;

	poll_wait(pt, f, &s->wait);
	if (s->always_ready)
		return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
	ready = (uint16_t)host_poll(s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
	missing = ((reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0)) & ~ready;
	if (pt && pt->wanted)
		missing &= pt->wanted;
	if (ready & (EPOLLHUP | EPOLLERR))
		missing = 0; /* nothing more will come: a watch would report it for ever */
	if (missing && waitq_active(&s->wait) && !stream_arm(s, missing))
		return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
	if (ready & EPOLLIN)
		ready |= EPOLLRDNORM;
	if (ready & EPOLLOUT)
		ready |= EPOLLWRNORM;
	return ready;
}

int hoststream_set_flags(struct file *f, int flags)
{
	return 0; /* O_NONBLOCK is ours: the host's description is shared with others */
}

static long stream_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct hoststream *s = f->priv;
	int n = 0, err;

	if (cmd != FIONREAD)
		return -ENOTTY;
	err = host_call(ioctl(s->fd, FIONREAD, &n));
	return err < 0 ? err : put_user(t, n, arg);
}

void hoststream_release(struct file *f)
{
	struct hoststream *s = f->priv;

	if (s->armed)
		machine->fd_unwatch(s->fd);
	close(s->fd);
	free(s);
}

const struct file_ops hoststream_ops = {
    .name = "host stream",
    .read = hoststream_read,
    .write = hoststream_write,
    .poll = hoststream_poll,
    .ioctl = stream_ioctl,
    .set_flags = hoststream_set_flags,
    .release = hoststream_release,
};
