/*
 * peek.c - process_vm_readv and process_vm_writev: one process's memory from another.
 */
#include "kern/inspect.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <stdlib.h>

#define BOUNCE_SIZE (64UL << 10)

/* Move what both sides have; a bad address ends it, and counts only if nothing moved before. */
static ssize_t transfer(struct uio *local, struct uio *remote, bool write, void *bounce)
{
	struct uio *from = write ? local : remote, *to = write ? remote : local;
	ssize_t done = 0, got = 0, put = 0;

	while (local->left && remote->left) {
		size_t n = local->left < remote->left ? local->left : remote->left;

		got = uio_get(from, bounce, n < BOUNCE_SIZE ? n : BOUNCE_SIZE);
		if (got < 0)
			break;
		put = uio_put(to, bounce, got);
		if (put < 0)
			break;
		done += put;
		if (put < got || (got < (ssize_t)n && got < (ssize_t)BOUNCE_SIZE))
			break;
	}
	if (done)
		return done;
	return got < 0 ? got : put;
}

static long vm_transfer(struct task *t, int pid, uaddr_t local, unsigned long nlocal,
			uaddr_t remote, unsigned long nremote, unsigned long flags, bool write)
{
	struct abi_iovec lfast[8], rfast[8], *liov = NULL, *riov = NULL;
	struct uio lu, ru;
	struct task *to;
	void *bounce = NULL;
	long ret;

	if (flags)
		return -EINVAL;
	ret = iov_from_user(t, local, nlocal, lfast, 8, &liov);
	if (ret)
		return ret;
	uio_vector(&lu, t, liov, nlocal);
	if (!lu.left)
		goto out;
	ret = iov_from_user(t, remote, nremote, rfast, 8, &riov);
	if (ret)
		goto out;
	to = task_find(pid);
	ret = -ESRCH;
	if (!to || !to->mm || !to->thread)
		goto out;
	ret = -EPERM;
	if (!task_may_inspect(t, to))
		goto out;
	bounce = malloc(BOUNCE_SIZE);
	ret = -ENOMEM;
	if (!bounce)
		goto out;
	/* Nothing below sleeps: to stays. */
	uio_vector(&ru, to, riov, nremote);
	ret = transfer(&lu, &ru, write, bounce);
out:
	free(bounce);
	iov_free(riov, rfast);
	iov_free(liov, lfast);
	return ret;
}

long sys_process_vm_readv(struct task *t, int pid, uaddr_t local, unsigned long liovcnt,
			  uaddr_t remote, unsigned long riovcnt, unsigned long flags)
{
	return vm_transfer(t, pid, local, liovcnt, remote, riovcnt, flags, false);
}

long sys_process_vm_writev(struct task *t, int pid, uaddr_t local, unsigned long liovcnt,
			   uaddr_t remote, unsigned long riovcnt, unsigned long flags)
{
	return vm_transfer(t, pid, local, liovcnt, remote, riovcnt, flags, true);
}
