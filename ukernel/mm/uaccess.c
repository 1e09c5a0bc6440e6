/*
 * uaccess.c - guest memory as handlers see it: bytes that may not be there.
 *
 * The machine copies as far as it can; what stops it early is either a stack that may grow, and
 * then it grows as a fault of the guest's own would make it, or a bad address.
 */
#include "mm/uaccess.h"

#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* How much of [addr, addr + len) guests may name at all: not the machine's pages. */
static size_t range_usable(uaddr_t addr, size_t len)
{
	if (addr >= machine_info.user_hi)
		return 0;
	if (len > machine_info.user_hi - addr)
		len = machine_info.user_hi - addr;
	if (addr < machine_info.stub_hi && addr + len > machine_info.stub_lo)
		len = addr < machine_info.stub_lo ? machine_info.stub_lo - addr : 0;
	if (addr < machine_info.low_hi && addr + len > machine_info.low_lo)
		len = addr < machine_info.low_lo ? machine_info.low_lo - addr : 0;
	return len;
}

static size_t mem_copy(struct task *t, uaddr_t addr, void *to, const void *from, size_t len)
{
	size_t usable = range_usable(addr, len), done = 0;

	while (done < usable) {
		size_t n =
		    to ? machine->mem_read(t->thread, addr + done, (char *)to + done, usable - done)
		       : machine->mem_write(t->thread, addr + done, (const char *)from + done,
					    usable - done);

		done += n;
		if (done < usable && !mm_fault(t, addr + done, !to))
			break;
	}
	return done;
}

int copy_from_user(struct task *t, void *to, uaddr_t from, size_t len)
{
	return mem_copy(t, from, to, NULL, len) == len ? 0 : -EFAULT;
}

#define LATE_MAX (4 * PAGE_SIZE) /* beyond that one host call costs less than a second copy */

/* Leave the copying to the machine, which may do it for less, if it cannot fail for good reason. */
static bool mem_copy_late(struct task *t, uaddr_t to, const void *from, size_t len)
{
	const struct region *r;
	uaddr_t at = to;

	if (!machine->mem_write_late || !t->in_syscall || t != current || len > LATE_MAX ||
	    to + len < to)
		return false;
	for (r = region_find(t->mm, to); at < to + len; r = r->next) {
		if (!r || r->start > at || !(r->prot & PROT_WRITE) ||
		    (r->flags & (REGION_HIDDEN | REGION_SPECIAL)))
			return false;
		at = r->end;
	}
	return machine->mem_write_late(t->thread, to, from, len);
}

int copy_to_user(struct task *t, uaddr_t to, const void *from, size_t len)
{
	if (mem_copy_late(t, to, from, len))
		return 0;
	return mem_copy(t, to, NULL, from, len) == len ? 0 : -EFAULT;
}

static const char zero_page[PAGE_SIZE];

static size_t mem_zero(struct task *t, uaddr_t to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(zero_page) ? len - done : sizeof(zero_page);
		size_t put = mem_copy(t, to + done, NULL, zero_page, n);

		done += put;
		if (put < n)
			break;
	}
	return done;
}

int clear_user(struct task *t, uaddr_t to, size_t len)
{
	return mem_zero(t, to, len) == len ? 0 : -EFAULT;
}

ssize_t string_from_user(struct task *t, char *to, uaddr_t from, size_t max)
{
	size_t done = 0;

	/* It may have come with the call. */
	if (machine->mem_have) {
		size_t n = range_usable(from, max);
		size_t got = n ? machine->mem_have(t->thread, from, to, n) : 0;
		char *nul = memchr(to, 0, got);

		if (nul)
			return nul - to;
	}
	while (done < max) {
		/* Never across a page that the string may not reach. */
		size_t n = PAGE_SIZE - ((from + done) & ~PAGE_MASK), got;
		char *nul;

		if (n > max - done)
			n = max - done;
		got = mem_copy(t, from + done, to + done, NULL, n);
		nul = memchr(to + done, 0, got);
		if (nul)
			return nul - to;
		if (got < n)
			return -EFAULT;
		done += n;
	}
	return -ENAMETOOLONG;
}

bool string_is_empty(struct task *t, uaddr_t from)
{
	struct mm *mm = t->mm;
	const struct region *r;
	char first;

	if (from && from == mm->empty_at && mm->empty_changes == mm->file_changes)
		return true;
	if (get_user(t, first, from) || first)
		return false;
	r = region_at(mm, from);
	if (r && r->file && !(r->prot & PROT_WRITE) && !(r->flags & REGION_SHARED)) {
		mm->empty_at = from;
		mm->empty_changes = mm->file_changes;
	}
	return true;
}

void uio_user(struct uio *u, struct task *t, uaddr_t buf, size_t len)
{
	u->one = (struct abi_iovec){buf, len};
	uio_vector(u, t, &u->one, 1);
}

void uio_kernel(struct uio *u, void *buf, size_t len)
{
	u->one = (struct abi_iovec){(uintptr_t)buf, len};
	uio_vector(u, NULL, &u->one, 1);
}

void uio_vector(struct uio *u, struct task *t, const struct abi_iovec *iov, unsigned iovcnt)
{
	u->task = t;
	u->iov = iov;
	u->iovcnt = iovcnt;
	u->iov_off = 0;
	u->left = 0;
	for (unsigned i = 0; i < iovcnt; i++)
		u->left += iov[i].len;
}

void uio_advance(struct uio *u, size_t len)
{
	u->left -= len;
	while (len || (u->iovcnt > 1 && u->iov_off == u->iov->len)) {
		size_t n = u->iov->len - u->iov_off;

		if (n > len || u->iovcnt == 1) {
			u->iov_off += len;
			return;
		}
		len -= n;
		u->iov++;
		u->iovcnt--;
		u->iov_off = 0;
	}
}

void uio_revert(struct uio *u, size_t len)
{
	u->left += len;
	while (len > u->iov_off) {
		len -= u->iov_off;
		u->iov--;
		u->iovcnt++;
		u->iov_off = u->iov->len;
	}
	u->iov_off -= len;
}

enum uio_way { UIO_PUT, UIO_GET, UIO_ZERO };

/* One stretch within one buffer; returns the bytes moved. */
static size_t uio_stretch(struct uio *u, enum uio_way way, char *buf, size_t n)
{
	uaddr_t at = u->iov->base + u->iov_off;

	if (u->task) {
		/* A full page has more behind it, for which it would be written at once. */
		if (way == UIO_PUT && (n < PAGE_SIZE || n == u->left) &&
		    mem_copy_late(u->task, at, buf, n))
			return n;
		if (way == UIO_PUT)
			return mem_copy(u->task, at, NULL, buf, n);
		if (way == UIO_GET)
			return mem_copy(u->task, at, buf, NULL, n);
		return mem_zero(u->task, at, n);
	}
	if (way == UIO_PUT)
		memcpy((void *)(uintptr_t)at, buf, n);
	else if (way == UIO_GET)
		memcpy(buf, (const void *)(uintptr_t)at, n);
	else
		memset((void *)(uintptr_t)at, 0, n);
	return n;
}

static ssize_t uio_move(struct uio *u, enum uio_way way, char *buf, size_t len)
{
	size_t done = 0;

	if (len > u->left)
		len = u->left;
	while (done < len) {
		size_t n, moved;

		uio_advance(u, 0); /* past empty buffers */
		n = u->iov->len - u->iov_off;
		if (n > len - done)
			n = len - done;
		moved = uio_stretch(u, way, buf ? buf + done : NULL, n);
		uio_advance(u, moved);
		done += moved;
		if (moved < n)
			return done ? (ssize_t)done : -EFAULT;
	}
	return done;
}

ssize_t uio_put(struct uio *u, const void *buf, size_t len)
{
	return uio_move(u, UIO_PUT, (char *)buf, len);
}

ssize_t uio_get(struct uio *u, void *buf, size_t len)
{
	return uio_move(u, UIO_GET, buf, len);
}

ssize_t uio_zero(struct uio *u, size_t len)
{
	return uio_move(u, UIO_ZERO, NULL, len);
}

/* Linux moves at most this much in one call (MAX_RW_COUNT); longer vectors are cut there. */
#define TRANSFER_MAX (INT32_MAX & PAGE_MASK)

int iov_from_user(struct task *t, uaddr_t iov, unsigned long iovcnt, struct abi_iovec *fast,
		  unsigned nfast, struct abi_iovec **out)
{
	struct abi_iovec *v = fast;
	uint64_t sum = 0;
	int err = -EINVAL;

	*out = NULL;
	if (iovcnt > IOV_LIMIT)
		return -EINVAL;
	if (iovcnt > nfast) {
		v = malloc(iovcnt * sizeof(*v));
		if (!v)
			return -ENOMEM;
	}
	if (copy_from_user(t, v, iov, iovcnt * sizeof(*v))) {
		err = -EFAULT;
		goto fail;
	}
	for (unsigned long i = 0; i < iovcnt; i++) {
		if ((int64_t)v[i].len < 0)
			goto fail;
		if (v[i].len > machine_info.user_hi ||
		    v[i].base > machine_info.user_hi - v[i].len) {
			err = -EFAULT;
			goto fail;
		}
		if (v[i].len > TRANSFER_MAX - sum)
			v[i].len = TRANSFER_MAX - sum;
		sum += v[i].len;
	}
	*out = v;
	return 0;
fail:
	iov_free(v, fast);
	return err;
}

void iov_free(struct abi_iovec *iov, const struct abi_iovec *fast)
{
	if (iov != fast)
		free(iov);
}
