/*
 * robust.c - robust futexes: a thread that dies with locks held says so in them
 * (get_robust_list(2), pthread_mutexattr_setrobust(3)).
 */
#include "kern/cred.h"
#include "kern/futex.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <linux/futex.h>

#define ENTRIES_MAX 2048 /* as Linux: the list may be a circle */

static void lock_abandon(struct task *t, uaddr_t addr, bool pending, bool pi)
{
	uint32_t seen;

	if ((addr & 3) || get_user(t, seen, addr) < 0)
		return;
	/* Dying between the unlock and its FUTEX_WAKE: that has to be done for it. */
	if (pending && !pi && seen == 0) {
		futex_wake_address(t, addr, 1);
		return;
	}
	while ((seen & FUTEX_TID_MASK) == (uint32_t)t->tid) {
		uint32_t expect = seen;

		if (machine->mem_cmpxchg(t->thread, addr, expect,
					 (expect & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen) < 0)
			return;
		if (seen != expect)
			continue;
		if (!(expect & FUTEX_WAITERS))
			return;
		if (!pi) /* else futex_pi_exit() does it */
			futex_wake_address(t, addr, 1);
		return;
	}
}

void futex_robust_exit(struct task *t)
{
	struct abi_robust_list_head head;
	uaddr_t start = t->robust_list, entry;
	bool pi;

	t->robust_list = 0;
	if (get_user(t, head, start) < 0)
		return;
	/* Bit 0 of a link says that the lock is of the PI kind. */
	uaddr_t pending = head.list_op_pending & ~1ULL;
	bool pending_pi = head.list_op_pending & 1;
	entry = head.list & ~1ULL;
	pi = head.list & 1;
	for (int n = 0; entry != start && n < ENTRIES_MAX; n++) {
		uint64_t next;
		bool last = get_user(t, next, entry) < 0;

		if (entry != pending)
			lock_abandon(t, entry + (uint64_t)head.futex_offset, false, pi);
		if (last)
			return;
		entry = next & ~1ULL;
		pi = next & 1;
	}
	if (pending)
		lock_abandon(t, pending + (uint64_t)head.futex_offset, true, pending_pi);
}

long sys_set_robust_list(struct task *t, uaddr_t head, size_t len)
{
	if (len != sizeof(struct abi_robust_list_head))
		return -EINVAL;
	t->robust_list = head;
	t->robust_len = len;
	return 0;
}

long sys_get_robust_list(struct task *t, int pid, uaddr_t uhead, uaddr_t ulen)
{
	struct task *other = pid ? task_find(pid) : t;
	uint64_t len = sizeof(struct abi_robust_list_head), head;

	if (!other)
		return -ESRCH;
	if (other->proc != t->proc && other->cred->uid != t->cred->euid &&
	    !cred_capable(t->cred, CAP_SYS_PTRACE_BIT))
		return -EPERM;
	head = other->robust_list;
	if (put_user(t, len, ulen) < 0 || put_user(t, head, uhead) < 0)
		return -EFAULT;
	return 0;
}
