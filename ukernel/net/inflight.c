/*
 * inflight.c - files that travel in the messages of AF_UNIX sockets: they are counted, and those
 * that nobody can receive any more are collected (unix(7), SCM_RIGHTS).
 *
 * A socket that lies in its own queue, or two that lie in each other's, keep themselves open
 * although nobody has a descriptor of them.  As Linux does, we look for such when another AF_UNIX
 * socket closes.  Garbage is what only messages refer to and what cannot be reached, from queue to
 * queue, from a socket that somebody holds.
 */
#include "fs/vfs.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "net/queue.h"

#include <errno.h>
#include <sys/resource.h>

#define SCANNED_PER_CLOSE 16   /* closing many sockets looks at no more than this for each */
#define COLLECT_AT	  1000 /* sockets in flight when sending looks, too; then twice the rest */

static struct list_head flying = LIST_INIT(flying); /* sockets, by inflight_link */
static unsigned nflying, collect_at = COLLECT_AT, closes;
static unsigned long nfiles;			/* of any kind */
static struct list_head dead = LIST_INIT(dead); /* messages whose files are still to be put */
static bool freeing;

static void inflight_add(struct scm *scm)
{
	for (unsigned i = 0; i < scm->nfiles; i++) {
		struct sock *s = sock_of(scm->files[i]);

		nfiles++;
		if (s && s->inflight++ == 0) {
			list_add_tail(&s->inflight_link, &flying);
			nflying++;
		}
	}
}

void inflight_remove(struct scm *scm)
{
	for (unsigned i = 0; i < scm->nfiles; i++) {
		struct sock *s = sock_of(scm->files[i]);

		nfiles--;
		if (s && --s->inflight == 0) {
			list_del(&s->inflight_link);
			nflying--;
		}
	}
}

void message_queue(struct sock *to, struct message *m)
{
	list_add_tail(&m->link, &to->queue);
	to->queued += m->len;
	to->nqueued++;
	inflight_add(&m->scm);
}

/* A file in a message may be the last of a socket with messages with files, and so on: one after
 * the other, for the kernel stack is not deep enough for all of them. */
static void free_dead(void)
{
	if (freeing)
		return;
	freeing = true;
	while (!list_empty(&dead)) {
		struct message *m = list_first(&dead, struct message, link);

		list_del(&m->link);
		inflight_remove(&m->scm);
		scm_release(&m->scm);
		memory_uncharge(m->charged);
		free(m);
	}
	freeing = false;
}

void message_free(struct message *m)
{
	list_del(&m->link);
	list_add_tail(&m->link, &dead);
	free_dead();
}

/* --- collection --- */

/* Calls visit for each socket that lies in a queue of s, or of a connection that s has not yet
 * accepted. */
static void visit_queue(struct sock *s, void (*visit)(struct sock *in, struct list_head *arg),
			struct list_head *arg)
{
	struct message *m;

	list_for_each (m, &s->queue, link) {
		for (unsigned i = 0; i < m->scm.nfiles; i++) {
			struct sock *in = sock_of(m->scm.files[i]);

			if (in && in->suspect)
				visit(in, arg);
		}
	}
}

static void visit_contents(struct sock *s, void (*visit)(struct sock *in, struct list_head *arg),
			   struct list_head *arg)
{
	struct sock *p;

	visit_queue(s, visit, arg);
	list_for_each (p, &s->pending, pending_link)
		visit_queue(p, visit, arg);
}

static void found_inside(struct sock *in, struct list_head *unused)
{
	(void)unused;
	in->held_outside--;
}

static void found_alive(struct sock *in, struct list_head *alive)
{
	in->suspect = false;
	list_del(&in->inflight_link);
	list_add_tail(&in->inflight_link, alive);
}

static void queue_dies(struct sock *s)
{
	while (!list_empty(&s->queue)) {
		struct message *m = list_first(&s->queue, struct message, link);

		list_del(&m->link);
		list_add_tail(&m->link, &dead);
	}
	s->queued = 0;
	s->nqueued = 0;
}

static void collect(void)
{
	struct list_head alive = LIST_INIT(alive);
	struct sock *s, *tmp, *p;

	closes = 0;
	list_for_each (s, &flying, inflight_link) {
		s->suspect = s->file->refs == (int)s->inflight;
		s->held_outside = s->inflight;
	}
	list_for_each (s, &flying, inflight_link)
		if (s->suspect)
			visit_contents(s, found_inside, NULL);
	/* Who is in a queue that is no suspect's lives, and so does what it holds in turn. */
	list_for_each_safe (s, tmp, &flying, inflight_link)
		if (!s->suspect || s->held_outside)
			found_alive(s, &alive);
	list_for_each (s, &alive, inflight_link)
		visit_contents(s, found_alive, &alive);
	list_for_each (s, &flying, inflight_link) {
		queue_dies(s);
		list_for_each (p, &s->pending, pending_link)
			queue_dies(p);
	}
	while (!list_empty(&alive)) {
		s = list_first(&alive, struct sock, inflight_link);
		list_del(&s->inflight_link);
		list_add_tail(&s->inflight_link, &flying);
	}
	free_dead();
}

void inflight_closed(void)
{
	if (nflying && !freeing && ++closes >= nflying / SCANNED_PER_CLOSE)
		collect();
}

/* Linux counts for each user; here all count together. */
int inflight_may_send(const struct task *t)
{
	if (nflying >= collect_at && !freeing) {
		collect();
		collect_at = nflying * 2 > COLLECT_AT ? nflying * 2 : COLLECT_AT;
	}
	if (nfiles > task_rlimit(t, RLIMIT_NOFILE) &&
	    !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT) &&
	    !cred_capable(t->cred, CAP_SYS_ADMIN_BIT))
		return -ETOOMANYREFS;
	return 0;
}
