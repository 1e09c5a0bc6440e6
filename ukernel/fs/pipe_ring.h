/*
 * pipe_ring.h - the inside of a pipe: the bytes and, in packet mode, where they were parted.
 *
 * For pipe.c and pipe_ring.c only.
 */
#ifndef FS_PIPE_RING_H
#define FS_PIPE_RING_H

#include "kern/waitq.h"
#include "mm/uaccess.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A stretch of the ring: one packet (O_DIRECT), or plain bytes between packets. */
struct stretch {
	uint32_t len;
	bool packet;
};

struct pipe {
	int refs; /* open files on it */
	char *ring;
	size_t size, head, used; /* bytes; head: the next to read */
	/* Who lies where, from head on.  Empty while no packet is in the pipe: all plain. */
	struct stretch *parts;
	unsigned nparts, parts_room;
	unsigned readers, writers;
	uint64_t reader_opens, writer_opens; /* ever: for the rendezvous of fifo opens */
	struct waitq rq, wq;		     /* readers and writers, and who polls for them */
	struct waitq opens;		     /* fifo opens that wait for the other side */
};

struct pipe *pipe_create(void); /* NULL: no memory */
void pipe_destroy(struct pipe *p);
/* Another size; what is in it stays.  -EBUSY, -ENOMEM, -EPERM. */
int pipe_ring_resize(struct pipe *p, size_t size);

/* Move out what is there: all of it or up to the end of a packet, whose rest is dropped.  Bytes,
 * or -EFAULT.  Wakes writers. */
ssize_t ring_take(struct pipe *p, struct uio *to);
/* Move in up to max bytes, which must fit; as one packet if asked.  Wakes nobody. */
ssize_t ring_fill(struct pipe *p, struct uio *from, size_t max, bool packet);
#endif
