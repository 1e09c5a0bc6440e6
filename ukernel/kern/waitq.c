/*
 * waitq.c - wait queues and sleeping.
 *
 * A sleep is: be on the queues, set the state, give up the virtual CPU.  As the kernel is one
 * thread nothing can slip in between a test and the sleep.  What wakes: an entry's wake function,
 * a timer, or the signal code; each only makes the task runnable.
 */
#include "kern/waitq.h"

#include "fs/foretell.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "sched/sched.h"

#include <errno.h>

void waitq_wake_n(struct waitq *q, int n, uint32_t events)
{
	struct wait_entry *we, *next;

	list_for_each_safe (we, next, &q->entries, link) {
		bool exclusive = we->exclusive;

		if (exclusive && n <= 0)
			continue;
		if (we->wake(we, events) && exclusive)
			n--;
	}
}

void waitq_wake(struct waitq *q, uint32_t events)
{
	if (waitq_active(q))
		waitq_wake_n(q, INT32_MAX, events);
}

void waitq_add(struct waitq *q, struct wait_entry *we)
{
	list_add_tail(&we->link, &q->entries);
}

void waitq_del(struct wait_entry *we)
{
	list_del(&we->link);
}

static bool wake_task(struct wait_entry *we, uint32_t events)
{
	(void)events;
	sched_wake(we->task);
	return true;
}

void wait_entry_init(struct wait_entry *we, struct task *t)
{
	list_init(&we->link);
	we->wake = wake_task;
	we->task = t;
	we->data = NULL;
	we->exclusive = false;
}

struct sleep_timer {
	struct timer timer;
	struct task *task;
	bool fired;
};

static void sleep_timer_fire(struct timer *tm)
{
	struct sleep_timer *st = container_of(tm, struct sleep_timer, timer);

	st->fired = true;
	sched_wake(st->task);
}

/* One sleep in the given state; true if the deadline ended it. */
static bool sleep_in(struct task *t, enum task_state state, uint64_t deadline_ns)
{
	struct sleep_timer st;

	if (deadline_ns == WAIT_FOREVER) {
		t->state = state;
		sched_block();
		foretell_spoil(); /* what the task does now, nobody has looked at */
		return false;
	}
	timer_init(&st.timer, sleep_timer_fire);
	st.task = t;
	st.fired = false;
	timer_arm(&st.timer, deadline_ns);
	t->state = state;
	sched_block();
	foretell_spoil();
	timer_cancel(&st.timer);
	return st.fired;
}

int task_sleep_until(uint64_t deadline_ns)
{
	struct task *t = current;

	if (signal_pending(t))
		return -ERESTARTSYS;
	if (deadline_ns == 0)
		return -ETIMEDOUT;
	bool timed_out = sleep_in(t, TASK_SLEEPING, deadline_ns);
	if (signal_pending(t))
		return -ERESTARTSYS;
	return timed_out ? -ETIMEDOUT : 0;
}

/* As wake_task, and the entry leaves the queue: being off it says that the wake-up came from
 * there.  An exclusive wake-up must not be spent on a task that is already awake.  Another that a
 * signal woke first, and that only has not run yet, is interrupted: a shell's wait then runs its
 * trap before it hears of the child that sent the signal and died. */
static bool wake_and_leave(struct wait_entry *we, uint32_t events)
{
	(void)events;
	if (!we->exclusive && we->task->state == TASK_RUNNABLE && signal_pending(we->task))
		return true;
	list_del(&we->link);
	sched_wake(we->task);
	return true;
}

static int sleep_on(struct waitq *q, uint64_t deadline_ns, bool exclusive)
{
	struct task *t = current;
	struct wait_entry we;

	if (signal_pending(t))
		return -ERESTARTSYS;
	if (deadline_ns == 0)
		return -ETIMEDOUT;
	wait_entry_init(&we, t);
	we.wake = wake_and_leave;
	we.exclusive = exclusive;
	waitq_add(q, &we);
	bool timed_out = sleep_in(t, TASK_SLEEPING, deadline_ns);
	if (list_empty(&we.link))
		return 0; /* the caller looks again; a signal is seen by its next sleep */
	waitq_del(&we);
	if (signal_pending(t))
		return -ERESTARTSYS;
	return timed_out ? -ETIMEDOUT : 0;
}

int wait_on(struct waitq *q)
{
	return sleep_on(q, WAIT_FOREVER, false);
}

int wait_on_until(struct waitq *q, uint64_t deadline_ns)
{
	return sleep_on(q, deadline_ns, false);
}

int wait_on_exclusive(struct waitq *q)
{
	return sleep_on(q, WAIT_FOREVER, true);
}

int wait_on_killable(struct waitq *q)
{
	struct task *t = current;
	struct wait_entry we;

	if (signal_fatal_pending(t))
		return -EINTR;
	wait_entry_init(&we, t);
	waitq_add(q, &we);
	sleep_in(t, TASK_KILLABLE, WAIT_FOREVER);
	waitq_del(&we);
	return signal_fatal_pending(t) ? -EINTR : 0;
}
