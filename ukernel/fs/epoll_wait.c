/*
 * epoll_wait.c - waiting on an epoll: what of its ready list is delivered, and in which order.
 */
#include "fs/epoll_item.h"
#include "fs/poll.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>

#define BATCH	   32
#define EVENTS_MAX (INT32_MAX / (int)sizeof(struct abi_epoll_event))

/* The items of one batch go back on the ready list: their events could not be delivered. */
static void batch_undo(struct epoll_item **items, int n)
{
	for (int i = 0; i < n; i++)
		item_make_ready(items[i]);
}

/* Ask items from the front of list until the batch or max is full.  Those that still have
 * something to say and are level-triggered go back to the tail of ep->ready. */
static int batch_collect(struct epoll *ep, struct list_head *list, struct abi_epoll_event *out,
			 struct epoll_item **items, int max)
{
	int n = 0;

	while (n < max && !list_empty(list)) {
		struct epoll_item *it = list_first(list, struct epoll_item, in_ready);
		uint32_t events = item_ask(it, NULL);

		list_del(&it->in_ready);
		if (!events)
			continue;
		items[n] = it;
		out[n++] = (struct abi_epoll_event){events, it->data};
		if (it->events & EPOLLONESHOT)
			it->events &= MODE_BITS;
		else if (!(it->events & EPOLLET))
			item_make_ready(it);
	}
	return n;
}

/* Deliver what is ready: how many, or -EFAULT.  Does not sleep, so no item can go meanwhile. */
static int epoll_deliver(struct epoll *ep, struct task *t, uaddr_t uevents, int max)
{
	struct abi_epoll_event events[BATCH];
	struct epoll_item *items[BATCH];
	struct list_head list;
	int done = 0, err = 0;

	if (list_empty(&ep->ready))
		return 0;
	list_insert(&list, ep->ready.prev, &ep->ready); /* take over the whole list ... */
	list_del(&ep->ready);				/* ... and leave an empty one */
	while (done < max && !err) {
		int room = max - done < BATCH ? max - done : BATCH;
		int n = batch_collect(ep, &list, events, items, room);

		if (!n)
			break;
		err = copy_to_user(t, uevents + done * sizeof(events[0]), events,
				   n * sizeof(events[0]));
		if (err)
			batch_undo(items, n);
		else
			done += n;
	}
	/* What was not asked comes before what was put back. */
	while (!list_empty(&list)) {
		struct epoll_item *it = list_last(&list, struct epoll_item, in_ready);

		list_del(&it->in_ready);
		list_add(&it->in_ready, &ep->ready);
	}
	if (!list_empty(&ep->ready))
		waitq_wake_n(&ep->waiters, 1, EPOLLIN);
	return done ? done : err;
}

/* May sleep. */
static long epoll_wait_until(struct task *t, int epfd, uaddr_t uevents, int max, uint64_t deadline)
{
	struct file *epf;
	struct epoll *ep;
	long ret;

	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	epf = fd_get(t, epfd);
	if (!epf)
		return -EBADF;
	ep = epoll_of(epf);
	if (!ep) {
		file_put(epf);
		return -EINVAL;
	}
	for (;;) {
		struct wait_entry we;
		int err;

		ret = epoll_deliver(ep, t, uevents, max);
		if (ret || !deadline)
			break;
		wait_entry_init(&we, t);
		we.exclusive = true;
		waitq_add(&ep->waiters, &we);
		err = task_sleep_until(deadline);
		waitq_del(&we);
		if (err == -ETIMEDOUT) {
			deadline = 0;
		} else if (err) {
			ret = -EINTR; /* never restarted: signal(7) */
			if (!list_empty(&ep->ready))
				waitq_wake_n(&ep->waiters, 1, EPOLLIN);
			break;
		}
	}
	file_put(epf);
	return ret;
}

long sys_epoll_wait(struct task *t, int epfd, uaddr_t events, int maxevents, int timeout)
{
	return epoll_wait_until(t, epfd, events, maxevents, deadline_from_ms(timeout));
}

static long epoll_pwait_until(struct task *t, int epfd, uaddr_t events, int maxevents,
			      uint64_t deadline, uaddr_t sigmask, size_t sigsetsize)
{
	long ret = temp_mask_begin(t, sigmask, sigsetsize);

	if (ret)
		return ret;
	ret = epoll_wait_until(t, epfd, events, maxevents, deadline);
	temp_mask_end(t, sigmask, ret);
	return ret;
}

long sys_epoll_pwait(struct task *t, int epfd, uaddr_t events, int maxevents, int timeout,
		     uaddr_t sigmask, size_t sigsetsize)
{
	return epoll_pwait_until(t, epfd, events, maxevents, deadline_from_ms(timeout), sigmask,
				 sigsetsize);
}

long sys_epoll_pwait2(struct task *t, int epfd, uaddr_t events, int maxevents, uaddr_t timeout,
		      uaddr_t sigmask, size_t sigsetsize)
{
	uint64_t deadline;
	long ret = deadline_from_timespec(t, timeout, &deadline);

	return ret ? ret
		   : epoll_pwait_until(t, epfd, events, maxevents, deadline, sigmask, sigsetsize);
}
