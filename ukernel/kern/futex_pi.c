/*
 * futex_pi.c - futexes that know their owner: FUTEX_LOCK_PI and its kin.
 *
 * The word holds the owner's number and FUTEX_WAITERS.  Who waits lends the owner its urgency
 * (sched_donate), over chains of locks; unlocking hands the word to the most urgent waiter, and
 * so does the owner's death.
 */
#include "kern/futex.h"
#include "kern/futex_queue.h"
#include "kern/task.h"
#include "mm/uaccess.h"

#include <errno.h>
#include <linux/futex.h>

/*
 * Take the word, at addr in t's space, for who if it is free, else mark that who waits.  1: taken;
 * 0: *owner has it, and FUTEX_WAITERS is set if mark is; -errno.
 */
static int lock_try(struct task *t, uaddr_t addr, const struct task *who, bool mark,
		    struct task **owner)
{
	uint32_t seen;

	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	for (;;) {
		uint32_t expect = seen, tid = seen & FUTEX_TID_MASK, want;

		if (tid == (uint32_t)who->tid)
			return -EDEADLK;
		if (tid == 0)
			want = (uint32_t)who->tid | (expect & (FUTEX_WAITERS | FUTEX_OWNER_DIED));
		else if (!mark || (expect & FUTEX_WAITERS))
			want = expect;
		else
			want = expect | FUTEX_WAITERS;
		*owner = tid ? task_find((pid_t)tid) : NULL;
		if (tid && (!*owner || (*owner)->exiting))
			return -ESRCH;
		if (tid && (*owner)->proc->is_init)
			return -EPERM; /* the kernel's own */
		if (want == expect)
			return 0;
		int err = machine->mem_cmpxchg(t->thread, addr, expect, want, &seen);
		if (err < 0)
			return err;
		if (seen == expect)
			return tid == 0;
	}
}

/* Sleep for w's word, which owner has.  0: the word may be ours now; -errno. */
static int lock_wait(struct task *t, struct futex_waiter *w, struct task *owner,
		     uint64_t deadline_ns)
{
	struct futex_waiter *first = futex_first_pi(&w->key);

	/* The word has to name who the others wait for. */
	if (first && first->task->sched.owner != owner)
		return -EINVAL;
	if (sched_waits_for(owner, t))
		return -EDEADLK;
	futex_enqueue(w);
	t->pi_wait = w;
	sched_donate(t, owner);
	int err = wait_on_until(&w->q, deadline_ns);
	sched_donate(t, NULL);
	t->pi_wait = NULL;
	if (!w->queued)
		return 0;
	futex_dequeue(w);
	return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
}

long futex_lock_pi(struct task *t, uaddr_t addr, bool shared, uint64_t deadline_ns)
{
	struct futex_waiter w = {.task = t, .addr = addr, .pi = true};
	struct task *owner;
	int err = futex_key_of(t, addr, shared, &w.key);

	if (err < 0)
		return err;
	for (;;) {
		uint32_t now;

		err = lock_try(t, addr, t, deadline_ns != 0, &owner);
		if (err != 0)
			return err < 0 ? err : 0;
		if (deadline_ns == 0)
			return -EAGAIN;
		err = lock_wait(t, &w, owner, deadline_ns);
		if (err < 0)
			return err;
		/* Whoever took us off the queue has made it ours, if memory let him. */
		if (get_user(t, now, addr) < 0)
			return -EFAULT;
		if ((now & FUTEX_TID_MASK) == (uint32_t)t->tid)
			return 0;
	}
}

/* The word is next's: wake it; those who still wait now wait for next. */
static void hand_over(struct futex_waiter *next)
{
	struct futex_key key = next->key;
	struct task *owner = next->task;

	futex_wake_waiter(next);
	sched_donate(owner, NULL);
	futex_donate_all(&key, owner);
}

long futex_unlock_pi(struct task *t, uaddr_t addr, bool shared)
{
	struct futex_key key;
	uint32_t seen;
	int err = futex_key_of(t, addr, shared, &key);

	if (err < 0)
		return err;
	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	for (;;) {
		struct futex_waiter *next = futex_first_pi(&key);
		uint32_t expect = seen, want = 0;

		if ((expect & FUTEX_TID_MASK) != (uint32_t)t->tid)
			return -EPERM;
		if (next && next->task->sched.owner != t)
			return -EINVAL;
		if (next) /* WAITERS stays: the new owner will ask us again */
			want = (uint32_t)next->task->tid | FUTEX_WAITERS;
		err = machine->mem_cmpxchg(t->thread, addr, expect, want, &seen);
		if (err < 0)
			return err;
		if (seen != expect)
			continue;
		if (next)
			hand_over(next);
		return 0;
	}
}

/* --- from a condition to a lock --- */

long futex_wait_requeue_pi(struct task *t, uaddr_t addr, bool shared, uint32_t val,
			   uint64_t deadline_ns, uaddr_t lock)
{
	struct futex_waiter w = {.task = t, .addr = lock, .to_pi = true, .bitset = UINT32_MAX};
	uint32_t seen;
	int err = futex_key_of(t, lock, shared, &w.lock_key);

	if (err == 0)
		err = futex_key_of(t, addr, shared, &w.key);
	if (err == 0 && addr == lock)
		err = -EINVAL;
	if (err < 0)
		return err;
	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	if (seen != val)
		return -EAGAIN;
	futex_enqueue(&w);
	err = wait_on_until(&w.q, deadline_ns);
	sched_donate(t, NULL);
	t->pi_wait = NULL;
	if (w.queued) {
		futex_dequeue(&w);
		if (err != -ERESTARTSYS)
			return err;
		/* Once it has been moved, the condition may have changed: not to be waited for. */
		return w.pi ? -EAGAIN : -ERESTARTNOINTR;
	}
	/* Whoever took us off has made the lock ours, if memory let him. */
	if (get_user(t, seen, lock) < 0)
		return -EFAULT;
	if ((seen & FUTEX_TID_MASK) == (uint32_t)t->tid)
		return 0;
	return futex_lock_pi(t, lock, shared, deadline_ns);
}

/* The lock is w's, or w waits for who has it.  1, 0 or -errno, and then w is where it was. */
static int requeue_one(struct task *t, struct futex_waiter *w, uaddr_t lock)
{
	struct task *owner;
	int err = lock_try(t, lock, w->task, true, &owner);

	if (err < 0)
		return err;
	if (err == 1) {
		futex_wake_waiter(w);
		/* Who comes after it waits for it. */
		futex_donate_all(&w->lock_key, w->task);
		return 1;
	}
	struct futex_waiter *first = futex_first_pi(&w->lock_key);

	if (first && first->task->sched.owner != owner)
		return -EINVAL;
	if (sched_waits_for(owner, w->task))
		return -EDEADLK;
	futex_dequeue(w);
	w->key = w->lock_key;
	w->pi = true;
	futex_requeue_waiter(w);
	w->task->pi_wait = w;
	sched_donate(w->task, owner);
	return 0;
}

long futex_cmp_requeue_pi(struct task *t, uaddr_t addr, bool shared, int n, int limit, uaddr_t lock,
			  uint32_t expect)
{
	struct futex_key from, to;
	struct futex_waiter *w;
	uint32_t seen;
	int err, done = 0;

	if (n != 1 || limit < 0)
		return -EINVAL;
	err = futex_key_of(t, addr, shared, &from);
	if (err == 0)
		err = futex_key_of(t, lock, shared, &to);
	if (err == 0 && addr == lock)
		err = -EINVAL;
	if (err < 0)
		return err;
	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	if (seen != expect)
		return -EAGAIN;
	/* The one that may get the lock at once, and limit others. */
	while (done <= limit && (w = futex_first(&from)) != NULL) {
		if (!w->to_pi || !futex_key_equal(&w->lock_key, &to))
			return done ? done : -EINVAL;
		err = requeue_one(t, w, lock);
		if (err < 0)
			return done ? done : err;
		done++;
	}
	return done;
}

/* --- an owner dies --- */

void futex_pi_exit(struct task *t)
{
	while (t->se.donors) {
		struct task *donor = container_of(t->se.donors, struct task, se);
		struct futex_waiter *next = futex_first_pi(&donor->pi_wait->key);
		struct task *heir = next->task;
		uint32_t seen, want = (uint32_t)heir->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED;

		/* In the heir's own space: ours may be going. */
		if (get_user(heir, seen, next->addr) == 0) {
			uint32_t expect;

			do {
				uint32_t tid = seen & FUTEX_TID_MASK;

				expect = seen;
				if (tid && tid != (uint32_t)t->tid)
					break; /* the guest has written something else there */
			} while (machine->mem_cmpxchg(heir->thread, next->addr, expect, want,
						      &seen) == 0 &&
				 seen != expect);
		}
		hand_over(next);
	}
}
