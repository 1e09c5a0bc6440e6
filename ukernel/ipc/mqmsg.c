/*
 * mqmsg.c - mq_timedsend and mq_timedreceive(2).
 *
 * Who waits is served by whoever makes that possible: a message goes to a waiting receiver
 * directly, and room goes to a waiting sender's message.  Of those who wait the most urgent comes
 * first, then the one that has waited longest.
 */
#include "ipc/mq.h"

#include "ipc/ipc.h"
#include "kern/clock.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>

#define PRIO_LEVELS 32768

struct mq_wait {
	struct list_head link; /* in the queue's senders or receivers; empty once it is served */
	struct waitq q;
	struct task *task;
	struct mq_msg *msg; /* a sender's to be sent, a receiver's answer */
};

static void msg_free(struct mq_msg *m)
{
	if (m)
		ipc_free(m, sizeof(*m) + m->len);
}

static void msg_insert(struct mq *q, struct mq_msg *m)
{
	struct list_head *at = q->messages.prev;

	while (at != &q->messages && list_entry(at, struct mq_msg, link)->prio < m->prio)
		at = at->prev;
	list_add(&m->link, at);
	q->count++;
	q->qsize += m->len;
}

static struct mq_msg *msg_remove(struct mq *q)
{
	struct mq_msg *m = list_first(&q->messages, struct mq_msg, link);

	list_del(&m->link);
	q->count--;
	q->qsize -= m->len;
	return m;
}

/* --- waiting --- */

static struct mq_wait *first_waiter(struct list_head *list)
{
	struct mq_wait *w, *first = NULL;

	list_for_each (w, list, link)
		if (!first || sched_rank(w->task) > sched_rank(first->task))
			first = w;
	return first;
}

static void serve(struct mq_wait *w)
{
	list_del(&w->link);
	waitq_wake(&w->q, 0);
}

/* at_ns: on CLOCK_REALTIME, which the host may set; WAIT_FOREVER.  0 once w has been served. */
static int wait_served(struct list_head *list, struct mq_wait *w, uint64_t at_ns)
{
	int err = 0;

	waitq_init(&w->q);
	list_add_tail(&w->link, list);
	while (!list_empty(&w->link) && err != -ERESTARTSYS) {
		if (at_ns == WAIT_FOREVER)
			err = wait_on(&w->q);
		else if (clock_wall_now(CLOCK_REALTIME) < at_ns)
			err = wait_on_until(&w->q, clock_deadline(CLOCK_REALTIME, at_ns));
		else
			break;
	}
	if (list_empty(&w->link))
		return 0;
	list_del(&w->link);
	return err == -ERESTARTSYS ? err : -ETIMEDOUT;
}

static int deadline_get(struct task *t, uaddr_t utimeout, uint64_t *at_ns)
{
	struct abi_timespec ts;

	*at_ns = WAIT_FOREVER;
	if (!utimeout)
		return 0;
	if (get_user(t, ts, utimeout))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*at_ns = timespec_to_ns(&ts);
	return 0;
}

/* --- sending --- */

/* Takes m over on success. */
static int send(struct task *t, struct mq *q, struct mq_msg *m, bool nonblock, uint64_t at_ns)
{
	struct mq_wait *receiver;

	if (q->count >= q->maxmsg) {
		struct mq_wait self = {.task = t, .msg = m};

		return nonblock ? -EAGAIN : wait_served(&q->senders, &self, at_ns);
	}
	receiver = first_waiter(&q->receivers);
	if (receiver) {
		receiver->msg = m;
		serve(receiver);
	} else {
		msg_insert(q, m);
		mq_tell(t, q);
	}
	return 0;
}

static int msg_load(struct task *t, uaddr_t data, size_t len, unsigned prio, struct mq_msg **out)
{
	struct mq_msg *m = ipc_alloc(sizeof(*m) + len);

	if (!m)
		return -ENOMEM;
	m->prio = prio;
	m->len = len;
	list_init(&m->link);
	*out = m;
	return copy_from_user(t, m->data, data, len);
}

long sys_mq_timedsend(struct task *t, int fd, uaddr_t data, size_t len, unsigned prio,
		      uaddr_t timeout)
{
	struct mq_msg *m = NULL;
	struct file *f;
	struct mq *q;
	uint64_t at_ns;
	long err = deadline_get(t, timeout, &at_ns);

	if (err)
		return err;
	if (prio >= PRIO_LEVELS)
		return -EINVAL;
	q = mq_get(t, fd, O_WRONLY, &f);
	if (!q)
		return -EBADF;
	err = len > (uint64_t)q->msgsize ? -EMSGSIZE : msg_load(t, data, len, prio, &m);
	if (!err)
		err = send(t, q, m, file_nonblock(f), at_ns);
	if (err)
		msg_free(m);
	else
		inode_touch(f->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	file_put(f);
	return err;
}

/* --- receiving --- */

static int receive(struct task *t, struct mq *q, bool nonblock, uint64_t at_ns, struct mq_msg **out)
{
	struct mq_wait *sender;

	if (!q->count) {
		struct mq_wait self = {.task = t};
		int err = nonblock ? -EAGAIN : wait_served(&q->receivers, &self, at_ns);

		*out = self.msg;
		return err;
	}
	*out = msg_remove(q);
	sender = first_waiter(&q->senders);
	if (sender) {
		msg_insert(q, sender->msg);
		serve(sender);
	} else {
		waitq_wake(&q->pollers, EPOLLOUT | EPOLLWRNORM);
	}
	return 0;
}

long sys_mq_timedreceive(struct task *t, int fd, uaddr_t data, size_t len, uaddr_t uprio,
			 uaddr_t timeout)
{
	struct mq_msg *m = NULL;
	struct file *f;
	struct mq *q;
	uint64_t at_ns;
	long ret = deadline_get(t, timeout, &at_ns);

	if (ret)
		return ret;
	q = mq_get(t, fd, O_RDONLY, &f);
	if (!q)
		return -EBADF;
	ret = len < (uint64_t)q->msgsize ? -EMSGSIZE : 0;
	if (!ret)
		ret = receive(t, q, file_nonblock(f), at_ns, &m);
	if (!ret) {
		inode_touch(f->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
		ret = (long)m->len;
		if ((uprio && put_user(t, m->prio, uprio)) ||
		    copy_to_user(t, data, m->data, m->len))
			ret = -EFAULT;
		msg_free(m);
	}
	file_put(f);
	return ret;
}
