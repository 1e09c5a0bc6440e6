/*
 * msg.c - msgget, msgsnd and msgrcv(2): queues of messages with a type.
 *
 * A message for which somebody waits is given to that one directly, so that it is seen by none of
 * those who ask in between.
 */
#include "ipc/msg.h"

#include "ipc/ipc.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

uint64_t msg_max_bytes = 8192, msg_queue_bytes = 16384, msg_max_ids = 32000;
uint64_t msg_all_bytes, msg_all_count;

/* What is asked for. */
enum match { MATCH_ANY, MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_AT_MOST, MATCH_INDEX };
struct wanted {
	enum match how;
	int64_t type;
	size_t max; /* longer ones are E2BIG, or cut */
	bool cut;
};

struct msg_receiver {
	struct list_head link; /* in queue->receivers; empty once there is an answer */
	struct waitq q;
	const struct wanted *want;
	struct task *task;
	struct msg *msg; /* the answer, or NULL: */
	int status;	 /* 0: look again */
};

static void queue_destroy(struct ipc_object *o)
{
	ipc_free(msg_of(o), sizeof(struct msg_queue));
}

struct ipc_ids msg_ids = {.next_id = -1, .destroy = queue_destroy};

/* --- queues --- */

static int queue_create(struct task *t, const struct ipc_get *g)
{
	struct msg_queue *q = ipc_alloc(sizeof(*q));
	int id;

	if (!q)
		return -ENOMEM;
	q->ctime = ipc_now();
	q->max_bytes = msg_queue_bytes;
	list_init(&q->messages);
	list_init(&q->receivers);
	waitq_init(&q->senders);
	id = ipc_add(t, &msg_ids, &q->o, g, msg_max_ids);
	if (id < 0)
		queue_destroy(&q->o);
	return id;
}

long sys_msgget(struct task *t, int key, unsigned long flags)
{
	struct ipc_get g = {queue_create, NULL, key, (unsigned)flags, 0};

	return ipc_get(t, &msg_ids, &g);
}

static void msg_free(struct msg *m)
{
	if (m)
		ipc_free(m, sizeof(*m) + m->len);
}

static void receiver_end(struct msg_receiver *r, struct msg *m, int status)
{
	r->msg = m;
	r->status = status;
	list_del(&r->link);
	waitq_wake(&r->q, 0);
}

static void receivers_end(struct msg_queue *q, int status)
{
	struct msg_receiver *r, *next;

	list_for_each_safe (r, next, &q->receivers, link)
		receiver_end(r, NULL, status);
}

void msg_wake_all(struct msg_queue *q)
{
	receivers_end(q, 0);
	waitq_wake(&q->senders, 0);
}

/* m has left q. */
static void msg_unlink(struct msg_queue *q, struct msg *m)
{
	list_del(&m->link);
	q->count--;
	q->cbytes -= m->len;
	msg_all_count--;
	msg_all_bytes -= m->len;
}

void msg_remove(struct msg_queue *q)
{
	struct msg *m, *next;

	ipc_hold(&q->o);
	ipc_remove(&msg_ids, &q->o);
	receivers_end(q, -EIDRM);
	waitq_wake(&q->senders, 0);
	list_for_each_safe (m, next, &q->messages, link) {
		msg_unlink(q, m);
		msg_free(m);
	}
	ipc_put(&msg_ids, &q->o);
}

/* --- sending --- */

static bool matches(const struct wanted *want, int64_t type)
{
	switch (want->how) {
	case MATCH_EQUAL:
		return type == want->type;
	case MATCH_NOT_EQUAL:
		return type != want->type;
	case MATCH_AT_MOST:
		return type <= want->type;
	default:
		return true;
	}
}

/* Give m to who waits for it; true: it is gone. */
static bool hand_over(struct msg_queue *q, struct msg *m)
{
	struct msg_receiver *r, *next;

	list_for_each_safe (r, next, &q->receivers, link) {
		if (!matches(r->want, m->type))
			continue;
		if (m->len > r->want->max && !r->want->cut) {
			receiver_end(r, NULL, -E2BIG);
			continue;
		}
		q->lrpid = r->task->proc->pid;
		q->rtime = ipc_now();
		receiver_end(r, m, 0);
		return true;
	}
	return false;
}

static void deliver(struct task *t, struct msg_queue *q, struct msg *m)
{
	q->lspid = t->proc->pid;
	q->stime = ipc_now();
	if (hand_over(q, m))
		return;
	list_add_tail(&m->link, &q->messages);
	q->count++;
	q->cbytes += m->len;
	msg_all_count++;
	msg_all_bytes += m->len;
}

static int wait_for_room(struct task *t, struct msg_queue *q, struct msg *m, unsigned flags)
{
	for (;;) {
		int err = ipc_permission(t, &q->o, 0222);

		if (err)
			return err;
		if (q->cbytes + m->len <= q->max_bytes && q->count + 1 <= q->max_bytes)
			return 0;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		err = wait_on(&q->senders);
		if (q->o.removed)
			return -EIDRM;
		if (err)
			return -ERESTARTNOHAND;
	}
}

static int msg_load(struct task *t, int64_t type, uaddr_t data, size_t len, struct msg **out)
{
	struct msg *m = ipc_alloc(sizeof(*m) + len);

	if (!m)
		return -ENOMEM;
	m->type = type;
	m->len = len;
	list_init(&m->link);
	*out = m;
	return copy_from_user(t, m->data, data, len);
}

long sys_msgsnd(struct task *t, int id, uaddr_t buf, size_t len, unsigned long flags)
{
	struct msg_queue *q;
	struct msg *m = NULL;
	int64_t type;
	int err;

	if (get_user(t, type, buf))
		return -EFAULT;
	if (len > msg_max_bytes || (ssize_t)len < 0 || id < 0 || type < 1)
		return -EINVAL;
	err = msg_load(t, type, buf + sizeof(type), len, &m);
	q = msg_of(ipc_find(&msg_ids, id));
	if (!err && !q)
		err = -EINVAL;
	if (err) {
		msg_free(m);
		return err;
	}
	ipc_hold(&q->o);
	err = wait_for_room(t, q, m, (unsigned)flags);
	if (err)
		msg_free(m);
	else
		deliver(t, q, m);
	ipc_put(&msg_ids, &q->o);
	return err;
}

/* --- receiving --- */

static struct msg *msg_find(struct msg_queue *q, const struct wanted *want)
{
	struct msg *m, *found = NULL;
	int64_t index = 0;

	list_for_each (m, &q->messages, link) {
		if (want->how == MATCH_INDEX) {
			if (index++ == want->type)
				return m;
			continue;
		}
		if (!matches(want, m->type))
			continue;
		if (want->how != MATCH_AT_MOST)
			return m;
		if (!found || m->type < found->type) /* the lowest type, of those the oldest */
			found = m;
	}
	return found;
}

static int wait_for_msg(struct task *t, struct msg_queue *q, const struct wanted *want,
			struct msg **out)
{
	struct msg_receiver r = {.want = want, .task = t};
	int err;

	waitq_init(&r.q);
	list_add_tail(&r.link, &q->receivers);
	err = wait_on(&r.q);
	if (!list_empty(&r.link)) {
		list_del(&r.link);
		return err ? -ERESTARTNOHAND : 0;
	}
	*out = r.msg;
	return r.status;
}

/* A message of one's own, in *out; or a copy's original, which stays (MATCH_INDEX). */
static int msg_take(struct task *t, struct msg_queue *q, const struct wanted *want, bool wait,
		    struct msg **out)
{
	while (!*out) {
		struct msg *m;
		int err = ipc_permission(t, &q->o, 0444);

		if (err)
			return err;
		m = msg_find(q, want);
		if (!m) {
			if (!wait)
				return -ENOMSG;
			err = wait_for_msg(t, q, want, out);
			if (err)
				return err;
			continue;
		}
		if (m->len > want->max && !want->cut)
			return -E2BIG;
		if (want->how == MATCH_INDEX) { /* a copy is never cut */
			*out = m->len > want->max ? NULL : m;
			return *out ? 0 : -EINVAL;
		}
		*out = m;
		msg_unlink(q, m);
		q->rtime = ipc_now();
		q->lrpid = t->proc->pid;
		waitq_wake(&q->senders, 0);
	}
	return 0;
}

static struct wanted wanted_make(size_t max, int64_t type, unsigned flags)
{
	struct wanted w = {.type = type, .max = max, .cut = flags & MSG_NOERROR};

	if (flags & MSG_COPY) {
		w.how = MATCH_INDEX;
	} else if (type == 0) {
		w.how = MATCH_ANY;
	} else if (type < 0) {
		w.how = MATCH_AT_MOST;
		w.type = type == INT64_MIN ? INT64_MAX : -type;
	} else {
		w.how = flags & MSG_EXCEPT ? MATCH_NOT_EQUAL : MATCH_EQUAL;
	}
	return w;
}

static long msg_store(struct task *t, const struct msg *m, uaddr_t buf, size_t max)
{
	size_t len = m->len < max ? m->len : max;

	if (put_user(t, m->type, buf) || copy_to_user(t, buf + sizeof(m->type), m->data, len))
		return -EFAULT;
	return (long)len;
}

long sys_msgrcv(struct task *t, int id, uaddr_t buf, size_t max, long type, unsigned long uflags)
{
	unsigned flags = (unsigned)uflags;
	struct wanted want = wanted_make(max, type, flags);
	struct msg *m = NULL;
	struct msg_queue *q;
	long ret;

	if (id < 0 || (ssize_t)max < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	q = msg_of(ipc_find(&msg_ids, id));
	if (!q)
		return -EINVAL;
	ipc_hold(&q->o);
	ret = msg_take(t, q, &want, !(flags & IPC_NOWAIT), &m);
	if (!ret)
		ret = msg_store(t, m, buf, max);
	if (m && want.how != MATCH_INDEX)
		msg_free(m);
	ipc_put(&msg_ids, &q->o);
	return ret;
}
