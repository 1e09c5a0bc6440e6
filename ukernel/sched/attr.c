/*
 * attr.c - sched_setscheduler(2), sched_setattr(2) and their kin: who may have which class, and
 * with what.
 *
 * The rules are Linux's (sched(7)), in its order.  What a class means is up to the policy that the
 * box was started with: one that does not know it treats all alike.
 */
#include "kern/cred.h"
#include "kern/itimer.h"
#include "sched/calls.h"
#include "syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define RT_PRIO_MIN 1
#define RT_PRIO_MAX 99

#define ATTR_SIZE_V0 48U
#define ATTR_SIZE_V1 56U

#define RESET_ON_FORK 0x40000000 /* or-ed into a class number */
#define KEEP_CLASS    (-1)	 /* in place of a class number */

/* sched_attr's flags. */
#define FLAG_RESET_ON_FORK 0x01ULL
#define FLAG_RECLAIM	   0x02ULL /* taken and shown: what is left over is given away anyway */
#define FLAG_KEEP_POLICY   0x08ULL
#define FLAG_KEEP_PARAMS   0x10ULL
#define FLAG_UTIL_CLAMP	   0x60ULL
#define FLAGS_KNOWN                                                                                \
	(FLAG_RESET_ON_FORK | FLAG_RECLAIM | FLAG_KEEP_POLICY | FLAG_KEEP_PARAMS | FLAG_UTIL_CLAMP)

/* What a reservation may be like (sched(7); the bounds are Linux's sysctls' defaults). */
#define DL_RUNTIME_MIN 1024ULL
#define DL_PERIOD_MIN  100000ULL
#define DL_PERIOD_MAX  4194304000ULL
#define DL_SHARE_MAX   0.95 /* of all virtual CPUs: the rest is for everybody else */

#define SLICE_MIN 100000ULL
#define SLICE_MAX 100000000ULL
#define RR_SLICE  100000000ULL /* what sched_rr_get_interval(2) says when slices never end */

struct abi_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* --- who may --- */

bool sched_same_owner(const struct task *t, const struct task *other)
{
	return t->cred->euid == other->cred->euid || t->cred->euid == other->cred->uid;
}

bool sched_may_change(const struct task *t, const struct task *other)
{
	return sched_same_owner(t, other) || cred_capable(t->cred, CAP_SYS_NICE_BIT);
}

bool sched_may_nice(const struct task *other, int nice)
{
	return 20 - nice <= (int64_t)other->proc->rlimit[RLIMIT_NICE].cur;
}

static bool class_is_rt(int class)
{
	return class == SCLASS_FIFO || class == SCLASS_RR;
}

static bool class_is_fair(int class)
{
	return class == SCLASS_OTHER || class == SCLASS_BATCH;
}

static bool class_known(int class)
{
	return class_is_fair(class) || class_is_rt(class) || class == SCLASS_IDLE ||
	       class == SCLASS_DEADLINE;
}

/* Does the change want CAP_SYS_NICE? */
static bool wants_privilege(const struct task *t, const struct task *other, int class,
			    const struct abi_sched_attr *a)
{
	const struct sched_entity *se = &other->se;
	uint64_t rtprio = other->proc->rlimit[RLIMIT_RTPRIO].cur;

	if (class_is_fair(class) && a->nice < se->nice && !sched_may_nice(other, a->nice))
		return true;
	if (class_is_rt(class)) {
		if (class != se->class && !rtprio)
			return true;
		if ((int)a->priority > se->rt_priority && a->priority > rtprio)
			return true;
	}
	if (class == SCLASS_DEADLINE)
		return true;
	/* IDLE counts as nicer than any nice value. */
	if (se->class == SCLASS_IDLE && class != SCLASS_IDLE && !sched_may_nice(other, se->nice))
		return true;
	if (other->sched.reset_on_fork && !(a->flags & FLAG_RESET_ON_FORK))
		return true;
	return !sched_same_owner(t, other);
}

/* --- reservations --- */

static bool reservation_valid(const struct abi_sched_attr *a)
{
	uint64_t period = a->period ? a->period : a->deadline;

	return a->deadline != 0 && !(a->deadline >> 63) && !(a->period >> 63) &&
	       a->runtime >= DL_RUNTIME_MIN && period >= a->deadline && a->deadline >= a->runtime &&
	       period >= DL_PERIOD_MIN && period <= DL_PERIOD_MAX;
}

/* What all others have reserved, and this, must fit. */
static int reservation_admit(struct task *other, const struct abi_sched_attr *a)
{
	uint64_t period = a->period ? a->period : a->deadline;
	double share = (double)a->runtime / (double)period;
	struct process *p;
	struct task *t;

	if (other->se.affinity != (sched_cpus() >= 64 ? UINT64_MAX : (1ULL << sched_cpus()) - 1))
		return -EPERM;
	list_for_each (p, &process_list, all)
		list_for_each (t, &p->threads, in_process)
			if (t != other && t->se.class == SCLASS_DEADLINE && !t->exiting)
				share += (double)t->se.dl_runtime / (double)t->se.dl_period;
	if (share > DL_SHARE_MAX * sched_cpus() + 1e-9)
		return -EBUSY;
	return sched_admit(other, a->runtime, a->deadline, period);
}

/* --- the change --- */

static void attr_write(struct sched_entity *se, const void *arg)
{
	const struct abi_sched_attr *a = arg;
	bool deadline = a->policy == SCLASS_DEADLINE;

	se->class = (int32_t)a->policy;
	se->rt_priority = class_is_rt(se->class) ? (int32_t)a->priority : 0;
	if (class_is_fair(se->class)) {
		se->nice = a->nice;
		se->slice_ns = !a->runtime		? 0
			       : a->runtime < SLICE_MIN ? SLICE_MIN
			       : a->runtime > SLICE_MAX ? SLICE_MAX
							: a->runtime;
	}
	se->dl_runtime = deadline ? a->runtime : 0;
	se->dl_deadline = deadline ? a->deadline : 0;
	se->dl_period = !deadline ? 0 : a->period ? a->period : a->deadline;
}

static bool attr_same(const struct sched_entity *se, const struct abi_sched_attr *a)
{
	struct sched_entity now = *se;

	attr_write(&now, a);
	return now.class == se->class && now.rt_priority == se->rt_priority &&
	       now.nice == se->nice && now.slice_ns == se->slice_ns &&
	       now.dl_runtime == se->dl_runtime && now.dl_deadline == se->dl_deadline &&
	       now.dl_period == se->dl_period;
}

/* a->policy is the class, or KEEP_CLASS; a->nice is within bounds. */
static int attr_set(struct task *t, struct task *other, struct abi_sched_attr *a)
{
	if ((int32_t)a->policy == KEEP_CLASS) {
		a->policy = (uint32_t)other->se.class;
		a->flags |= other->sched.reset_on_fork ? FLAG_RESET_ON_FORK : 0;
	}
	int class = (int)a->policy;

	if (!class_known(class) || (a->flags & ~FLAGS_KNOWN) || a->priority > RT_PRIO_MAX)
		return -EINVAL;
	if (class == SCLASS_DEADLINE && !reservation_valid(a))
		return -EINVAL;
	if (class_is_rt(class) != (a->priority != 0))
		return -EINVAL;
	if (wants_privilege(t, other, class, a) && !cred_capable(t->cred, CAP_SYS_NICE_BIT))
		return -EPERM;
	/* There is no clock rate here that could be asked for. */
	if (a->flags & FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	if (class == SCLASS_DEADLINE) {
		int err = reservation_admit(other, a);

		if (err < 0)
			return err;
	}
	other->sched.reset_on_fork = a->flags & FLAG_RESET_ON_FORK;
	other->sched.reclaim = class == SCLASS_DEADLINE && (a->flags & FLAG_RECLAIM);
	if (!attr_same(&other->se, a)) {
		int before = other->se.class;

		sched_change(other, attr_write, a);
		if (class != before)
			other->sched.last_slice_ns = 0;
		if (class_is_rt(class) && !class_is_rt(before)) {
			other->sched.awake_ran_ns = sched_ran_ns(other);
			cpu_limit_changed(other->proc);
		}
	}
	return 0;
}

static int class_set(struct task *t, int pid, int class, uaddr_t uparam)
{
	struct task *other;
	int32_t prio;

	if (pid < 0 || !uparam)
		return -EINVAL;
	if (get_user(t, prio, uparam) < 0)
		return -EFAULT;
	other = sched_task_named(t, pid);
	if (!other)
		return -ESRCH;
	struct abi_sched_attr a = {
	    .policy = (uint32_t) class,
	    .nice = other->se.nice,
	    .priority = (uint32_t)prio,
	    .runtime = other->se.slice_ns,
	};
	if (class != KEEP_CLASS && (class & RESET_ON_FORK)) {
		a.flags = FLAG_RESET_ON_FORK;
		a.policy &= ~(uint32_t)RESET_ON_FORK;
	}
	return attr_set(t, other, &a);
}

long sys_sched_setscheduler(struct task *t, int pid, int policy, uaddr_t uparam)
{
	return policy < 0 ? -EINVAL : class_set(t, pid, policy, uparam);
}

long sys_sched_setparam(struct task *t, int pid, uaddr_t uparam)
{
	return class_set(t, pid, KEEP_CLASS, uparam);
}

long sys_sched_getscheduler(struct task *t, int pid)
{
	struct task *other = sched_task_named(t, pid);

	if (pid < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	return other->se.class | (other->sched.reset_on_fork ? RESET_ON_FORK : 0);
}

long sys_sched_getparam(struct task *t, int pid, uaddr_t uparam)
{
	struct task *other = sched_task_named(t, pid);

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
	if (class_is_rt(policy))
		return RT_PRIO_MAX;
	/* 7 is SCHED_EXT, which Linux names here even when it was built without. */
	return class_known(policy) || policy == 7 ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(struct task *t, int policy)
{
	(void)t;
	if (class_is_rt(policy))
		return RT_PRIO_MIN;
	return class_known(policy) || policy == 7 ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(struct task *t, int pid, uaddr_t uinterval)
{
	struct task *other = sched_task_named(t, pid);
	struct abi_timespec ts = {0, 0};

	if (pid < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	/* The slice that it got last in its class; before its first one, the caller's. */
	uint64_t ns = other->sched.last_slice_ns;
	if (!ns && other->se.class == t->se.class)
		ns = t->sched.last_slice_ns;
	if (!ns || ns == SCHED_FOREVER)
		ns = other->se.class == SCLASS_RR ? RR_SLICE : 0;
	if (other->se.class != SCLASS_FIFO && other->se.class != SCLASS_DEADLINE) {
		ts.sec = (int64_t)(ns / 1000000000);
		ts.nsec = (int64_t)(ns % 1000000000);
	}
	return put_user(t, ts, uinterval);
}

/* --- attributes --- */

/* The structure grows with the kernel: what we do not know must be zero. */
static int attr_get(struct task *t, uaddr_t uattr, struct abi_sched_attr *a)
{
	uint32_t size;
	uint8_t rest;

	if (get_user(t, size, uattr) < 0)
		return -EFAULT;
	if (size == 0)
		size = ATTR_SIZE_V0;
	if (size < ATTR_SIZE_V0 || size > PAGE_SIZE)
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
	if ((a->flags & FLAG_UTIL_CLAMP) && size < ATTR_SIZE_V1)
		return -EINVAL;
	a->nice = a->nice < NICE_MIN ? NICE_MIN : a->nice > NICE_MAX ? NICE_MAX : a->nice;
	return 0;
too_big:
	size = ATTR_SIZE_V1;
	(void)put_user(t, size, uattr);
	return -E2BIG;
}

/* other's parameters, in the fields that its class has. */
static void params_get(const struct task *other, struct abi_sched_attr *a)
{
	const struct sched_entity *se = &other->se;

	if (se->class == SCLASS_DEADLINE) {
		a->runtime = se->dl_runtime;
		a->deadline = se->dl_deadline;
		a->period = se->dl_period;
		a->flags |= other->sched.reclaim ? FLAG_RECLAIM : 0;
	} else if (class_is_rt(se->class)) {
		a->priority = (uint32_t)se->rt_priority;
	} else {
		a->nice = se->nice;
		a->runtime = se->slice_ns;
	}
}

long sys_sched_setattr(struct task *t, int pid, uaddr_t uattr, unsigned long flags)
{
	struct abi_sched_attr a;

	if (pid < 0 || !uattr || (unsigned)flags)
		return -EINVAL;
	int err = attr_get(t, uattr, &a);
	if (err < 0)
		return err;
	if ((int32_t)a.policy < 0)
		return -EINVAL;
	if (a.flags & FLAG_KEEP_POLICY)
		a.policy = (uint32_t)KEEP_CLASS;
	struct task *other = sched_task_named(t, pid);
	if (!other)
		return -ESRCH;
	if (a.flags & FLAG_KEEP_PARAMS)
		params_get(other, &a);
	return attr_set(t, other, &a);
}

long sys_sched_getattr(struct task *t, int pid, uaddr_t uattr, unsigned size, unsigned long flags)
{
	struct task *other = sched_task_named(t, pid);
	struct abi_sched_attr a = {0};

	if (pid < 0 || !uattr || (unsigned)flags || size < ATTR_SIZE_V0 || size > PAGE_SIZE)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	a.size = size < sizeof(a) ? size : sizeof(a);
	a.policy = (uint32_t)other->se.class;
	a.flags = other->sched.reset_on_fork ? FLAG_RESET_ON_FORK : 0;
	params_get(other, &a);
	if (copy_to_user(t, uattr, &a, a.size) < 0)
		return -EFAULT;
	return size > sizeof(a) ? clear_user(t, uattr + sizeof(a), size - sizeof(a)) : 0;
}
