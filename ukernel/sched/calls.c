/*
 * calls.c - what programs may ask of the scheduler: yield, affinity, nice values, policies.
 *
 * sched_setscheduler(2) and friends are checked and remembered; what they mean is up to the policy
 * that the box was started with (rr and coop know no priorities).
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscall.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#define RT_PRIO_MIN 1
#define RT_PRIO_MAX 99
#define NICE_MIN    (-20)
#define NICE_MAX    19

#define ATTR_SIZE_V0 48U
#define ATTR_SIZE_V1 56U

struct abi_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

long sys_sched_yield(struct task *t)
{
	(void)t;
	sched_yield_current();
	return 0;
}

/* The task with this number (0: the caller itself); NULL: none. */
static struct task *task_named(struct task *t, int pid)
{
	return pid ? task_find(pid) : t;
}

/* May t change how other is scheduled? (sched_setscheduler(2), sched_setaffinity(2)) */
static bool may_change(const struct task *t, const struct task *other)
{
	return t->cred->euid == other->cred->euid || t->cred->euid == other->cred->uid ||
	       cred_capable(t->cred, CAP_SYS_NICE_BIT);
}

/* --- affinity --- */

long sys_sched_setaffinity(struct task *t, int pid, size_t len, uaddr_t umask)
{
	struct task *other = task_named(t, pid);
	uint64_t mask = 0, all;

	/* A shorter mask is padded with zeroes, of a longer one only what we have counts. */
	if (copy_from_user(t, &mask, umask, len < sizeof(mask) ? len : sizeof(mask)) < 0)
		return -EFAULT;
	if (pid < 0 || !other)
		return -ESRCH;
	if (!may_change(t, other))
		return -EPERM;
	all = sched_cpus() >= 64 ? UINT64_MAX : (1ULL << sched_cpus()) - 1;
	mask &= all;
	if (!mask)
		return -EINVAL;
	sched_set_affinity(other, mask);
	return 0;
}

long sys_sched_getaffinity(struct task *t, int pid, size_t len, uaddr_t umask)
{
	struct task *other = task_named(t, pid);
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

/* --- policies --- */

static bool policy_is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_known(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
	       policy_is_rt(policy);
}

struct class_change {
	int class, rt_priority, nice;
};

static void class_write(struct sched_entity *se, const void *arg)
{
	const struct class_change *c = arg;

	se->class = c->class;
	se->rt_priority = c->rt_priority;
	se->nice = c->nice;
}

/* The rules of sched(7): real time wants CAP_SYS_NICE or RLIMIT_RTPRIO. */
static int policy_change(struct task *t, struct task *other, int policy, int prio, bool set_nice,
			 int nice)
{
	bool nicer = cred_capable(t->cred, CAP_SYS_NICE_BIT);

	if (!policy_known(policy))
		return -EINVAL;
	if (policy_is_rt(policy) ? prio < RT_PRIO_MIN || prio > RT_PRIO_MAX : prio != 0)
		return -EINVAL;
	if (!may_change(t, other))
		return -EPERM;
	if (!nicer && policy_is_rt(policy) &&
	    (uint64_t)prio > other->proc->rlimit[RLIMIT_RTPRIO].cur)
		return -EPERM;
	if (!nicer && set_nice && nice < other->se.nice &&
	    20 - nice > (int64_t)other->proc->rlimit[RLIMIT_NICE].cur)
		return -EPERM;
	/* SCHED_IDLE counts as nicer than nice: leaving it wants the right to one's own nice value.
	 */
	if (!nicer && other->se.class == SCHED_IDLE && policy != SCHED_IDLE &&
	    20 - other->se.nice > (int64_t)other->proc->rlimit[RLIMIT_NICE].cur)
		return -EPERM;
	struct class_change c = {policy, prio, set_nice ? nice : other->se.nice};
	sched_change(other, class_write, &c);
	return 0;
}

long sys_sched_setscheduler(struct task *t, int pid, int policy, uaddr_t uparam)
{
	struct task *other = task_named(t, pid);
	int32_t prio;
	int reset = policy & SCHED_RESET_ON_FORK;

	if (pid < 0 || policy < 0 || !uparam)
		return -EINVAL;
	if (get_user(t, prio, uparam) < 0)
		return -EFAULT;
	if (!other)
		return -ESRCH;
	int err = policy_change(t, other, policy & ~SCHED_RESET_ON_FORK, prio, false, 0);
	if (err == 0)
		other->sched.reset_on_fork = reset;
	return err;
}

long sys_sched_getscheduler(struct task *t, int pid)
{
	struct task *other = task_named(t, pid);

	if (pid < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	return other->se.class | (other->sched.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_setparam(struct task *t, int pid, uaddr_t uparam)
{
	struct task *other = task_named(t, pid);
	int32_t prio;

	if (pid < 0 || !uparam)
		return -EINVAL;
	if (get_user(t, prio, uparam) < 0)
		return -EFAULT;
	if (!other)
		return -ESRCH;
	return policy_change(t, other, other->se.class, prio, false, 0);
}

long sys_sched_getparam(struct task *t, int pid, uaddr_t uparam)
{
	struct task *other = task_named(t, pid);

	if (pid < 0 || !uparam)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	int32_t prio = other->se.rt_priority;
	return put_user(t, prio, uparam);
}

long sys_sched_get_priority_max(struct task *t, int policy)
{
	(void)t;
	if (policy_is_rt(policy))
		return RT_PRIO_MAX;
	return policy_known(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(struct task *t, int policy)
{
	(void)t;
	if (policy_is_rt(policy))
		return RT_PRIO_MIN;
	return policy_known(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(struct task *t, int pid, uaddr_t uinterval)
{
	struct task *other = task_named(t, pid);
	struct abi_timespec ts = {0, 0};

	if (pid < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	uint64_t ns = sched_slice_ns(other);
	if (ns != UINT64_MAX && other->se.class != SCHED_FIFO) {
		ts.sec = (int64_t)(ns / 1000000000);
		ts.nsec = (int64_t)(ns % 1000000000);
	}
	return put_user(t, ts, uinterval);
}

/* The structure grows with the kernel: what we do not know must be zero. */
static int attr_get(struct task *t, uaddr_t uattr, struct abi_sched_attr *a)
{
	uint32_t size;
	uint8_t rest;

	if (get_user(t, size, uattr) < 0)
		return -EFAULT;
	if (size == 0)
		size = ATTR_SIZE_V0;
	if (size < ATTR_SIZE_V0 || size > 4096)
		goto too_big;
	memset(a, 0, sizeof(*a));
	if (copy_from_user(t, a, uattr, size < sizeof(*a) ? size : sizeof(*a)) < 0)
		return -EFAULT;
	for (uint32_t at = sizeof(*a); at < size; at++) {
		if (copy_from_user(t, &rest, uattr + at, 1) < 0)
			return -EFAULT;
		if (rest)
			goto too_big;
	}
	return 0;
too_big:
	size = ATTR_SIZE_V1;
	(void)put_user(t, size, uattr);
	return -E2BIG;
}

long sys_sched_setattr(struct task *t, int pid, uaddr_t uattr, unsigned long flags)
{
	struct task *other = task_named(t, pid);
	struct abi_sched_attr a;

	if (pid < 0 || !uattr || flags)
		return -EINVAL;
	int err = attr_get(t, uattr, &a);
	if (err < 0)
		return err;
	if (!other)
		return -ESRCH;
	if ((a.flags & ~1ULL) || (int32_t)a.policy < 0)
		return -EINVAL;
	int nice = a.nice < NICE_MIN ? NICE_MIN : a.nice > NICE_MAX ? NICE_MAX : a.nice;
	err = policy_change(t, other, (int)a.policy, (int)a.priority, !policy_is_rt((int)a.policy),
			    nice);
	if (err == 0)
		other->sched.reset_on_fork = a.flags & 1;
	return err;
}

long sys_sched_getattr(struct task *t, int pid, uaddr_t uattr, unsigned size, unsigned long flags)
{
	struct task *other = task_named(t, pid);
	struct abi_sched_attr a = {.size = ATTR_SIZE_V1};

	if (pid < 0 || !uattr || flags || size < ATTR_SIZE_V0 || size > 4096)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	if (size < a.size)
		a.size = size;
	a.policy = (uint32_t)other->se.class;
	a.flags = other->sched.reset_on_fork;
	if (policy_is_rt((int)a.policy))
		a.priority = (uint32_t)other->se.rt_priority;
	else
		a.nice = other->se.nice;
	a.util_max = 1024;
	return copy_to_user(t, uattr, &a, a.size);
}

/* --- nice --- */

/* Call f for the leader and every thread of what (which, who) names; the number of them. */
static int for_each_named(struct task *t, int which, int who,
			  void (*f)(struct task *t, struct task *other, void *arg), void *arg)
{
	struct process *p;
	struct task *other;
	int n = 0;

	if (which == PRIO_PROCESS) {
		other = task_named(t, who);
		if (other) {
			f(t, other, arg);
			n = 1;
		}
		return n;
	}
	if (which == PRIO_PGRP && who == 0)
		who = t->proc->pgid;
	uid_t uid = who ? (uid_t)who : t->cred->uid;
	list_for_each (p, &process_list, all) {
		list_for_each (other, &p->threads, in_process) {
			if (which == PRIO_PGRP ? p->pgid != who : other->cred->uid != uid)
				continue;
			f(t, other, arg);
			n++;
		}
	}
	return n;
}

struct nice_change {
	int nice, err;
};

static void nice_lowest(struct task *t, struct task *other, void *arg)
{
	int *best = arg;

	(void)t;
	if (other->se.nice < *best)
		*best = other->se.nice;
}

static void nice_write(struct sched_entity *se, const void *arg)
{
	se->nice = *(const int *)arg;
}

static void nice_set(struct task *t, struct task *other, void *arg)
{
	struct nice_change *c = arg;

	if (!may_change(t, other)) {
		c->err = -EPERM;
		return;
	}
	if (c->nice < other->se.nice && !cred_capable(t->cred, CAP_SYS_NICE_BIT) &&
	    20 - c->nice > (int64_t)other->proc->rlimit[RLIMIT_NICE].cur) {
		c->err = -EACCES;
		return;
	}
	sched_change(other, nice_write, &c->nice);
	if (c->err == -ESRCH)
		c->err = 0;
}

long sys_getpriority(struct task *t, int which, int who)
{
	int best = NICE_MAX;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (!for_each_named(t, which, who, nice_lowest, &best))
		return -ESRCH;
	return 20 - best; /* so that it is never negative; the library turns it back */
}

long sys_setpriority(struct task *t, int which, int who, int prio)
{
	struct nice_change c = {.err = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	c.nice = prio < NICE_MIN ? NICE_MIN : prio > NICE_MAX ? NICE_MAX : prio;
	for_each_named(t, which, who, nice_set, &c);
	return c.err;
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
