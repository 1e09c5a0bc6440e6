/*
 * waitq.h - wait queues: how a task sleeps until something happens, and how poll and epoll listen.
 *
 * The kernel is one thread, so nothing can happen between a test and the sleep:
 *
 *	while (pipe_empty(p)) {
 *		int err = wait_on(&p->readers);
 *		if (err)
 *			return err;
 *	}
 *
 * After a sleep, look again: a wake-up is a hint, never a promise.
 */
#ifndef KERN_WAITQ_H
#define KERN_WAITQ_H

#include "lib/list.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct waitq;

/* What a sleep answers when a signal came; the signal code turns these into EINTR or a restart
 * (Linux's include/linux/errno.h: never seen by a guest). */
#define ERESTARTSYS	      512 /* restart if SA_RESTART or no handler */
#define ERESTARTNOINTR	      513 /* restart always */
#define ERESTARTNOHAND	      514 /* restart if no handler, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* restart through task->restart if no handler, else EINTR */

struct waitq {
	struct list_head entries;
};

struct wait_entry {
	struct list_head link; /* in waitq.entries; empty when not queued */
	/* Called at each wake-up with the poll events that it is about (0: not said).  Returns
	 * true if that counted as one of the wakers' n (waitq_wake_n).  May dequeue itself. */
	bool (*wake)(struct wait_entry *we, uint32_t events);
	struct task *task;
	void *data; /* for wake */
	bool exclusive;
};

static inline void waitq_init(struct waitq *q)
{
	list_init(&q->entries);
}

static inline bool waitq_active(const struct waitq *q)
{
	return !list_empty(&q->entries);
}

/* Wake every waiter / at most n exclusive ones (others always).  events: EPOLL* mask or 0. */
void waitq_wake(struct waitq *q, uint32_t events);
void waitq_wake_n(struct waitq *q, int n, uint32_t events);

void waitq_add(struct waitq *q, struct wait_entry *we); /* at the tail */
void waitq_del(struct wait_entry *we);			/* harmless when not queued */

/* Make we an entry that wakes task t. */
void wait_entry_init(struct wait_entry *we, struct task *t);

/*
 * Sleep on q.  All return 0 when woken, -ERESTARTSYS when a signal is to be delivered (at once if
 * one already is), -ETIMEDOUT when deadline_ns (CLOCK_OF_TICKS; 0 = at once, WAIT_FOREVER) went by.
 */
#define WAIT_FOREVER UINT64_MAX
int wait_on(struct waitq *q);
int wait_on_until(struct waitq *q, uint64_t deadline_ns);
int wait_on_exclusive(struct waitq *q);
/* Only SIGKILL ends this one: -EINTR. */
int wait_on_killable(struct waitq *q);

/* For more than one queue: waitq_add() several entries, test, then task_sleep_until(), then
 * waitq_del() all.  Same results. */
int task_sleep_until(uint64_t deadline_ns);
#endif
