/*
 * eventfd.c - eventfd(2): a counter that can be waited for.
 */
#include "fs/file.h"
#include "kern/waitq.h"
#include "syscall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	uint64_t count;
	bool semaphore;
	struct waitq rq, wq;
};

static ssize_t counter_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;
	ssize_t n;

	if (to->left < sizeof(value))
		return -EINVAL;
	while (!e->count) {
		int err = file_nonblock(f) ? -EAGAIN : wait_on_exclusive(&e->rq);

		if (err) {
			if (e->count)
				waitq_wake_n(&e->rq, 1, EPOLLIN);
			return err;
		}
	}
	value = e->semaphore ? 1 : e->count;
	e->count -= value;
	waitq_wake_n(&e->wq, 1, EPOLLOUT);
	if (e->count) /* a semaphore with more to give */
		waitq_wake_n(&e->rq, 1, EPOLLIN);
	n = uio_put(to, &value, sizeof(value));
	return n == sizeof(value) ? n : -EFAULT;
}

static ssize_t counter_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;

	if (from->left < sizeof(value))
		return -EINVAL;
	if (uio_get(from, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	while (COUNT_MAX - e->count < value) {
		int err = file_nonblock(f) ? -EAGAIN : wait_on_exclusive(&e->wq);

		if (err)
			return err;
	}
	e->count += value;
	if (e->count)
		waitq_wake_n(&e->rq, 1, EPOLLIN);
	return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;

	poll_wait(pt, f, &e->rq);
	poll_wait(pt, f, &e->wq);
	return (e->count ? EPOLLIN : 0) | (e->count < COUNT_MAX ? EPOLLOUT : 0);
}

static int eventfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct eventfd *e = f->priv;

	return snprintf(buf, size, "eventfd-count: %16lx\n", (unsigned long)e->count);
}

static void eventfd_release(struct file *f)
{
	free(f->priv);
}

static const struct file_ops eventfd_ops = {
    .name = "eventfd",
    .read = counter_read,
    .write = counter_write,
    .llseek = file_llseek_noop,
    .poll = eventfd_poll,
    .show_fdinfo = eventfd_fdinfo,
    .release = eventfd_release,
};

long sys_eventfd2(struct task *t, unsigned count, unsigned long flags)
{
	struct eventfd *e;
	struct file *f;
	int fd;

	if ((unsigned)flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	waitq_init(&e->rq);
	waitq_init(&e->wq);
	f = file_anon(&eventfd_ops, "anon_inode:[eventfd]", 0600, 2 | (flags & EFD_NONBLOCK), e);
	if (!f) {
		free(e);
		return -ENOMEM;
	}
	f->stream = true;
	fd = fd_install(t, f, 0, flags & EFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_eventfd(struct task *t, unsigned count)
{
	return sys_eventfd2(t, count, 0);
}
