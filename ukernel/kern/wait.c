/*
 * wait.c - wait4 and waitid: what has become of my children?
 */
#include "fs/file.h"
#include "kern/cred.h"
#include "kern/pidfd.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define W_NOTHREAD 0x20000000
#define W_ALL	   0x40000000
#define W_CLONE	   0x80000000U
#define W_LINUX	   (W_NOTHREAD | W_ALL | (int)W_CLONE)
#define P_PIDFD_ID 3

#define NS_PER_SEC  1000000000ULL
#define NS_PER_USEC 1000ULL

struct wait_for {
	int type; /* P_ALL, P_PID, P_PGID */
	pid_t id;
	int options; /* WNOHANG WEXITED WSTOPPED WCONTINUED WNOWAIT, W_LINUX */
	bool want_usage;
};

/* What was found. */
struct wait_result {
	pid_t pid;
	uid_t uid;
	int code, status; /* CLD_*, si_status */
	int wstatus;	  /* as wait4 reports it */
	struct abi_rusage usage;
};

static bool child_matches(const struct process *c, const struct wait_for *w)
{
	if ((w->options & W_NOTHREAD) && c->parent_tid != current->tid)
		return false;
	if (w->type == P_PID && c->pid != w->id)
		return false;
	if (w->type == P_PGID && c->pgid != w->id)
		return false;
	if (w->options & W_ALL)
		return true;
	/* "Clone" children tell their parent by another signal than SIGCHLD. */
	return (c->exit_signal != SIGCHLD) == !!(w->options & (int)W_CLONE);
}

static struct abi_timeval timeval_of(uint64_t ns)
{
	return (struct abi_timeval){(int64_t)(ns / NS_PER_SEC),
				    (int64_t)(ns % NS_PER_SEC / NS_PER_USEC)};
}

static struct rusage_sum usage_of(struct process *c)
{
	struct rusage_sum u = c->dead_threads;
	const struct rusage_sum *d = &c->dead_children;

	u.user_ns = process_cpu_ns(c) + d->user_ns;
	u.sys_ns += d->sys_ns;
	u.nvcsw += d->nvcsw;
	u.nivcsw += d->nivcsw;
	u.minflt += d->minflt;
	if (d->maxrss_kb > u.maxrss_kb)
		u.maxrss_kb = d->maxrss_kb;
	return u;
}

static void result_fill(struct process *c, int code, int status, int wstatus, struct wait_result *r)
{
	struct rusage_sum u = usage_of(c);

	memset(r, 0, sizeof(*r));
	r->pid = c->pid;
	r->uid = c->leader->cred->uid;
	r->code = code;
	r->status = status;
	r->wstatus = wstatus;
	r->usage.utime = timeval_of(u.user_ns);
	r->usage.stime = timeval_of(u.sys_ns);
	r->usage.maxrss = (int64_t)u.maxrss_kb;
	r->usage.minflt = (int64_t)u.minflt;
	r->usage.nvcsw = (int64_t)u.nvcsw;
	r->usage.nivcsw = (int64_t)u.nivcsw;
}

static void usage_inherit(struct process *parent, struct process *c)
{
	struct rusage_sum u = usage_of(c), *d = &parent->dead_children;

	d->user_ns += u.user_ns;
	d->sys_ns += u.sys_ns;
	d->nvcsw += u.nvcsw;
	d->nivcsw += u.nivcsw;
	d->minflt += u.minflt;
	if (u.maxrss_kb > d->maxrss_kb)
		d->maxrss_kb = u.maxrss_kb;
	c->heir = process_get(parent);
}

/* Does c have something to report?  Takes it, unless WNOWAIT. */
static bool child_report(struct process *self, struct process *c, const struct wait_for *w,
			 struct wait_result *r)
{
	bool keep = w->options & WNOWAIT;

	if (w->want_usage)
		peaks_collect(true);
	if (c->state == PROC_ZOMBIE) {
		int st = c->exit_status;

		if (!(w->options & WEXITED))
			return false;
		if (WIFEXITED(st))
			result_fill(c, CLD_EXITED, WEXITSTATUS(st), st, r);
		else
			result_fill(c, WCOREDUMP(st) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(st), st,
				    r);
		if (!keep) {
			usage_inherit(self, c);
			process_reap(c);
		}
		return true;
	}
	if (c->state == PROC_STOPPED && !c->stop_reported && (w->options & WSTOPPED)) {
		result_fill(c, CLD_STOPPED, c->stop_signal, c->stop_signal << 8 | 0x7f, r);
		c->stop_reported = !keep;
		return true;
	}
	if (c->continued_pending && (w->options & WCONTINUED)) {
		result_fill(c, CLD_CONTINUED, SIGCONT, 0xffff, r);
		c->continued_pending = keep;
		return true;
	}
	return false;
}

/* The number of the child found, 0 (WNOHANG and none), -ECHILD, -ERESTARTSYS.  May sleep. */
static int do_wait(struct task *t, const struct wait_for *w, struct wait_result *r)
{
	struct process *self = t->proc, *c;

	for (;;) {
		bool any = false;

		list_for_each (c, &self->children, sibling) {
			if (!child_matches(c, w))
				continue;
			any = true;
			pid_t pid = c->pid;
			if (child_report(self, c, w, r))
				return pid;
		}
		if (!any)
			return -ECHILD;
		if (w->options & WNOHANG)
			return 0;
		int err = wait_on(&self->child_wait);
		if (err < 0)
			return err;
	}
}

long sys_wait4(struct task *t, int pid, uaddr_t ustatus, int options, uaddr_t uusage)
{
	struct wait_for w = {
	    .type = P_ALL,
	    .options = options | WEXITED,
	    .want_usage = uusage != 0,
	};
	struct wait_result r;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | W_LINUX))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.type = P_PID;
		w.id = pid;
	} else if (pid != -1) {
		w.type = P_PGID;
		w.id = pid == 0 ? t->proc->pgid : -pid;
	}
	int found = do_wait(t, &w, &r);
	if (found <= 0)
		return found;
	if (ustatus && put_user(t, r.wstatus, ustatus) < 0)
		return -EFAULT;
	if (uusage && put_user(t, r.usage, uusage) < 0)
		return -EFAULT;
	return found;
}

/* Which children does (type, id) name?  0 or -errno; *nonblock: a pidfd with O_NONBLOCK. */
static int wait_target(struct task *t, int type, int id, struct wait_for *w, bool *nonblock)
{
	*nonblock = false;
	w->type = type;
	w->id = id;
	switch (type) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		if (id == 0)
			w->id = t->proc->pgid;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD_ID:
		break;
	default:
		return -EINVAL;
	}
	if (id < 0)
		return -EINVAL;
	struct file *f = fd_get(t, id);
	if (!f)
		return -EBADF;
	struct process *p = pidfd_process(f);
	if (p) {
		w->type = P_PID;
		/* Its number may have a new owner by now. */
		w->id = process_find(p->pid) == p ? p->pid : -1;
		*nonblock = f->flags & O_NONBLOCK;
	}
	file_put(f);
	return p ? 0 : -EBADF;
}

long sys_waitid(struct task *t, int type, int id, uaddr_t uinfo, int options, uaddr_t uusage)
{
	struct wait_for w = {.options = options, .want_usage = uusage != 0};
	struct wait_result r;
	struct abi_siginfo info;
	bool nonblock;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | W_LINUX))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	int err = wait_target(t, type, id, &w, &nonblock);
	if (err < 0)
		return err;
	if (nonblock)
		w.options |= WNOHANG;
	int found = do_wait(t, &w, &r);
	if (found < 0)
		return found;
	if (found == 0 && nonblock && !(options & WNOHANG))
		return -EAGAIN;
	memset(&info, 0, sizeof(info));
	if (found > 0) {
		if (uusage && put_user(t, r.usage, uusage) < 0)
			return -EFAULT;
		info.signo = SIGCHLD;
		info.code = r.code;
		info.chld.pid = r.pid;
		info.chld.uid = r.uid;
		info.chld.status = r.status;
	}
	/* Only the fields that waitid(2) names are written. */
	if (uinfo && copy_to_user(t, uinfo, &info, offsetof(struct abi_siginfo, chld.pad)) < 0)
		return -EFAULT;
	return 0;
}
