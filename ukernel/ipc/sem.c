/*
 * sem.c - semget, semop and semtimedop(2): sets of semaphores, and operations on them.
 *
 * The operations of a call are done in order, all or none.  A call that cannot go on waits, and is
 * tried again by whoever changes a value: what only waits for zero first, then the rest, the
 * oldest first.
 */
#include "ipc/sem.h"

#include "abi.h"
#include "ipc/ipc.h"
#include "kern/clock.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#define FAST_OPS 8

struct sem_limits sem_limits = {.per_set = 32000, .all = 1024000000, .per_call = 500, .ids = 32000};
uint64_t sem_used;

static uint64_t set_bytes(unsigned n)
{
	return sizeof(struct sem_set) + (uint64_t)n * sizeof(struct sem);
}

static void set_destroy(struct ipc_object *o)
{
	ipc_free(sem_of(o), set_bytes(sem_of(o)->n));
}

struct ipc_ids sem_ids = {.next_id = -1, .destroy = set_destroy};

/* --- sets --- */

static int set_create(struct task *t, const struct ipc_get *g)
{
	struct sem_set *set;
	int id;

	if (!g->size)
		return -EINVAL;
	if (sem_used + g->size > sem_limits.all)
		return -ENOSPC;
	set = ipc_alloc(set_bytes((unsigned)g->size));
	if (!set)
		return -ENOMEM;
	set->n = (unsigned)g->size;
	set->ctime = ipc_now();
	list_init(&set->zero_waiters);
	list_init(&set->waiters);
	list_init(&set->undos);
	id = ipc_add(t, &sem_ids, &set->o, g, sem_limits.ids);
	if (id < 0)
		set_destroy(&set->o);
	else
		sem_used += set->n;
	return id;
}

static int set_check(const struct ipc_object *o, const struct ipc_get *g)
{
	return container_of(o, struct sem_set, o)->n < g->size ? -EINVAL : 0;
}

long sys_semget(struct task *t, int key, int n, unsigned long flags)
{
	struct ipc_get g = {set_create, set_check, key, (unsigned)flags, (uint64_t)n};

	if (n < 0 || (uint64_t)n > sem_limits.per_set)
		return -EINVAL;
	return ipc_get(t, &sem_ids, &g);
}

/* --- operations --- */

/* One operation: 0, SEM_WAITING, or -ERANGE. */
static int op_do(struct sem_set *set, const struct abi_sembuf *op, struct sem_undo *undo)
{
	struct sem *s = &set->sem[op->num];
	int value = s->value + op->op, adjust;

	if ((!op->op && s->value) || value < 0)
		return SEM_WAITING;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->flags & SEM_UNDO) {
		adjust = undo->adjust[op->num] - op->op;
		if (adjust < -SEM_VALUE_MAX - 1 || adjust > SEM_VALUE_MAX)
			return -ERANGE;
		undo->adjust[op->num] = (int16_t)adjust;
	}
	s->value = value;
	return 0;
}

/* All of w's operations: 0, SEM_WAITING, or -errno with nothing changed. */
static int ops_do(struct sem_set *set, struct sem_wait *w)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < w->n && !ret; i++)
		ret = op_do(set, &w->ops[i], w->undo);
	if (!ret) {
		while (i-- > 0)
			set->sem[w->ops[i].num].pid = w->pid;
		set->sem[w->ops[0].num].otime = ipc_now();
		return 0;
	}
	w->blocking = &w->ops[--i];
	w->before = set->sem[w->blocking->num].value;
	if (ret == SEM_WAITING && (w->blocking->flags & IPC_NOWAIT))
		ret = -EAGAIN;
	while (i-- > 0) {
		const struct abi_sembuf *op = &w->ops[i];

		set->sem[op->num].value -= op->op;
		if (op->flags & SEM_UNDO)
			w->undo->adjust[op->num] += op->op;
	}
	w->before -= set->sem[w->blocking->num].value;
	return ret;
}

/* Try again what has waited.  Where the operation that could not be done still cannot, the others
 * are not looked at: a long list of long lists would take too much time. */
static int ops_retry(struct sem_set *set, struct sem_wait *w)
{
	int value = set->sem[w->blocking->num].value + w->before, op = w->blocking->op;

	return (op ? value + op < 0 : value != 0) ? SEM_WAITING : ops_do(set, w);
}

static void waiter_end(struct sem_wait *w, int status)
{
	w->status = status;
	list_del(&w->link);
	waitq_wake(&w->q, 0);
}

static void zero_update(struct sem_set *set)
{
	struct sem_wait *w, *next;

	list_for_each_safe (w, next, &set->zero_waiters, link) {
		int ret = ops_retry(set, w);

		if (ret != SEM_WAITING)
			waiter_end(w, ret);
	}
}

void sem_update(struct sem_set *set)
{
	struct sem_wait *w, *next;

	zero_update(set);
again:
	list_for_each_safe (w, next, &set->waiters, link) {
		int ret = ops_retry(set, w);

		if (ret == SEM_WAITING)
			continue;
		waiter_end(w, ret);
		if (ret)
			continue;
		zero_update(set);
		/* A single operation that had to wait takes something: older ones that could not
		 * go on before cannot now. */
		if (w->n > 1)
			goto again;
	}
}

void sem_remove(struct sem_set *set)
{
	struct sem_wait *w, *next;

	sem_undo_drop(set);
	list_for_each_safe (w, next, &set->zero_waiters, link)
		waiter_end(w, -EIDRM);
	list_for_each_safe (w, next, &set->waiters, link)
		waiter_end(w, -EIDRM);
	sem_used -= set->n;
	ipc_remove(&sem_ids, &set->o);
}

static int wait_for(struct sem_set *set, struct sem_wait *w, bool changes, uint64_t deadline)
{
	int err;

	waitq_init(&w->q);
	list_add_tail(&w->link, changes ? &set->waiters : &set->zero_waiters);
	ipc_hold(&set->o);
	err = wait_on_until(&w->q, deadline);
	if (w->status == SEM_WAITING) {
		list_del(&w->link);
		w->status = err == -ETIMEDOUT ? -EAGAIN : -EINTR;
	}
	ipc_put(&sem_ids, &set->o);
	return w->status;
}

static int ops_run(struct task *t, int id, const struct abi_sembuf *ops, unsigned n,
		   uint64_t deadline)
{
	struct sem_wait w = {.ops = ops, .n = n, .pid = t->proc->pid};
	bool changes = false, undo = false;
	struct sem_set *set = sem_of(ipc_find(&sem_ids, id));
	unsigned top = 0;

	if (!set)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		changes |= ops[i].op != 0;
		undo |= (ops[i].flags & SEM_UNDO) != 0;
		top = ops[i].num > top ? ops[i].num : top;
	}
	if (top >= set->n)
		return -EFBIG;
	if (ipc_permission(t, &set->o, changes ? 0222 : 0444))
		return -EACCES;
	if (undo && !(w.undo = sem_undo_get(t, set)))
		return -ENOMEM;
	w.status = ops_do(set, &w);
	if (!w.status && changes)
		sem_update(set);
	return w.status == SEM_WAITING ? wait_for(set, &w, changes, deadline) : w.status;
}

static long ops_call(struct task *t, int id, uaddr_t uops, unsigned n, uint64_t deadline)
{
	struct abi_sembuf fast[FAST_OPS], *ops = fast;
	long ret = -EFAULT;

	if (!n || id < 0)
		return -EINVAL;
	if (n > sem_limits.per_call)
		return -E2BIG;
	if (n > FAST_OPS && !(ops = malloc(n * sizeof(*ops))))
		return -ENOMEM;
	if (!copy_from_user(t, ops, uops, n * sizeof(*ops)))
		ret = ops_run(t, id, ops, n, deadline);
	if (ops != fast)
		free(ops);
	return ret;
}

long sys_semop(struct task *t, int id, uaddr_t ops, unsigned n)
{
	return ops_call(t, id, ops, n, WAIT_FOREVER);
}

long sys_semtimedop(struct task *t, int id, uaddr_t ops, unsigned n, uaddr_t timeout)
{
	struct abi_timespec ts;

	if (!timeout)
		return ops_call(t, id, ops, n, WAIT_FOREVER);
	if (get_user(t, ts, timeout))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return ops_call(t, id, ops, n, time_add_ns(time_now_ns(), timespec_to_ns(&ts)));
}
