/*
 * mempolicy.c - NUMA memory policies, for a machine with one node: mbind(2), set_mempolicy(2),
 * get_mempolicy(2).
 *
 * With one node every legal policy means the same, so arguments are checked as Linux checks them
 * and nothing is kept: get_mempolicy always answers MPOL_DEFAULT.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>

/* linux/mempolicy.h */
enum {
	POLICY_DEFAULT,
	POLICY_PREFERRED,
	POLICY_BIND,
	POLICY_INTERLEAVE,
	POLICY_LOCAL,
	POLICY_PREFERRED_MANY,
	POLICY_COUNT
};
#define MODE_STATIC_NODES   (1 << 15)
#define MODE_RELATIVE_NODES (1 << 14)
#define GET_NODE	    1u
#define GET_ADDR	    2u
#define GET_MEMS_ALLOWED    4u
#define MBIND_FLAGS	    7u /* STRICT, MOVE, MOVE_ALL */
#define MAXNODE_LIMIT	    (PAGE_SIZE * 8)

/* Read a node mask: *nodes gets node 0's bit.  -EINVAL when it names another node. */
static int nodemask_read(struct task *t, uaddr_t from, unsigned long maxnode, uint64_t *nodes)
{
	uint64_t word;

	*nodes = 0;
	if (maxnode > MAXNODE_LIMIT + 1)
		return -EINVAL;
	if (!from || maxnode <= 1)
		return 0;
	maxnode--; /* the kernel's own reading of the argument */
	for (unsigned long bit = 0; bit < maxnode; bit += 64) {
		if (copy_from_user(t, &word, from + bit / 8, sizeof(word)))
			return -EFAULT;
		if (maxnode - bit < 64)
			word &= (1ULL << (maxnode - bit)) - 1;
		if (word & (bit ? ~0ULL : ~1ULL))
			return -EINVAL;
		*nodes |= word;
	}
	return 0;
}

static int policy_check(int mode, uint64_t nodes)
{
	int flags = mode & (MODE_STATIC_NODES | MODE_RELATIVE_NODES);

	mode &= ~flags;
	if (mode < 0 || mode >= POLICY_COUNT || flags == (MODE_STATIC_NODES | MODE_RELATIVE_NODES))
		return -EINVAL;
	switch (mode) {
	case POLICY_DEFAULT:
	case POLICY_LOCAL:
		return nodes || flags ? -EINVAL : 0;
	case POLICY_PREFERRED:
		return !nodes && flags ? -EINVAL : 0;
	default:
		return nodes ? 0 : -EINVAL;
	}
}

long sys_set_mempolicy(struct task *t, int mode, uaddr_t nodemask, unsigned long maxnode)
{
	uint64_t nodes;
	int err = nodemask_read(t, nodemask, maxnode, &nodes);

	return err ? err : policy_check(mode, nodes);
}

long sys_mbind(struct task *t, uaddr_t addr, size_t len, int mode, uaddr_t nodemask,
	       unsigned long maxnode, unsigned long flags)
{
	struct region_info region;
	uint64_t nodes;
	int err = nodemask_read(t, nodemask, maxnode, &nodes);

	if (!err && (flags & ~(unsigned long)MBIND_FLAGS))
		err = -EINVAL;
	if (!err)
		err = policy_check(mode, nodes);
	if (err)
		return err;
	uaddr_t end = addr + ((len + PAGE_SIZE - 1) & PAGE_MASK);
	if ((addr & ~PAGE_MASK) || end < addr)
		return -EINVAL;
	for (uaddr_t at = addr; at < end; at = region.end)
		if (!mm_region_next(t->mm, at, &region) || region.start > at)
			return -EFAULT;
	return 0;
}

long sys_get_mempolicy(struct task *t, uaddr_t mode, uaddr_t nodemask, unsigned long maxnode,
		       uaddr_t addr, unsigned long flags)
{
	struct region_info region;
	int answer = POLICY_DEFAULT;
	uint64_t nodes = flags & GET_MEMS_ALLOWED ? 1 : 0, zero = 0;

	if (flags & ~(unsigned long)(GET_NODE | GET_ADDR | GET_MEMS_ALLOWED))
		return -EINVAL;
	if ((flags & GET_MEMS_ALLOWED) && (flags & (GET_NODE | GET_ADDR)))
		return -EINVAL;
	if (!(flags & GET_ADDR) && addr)
		return -EINVAL;
	/* Where the page lies is known; where the next one would go only under interleaving. */
	if ((flags & GET_NODE) && !(flags & GET_ADDR))
		return -EINVAL;
	if (nodemask && (maxnode < 1 || maxnode > MAXNODE_LIMIT))
		return -EINVAL;
	if ((flags & GET_ADDR) && (!mm_region_next(t->mm, addr, &region) || region.start > addr))
		return -EFAULT;
	if (mode && put_user(t, answer, mode))
		return -EFAULT;
	if (!nodemask)
		return 0;
	for (unsigned long bit = 0; bit < maxnode; bit += 64)
		if (put_user(t, *(bit ? &zero : &nodes), nodemask + bit / 8))
			return -EFAULT;
	return 0;
}
