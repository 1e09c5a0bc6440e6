/*
 * sigcalls.c - the calls that set dispositions and masks and that send signals.
 */
#include "abi.h"
#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#define SIGSET_BYTES 8

static bool sig_valid(int sig)
{
	return sig >= 1 && sig <= NSIG_GUEST;
}

/* --- dispositions and masks --- */

/* Flags that a program may ask about (SA_UNSUPPORTED protocol): the others are cleared. */
#define SA_KNOWN                                                                                   \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |         \
	 SA_RESETHAND | 0x800 /* SA_EXPOSE_TAGBITS */ | 0x04000000 /* SA_RESTORER */)

long sys_rt_sigaction(struct task *t, int sig, uaddr_t act, uaddr_t oact, size_t sigsetsize)
{
	struct abi_sigaction new, old;

	if (sigsetsize != SIGSET_BYTES)
		return -EINVAL;
	if (act && get_user(t, new, act))
		return -EFAULT;
	if (!sig_valid(sig) || (act && (SIGMASK(sig) & SIGSET_KILL_STOP)))
		return -EINVAL;
	struct sigaction_entry *a = &t->sighand->action[sig];
	old.handler = a->handler;
	old.flags = a->flags;
	old.restorer = a->restorer;
	old.mask = a->mask;
	if (act) {
		a->handler = new.handler;
		a->flags = new.flags &(uint32_t)SA_KNOWN;
		a->restorer = new.restorer;
		a->mask = new.mask & ~SIGSET_KILL_STOP;
		if (signal_is_ignored(t, sig))
			signal_discard(t->proc, sig);
	}
	return oact && put_user(t, old, oact) ? -EFAULT : 0;
}

long sys_rt_sigprocmask(struct task *t, int how, uaddr_t set, uaddr_t oset, size_t sigsetsize)
{
	sigmask_t old = t->blocked, new;

	if (sigsetsize != SIGSET_BYTES)
		return -EINVAL;
	if (set) {
		if (get_user(t, new, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			new = old | (new & ~SIGSET_KILL_STOP);
			break;
		case SIG_UNBLOCK:
			new = old & ~new;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_mask(t, new);
	}
	return oset && put_user(t, old, oset) ? -EFAULT : 0;
}

long sys_rt_sigpending(struct task *t, uaddr_t set, size_t sigsetsize)
{
	sigmask_t pending = (t->pending.set | t->proc->pending.set) & t->blocked;

	if (sigsetsize > SIGSET_BYTES)
		return -EINVAL;
	return copy_to_user(t, set, &pending, sigsetsize);
}

/* --- sending --- */

static void info_user(const struct task *t, int sig, int code, struct abi_siginfo *info)
{
	memset(info, 0, sizeof(*info));
	info->signo = sig;
	info->code = code;
	info->kill.pid = t->proc->pid;
	info->kill.uid = t->cred->uid;
}

/* Check, then send; sig 0 only checks. */
static int send_checked(struct task *t, struct process *p, int sig, const struct abi_siginfo *info)
{
	if (sig && !sig_valid(sig))
		return -EINVAL;
	int err = signal_permission(t, p, sig);
	return err ? err : signal_send_process(p, sig, info);
}

static bool kill_matches(const struct task *t, const struct process *p, pid_t pid)
{
	if (pid == -1)
		return !p->is_init && p != t->proc && p->pid > 1;
	return p->pgid == (pid ? -pid : t->proc->pgid);
}

/* kill(2) with a group or with everybody: fine if one could be signalled. */
static long kill_many(struct task *t, pid_t pid, int sig, const struct abi_siginfo *info)
{
	struct process *p;
	long ret = -ESRCH;
	bool done = false;

	list_for_each (p, &process_list, all) {
		if (!kill_matches(t, p, pid))
			continue;
		int err = send_checked(t, p, sig, info);
		if (!err)
			done = true;
		else if (ret == -ESRCH || pid != -1)
			ret = err;
	}
	return done ? 0 : ret;
}

/* A process by its number or, as Linux lets one, by a thread's. */
static struct process *process_by_any(pid_t pid)
{
	struct process *p = process_find(pid);

	if (!p) {
		struct task *t = task_find(pid);
		p = t ? t->proc : NULL;
	}
	return p;
}

long sys_kill(struct task *t, int pid, int sig)
{
	struct abi_siginfo info;

	if (pid == INT_MIN)
		return -ESRCH;
	info_user(t, sig, SI_USER, &info);
	if (pid <= 0)
		return kill_many(t, pid == 0 ? 0 : pid, sig, &info);
	struct process *p = process_by_any(pid);
	return p ? send_checked(t, p, sig, &info) : -ESRCH;
}

static long send_to_thread(struct task *t, pid_t tgid, pid_t tid, int sig,
			   const struct abi_siginfo *info)
{
	struct task *to = task_find(tid);

	if (!to || (tgid > 0 && to->proc->pid != tgid))
		return -ESRCH;
	if (sig && !sig_valid(sig))
		return -EINVAL;
	int err = signal_permission(t, to->proc, sig);
	return err ? err : signal_send_task(to, sig, info);
}

long sys_tkill(struct task *t, int tid, int sig)
{
	struct abi_siginfo info;

	if (tid <= 0)
		return -EINVAL;
	info_user(t, sig, SI_TKILL, &info);
	return send_to_thread(t, 0, tid, sig, &info);
}

long sys_tgkill(struct task *t, int tgid, int tid, int sig)
{
	struct abi_siginfo info;

	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	info_user(t, sig, SI_TKILL, &info);
	return send_to_thread(t, tgid, tid, sig, &info);
}

/* Nobody may claim to be the kernel, or kill(), towards others. */
static long queued_info(struct task *t, pid_t pid, int sig, uaddr_t uinfo, struct abi_siginfo *info)
{
	if (copy_from_user(t, info, uinfo, sizeof(*info)))
		return -EFAULT;
	info->signo = sig;
	if ((info->code >= 0 || info->code == SI_TKILL) && pid != t->proc->pid)
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(struct task *t, int pid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;
	long err = queued_info(t, pid, sig, uinfo, &info);

	if (err)
		return err;
	struct process *p = pid > 0 ? process_by_any(pid) : NULL;
	return p ? send_checked(t, p, sig, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(struct task *t, int tgid, int tid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;

	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	long err = queued_info(t, tid, sig, uinfo, &info);
	return err ? err : send_to_thread(t, tgid, tid, sig, &info);
}
