/*
 * pipe_ring.c - what is in a pipe: a ring of contiguous bytes, so that a large transfer is at most
 * two copies, and a list of packet lengths beside it while there are packets (pipe2(2), O_DIRECT).
 *
 * Nothing here sleeps or knows of files.
 */
#include "fs/pipe_ring.h"

#include "fs/pipe.h"
#include "mm/mm.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define PIPE_SIZE_DEFAULT 65536
#define PIPE_SIZE_LEAST	  (2 * PAGE_SIZE)

static uint64_t pipe_bytes; /* of all rings */

/* pipe(7): when all pipes together are large, each new one is small.  Linux counts by user and lets
 * the privileged pass; in a box anybody may be root, so everyone is counted. */
static bool rings_large(uint64_t more)
{
	return pipe_bytes + more > PIPE_PAGES_SOFT * PAGE_SIZE;
}

static char *ring_alloc(size_t size)
{
	char *ring;

	if (memory_charge(size))
		return NULL;
	ring = malloc(size);
	if (ring)
		pipe_bytes += size;
	else
		memory_uncharge(size);
	return ring;
}

static void ring_free(char *ring, size_t size)
{
	free(ring);
	pipe_bytes -= size;
	memory_uncharge(size);
}

struct pipe *pipe_create(void)
{
	struct pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->size = rings_large(PIPE_SIZE_DEFAULT) ? PIPE_SIZE_LEAST : PIPE_SIZE_DEFAULT;
	p->ring = ring_alloc(p->size);
	if (!p->ring) {
		free(p);
		return NULL;
	}
	waitq_init(&p->rq);
	waitq_init(&p->wq);
	waitq_init(&p->opens);
	return p;
}

void pipe_destroy(struct pipe *p)
{
	free(p->parts);
	ring_free(p->ring, p->size);
	free(p);
}

size_t pipe_room(const struct pipe *p)
{
	/* A packet costs a page, as on Linux. */
	return p->nparts >= p->size / PAGE_SIZE ? 0 : p->size - p->used;
}

size_t pipe_peek(struct pipe *p, size_t skip, size_t max, const void **run)
{
	size_t at, n;

	if (skip >= p->used)
		return 0;
	at = (p->head + skip) % p->size;
	n = p->used - skip;
	if (n > p->size - at)
		n = p->size - at;
	*run = p->ring + at;
	return n < max ? n : max;
}

int pipe_ring_resize(struct pipe *p, size_t size)
{
	size_t n, part = 0;
	const void *run;
	char *ring;

	if (size < p->used)
		return -EBUSY;
	if (size > p->size && rings_large(size - p->size))
		return -EPERM;
	ring = ring_alloc(size);
	if (!ring)
		return -ENOMEM;
	for (; (n = pipe_peek(p, part, SIZE_MAX, &run)) > 0; part += n)
		memcpy(ring + part, run, n);
	ring_free(p->ring, p->size);
	p->ring = ring;
	p->head = 0;
	p->size = size;
	return 0;
}

/* --- stretches --- */

/* len bytes have gone from the front. */
static void parts_consume(struct pipe *p, size_t len)
{
	unsigned gone = 0;

	if (!p->nparts)
		return;
	for (; gone < p->nparts && len >= p->parts[gone].len; gone++)
		len -= p->parts[gone].len;
	p->nparts -= gone;
	memmove(p->parts, p->parts + gone, p->nparts * sizeof(*p->parts));
	if (p->nparts)
		p->parts[0].len -= len;
}

/* Room for two more stretches; false: no memory. */
static bool parts_reserve(struct pipe *p)
{
	unsigned room = p->parts_room ? p->parts_room * 2 : 16;
	struct stretch *parts;

	if (p->nparts + 2 <= p->parts_room)
		return true;
	parts = realloc(p->parts, room * sizeof(*parts));
	if (!parts)
		return false;
	p->parts = parts;
	p->parts_room = room;
	return true;
}

/* len bytes have come; before of them were in the ring already. */
static void parts_add(struct pipe *p, size_t before, size_t len, bool packet)
{
	if (!p->nparts && !packet)
		return;
	if (!p->nparts && before)
		p->parts[p->nparts++] = (struct stretch){before, false};
	if (!packet && p->nparts && !p->parts[p->nparts - 1].packet)
		p->parts[p->nparts - 1].len += len;
	else
		p->parts[p->nparts++] = (struct stretch){len, packet};
}

/* How many bytes one read may take, up to want, and how many leave the pipe with them (*drop): a
 * read ends with a packet, and what it did not take of that is lost. */
static size_t read_extent(const struct pipe *p, size_t want, size_t *drop)
{
	size_t take = 0;

	for (unsigned i = 0; i < p->nparts; i++) {
		size_t n = p->parts[i].len < want - take ? p->parts[i].len : want - take;

		take += n;
		if (p->parts[i].packet) {
			*drop = take + p->parts[i].len - n;
			return take;
		}
		if (take == want)
			break;
	}
	if (!p->nparts)
		take = p->used < want ? p->used : want;
	*drop = take;
	return take;
}

/* --- transfers --- */

void pipe_consume(struct pipe *p, size_t len)
{
	bool was_full = pipe_room(p) < PIPE_BUF;

	if (len > p->used) /* somebody else read while splice slept */
		len = p->used;
	parts_consume(p, len);
	p->head = (p->head + len) % p->size;
	p->used -= len;
	if (!p->used)
		p->head = 0; /* keep transfers in one piece */
	if (was_full && pipe_room(p) >= PIPE_BUF)
		waitq_wake_n(&p->wq, 1, EPOLLOUT | EPOLLWRNORM);
}

ssize_t ring_take(struct pipe *p, struct uio *to)
{
	size_t drop, left = read_extent(p, to->left, &drop), done = 0;

	while (left) {
		const void *run = NULL;
		size_t n = pipe_peek(p, done, left, &run);
		ssize_t put = uio_put(to, run, n);

		if (put < 0 && !done)
			return put;
		if (put < 0)
			put = 0;
		done += put;
		left -= put;
		if ((size_t)put < n) {
			drop = done; /* the guest's memory ended: the rest stays */
			break;
		}
	}
	pipe_consume(p, drop);
	return done;
}

ssize_t ring_fill(struct pipe *p, struct uio *from, size_t max, bool packet)
{
	size_t before = p->used;
	ssize_t done = 0;

	if ((packet || p->nparts) && !parts_reserve(p))
		return -ENOMEM;
	while (max) {
		size_t at = (p->head + p->used) % p->size;
		size_t n = at < p->head ? p->head - at : p->size - at;
		ssize_t got = uio_get(from, p->ring + at, n < max ? n : max);

		if (got < 0 && !done)
			return got;
		if (got <= 0)
			break;
		p->used += got;
		done += got;
		max -= got;
	}
	if (done)
		parts_add(p, before, done, packet);
	return done;
}
