/*
 * uaccess.h - the only way that the kernel touches guest memory.
 *
 * Copy in once, check the copy, never read again: another thread of the guest may be changing it.
 */
#ifndef MM_UACCESS_H
#define MM_UACCESS_H

#include "abi.h"
#include "machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct task;

/* All or nothing in the answer: 0 or -EFAULT (what was accessible may have been copied). */
int copy_from_user(struct task *t, void *to, uaddr_t from, size_t len);
int copy_to_user(struct task *t, uaddr_t to, const void *from, size_t len);
int clear_user(struct task *t, uaddr_t to, size_t len);

/* A NUL-terminated string into to[max]: its length, -ENAMETOOLONG when no NUL within max,
 * -EFAULT. */
ssize_t string_from_user(struct task *t, char *to, uaddr_t from, size_t max);

/* Is there "", as fstat() of C libraries has it?  Where it is a constant of a program, asked of the
 * guest's memory only once.  false, too, when nothing can be read. */
bool string_is_empty(struct task *t, uaddr_t from);

#define get_user(t, x, uaddr) copy_from_user((t), &(x), (uaddr), sizeof(x))
#define put_user(t, x, uaddr) copy_to_user((t), (uaddr), &(x), sizeof(x))

/*
 * A transfer in progress: one or many buffers, in a guest or in the kernel, consumed from the
 * front.  read and write of every file work on one of these.
 */
struct uio {
	struct task *task; /* NULL: kernel memory */
	const struct abi_iovec
	    *iov; /* base is a guest address, or a host pointer if task is NULL */
	unsigned iovcnt;
	size_t iov_off;	      /* consumed of iov[0] */
	size_t left;	      /* bytes left in all */
	struct abi_iovec one; /* for the single-buffer initialisers */
};

void uio_user(struct uio *u, struct task *t, uaddr_t buf, size_t len);
void uio_kernel(struct uio *u, void *buf, size_t len);
/* iov must outlive u.  The caller has checked it (iov_from_user). */
void uio_vector(struct uio *u, struct task *t, const struct abi_iovec *iov, unsigned iovcnt);

/* Move up to len bytes between buf and the transfer, advancing it.  Return the bytes moved;
 * fewer than min(len, left) when the guest's memory ended: -EFAULT if none at all and len > 0. */
ssize_t uio_put(struct uio *u, const void *buf, size_t len); /* into the caller's buffers */
ssize_t uio_get(struct uio *u, void *buf, size_t len);	     /* out of them */
ssize_t uio_zero(struct uio *u, size_t len);
void uio_advance(struct uio *u, size_t len);
void uio_revert(struct uio *u, size_t len); /* give back len bytes just moved; one buffer only or
					       within the current one of many */

#define IOV_LIMIT 1024
/* Read and check an iovec array: -EINVAL (count, negative or overflowing sum), -EFAULT, -ENOMEM.
 * *out is malloc()ed (or fast, if it fits) - free with iov_free(). */
int iov_from_user(struct task *t, uaddr_t iov, unsigned long iovcnt, struct abi_iovec *fast,
		  unsigned nfast, struct abi_iovec **out);
void iov_free(struct abi_iovec *iov, const struct abi_iovec *fast);
#endif
