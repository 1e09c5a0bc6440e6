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
	struct futex_key key;
	struct task *task;
	uaddr_t addr; /* with pi: in its own space */
	struct waitq q;
	uint32_t bitset;
	bool queued, pi;
};

/* 0, -EINVAL (alignment), -EFAULT. */
int futex_key_of(struct task *t, uaddr_t addr, bool shared, struct futex_key *key);
void futex_enqueue(struct futex_waiter *w); /* key is set */
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
#endif
