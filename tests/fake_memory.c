/*
 * fake_memory.c - the fake machine's address spaces: one entry for each mapped page.
 *
 * Slow and obvious on purpose: this is the model that the kernel's list of regions is tested
 * against, so it knows nothing of regions.
 */
#include "fake_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS	  4096
#define PAGES_MAX 262144 /* of one space: 1 GiB */

/* A host file behind pages. */
struct backing {
	int refs, fd;
};

struct frame {
	int refs;
	uint8_t bytes[PAGE_SIZE];
};

struct page {
	struct page *next; /* in its bucket */
	uint64_t number;
	int prot;
	bool shared;
	struct frame *frame;	 /* NULL: never touched */
	struct backing *backing; /* NULL: anonymous */
	uint64_t off;
};

struct space {
	int refs;
	unsigned pages;
	struct page *bucket[BUCKETS];
};

static void backing_put(struct backing *b)
{
	if (b && --b->refs == 0) {
		close(b->fd);
		free(b);
	}
}

static void frame_put(struct frame *f)
{
	if (f && --f->refs == 0)
		free(f);
}

static struct page **page_slot(struct space *s, uint64_t number)
{
	struct page **at = &s->bucket[number % BUCKETS];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static void page_remove(struct space *s, uint64_t number)
{
	struct page **at = page_slot(s, number), *p = *at;

	if (!p)
		return;
	*at = p->next;
	frame_put(p->frame);
	backing_put(p->backing);
	free(p);
	s->pages--;
}

static struct page *page_add(struct space *s, uint64_t number)
{
	struct page **at, *p;

	page_remove(s, number);
	p = calloc(1, sizeof(*p));
	at = page_slot(s, number);
	p->number = number;
	*at = p;
	s->pages++;
	return p;
}

struct space *space_new(void)
{
	struct space *s = calloc(1, sizeof(*s));

	s->refs = 1;
	return s;
}

void space_hold(struct space *s)
{
	s->refs++;
}

void space_drop(struct space *s)
{
	if (--s->refs)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (s->bucket[i])
			page_remove(s, s->bucket[i]->number);
	free(s);
}

/* Anonymous shared pages need their frame before they are shared. */
static struct frame *frame_make(struct page *p)
{
	if (!p->frame) {
		p->frame = calloc(1, sizeof(*p->frame));
		p->frame->refs = 1;
		if (p->backing && pread(p->backing->fd, p->frame->bytes, PAGE_SIZE, p->off) < 0)
			memset(p->frame->bytes, 0, PAGE_SIZE);
	}
	return p->frame;
}

struct space *space_copy(struct space *from)
{
	struct space *s = space_new();

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct page *p = from->bucket[i]; p; p = p->next) {
			struct page *q = page_add(s, p->number);

			q->prot = p->prot;
			q->shared = p->shared;
			q->off = p->off;
			q->backing = p->backing;
			if (q->backing)
				q->backing->refs++;
			if (p->shared && !p->backing) {
				q->frame = frame_make(p);
				q->frame->refs++;
			} else if (p->frame) {
				memcpy(frame_make(q)->bytes, p->frame->bytes, PAGE_SIZE);
			}
		}
	}
	return s;
}

static int op_map(struct space *s, const struct vm_op *op)
{
	struct backing *b = NULL;
	uint64_t n = op->len / PAGE_SIZE;

	if (s->pages + n > PAGES_MAX)
		return -ENOMEM;
	if (op->host_fd >= 0) {
		b = calloc(1, sizeof(*b));
		b->fd = dup(op->host_fd);
		b->refs = 1;
		if (b->fd < 0) {
			free(b);
			return -EBADF;
		}
	}
	for (uint64_t i = 0; i < n; i++) {
		struct page *p = page_add(s, op->addr / PAGE_SIZE + i);

		p->prot = op->prot;
		p->shared = op->flags & MAP_SHARED;
		p->off = op->off + i * PAGE_SIZE;
		p->backing = b;
		if (b)
			b->refs++;
	}
	backing_put(b);
	return 0;
}

/* Linux answers ENOMEM at the first hole, after the pages before it have changed. */
static int op_protect(struct space *s, const struct vm_op *op)
{
	for (uint64_t i = 0; i < op->len / PAGE_SIZE; i++) {
		struct page *p = *page_slot(s, op->addr / PAGE_SIZE + i);

		if (!p)
			return -ENOMEM;
		p->prot = op->prot;
	}
	return 0;
}

/* The vector is one byte for each page. */
static int op_resident(struct space *s, const struct vm_op *op)
{
	for (uint64_t i = 0; i < op->len / PAGE_SIZE; i++) {
		struct page *p = *page_slot(s, op->addr / PAGE_SIZE + i);
		uaddr_t at = op->new_addr + i;
		struct page *to = *page_slot(s, at / PAGE_SIZE);

		if (!p)
			return -ENOMEM;
		if (!to || !(to->prot & PROT_WRITE))
			return -EFAULT;
		frame_make(to)->bytes[at % PAGE_SIZE] = p->frame != NULL;
	}
	return 0;
}

static int op_remap(struct space *s, const struct vm_op *op)
{
	uint64_t from = op->addr / PAGE_SIZE, to = op->new_addr / PAGE_SIZE;
	uint64_t old = op->len / PAGE_SIZE, new = op->new_len / PAGE_SIZE;
	struct page *last = *page_slot(s, from + (old ? old - 1 : 0));

	if (!last)
		return -EFAULT;
	if (from != to && from < to + new &&to < from + old)
		return -EINVAL;
	for (uint64_t i = 0; i < new; i++) {
		struct page *p = i < old ? *page_slot(s, from + i) : last, *q;
		struct page copy;

		if (!p)
			return -EFAULT;
		if (from == to && i < old)
			continue;
		copy = *p;
		q = page_add(s, to + i);
		q->prot = copy.prot;
		q->shared = copy.shared;
		q->backing = copy.backing;
		if (q->backing)
			q->backing->refs++;
		q->off = i < old ? copy.off : copy.off + (i - old + 1) * PAGE_SIZE;
		if (i < old && copy.frame) {
			q->frame = copy.frame;
			q->frame->refs++;
		}
	}
	for (uint64_t i = from == to ? new : 0; i < old; i++) {
		struct page *p = *page_slot(s, from + i);

		if (op->dontunmap && p) {
			frame_put(p->frame);
			p->frame = NULL;
		} else {
			page_remove(s, from + i);
		}
	}
	return 0;
}

static int op_advise(struct space *s, const struct vm_op *op)
{
	for (uint64_t i = 0; i < op->len / PAGE_SIZE; i++) {
		struct page *p = *page_slot(s, op->addr / PAGE_SIZE + i);

		if (!p)
			return -ENOMEM;
		if (op->advice == MADV_DONTNEED && !p->shared) {
			frame_put(p->frame);
			p->frame = NULL;
		}
	}
	return 0;
}

int space_change(struct space *s, const struct vm_op *op)
{
	if ((op->addr | op->len | op->new_addr | op->new_len | op->off) & ~PAGE_MASK)
		return -EINVAL;
	switch (op->kind) {
	case VM_MAP:
		return op_map(s, op);
	case VM_UNMAP:
		for (uint64_t i = 0; i < op->len / PAGE_SIZE; i++)
			page_remove(s, op->addr / PAGE_SIZE + i);
		return 0;
	case VM_PROTECT:
		return op_protect(s, op);
	case VM_REMAP:
		return op_remap(s, op);
	case VM_ADVISE:
		return op_advise(s, op);
	case VM_RESIDENT:
		return op_resident(s, op);
	}
	return -EINVAL;
}

static bool past_end(const struct page *p)
{
	struct stat st;

	return p->backing && fstat(p->backing->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       p->off >= (uint64_t)st.st_size;
}

int space_page_prot(struct space *s, uaddr_t addr)
{
	struct page *p = *page_slot(s, addr / PAGE_SIZE);

	return p ? p->prot : -1;
}

size_t space_read(struct space *s, uaddr_t from, void *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uaddr_t at = from + done;
		size_t in = at % PAGE_SIZE, part = PAGE_SIZE - in;
		struct page *p = *page_slot(s, at / PAGE_SIZE);

		/* On x86 whatever may be written or executed may also be read. */
		if (!p || p->prot == PROT_NONE || past_end(p))
			break;
		if (part > len - done)
			part = len - done;
		if (p->shared && p->backing) {
			memset((char *)to + done, 0, part);
			if (pread(p->backing->fd, (char *)to + done, part, p->off + in) < 0)
				break;
		} else {
			memcpy((char *)to + done, frame_make(p)->bytes + in, part);
		}
		done += part;
	}
	return done;
}

size_t space_write(struct space *s, uaddr_t to, const void *from, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uaddr_t at = to + done;
		size_t in = at % PAGE_SIZE, part = PAGE_SIZE - in;
		struct page *p = *page_slot(s, at / PAGE_SIZE);

		if (!p || !(p->prot & PROT_WRITE) || past_end(p))
			break;
		if (part > len - done)
			part = len - done;
		if (p->shared && p->backing) {
			if (pwrite(p->backing->fd, (const char *)from + done, part, p->off + in) !=
			    (ssize_t)part)
				break;
		} else {
			memcpy(frame_make(p)->bytes + in, (const char *)from + done, part);
		}
		done += part;
	}
	return done;
}
