/*
 * futex_pi.c - futexes that know their owner: FUTEX_LOCK_PI and its kin.
 *
 * The word holds the owner's number and FUTEX_WAITERS; unlocking hands it to the longest waiter.
 * Priorities are not inherited: the policies here have none that could be inverted.
 */
#include "kern/futex_queue.h"
#include "kern/task.h"
#include "mm/uaccess.h"

#include <errno.h>
#include <linux/futex.h>

/*
 * Take the word if it is free, else mark that we wait.  1: ours; 0: somebody else has it, and
 * FUTEX_WAITERS is set; -errno.
 */
static int lock_try(struct task *t, uaddr_t addr, bool mark)
{
	uint32_t seen;

	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	for (;;) {
		uint32_t expect = seen, owner = seen & FUTEX_TID_MASK, want;

		if (owner == (uint32_t)t->tid)
			return -EDEADLK;
		if (owner == 0)
			want = (uint32_t)t->tid | (expect & (FUTEX_WAITERS | FUTEX_OWNER_DIED));
		else if (!mark || (expect & FUTEX_WAITERS))
			want = expect;
		else
			want = expect | FUTEX_WAITERS;
		if (owner && !task_find((pid_t)owner))
			return -ESRCH;
		if (want == expect)
			return 0;
		int err = machine->mem_cmpxchg(t->thread, addr, expect, want, &seen);
		if (err < 0)
			return err;
		if (seen == expect)
			return owner == 0;
	}
}

long futex_lock_pi(struct task *t, uaddr_t addr, bool shared, uint64_t deadline_ns)
{
	struct futex_waiter w = {.task = t, .pi = true};
	int err = futex_key_of(t, addr, shared, &w.key);

	if (err < 0)
		return err;
	for (;;) {
		err = lock_try(t, addr, deadline_ns != 0);
		if (err < 0)
			return err;
		if (err > 0)
			return 0;
		if (deadline_ns == 0)
			return -EAGAIN;
		futex_enqueue(&w);
		err = wait_on_until(&w.q, deadline_ns);
		if (!w.queued) {
			uint32_t now;

			/* The unlocker has made it ours; a dying owner has only left it. */
			if (get_user(t, now, addr) < 0)
				return -EFAULT;
			if ((now & FUTEX_TID_MASK) == (uint32_t)t->tid)
				return 0;
			continue;
		}
		futex_dequeue(&w);
		if (err == -ERESTARTSYS)
			return -ERESTARTNOINTR;
		if (err < 0)
			return err;
	}
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
		if (next) /* WAITERS stays: the new owner will ask us again */
			want = (uint32_t)next->task->tid | FUTEX_WAITERS;
		err = machine->mem_cmpxchg(t->thread, addr, expect, want, &seen);
		if (err < 0)
			return err;
		if (seen != expect)
			continue;
		if (next)
			futex_wake_waiter(next);
		return 0;
	}
}
