/*
 * futex_queue.h - futex keys and queues: shared by futex.c, futex_pi.c and robust.c only.
 */
#ifndef KERN_FUTEX_QUEUE_H
#define KERN_FUTEX_QUEUE_H

#include "kern/waitq.h"
#include "lib/list.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>

struct task;

struct futex_key {
	const void *object; /* the address space, or what is mapped there; compared, never used */
	uint64_t offset;
};

/* One sleeper; lives on its kernel stack. */
struct futex_waiter {
	struct list_head link;
	struct futex_key key, lock_key; /* lock_key: with to_pi */
	struct task *task;
	uaddr_t addr; /* with pi and to_pi: of the lock, in its own space */
	struct waitq q;
	uint32_t bitset;
	bool queued;
	bool pi;    /* waits for a lock */
	bool to_pi; /* waits for a condition, and then, moved by somebody, for a lock */
};

/* 0, -EINVAL (alignment), -EFAULT. */
int futex_key_of(struct task *t, uaddr_t addr, bool shared, struct futex_key *key);
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);
void futex_enqueue(struct futex_waiter *w); /* key is set */
/* As futex_enqueue(), for one that sleeps: it goes on doing so. */
void futex_requeue_waiter(struct futex_waiter *w);
/* Of those at key that wait for no lock, the most urgent; or NULL. */
struct futex_waiter *futex_first(const struct futex_key *key);
void futex_dequeue(struct futex_waiter *w); /* harmless when it is off */
void futex_wake_waiter(struct futex_waiter *w);
/* The locker at key that comes next: the most urgent, and of those the longest waiting; or NULL. */
struct futex_waiter *futex_first_pi(const struct futex_key *key);
/* Those that wait to lock key lend their urgency to owner from now on. */
void futex_donate_all(const struct futex_key *key, struct task *owner);
/* Reads a struct timespec; no address: WAIT_FOREVER. */
int futex_deadline(struct task *t, uaddr_t utime, bool relative, bool wall, uint64_t *out);

/* deadline 0: do not wait.  May sleep. */
long futex_lock_pi(struct task *t, uaddr_t addr, bool shared, uint64_t deadline_ns);
long futex_unlock_pi(struct task *t, uaddr_t addr, bool shared);
/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI of futex(2). */
long futex_wait_requeue_pi(struct task *t, uaddr_t addr, bool shared, uint32_t val,
			   uint64_t deadline_ns, uaddr_t lock);
long futex_cmp_requeue_pi(struct task *t, uaddr_t addr, bool shared, int n, int limit, uaddr_t lock,
			  uint32_t expect);
#endif
