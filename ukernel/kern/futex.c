/*
 * futex.c - futex(2): sleep while a word of guest memory has a value, and wake such sleepers.
 *
 * As the kernel is one thread, reading the word and joining the queue cannot be separated by
 * another kernel action; a guest that changes the word meanwhile must call FUTEX_WAKE afterwards,
 * and that comes after us.  A private futex is (address space, address), a shared one what is
 * mapped there and the offset in it.  Priority inheritance is in futex_pi.c.
 */
#include "kern/futex.h"

#include "kern/futex_queue.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <linux/futex.h>

#define BUCKETS	   256 /* a power of two */
#define NS_PER_SEC 1000000000

static struct list_head buckets[BUCKETS];

/* --- keys and queues --- */

static struct list_head *bucket_of(const struct futex_key *key)
{
	uint64_t h = ((uint64_t)(uintptr_t)key->object ^ key->offset) * 0x9e3779b97f4a7c15ULL;
	struct list_head *b = &buckets[h >> 56 & (BUCKETS - 1)];

	if (!b->next)
		list_init(b);
	return b;
}

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

int futex_key_of(struct task *t, uaddr_t addr, bool shared, struct futex_key *key)
{
	int object = 0;

	if (addr & 3)
		return -EINVAL;
	if (addr >= machine_info.user_hi)
		return -EFAULT;
	if (shared)
		object = mm_futex_key(t->mm, addr, &key->object, &key->offset);
	if (object == 0) {
		key->object = t->mm;
		key->offset = addr | shared; /* the two kinds never meet */
	}
	return object < 0 ? object : 0;
}

void futex_enqueue(struct futex_waiter *w)
{
	waitq_init(&w->q);
	futex_requeue_waiter(w);
}

void futex_requeue_waiter(struct futex_waiter *w)
{
	w->queued = true;
	list_add_tail(&w->link, bucket_of(&w->key));
}

void futex_dequeue(struct futex_waiter *w)
{
	if (w->queued)
		list_del(&w->link);
	w->queued = false;
}

static struct futex_waiter *first_of(const struct futex_key *key, bool pi)
{
	struct futex_waiter *w, *first = NULL;

	list_for_each (w, bucket_of(key), link) {
		if (w->pi != pi || !futex_key_equal(&w->key, key))
			continue;
		if (!first || sched_rank(w->task) > sched_rank(first->task))
			first = w;
	}
	return first;
}

struct futex_waiter *futex_first_pi(const struct futex_key *key)
{
	return first_of(key, true);
}

struct futex_waiter *futex_first(const struct futex_key *key)
{
	return first_of(key, false);
}

void futex_donate_all(const struct futex_key *key, struct task *owner)
{
	struct futex_waiter *w;

	list_for_each (w, bucket_of(key), link)
		if (w->pi && futex_key_equal(&w->key, key))
			sched_donate(w->task, owner);
}

void futex_wake_waiter(struct futex_waiter *w)
{
	futex_dequeue(w);
	waitq_wake(&w->q, 0);
}

static int wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
	struct list_head *b = bucket_of(key);
	struct futex_waiter *w, *next;
	int woken = 0;

	list_for_each_safe (w, next, b, link) {
		if (woken >= n)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->pi || w->to_pi)
			return woken ? woken : -EINVAL; /* it has to be given a lock */
		if (!(w->bitset & bitset))
			continue;
		futex_wake_waiter(w);
		woken++;
	}
	return woken;
}

int futex_wake_address(struct task *t, uaddr_t addr, int n)
{
	struct futex_key key;
	int woken = 0;

	/* The waiter may have used either kind. */
	if (futex_key_of(t, addr, false, &key) < 0)
		return 0;
	woken = wake_key(&key, n, FUTEX_BITSET_MATCH_ANY);
	struct futex_key private = key;
	if (woken >= 0 && woken < n && futex_key_of(t, addr, true, &key) == 0 &&
	    !futex_key_equal(&key, &private))
		woken += wake_key(&key, n - woken, FUTEX_BITSET_MATCH_ANY);
	return woken;
}

/* --- waiting --- */

/* The time argument as a deadline on CLOCK_OF_TICKS.  0 or -errno. */
int futex_deadline(struct task *t, uaddr_t utime, bool relative, bool wall, uint64_t *out)
{
	struct abi_timespec ts;

	*out = WAIT_FOREVER;
	if (!utime)
		return 0;
	if (get_user(t, ts, utime) < 0)
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= NS_PER_SEC)
		return -EINVAL;
	if (ts.sec > INT64_MAX / NS_PER_SEC / 2)
		return 0; /* longer than anything lives */
	uint64_t ns = (uint64_t)ts.sec * NS_PER_SEC + (uint64_t)ts.nsec;
	uint64_t now = time_now_ns();
	if (relative) {
		*out = now + ns;
	} else if (wall) {
		uint64_t wall_now = time_wall_ns();
		*out = ns > wall_now ? now + (ns - wall_now) : 1;
	} else {
		*out = ns ? ns : 1;
	}
	return 0;
}

static long futex_wait(struct task *t, uaddr_t addr, bool shared, uint32_t val,
		       uint64_t deadline_ns, uint32_t bitset);

static long wait_again(struct task *t)
{
	const uint64_t *a = t->restart_arg;

	return futex_wait(t, a[0], a[1] >> 63, (uint32_t)a[1], a[2], (uint32_t)a[3]);
}

static long futex_wait(struct task *t, uaddr_t addr, bool shared, uint32_t val,
		       uint64_t deadline_ns, uint32_t bitset)
{
	struct futex_waiter w = {.task = t, .bitset = bitset};
	uint32_t seen;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_of(t, addr, shared, &w.key);
	if (err < 0)
		return err;
	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	if (seen != val)
		return -EAGAIN;
	futex_enqueue(&w);
	err = wait_on_until(&w.q, deadline_ns);
	/* Being off the queue is what counts: a wake-up must not get lost in a time-out. */
	if (!w.queued)
		return 0;
	futex_dequeue(&w);
	if (err != -ERESTARTSYS || deadline_ns == WAIT_FOREVER)
		return err;
	t->restart = wait_again;
	t->restart_arg[0] = addr;
	t->restart_arg[1] = (uint64_t)shared << 63 | val;
	t->restart_arg[2] = deadline_ns;
	t->restart_arg[3] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

/* --- waking and moving --- */

static long futex_wake(struct task *t, uaddr_t addr, bool shared, int n, uint32_t bitset)
{
	struct futex_key key;

	if (!bitset)
		return -EINVAL;
	int err = futex_key_of(t, addr, shared, &key);
	if (err < 0)
		return err;
	return wake_key(&key, n < 1 ? 1 : n, bitset);
}

/* Wake n at from, move up to limit others to to. */
static long futex_requeue(struct task *t, uaddr_t from, uaddr_t to, bool shared, int n, int limit,
			  const uint32_t *expect)
{
	struct futex_key a, b;
	struct futex_waiter *w, *next;
	uint32_t seen;
	int err, woken = 0, moved = 0;

	if (n < 0 || limit < 0)
		return -EINVAL;
	err = futex_key_of(t, from, shared, &a);
	if (err == 0)
		err = futex_key_of(t, to, shared, &b);
	if (err < 0)
		return err;
	if (expect) {
		if (get_user(t, seen, from) < 0)
			return -EFAULT;
		if (seen != *expect)
			return -EAGAIN;
	}
	struct list_head move = LIST_INIT(move);
	list_for_each_safe (w, next, bucket_of(&a), link) {
		if (!futex_key_equal(&w->key, &a))
			continue;
		if (w->pi || w->to_pi) {
			err = -EINVAL;
			break;
		}
		if (woken < n) {
			futex_wake_waiter(w);
			woken++;
		} else if (moved < limit) {
			list_del(&w->link);
			list_add_tail(&w->link, &move);
			moved++;
		} else {
			break;
		}
	}
	list_for_each_safe (w, next, &move, link) {
		list_del(&w->link);
		w->key = b;
		list_add_tail(&w->link, bucket_of(&b));
	}
	/* of both kinds, whatever futex(2) says */
	return woken + moved || !err ? woken + moved : err;
}

static int32_t sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/* One step of FUTEX_WAKE_OP: *addr2 op= arg, atomically.  *old gets what was there. */
static int apply_op(struct task *t, uaddr_t addr, uint32_t encoded, uint32_t *old)
{
	uint32_t op = encoded >> 28 & 7, seen, want;
	int32_t arg = sign_extend12(encoded >> 12 & 0xfff);

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		arg = (int32_t)(1U << (arg & 31));
	if (get_user(t, seen, addr) < 0)
		return -EFAULT;
	for (;;) {
		uint32_t expect = seen;

		switch (op) {
		case FUTEX_OP_SET:
			want = (uint32_t)arg;
			break;
		case FUTEX_OP_ADD:
			want = expect + (uint32_t)arg;
			break;
		case FUTEX_OP_OR:
			want = expect | (uint32_t)arg;
			break;
		case FUTEX_OP_ANDN:
			want = expect & ~(uint32_t)arg;
			break;
		case FUTEX_OP_XOR:
			want = expect ^ (uint32_t)arg;
			break;
		default:
			return -ENOSYS;
		}
		int err = machine->mem_cmpxchg(t->thread, addr, expect, want, &seen);
		if (err < 0)
			return err;
		if (seen == expect) {
			*old = expect;
			return 0;
		}
	}
}

static int compare_op(uint32_t encoded, uint32_t old)
{
	int32_t v = (int32_t)old, arg = sign_extend12(encoded & 0xfff);

	switch (encoded >> 24 & 0xf) {
	case FUTEX_OP_CMP_EQ:
		return v == arg;
	case FUTEX_OP_CMP_NE:
		return v != arg;
	case FUTEX_OP_CMP_LT:
		return v < arg;
	case FUTEX_OP_CMP_LE:
		return v <= arg;
	case FUTEX_OP_CMP_GT:
		return v > arg;
	case FUTEX_OP_CMP_GE:
		return v >= arg;
	default:
		return -ENOSYS;
	}
}

static long futex_wake_op(struct task *t, uaddr_t addr, uaddr_t addr2, bool shared, int n, int n2,
			  uint32_t encoded)
{
	struct futex_key a, b;
	uint32_t old;
	int err = futex_key_of(t, addr, shared, &a);

	if (err == 0)
		err = futex_key_of(t, addr2, shared, &b);
	if (err == 0)
		err = compare_op(encoded, 0) < 0 ? -ENOSYS : 0;
	if (err == 0)
		err = apply_op(t, addr2, encoded, &old);
	if (err < 0)
		return err;
	int woken = wake_key(&a, n < 1 ? 1 : n, FUTEX_BITSET_MATCH_ANY);
	if (woken < 0 || !compare_op(encoded, old))
		return woken;
	int woken2 = wake_key(&b, n2 < 1 ? 1 : n2, FUTEX_BITSET_MATCH_ANY);
	return woken2 < 0 ? woken2 : woken + woken2;
}

long sys_futex(struct task *t, uaddr_t addr, int op, unsigned val, uaddr_t timeout, uaddr_t addr2,
	       unsigned val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), wall = op & FUTEX_CLOCK_REALTIME;
	uint64_t deadline_ns;
	int err;

	if (wall && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2 &&
	    cmd != FUTEX_WAIT_REQUEUE_PI)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		err = futex_deadline(t, timeout, cmd == FUTEX_WAIT, wall, &deadline_ns);
		if (err < 0)
			return err;
		return futex_wait(t, addr, shared, val, deadline_ns,
				  cmd == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : val3);
	case FUTEX_WAKE:
		return futex_wake(t, addr, shared, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, addr, shared, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(t, addr, addr2, shared, (int)val, (int)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, addr, addr2, shared, (int)val, (int)timeout, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, addr, addr2, shared, (int)val, (int)timeout, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		err = futex_deadline(t, timeout, false, cmd == FUTEX_LOCK_PI || wall, &deadline_ns);
		return err < 0 ? err : futex_lock_pi(t, addr, shared, deadline_ns);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, addr, shared, 0);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, addr, shared);
	case FUTEX_WAIT_REQUEUE_PI:
		err = futex_deadline(t, timeout, false, wall, &deadline_ns);
		if (err < 0)
			return err;
		return futex_wait_requeue_pi(t, addr, shared, val, deadline_ns, addr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(t, addr, shared, (int)val, (int)timeout, addr2, val3);
	default:
		return -ENOSYS;
	}
}
