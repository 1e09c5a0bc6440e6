/*
 * owner.c - who is told by a signal about a file: fcntl(2)'s F_SETOWN, F_SETOWN_EX, F_SETSIG and
 * their counterparts.  Who sends the signals: fasync.c, lease.c, dnotify.c.
 */
#include "fs/lock.h"
#include "kern/cred.h"
#include "kern/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

struct abi_f_owner {
	int32_t type, pid;
};

static bool group_exists(pid_t pgid)
{
	struct process *p;

	list_for_each (p, &process_list, all)
		if (p->pgid == pgid)
			return true;
	return false;
}

static long owner_set(struct file *f, int type, int pid)
{
	if (pid < 0)
		return -EINVAL;
	if (pid && type == F_OWNER_TID && !task_find(pid))
		return -ESRCH;
	if (pid && type == F_OWNER_PID && !process_find(pid))
		return -ESRCH;
	if (pid && type == F_OWNER_PGRP && !group_exists(pid))
		return -ESRCH;
	f->owner_type = type;
	f->owner_pid = pid;
	f->owner_uid = current->cred->uid;
	f->owner_euid = current->cred->euid;
	return 0;
}

long fcntl_owner(struct task *t, struct file *f, unsigned cmd, unsigned long arg)
{
	struct abi_f_owner o;

	switch (cmd) {
	case F_SETOWN:
		if ((int)arg == INT32_MIN)
			return -EINVAL;
		return (int)arg < 0 ? owner_set(f, F_OWNER_PGRP, -(int)arg)
				    : owner_set(f, F_OWNER_PID, (int)arg);
	case F_GETOWN:
		return f->owner_type == F_OWNER_PGRP ? -f->owner_pid : f->owner_pid;
	case F_SETOWN_EX:
		if (get_user(t, o, arg))
			return -EFAULT;
		if (o.type != F_OWNER_TID && o.type != F_OWNER_PID && o.type != F_OWNER_PGRP)
			return -EINVAL;
		return owner_set(f, o.type, o.pid);
	case F_GETOWN_EX:
		o = (struct abi_f_owner){f->owner_pid ? f->owner_type : F_OWNER_TID, f->owner_pid};
		return put_user(t, o, arg);
	case F_SETSIG:
		if (arg > NSIG_GUEST)
			return -EINVAL;
		f->owner_sig = arg;
		return 0;
	case F_GETSIG:
		return f->owner_sig;
	}
	return -EINVAL;
}

void file_signal_owner(struct file *f, int fd, uint32_t band, int code)
{
	struct abi_siginfo info = {.signo = f->owner_sig ? f->owner_sig : SIGIO, .code = code};
	struct task *t;
	struct process *p;

	/* Only a signal that was chosen says more than that it came (fcntl(2), F_SETSIG). */
	if (!f->owner_sig)
		info.code = 0x80; /* SI_KERNEL */
	info.poll.band = band;
	info.poll.fd = fd;
	if (!f->owner_pid)
		return;
	if (f->owner_type == F_OWNER_PGRP) {
		signal_send_pgrp(f->owner_pid, info.signo, &info);
	} else if (f->owner_type == F_OWNER_TID) {
		t = task_find(f->owner_pid);
		if (t)
			signal_send_task(t, info.signo, &info);
	} else {
		p = process_find(f->owner_pid);
		if (p)
			signal_send_process(p, info.signo, &info);
	}
}
