/*
 * queue.h - inside sockets: what sending (send.c), receiving (recv.c) and the socket itself
 * (sock.c) know of the queues.
 */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H

#include "kern/timer.h"
#include "net/sock.h"

#include <stdlib.h>

static inline void message_free(struct message *m)
{
	list_del(&m->link);
	scm_release(&m->scm);
	free(m);
}

static inline bool is_stream(const struct sock *s)
{
	return s->type == SOCK_STREAM;
}

static inline bool connected(const struct sock *s)
{
	return s->peer != NULL;
}

static inline bool writable(const struct sock *s)
{
	return !s->peer || s->peer->queued * 4 <= (size_t)s->sndbuf;
}

static inline uint64_t deadline_after(uint64_t ns)
{
	return ns ? time_now_ns() + ns : WAIT_FOREVER;
}
#endif
