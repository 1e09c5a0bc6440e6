/*
 * vm.c - changes to a guest's address space, as lists of host calls for the stub.
 *
 * The kernel has chosen and checked every address; here only what would break the machine itself
 * is refused: touching the stub's pages, and host features that reach beyond the guest.
 *
 * Some changes need no order.  A thread that sleeps in the notification of its own munmap(), or of
 * an mprotect() to no more than reading, has not made its call yet; when the kernel wants just that
 * done, the call is let through with the answer, and two stops and eight host calls are saved.
 * These calls take registers only, which nobody can change meanwhile, and the host has no reason to
 * refuse them: the range is good, and its limit on mappings is the kernel's own.  No other guest
 * call is ever let through.  And only where nobody shares the space: the kernel may give another
 * thread what has been unmapped before this one comes to unmap it.
 */
#include "vm.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "follow.h"
#include "inject.h"
#include "stub.h"
#include "vthread.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* MADV_HWPOISON and MADV_SOFT_OFFLINE hurt the host. */
#define ADVICE_MAX	  103
#define ADVICE_HARMFUL(n) ((n) == 100 || (n) == 101)

struct vthread *vm_leaver;
uaddr_t vm_low_lo, vm_low_hi;
static struct vm_op left_op;

static bool range_harmless(uaddr_t addr, size_t len)
{
	uaddr_t end = addr + len;

	if ((addr | len) & ~PAGE_MASK || end < addr)
		return false;
	if (end > stub.lo && addr < stub.base + STUB_SIZE)
		return false;
	return end <= vm_low_lo || addr >= vm_low_hi;
}

/* The same for bytes that need not be aligned. */
static bool bytes_harmless(uaddr_t addr, size_t len)
{
	uaddr_t first = addr & PAGE_MASK, end = (addr + len + PAGE_SIZE - 1) & PAGE_MASK;

	return end >= first && range_harmless(first, end - first);
}

static int order_map(struct order *o, const struct vm_op *op)
{
	int type = op->flags & MAP_TYPE;

	if (type == MAP_SHARED_VALIDATE)
		type = MAP_SHARED; /* the kernel has validated */
	o->nr = SYS_mmap;
	o->arg[0] = op->addr;
	o->arg[1] = op->len;
	o->arg[2] = (uint32_t)op->prot;
	o->arg[3] = (uint32_t)((op->flags & ~(MAP_TYPE | MAP_FIXED_NOREPLACE)) | type | MAP_FIXED);
	if (op->host_fd < 0)
		o->arg[3] |= MAP_ANONYMOUS;
	o->arg[4] = (uint32_t)op->host_fd;
	o->arg[5] = op->host_fd < 0 ? 0 : op->off;
	return 0;
}

static int order_remap(struct order *o, const struct vm_op *op)
{
	o->nr = SYS_mremap;
	o->arg[0] = op->addr;
	o->arg[1] = op->len;
	o->arg[2] = op->new_len;
	o->arg[4] = op->new_addr;
	if (!range_harmless(op->new_addr, op->new_len))
		return -EINVAL;
	if (op->new_addr != op->addr || op->dontunmap)
		o->arg[3] = MREMAP_MAYMOVE | MREMAP_FIXED;
	if (op->dontunmap)
		o->arg[3] |= MREMAP_DONTUNMAP;
	return 0;
}

/* Returns -EINVAL for what no kernel should ask for. */
static int order_encode(struct order *o, const struct vm_op *op)
{
	*o = (struct order){.arg = {op->addr, op->len}};
	if (!range_harmless(op->addr, op->len))
		return -EINVAL;
	switch (op->kind) {
	case VM_MAP:
		return order_map(o, op);
	case VM_UNMAP:
		o->nr = SYS_munmap;
		return 0;
	case VM_PROTECT:
		o->nr = SYS_mprotect;
		o->arg[2] = (uint32_t)op->prot;
		return 0;
	case VM_REMAP:
		return order_remap(o, op);
	case VM_ADVISE:
		if (op->advice < 0 || op->advice > ADVICE_MAX || ADVICE_HARMFUL(op->advice))
			return -EINVAL;
		o->nr = SYS_madvise;
		o->arg[2] = (uint32_t)op->advice;
		return 0;
	case VM_RESIDENT:
		o->nr = SYS_mincore;
		o->arg[2] = op->new_addr;
		if (!bytes_harmless(op->new_addr, op->len / PAGE_SIZE))
			return -EFAULT;
		return 0;
	}
	return -EINVAL;
}

/* Is op the call that th is about to make, as the host would carry it out? */
static bool op_is_own_call(const struct vthread *th, const struct vm_op *op)
{
	if (th->hold != HOLD_NOTIFIED || th->shared || th->call_arg[0] != op->addr ||
	    ((th->call_arg[1] + PAGE_SIZE - 1) & PAGE_MASK) != op->len)
		return false;
	if (op->kind == VM_UNMAP)
		return th->call_nr == SYS_munmap;
	return op->kind == VM_PROTECT && th->call_nr == SYS_mprotect &&
	       th->call_arg[2] == (uint64_t)op->prot && (op->prot & ~PROT_READ) == 0;
}

bool vm_own_call(const struct vthread *th)
{
	return vm_leaver == th && th->result_set && th->result == 0;
}

void vm_settle_now(void)
{
	struct vthread *th = vm_leaver;
	struct order o;
	long result = 0;
	int ret;

	vm_leaver = NULL;
	ret = order_encode(&o, &left_op);
	if (ret == 0)
		ret = inject_call(th, o.nr, o.arg, &result);
	/* The kernel has been told that it is done: no program can live with a lie about that. */
	if ((ret < 0 || (unsigned long)result >= -4095UL) && th->host_pid != 0)
		kill(th->host_pid, SIGKILL);
}

int vm_follow(struct vthread *th)
{
	struct order o;
	int ret;

	if (vm_leaver != th || th->hold != HOLD_STOPPED)
		return 0;
	ret = th->result_set && th->regs_valid && th->call_open ? order_encode(&o, &left_op)
								: -EAGAIN;
	if (ret == 0)
		ret = follow_enter(th, &o);
	if (ret == 0)
		vm_leaver = NULL;
	return ret == 0 ? 1 : ret == -EAGAIN ? 0 : ret;
}

static int vm_apply_one(struct vthread *th, const struct vm_op *op)
{
	struct order o;
	long result = 0;
	int ret = order_encode(&o, op);

	if (ret == 0 && vm_leaver == NULL && (op_is_own_call(th, op) || follow_may(th, op))) {
		vm_leaver = th;
		left_op = *op;
		return 0;
	}
	if (ret == 0)
		ret = inject_call(th, o.nr, o.arg, &result);
	if (ret == 0 && (unsigned long)result >= -4095UL)
		ret = (int)result;
	return ret;
}

/* Encode as many as fit on the order page; an op that we refuse ends the list before it. */
static int vm_apply_some(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	size_t i;
	int refused = 0, ret = 0;

	for (i = 0; i < n && refused == 0; i++)
		refused = order_encode(&stub.orders[i], &ops[i]);
	if (refused != 0)
		i--;
	*done = 0;
	if (i > 0)
		ret = inject_batch(th, i, done);
	return ret != 0 ? ret : refused;
}

int vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	size_t ignored, part;
	int ret = 0;

	if (done == NULL)
		done = &ignored;
	*done = 0;
	if (n == 1) {
		ret = vm_apply_one(th, ops);
		*done = ret == 0;
		return ret;
	}
	while (*done < n && ret == 0) {
		size_t left = n - *done;

		ret = vm_apply_some(th, ops + *done, left < ORDERS_MAX ? left : ORDERS_MAX, &part);
		*done += part;
	}
	return ret;
}
