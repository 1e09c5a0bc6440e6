/*
 * signalfd.c - signalfd(2): pending signals taken by read() instead of by a handler.
 *
 * A descriptor holds a mask only.  It shows the signals of whoever reads or polls it, not of who
 * made it.
 */
#include "fs/file.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

struct signalfd {
	sigmask_t mask;
};

static void signalfd_fill(const struct abi_siginfo *info, struct abi_signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->signo = (uint32_t)info->signo;
	out->err = info->err;
	out->code = info->code;
	if (info->code == SI_TIMER) {
		out->tid = (uint32_t)info->timer.tid;
		out->overrun = (uint32_t)info->timer.overrun;
		out->sival_ptr = info->timer.value.sival_ptr;
		out->sival_int = info->timer.value.sival_int;
		return;
	}
	if (info->code == SI_KERNEL)
		return;
	if (info->signo == SIGCHLD && info->code > 0) {
		out->pid = (uint32_t)info->chld.pid;
		out->uid = info->chld.uid;
		out->status = info->chld.status;
		out->utime = (uint64_t)info->chld.utime;
		out->stime = (uint64_t)info->chld.stime;
	} else if (info->signo == SIGIO && info->code > 0) {
		out->band = (uint32_t)info->poll.band;
		out->fd = info->poll.fd;
	} else if (info->code > 0) {
		out->addr = info->fault.addr;
	} else {
		out->pid = (uint32_t)info->kill.pid;
		out->uid = info->kill.uid;
		if (info->code != SI_USER && info->code != SI_TKILL) {
			out->sival_ptr = info->kill.value.sival_ptr;
			out->sival_int = info->kill.value.sival_int;
		}
	}
}

static bool ready(const struct signalfd *s)
{
	return ((current->pending.set | current->proc->pending.set) & s->mask) != 0;
}

static ssize_t signalfd_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct signalfd *s = f->priv;
	struct abi_signalfd_siginfo out;
	struct abi_siginfo info;
	ssize_t total = 0;

	if (to->left < sizeof(out))
		return -EINVAL;
	while (!ready(s)) {
		if (file_nonblock(f))
			return -EAGAIN;
		int err = wait_on(&current->proc->sig_waitq);
		if (err && !ready(s))
			return err;
	}
	while (to->left >= sizeof(out) && signal_dequeue(current, s->mask, &info)) {
		signalfd_fill(&info, &out);
		ssize_t n = uio_put(to, &out, sizeof(out));
		if (n != (ssize_t)sizeof(out))
			return total ? total : -EFAULT;
		total += n;
	}
	return total;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	const struct signalfd *s = f->priv;

	if (!current)
		return 0;
	poll_wait(pt, f, &current->proc->sig_waitq);
	return ready(s) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	free(f->priv);
}

static int signalfd_show(struct file *f, char *buf, size_t size)
{
	const struct signalfd *s = f->priv;
	return snprintf(buf, size, "sigmask:\t%016llx\n", (unsigned long long)s->mask);
}

static const struct file_ops signalfd_ops = {
    .name = "signalfd",
    .read = signalfd_read,
    .llseek = file_llseek_noop,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .show_fdinfo = signalfd_show,
};

/* Also changes the mask of an existing one. */
static long signalfd_update(struct task *t, int fd, sigmask_t mask)
{
	struct file *f = fd_get(t, fd);

	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_ops) {
		file_put(f);
		return -EINVAL;
	}
	((struct signalfd *)f->priv)->mask = mask;
	file_put(f);
	waitq_wake(&t->proc->sig_waitq, EPOLLIN);
	return fd;
}

static long signalfd_create(struct task *t, sigmask_t mask, int flags)
{
	struct signalfd *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	struct file *f = file_anon(&signalfd_ops, "anon_inode:[signalfd]", 0600,
				   O_RDWR | (flags & SFD_NONBLOCK), s);
	if (!f) {
		free(s);
		return -ENOMEM;
	}
	f->stream = true;
	int fd = fd_install(t, f, 0, flags & SFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_signalfd4(struct task *t, int fd, uaddr_t umask, size_t sizemask, unsigned long flags)
{
	sigmask_t mask;

	if (sizemask != sizeof(mask))
		return -EINVAL;
	if (get_user(t, mask, umask))
		return -EFAULT;
	if (flags & ~(unsigned long)(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
	return fd == -1 ? signalfd_create(t, mask, (int)flags) : signalfd_update(t, fd, mask);
}

long sys_signalfd(struct task *t, int fd, uaddr_t mask, size_t sizemask)
{
	return sys_signalfd4(t, fd, mask, sizemask, 0);
}
