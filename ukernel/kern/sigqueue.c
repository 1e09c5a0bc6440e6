/*
 * sigqueue.c - sets and queues of pending signals, with the per-user limit on their number.
 *
 * Knows nothing of who is to take a signal or why; that is signal.c.
 */
#include "kern/sigqueue.h"

#include "kern/itimer.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How many entries each real user has queued (RLIMIT_SIGPENDING is per user); a user with none
 * has no entry here. */
struct user_count {
	struct user_count *next;
	uid_t uid;
	unsigned count;
};
static struct user_count *users;

static struct user_count *user_find(uid_t uid, bool create)
{
	for (struct user_count *u = users; u; u = u->next)
		if (u->uid == uid)
			return u;
	if (!create)
		return NULL;
	struct user_count *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	u->next = users;
	users = u;
	return u;
}

static void user_release(uid_t uid)
{
	for (struct user_count **at = &users; *at; at = &(*at)->next) {
		struct user_count *u = *at;
		if (u->uid != uid)
			continue;
		assert(u->count);
		if (--u->count == 0) {
			*at = u->next;
			free(u);
		}
		return;
	}
}

unsigned sigqueue_count(uid_t uid)
{
	const struct user_count *u = user_find(uid, false);
	return u ? u->count : 0;
}

struct sigqueue *sigqueue_alloc(uid_t uid, uint64_t max, bool override)
{
	if (!override && sigqueue_count(uid) >= max)
		return NULL;
	struct user_count *u = user_find(uid, true);
	if (!u)
		return NULL;
	u->count++;
	struct sigqueue *q = calloc(1, sizeof(*q));
	if (!q) {
		user_release(uid);
		return NULL;
	}
	list_init(&q->link);
	q->uid = uid;
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	if (!q)
		return;
	assert(list_empty(&q->link));
	user_release(q->uid);
	free(q);
}

void sigpending_init(struct sigpending *p)
{
	p->set = 0;
	list_init(&p->queue);
}

void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q)
{
	p->set |= SIGMASK(sig);
	if (q)
		list_add_tail(&q->link, &p->queue);
}

/* Off the queue; what happens to a timer's entry is the timer's business. */
static void entry_drop(struct sigqueue *q)
{
	list_del(&q->link);
	if (q->timer)
		posix_timer_dropped(q->timer);
	else
		sigqueue_free(q);
}

void sigpending_remove(struct sigpending *p, sigmask_t set)
{
	struct sigqueue *q, *tmp;

	if (!(p->set & set))
		return;
	p->set &= ~set;
	list_for_each_safe (q, tmp, &p->queue, link)
		if (SIGMASK(q->info.signo) & set)
			entry_drop(q);
}

void sigpending_flush(struct sigpending *p)
{
	sigpending_remove(p, ~0ULL);
}

/* Take the oldest entry of sig.  Without one the signal was queued over the limit: all that is
 * known is its number. */
static void entry_take(struct sigpending *p, int sig, struct abi_siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each (q, &p->queue, link) {
		if (q->info.signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->set &= ~SIGMASK(sig);
	if (!found) {
		memset(info, 0, sizeof(*info));
		info->signo = sig;
		info->code = SI_USER;
		return;
	}
	list_del(&found->link);
	*info = found->info;
	if (found->timer)
		posix_timer_delivered(found->timer, &info->timer.overrun);
	else
		sigqueue_free(found);
}

int sigpending_take(struct sigpending *p, sigmask_t allowed, struct abi_siginfo *info)
{
	sigmask_t set = p->set & allowed;

	if (!set)
		return 0;
	if (set & SIGSET_SYNCHRONOUS)
		set &= SIGSET_SYNCHRONOUS;
	int sig = __builtin_ctzll(set) + 1;
	entry_take(p, sig, info);
	return sig;
}
