/*
 * inspect.c - what a task may learn and have of another: kcmp(2) and pidfd_getfd(2).
 */
#include "kern/inspect.h"

#include "fs/epoll.h"
#include "fs/file.h"
#include "fs/random.h"
#include "kern/cred.h"
#include "kern/pidfd.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdint.h>

bool task_may_inspect(const struct task *t, const struct task *other)
{
	const struct cred *a = t->cred, *b = other->cred;

	if (t->proc == other->proc || cred_capable(a, CAP_SYS_PTRACE_BIT))
		return true;
	return a->uid == b->euid && a->uid == b->suid && a->uid == b->uid && a->gid == b->egid &&
	       a->gid == b->sgid && a->gid == b->gid && other->proc->dumpable &&
	       !(b->cap_permitted & ~a->cap_permitted);
}

/* --- kcmp --- */

/* An order of objects that says nothing about where they are: pointers times an odd number of
 * chance, which is one to one. */
static int compare(const void *a, const void *b)
{
	static uint64_t factor;
	uint64_t x, y;

	if (!factor) {
		(void)random_bytes(&factor, sizeof(factor));
		factor |= 1;
	}
	x = (uint64_t)(uintptr_t)a * factor;
	y = (uint64_t)(uintptr_t)b * factor;
	return x < y ? 1 : x > y ? 2 : 0;
}

/* Borrowed; NULL: no such descriptor. */
static struct file *file_of(const struct task *t, unsigned long fd)
{
	return t->files && fd <= INT32_MAX ? fdtable_file(t->files, (int)fd) : NULL;
}

static long compare_files(struct task *a, struct task *b, unsigned long ia, unsigned long ib)
{
	struct file *fa = file_of(a, ia), *fb = file_of(b, ib);

	return fa && fb ? compare(fa, fb) : -EBADF;
}

/* The file that the second one's epoll watches under a number. */
static long compare_watched(struct task *t, struct task *a, struct task *b, unsigned long ia,
			    uaddr_t uslot)
{
	struct kcmp_epoll_slot slot;
	struct file *fa, *fb, *ep;
	int err;

	if (get_user(t, slot, uslot))
		return -EFAULT;
	fa = file_of(a, ia);
	if (!fa)
		return -EBADF;
	ep = file_of(b, slot.efd);
	if (!ep)
		return -EBADF;
	err = epoll_watched(ep, (int)slot.tfd, slot.toff, &fb);
	return err ? err : compare(fa, fb);
}

long sys_kcmp(struct task *t, int pid1, int pid2, int type, unsigned long idx1, unsigned long idx2)
{
	struct task *a = task_find(pid1), *b = task_find(pid2);

	if (!a || !b)
		return -ESRCH;
	if (!task_may_inspect(t, a) || !task_may_inspect(t, b))
		return -EPERM;
	switch (type) {
	case KCMP_FILE:
		return compare_files(a, b, idx1, idx2);
	case KCMP_VM:
		return compare(a->mm, b->mm);
	case KCMP_FILES:
		return compare(a->files, b->files);
	case KCMP_FS:
		return compare(a->fs, b->fs);
	case KCMP_SIGHAND:
		return compare(a->sighand, b->sighand);
	case KCMP_IO:
		return 0; /* nobody has a context of input and output */
	case KCMP_SYSVSEM:
		return compare(a->sem_undo, b->sem_undo);
	case KCMP_EPOLL_TFD:
		return compare_watched(t, a, b, idx1, idx2);
	default:
		return -EINVAL;
	}
}

/* --- pidfd_getfd --- */

long sys_pidfd_getfd(struct task *t, int pidfd, int targetfd, unsigned long flags)
{
	struct file *pf, *f;
	struct process *p;
	struct task *other;
	long ret;

	if ((unsigned)flags)
		return -EINVAL;
	pf = fd_get(t, pidfd);
	if (!pf)
		return -EBADF;
	p = pidfd_process(pf);
	ret = -EBADF;
	if (!p)
		goto out;
	other = p->leader;
	ret = -ESRCH;
	if (process_find(p->pid) != p || !other)
		goto out;
	ret = -EPERM;
	if (!task_may_inspect(t, other))
		goto out;
	ret = -ESRCH; /* a zombie has none */
	if (!other->files)
		goto out;
	ret = -EBADF;
	f = targetfd < 0 ? NULL : fdtable_file(other->files, targetfd);
	if (!f)
		goto out;
	file_get(f);
	ret = fd_install(t, f, 0, true);
	if (ret < 0)
		file_put(f);
out:
	file_put(pf);
	return ret;
}
