/*
 * rlimit.c - resource limits: getrlimit(2), setrlimit(2), prlimit(2).
 *
 * Only the numbers are kept here; whoever hands out the resource looks at them.
 */
#include "kern/cred.h"
#include "kern/itimer.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <sys/resource.h>

#define NR_OPEN_MAX 1048576 /* fs.nr_open: no RLIMIT_NOFILE above it */

_Static_assert(sizeof(struct abi_rlimit) == 16, "struct rlimit64");

/* May t look at or change the limits of p?  (prlimit(2), PERMISSION in its errors) */
static bool may_change(const struct task *t, const struct process *p)
{
	const struct cred *mine = t->cred, *theirs = p->leader->cred;

	if (p == t->proc || cred_capable(mine, CAP_SYS_RESOURCE_BIT))
		return true;
	return mine->uid == theirs->uid && mine->uid == theirs->euid && mine->uid == theirs->suid &&
	       mine->gid == theirs->gid && mine->gid == theirs->egid && mine->gid == theirs->sgid;
}

static int limit_set(struct task *t, struct process *p, int resource, const struct abi_rlimit *new)
{
	struct rlimit_pair *l = &p->rlimit[resource];

	if (new->cur > new->max)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && new->max > NR_OPEN_MAX)
		return -EPERM;
	if (new->max > l->max && !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT))
		return -EPERM;
	l->cur = new->cur;
	l->max = new->max;
	if (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME)
		cpu_limit_changed(p);
	return 0;
}

long sys_prlimit64(struct task *t, int pid, int resource, uaddr_t new, uaddr_t old)
{
	struct abi_rlimit in, out;
	struct process *p = t->proc;

	if (resource < 0 || resource >= RLIM_COUNT)
		return -EINVAL;
	if (new &&get_user(t, in, new))
		return -EFAULT;
	if (pid) {
		struct task *of = task_find(pid);
		if (!of)
			return -ESRCH;
		p = of->proc;
	}
	if (!may_change(t, p))
		return -EPERM;
	out.cur = p->rlimit[resource].cur;
	out.max = p->rlimit[resource].max;
	if (new) {
		int err = limit_set(t, p, resource, &in);
		if (err)
			return err;
	}
	return old ? put_user(t, out, old) : 0;
}

long sys_getrlimit(struct task *t, int resource, uaddr_t rlim)
{
	if (resource < 0 || resource >= RLIM_COUNT)
		return -EINVAL;
	struct abi_rlimit out = {t->proc->rlimit[resource].cur, t->proc->rlimit[resource].max};
	return put_user(t, out, rlim);
}

long sys_setrlimit(struct task *t, int resource, uaddr_t rlim)
{
	struct abi_rlimit in;

	if (get_user(t, in, rlim))
		return -EFAULT;
	if (resource < 0 || resource >= RLIM_COUNT)
		return -EINVAL;
	return limit_set(t, t->proc, resource, &in);
}
