/*
 * calls.c - what programs may ask of the scheduler: yield, affinity, barriers.  Nice values are in
 * nice.c, policies in attr.c.
 */
#include "sched/calls.h"

#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <linux/membarrier.h>

long sys_sched_yield(struct task *t)
{
	(void)t;
	sched_yield_current();
	return 0;
}

/* --- affinity --- */

long sys_sched_setaffinity(struct task *t, int pid, size_t len, uaddr_t umask)
{
	struct task *other = sched_task_named(t, pid);
	uint64_t mask = 0, all;

	/* A shorter mask is padded with zeroes, of a longer one only what we have counts. */
	if (copy_from_user(t, &mask, umask, len < sizeof(mask) ? len : sizeof(mask)) < 0)
		return -EFAULT;
	if (pid < 0 || !other)
		return -ESRCH;
	if (!sched_may_change(t, other))
		return -EPERM;
	all = sched_cpus() >= 64 ? UINT64_MAX : (1ULL << sched_cpus()) - 1;
	mask &= all;
	if (!mask)
		return -EINVAL;
	/* Its reservation counts on all of them. */
	if (other->se.class == SCLASS_DEADLINE && mask != all)
		return -EBUSY;
	sched_set_affinity(other, mask);
	return 0;
}

long sys_sched_getaffinity(struct task *t, int pid, size_t len, uaddr_t umask)
{
	struct task *other = sched_task_named(t, pid);
	uint64_t mask;

	if (len < sizeof(mask) || len % sizeof(mask))
		return -EINVAL;
	if (pid < 0 || !other)
		return -ESRCH;
	mask = other->se.affinity;
	if (put_user(t, mask, umask) < 0)
		return -EFAULT;
	return sizeof(mask);
}

long sys_getcpu(struct task *t, uaddr_t ucpu, uaddr_t unode, uaddr_t unused)
{
	uint32_t cpu = (uint32_t)t->vcpu, node = 0;

	(void)unused;
	if (ucpu && put_user(t, cpu, ucpu) < 0)
		return -EFAULT;
	if (unode && put_user(t, node, unode) < 0)
		return -EFAULT;
	return 0;
}

/* --- membarrier --- */

/*
 * A guest thread that runs on another virtual CPU while this call is handled is not stopped by it:
 * to be a barrier for it, it is asked in.  Its trap and resume order memory.
 */
long sys_membarrier(struct task *t, int cmd, unsigned long flags, int cpu)
{
	const int supported = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
			      MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
			      MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;

	(void)cpu;
	if ((unsigned)flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return supported;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		t->proc->membarrier_registered = true;
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		if (!t->proc->membarrier_registered)
			return -EPERM;
		break;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		break;
	default:
		return -EINVAL;
	}
	sched_barrier(t);
	return 0;
}
