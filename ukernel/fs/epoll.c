/*
 * epoll.c - epoll(7): interest lists and ready lists.
 *
 * An item is one interest: (epoll, open file, descriptor number).  It listens on the file's wait
 * queues for as long as it lives; a wake-up puts it on the ready list, and epoll_wait
 * (epoll_wait.c) asks the files on that list, and only those, what holds now.  An item dies with
 * its file (epoll_file_gone), with its epoll, or by EPOLL_CTL_DEL.
 */
#include "fs/epoll.h"

#include "fs/epoll_item.h"
#include "fs/poll.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define NEST_MAX 5 /* epolls that watch epolls, as Linux's EP_MAX_NESTS + 1 */
#define EXCLUSIVE_OK                                                                               \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* An item's place in one wait queue; most files have one or two. */
struct epoll_hook {
	struct wait_entry we;
	struct epoll_item *item;
	struct epoll_hook *next;
};

static const struct file_ops epoll_ops;

struct epoll *epoll_of(struct file *f)
{
	return f->ops == &epoll_ops ? f->priv : NULL;
}

int epoll_watched(struct file *f, int fd, unsigned n, struct file **out)
{
	struct epoll *ep = epoll_of(f);
	struct epoll_item *it;

	if (!ep)
		return -EINVAL;
	list_for_each (it, &ep->items, in_epoll) {
		*out = it->file;
		if (it->fd == fd && n-- == 0)
			return 0;
	}
	return -ENOENT;
}

/* --- becoming ready --- */

void item_make_ready(struct epoll_item *it)
{
	if (list_empty(&it->in_ready))
		list_add_tail(&it->in_ready, &it->ep->ready);
}

static void epoll_announce(struct epoll *ep)
{
	waitq_wake_n(&ep->waiters, 1, EPOLLIN);
	waitq_wake(&ep->pollers, EPOLLIN);
}

static bool hook_wake(struct wait_entry *we, uint32_t events)
{
	struct epoll_item *it = ((struct epoll_hook *)we->data)->item;
	uint32_t care = it->events & ~MODE_BITS;

	/* All disabled: a one-shot that has fired, waiting for EPOLL_CTL_MOD. */
	if (!care || (events && !(events & (care | EPOLLERR | EPOLLHUP))))
		return false;
	item_make_ready(it);
	/* An exclusive item takes the wake-up only if somebody is there to use it. */
	bool taken = !(it->events & EPOLLEXCLUSIVE) || waitq_active(&it->ep->waiters);

	epoll_announce(it->ep);
	return taken;
}

struct item_poll {
	struct poll_table pt; /* first */
	struct epoll_item *item;
};

static void item_listen(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct epoll_item *it = ((struct item_poll *)pt)->item;
	struct epoll_hook *h = calloc(1, sizeof(*h));

	if (!h) {
		it->failed = true;
		return;
	}
	h->item = it;
	list_init(&h->we.link);
	h->we.wake = hook_wake;
	h->we.data = h;
	h->we.exclusive = it->events & EPOLLEXCLUSIVE;
	h->next = it->hooks;
	it->hooks = h;
	waitq_add(q, &h->we);
}

uint32_t item_ask(struct epoll_item *it, struct poll_table *pt)
{
	uint32_t care = it->events & ~MODE_BITS;

	if (pt)
		pt->wanted = care | EPOLLERR | EPOLLHUP;
	return file_poll(it->file, pt) & (care | EPOLLERR | EPOLLHUP);
}

/* --- items --- */

static struct epoll_item *item_find(struct epoll *ep, struct file *f, int fd)
{
	struct epoll_item *it;

	list_for_each (it, &f->epoll_links, in_file)
		if (it->ep == ep && it->fd == fd)
			return it;
	return NULL;
}

static void item_destroy(struct epoll_item *it)
{
	while (it->hooks) {
		struct epoll_hook *h = it->hooks;

		it->hooks = h->next;
		waitq_del(&h->we);
		free(h);
	}
	list_del(&it->in_ready);
	list_del(&it->in_epoll);
	list_del(&it->in_file);
	free(it);
}

void epoll_file_gone(struct file *f)
{
	struct epoll_item *it, *tmp;

	list_for_each_safe (it, tmp, &f->epoll_links, in_file)
		item_destroy(it);
}

/* --- nesting --- */

static uint64_t nest_generation;

/*
 * The length of the longest chain of epolls from f on, downwards (what they watch) or upwards (who
 * watches them); more than NEST_MAX when it is too long or meets target.  An epoll is looked at
 * again only when it is met deeper down than before, so that a dense net stays cheap.
 */
static int nest_walk(struct file *f, const struct file *target, int depth, bool up)
{
	struct epoll *ep = f->priv;
	struct epoll_item *it;
	int deepest = depth, d;

	if (f == target || depth > NEST_MAX)
		return NEST_MAX + 1;
	if (ep->mark == nest_generation && ep->mark_depth >= depth)
		return depth;
	ep->mark = nest_generation;
	ep->mark_depth = depth;
	if (up) {
		list_for_each (it, &f->epoll_links, in_file) {
			d = nest_walk(it->ep->file, target, depth + 1, up);
			deepest = d > deepest ? d : deepest;
		}
		return deepest;
	}
	list_for_each (it, &ep->items, in_epoll) {
		if (it->file->ops != &epoll_ops)
			continue;
		d = nest_walk(it->file, target, depth + 1, up);
		deepest = d > deepest ? d : deepest;
	}
	return deepest;
}

/* May the epoll of epf watch the epoll inner? */
static int nest_check(struct file *epf, struct file *inner)
{
	int below, above;

	nest_generation++;
	below = nest_walk(inner, epf, 1, false);
	nest_generation++;
	above = nest_walk(epf, NULL, 1, true);
	return below + above > NEST_MAX ? -ELOOP : 0;
}

/* --- epoll_ctl --- */

static long item_add(struct file *epf, struct file *f, int fd, const struct abi_epoll_event *ev)
{
	struct item_poll ip = {.pt = {.wait = item_listen}};
	struct epoll *ep = epf->priv;
	struct epoll_item *it = calloc(1, sizeof(*it));

	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->events = ev->events;
	it->data = ev->data;
	list_init(&it->in_ready);
	list_add_tail(&it->in_epoll, &ep->items);
	list_add_tail(&it->in_file, &f->epoll_links);
	ip.item = it;
	if (item_ask(it, &ip.pt)) {
		item_make_ready(it);
		epoll_announce(ep);
	}
	if (it->failed) {
		item_destroy(it);
		return -ENOMEM;
	}
	return 0;
}

static long item_modify(struct epoll_item *it, const struct abi_epoll_event *ev)
{
	if (it->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	it->events = ev->events;
	it->data = ev->data;
	if (item_ask(it, NULL)) {
		item_make_ready(it);
		epoll_announce(it->ep);
	}
	return 0;
}

static long ctl_apply(struct file *epf, int op, struct file *f, int fd,
		      const struct abi_epoll_event *ev)
{
	struct epoll_item *it = item_find(epf->priv, f, fd);
	int err;

	switch (op) {
	case EPOLL_CTL_ADD:
		if (f->ops == &epoll_ops) {
			err = nest_check(epf, f);
			if (err)
				return err;
		}
		return it ? -EEXIST : item_add(epf, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_destroy(it);
		return 0;
	case EPOLL_CTL_MOD:
		return it ? item_modify(it, ev) : -ENOENT;
	}
	return -EINVAL;
}

static long ctl_check(struct file *epf, int op, struct file *f, const struct abi_epoll_event *ev)
{
	if (!f->ops->poll)
		return -EPERM;
	if (epf == f || epf->ops != &epoll_ops)
		return -EINVAL;
	if (op == EPOLL_CTL_DEL || !(ev->events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || f->ops == &epoll_ops || (ev->events & ~EXCLUSIVE_OK))
		return -EINVAL;
	return 0;
}

long sys_epoll_ctl(struct task *t, int epfd, int op, int fd, uaddr_t event)
{
	struct abi_epoll_event ev = {0};
	struct file *epf, *f;
	long ret = -EBADF;

	if (op != EPOLL_CTL_DEL && get_user(t, ev, event))
		return -EFAULT;
	epf = fd_get(t, epfd);
	f = epf ? fd_get(t, fd) : NULL;
	if (f)
		ret = ctl_check(epf, op, f, &ev);
	ev.events |= EPOLLERR | EPOLLHUP; /* always; without them a one-shot that has fired */
	if (f && !ret)
		ret = ctl_apply(epf, op, f, fd, &ev);
	file_put(f);
	file_put(epf);
	return ret;
}

/* --- the epoll file --- */

static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;
	struct epoll_item *it, *tmp;

	poll_wait(pt, f, &ep->pollers);
	list_for_each_safe (it, tmp, &ep->ready, in_ready) {
		if (item_ask(it, NULL))
			return EPOLLIN | EPOLLRDNORM;
		list_del(&it->in_ready); /* it was a false alarm */
	}
	return 0;
}

static int epoll_fdinfo(struct file *f, char *buf, size_t size)
{
	struct epoll *ep = f->priv;
	struct epoll_item *it;
	size_t len = 0;

	list_for_each (it, &ep->items, in_epoll) {
		int n = snprintf(buf + len, size - len,
				 "tfd: %8d events: %8x data: %16lx  pos:%lu ino:%lx sdev:%lx\n",
				 it->fd, it->events, (unsigned long)it->data,
				 (unsigned long)it->file->pos, (unsigned long)it->file->inode->ino,
				 it->file->inode->sb ? (unsigned long)it->file->inode->sb->dev : 0);

		if (n < 0 || (size_t)n >= size - len)
			break;
		len += n;
	}
	return len;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;
	struct epoll_item *it, *tmp;

	list_for_each_safe (it, tmp, &ep->items, in_epoll)
		item_destroy(it);
	free(ep);
}

static const struct file_ops epoll_ops = {
    .name = "eventpoll",
    .llseek = file_llseek_noop,
    .poll = epoll_poll,
    .show_fdinfo = epoll_fdinfo,
    .release = epoll_release,
};

long sys_epoll_create1(struct task *t, unsigned long flags)
{
	struct epoll *ep;
	int fd;

	if ((unsigned)flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	list_init(&ep->items);
	list_init(&ep->ready);
	waitq_init(&ep->waiters);
	waitq_init(&ep->pollers);
	ep->file = file_anon(&epoll_ops, "anon_inode:[eventpoll]", 0600, O_RDWR, ep);
	if (!ep->file) {
		free(ep);
		return -ENOMEM;
	}
	ep->file->stream = true;
	fd = fd_install(t, ep->file, 0, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(ep->file);
	return fd;
}

long sys_epoll_create(struct task *t, int size)
{
	return size > 0 ? sys_epoll_create1(t, 0) : -EINVAL;
}
