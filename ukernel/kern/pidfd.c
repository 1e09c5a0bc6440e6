/*
 * pidfd.c - descriptors that stand for a process, and what can be done with one.
 */
#include "kern/pidfd.h"

#include "fs/file.h"
#include "fs/proc/proc.h"
#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* Readable once every thread of the process has exited; hung up when it has been waited for. */
static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *p = f->priv;

	poll_wait(pt, f, &p->exit_wait);
	if (p->state != PROC_ZOMBIE)
		return 0;
	return EPOLLIN | EPOLLRDNORM | (process_find(p->pid) == p ? 0 : EPOLLHUP);
}

static int pidfd_show(struct file *f, char *buf, size_t size)
{
	struct process *p = f->priv;
	int pid = process_find(p->pid) == p ? p->pid : -1;

	return snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
	process_put(f->priv);
}

static const struct file_ops pidfd_ops = {
    .name = "pidfd",
    .poll = pidfd_poll,
    .show_fdinfo = pidfd_show,
    .release = pidfd_release,
};

int pidfd_install(struct task *t, struct process *p, int flags)
{
	struct file *f = file_anon(&pidfd_ops, "anon_inode:[pidfd]", 0600, O_RDWR | flags, p);

	if (!f)
		return -ENOMEM;
	process_get(p);
	int fd = fd_install(t, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

struct process *pidfd_process(const struct file *f)
{
	return f->ops == &pidfd_ops ? f->priv : NULL;
}

long sys_pidfd_open(struct task *t, int pid, unsigned long flags)
{
	if ((unsigned)flags & ~(unsigned)O_NONBLOCK)
		return -EINVAL;
	if (pid <= 0)
		return -EINVAL;
	struct process *p = process_find(pid);
	if (!p)
		return task_find(pid) ? -EINVAL : -ESRCH; /* a thread that leads no group */
	return pidfd_install(t, p, (int)flags);
}

/* What a process may claim in a siginfo that it sends to another (rt_sigqueueinfo(2)). */
static bool info_forged(const struct task *t, const struct process *p,
			const struct abi_siginfo *info)
{
	return (info->code >= 0 || info->code == SI_TKILL) && p != t->proc;
}

long sys_pidfd_send_signal(struct task *t, int pidfd, int sig, uaddr_t uinfo, unsigned long flags)
{
	struct abi_siginfo info;
	long ret;

	if ((unsigned)flags)
		return -EINVAL;
	struct file *f = fd_get(t, pidfd);
	if (!f)
		return -EBADF;
	struct process *p = pidfd_process(f);
	ret = p ? 0 : proc_dir_process(f, &p);
	if (ret < 0)
		goto out;
	ret = -EINVAL;
	if (sig < 0 || sig > NSIG_GUEST)
		goto out;
	if (uinfo) {
		ret = -EFAULT;
		if (get_user(t, info, uinfo) < 0)
			goto out;
		ret = -EINVAL;
		if (info.signo != sig)
			goto out;
		ret = -EPERM;
		if (info_forged(t, p, &info))
			goto out;
	} else {
		memset(&info, 0, sizeof(info));
		info.signo = sig;
		info.code = SI_USER;
		info.kill.pid = t->proc->pid;
		info.kill.uid = t->cred->uid;
	}
	ret = -ESRCH;
	if (process_find(p->pid) != p)
		goto out;
	ret = signal_permission(t, p, sig);
	if (ret == 0)
		ret = signal_send_process(p, sig, &info);
out:
	file_put(f);
	return ret;
}
