/*
 * queue.h - inside sockets: what sending (send.c), receiving (recv.c) and the socket itself
 * (sock.c) know of the queues.
 */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H

#include "kern/timer.h"
#include "mm/mm.h"
#include "net/sock.h"

#include <stdlib.h>

/* What a file may hold of the kernel's memory that nobody has a descriptor of: a pair of sockets,
 * with what belongs to them. */
#define FILE_BYTES 4096

/* What a message takes from the memory of the box. */
static inline size_t message_bytes(size_t len, unsigned nfiles)
{
	return sizeof(struct message) + len + (size_t)nfiles * FILE_BYTES;
}

/* inflight.c.  The last of a queue is the sender's, who wakes the readers. */
void message_queue(struct sock *to, struct message *m);
/* Out of its queue, with the files that it still has. */
void message_free(struct message *m);
/* The files of a message leave it, to be received. */
void inflight_remove(struct scm *scm);
/* An AF_UNIX socket has closed. */
void inflight_closed(void);
/* Before files are sent: 0 or -ETOOMANYREFS. */
int inflight_may_send(const struct task *t);

/* What is in the queue, with what each message costs besides: or one byte at a time would hold a
 * hundred times what the limit says. */
static inline size_t queue_bytes(const struct sock *s)
{
	return s->queued + s->nqueued * sizeof(struct message);
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
	return !s->peer || queue_bytes(s->peer) * 4 <= (size_t)s->sndbuf;
}

static inline uint64_t deadline_after(uint64_t ns)
{
	return ns ? time_now_ns() + ns : WAIT_FOREVER;
}
#endif
