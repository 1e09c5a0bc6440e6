/*
 * fork.c - fork, vfork, clone, clone3: one function under four calls.
 *
 * The child's thread is a clone that the machine makes of the parent's; what is shared and what is
 * copied of the kernel's side is said by the CLONE_ flags.  The child first runs when the scheduler
 * picks it.  Namespaces are refused as to a user who may not make any.
 */
#include "fs/file.h"
#include "fs/inode.h"
#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/itimer.h"
#include "kern/pidfd.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscall.h"
#include "trace/explain.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#define CLONE_NEWTIME_BIT 0x80ULL
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME_BIT)
#define CSIGNAL_MASK 0xffULL

#define CLONE3_SIZE_MIN 64UL
#define CLONE3_SIZE_MAX 4096UL

/* The combinations that make no sense (clone(2), ERRORS). */
static int flags_check(const struct task *t, uint64_t flags)
{
	if ((flags & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (flags & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SYSVSEM) && (flags & CLONE_NEWIPC))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && t->proc->parent == NULL)
		return -EINVAL;
	if (flags & CLONE_NAMESPACES)
		return -EPERM;
	return 0;
}

/* RLIMIT_NPROC counts the threads of a user; the privileged are not bound by it. */
static bool over_user_limit(const struct task *t)
{
	uint64_t limit = t->proc->rlimit[RLIMIT_NPROC].cur, n = 0;
	struct process *p;

	if (limit >= PID_LIMIT - 1 || t->cred->uid == 0 ||
	    cred_capable(t->cred, CAP_SYS_RESOURCE_BIT) || cred_capable(t->cred, CAP_SYS_ADMIN_BIT))
		return false;
	list_for_each (p, &process_list, all)
		if (p->leader->cred->uid == t->cred->uid)
			n += (uint64_t)p->nr_threads;
	return n >= limit;
}

/* Memory, files, view, dispositions: shared or copied as the flags say. */
static int parts_copy(struct task *t, struct task *child, uint64_t flags)
{
	child->mm = flags & CLONE_VM ? mm_get(t->mm) : mm_clone(t->mm);
	if (!child->mm)
		return -ENOMEM;
	child->files = flags & CLONE_FILES ? fdtable_get(t->files) : fdtable_copy(t->files);
	if (!child->files)
		return -ENOMEM;
	if (flags & CLONE_FS) {
		fs_context_get(t->fs);
		child->fs = t->fs;
	} else {
		child->fs = fs_context_copy(t->fs);
		if (!child->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_SIGHAND) {
		sighand_get(t->sighand);
		child->sighand = t->sighand;
	} else {
		child->sighand = sighand_copy(t->sighand);
		if (!child->sighand)
			return -ENOMEM;
		if (flags & CLONE_CLEAR_SIGHAND)
			for (int sig = 1; sig <= NSIG_GUEST; sig++)
				if (child->sighand->action[sig].handler != 1 /* SIG_IGN */)
					child->sighand->action[sig] = (struct sigaction_entry){0};
	}
	child->cred = cred_get(t->cred);
	return flags & CLONE_SYSVSEM ? sem_undo_share(t, child) : 0;
}

static void fields_copy(const struct task *t, struct task *child, const struct clone_args *args)
{
	uint64_t flags = args->flags;

	memcpy(child->comm, t->comm, COMM_LEN);
	child->blocked = t->blocked;
	if (!(flags & CLONE_VM) || (flags & CLONE_VFORK))
		child->altstack = t->altstack;
	child->timerslack_ns = t->timerslack_ns;
	child->ioprio = t->ioprio;
	if (flags & CLONE_CHILD_SETTID)
		child->set_child_tid = args->child_tid;
	if (flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = args->child_tid;
}

static struct process *process_copy(struct process *from, pid_t pid, const struct clone_args *args)
{
	struct process *p = process_alloc(pid);

	if (!p)
		return NULL;
	bool sibling = args->flags & CLONE_PARENT;
	p->parent = sibling ? from->parent : from;
	p->exit_signal = sibling ? from->exit_signal : args->exit_signal;
	p->parent_tid = sibling ? from->parent_tid : current->tid;
	p->pgid = from->pgid;
	p->sid = from->sid;
	p->ctty = from->ctty;
	p->dumpable = from->dumpable;
	memcpy(p->rlimit, from->rlimit, sizeof(p->rlimit));
	p->exe = from->exe ? file_get(from->exe) : NULL;
	p->arg_start = from->arg_start;
	p->arg_end = from->arg_end;
	p->env_start = from->env_start;
	p->env_end = from->env_end;
	p->auxv_start = from->auxv_start;
	p->auxv_len = from->auxv_len;
	p->oom_score_adj = from->oom_score_adj;
	p->personality = from->personality;
	return p;
}

/* The guest side: a thread that will come out of the same call with 0. */
static int thread_copy(struct task *t, struct task *child, const struct clone_args *args)
{
	struct regs r;
	int err = args->flags & CLONE_VM ? machine->thread_clone(t->thread, child, &child->thread)
					 : machine->space_clone(t->thread, child, &child->thread);

	if (err < 0)
		return err;
	err = machine->regs_get(t->thread, &r);
	if (err < 0)
		return err;
	r.rax = 0;
	r.orig_rax = (uint64_t)-1;
	if (args->stack)
		r.rsp = args->stack;
	if (args->flags & CLONE_SETTLS)
		r.fs_base = args->tls;
	return machine->regs_set(child->thread, &r);
}

/* Everything of the child that can fail.  *out: in no table yet. */
static int child_create(struct task *t, const struct clone_args *args, pid_t pid, struct task **out,
			struct process **proc)
{
	struct task *child = task_alloc();
	struct process *p = NULL;
	int err = -ENOMEM;

	if (!child)
		return -ENOMEM;
	child->tid = pid;
	if (!(args->flags & CLONE_THREAD)) {
		p = process_copy(t->proc, pid, args);
		if (!p)
			goto fail;
	}
	err = parts_copy(t, child, args->flags);
	if (err == 0)
		err = kstack_init(&child->kstack, task_main, child);
	if (err == 0)
		err = thread_copy(t, child, args);
	if (err < 0)
		goto fail;
	fields_copy(t, child, args);
	sched_task_init(child, t);
	*out = child;
	*proc = p;
	return 0;
fail:
	process_put(p);
	task_put(child);
	return err;
}

/* vfork: until the child has a program of its own, or is gone. */
static void wait_for_vfork(struct task *child)
{
	struct waitq *q = child->vfork_done;

	task_get(child);
	while (child->vfork_done)
		if (wait_on_killable(q) < 0)
			break;
	child->vfork_done = NULL;
	task_put(child);
}

long task_fork(struct task *t, const struct clone_args *args)
{
	struct process *proc = NULL;
	struct task *child = NULL;
	struct waitq vfork_done;
	int pidfd = -1, pid, err;

	err = flags_check(t, args->flags);
	if (err < 0)
		return err;
	if (over_user_limit(t))
		return -EAGAIN;
	if (t->se.class == SCLASS_DEADLINE && !t->sched.reset_on_fork)
		return -EAGAIN; /* sched(7): its reservation is for one */
	/* A signal to the group, or a stop, is to reach both or only the parent. */
	if (signal_pending(t))
		return -ERESTARTNOINTR;
	pid = pid_alloc();
	if (pid < 0)
		return pid;
	err = child_create(t, args, pid, &child, &proc);
	if (err < 0)
		goto fail_pid;
	if (args->flags & CLONE_PIDFD) {
		pidfd = pidfd_install(t, proc, 0);
		err = pidfd;
		if (err < 0)
			goto fail_child;
		err = put_user(t, pidfd, args->pidfd);
		if (err < 0)
			goto fail_pidfd;
	}
	if (args->flags & CLONE_PARENT_SETTID)
		(void)put_user(t, pid, args->parent_tid); /* unreported, as in Linux */

	process_add_task(proc ? proc : t->proc, child);
	EXPLAIN(BY_OS, t,
		proc ? "create entry in process list: process %d, copy of %d"
		     : "create entry: thread %d of process %d",
		pid, t->proc->pid);
	EXPLAIN(BY_OS, t,
		args->flags & CLONE_VM ? "share memory with task %d"
				       : "copy memory of task %d (on write)",
		t->tid);
	if (args->flags & CLONE_VFORK) {
		waitq_init(&vfork_done);
		child->vfork_done = &vfork_done;
	}
	log_debug(task, "task %d made task %d, flags %#lx", t->tid, pid,
		  (unsigned long)args->flags);
	if (proc && (proc->rlimit[RLIMIT_CPU].cur != RLIM_INFINITY ||
		     proc->rlimit[RLIMIT_RTTIME].cur != RLIM_INFINITY))
		cpu_limit_changed(proc); /* inherited, counting from zero */
	sched_wake(child);
	if (args->flags & CLONE_VFORK)
		wait_for_vfork(child);
	return pid;

fail_pidfd:
	fd_close(t, pidfd);
fail_child:
	sched_task_exit(child);
	process_put(proc);
	task_put(child);
fail_pid:
	pid_release(pid);
	return err;
}

long sys_fork(struct task *t)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	return task_fork(t, &args);
}

long sys_vfork(struct task *t)
{
	struct clone_args args = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};
	return task_fork(t, &args);
}

long sys_clone(struct task *t, unsigned long flags, uaddr_t stack, uaddr_t parent_tid,
	       uaddr_t child_tid, uaddr_t tls)
{
	struct clone_args args = {
	    .flags = (uint32_t)flags & ~CSIGNAL_MASK,
	    .exit_signal = (int)(flags & CSIGNAL_MASK),
	    .stack = stack,
	    .child_tid = child_tid,
	    .parent_tid = parent_tid,
	    .tls = tls,
	    .pidfd = parent_tid,
	};

	/* Both would use the one pointer. */
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return task_fork(t, &args);
}

/* Newer and longer than what we know is fine as long as the rest is zero. */
static int clone3_args_get(struct task *t, uaddr_t uargs, size_t size, struct abi_clone_args *ca)
{
	uint8_t rest[64];

	if (size < CLONE3_SIZE_MIN)
		return -EINVAL;
	if (size > CLONE3_SIZE_MAX)
		return -E2BIG;
	memset(ca, 0, sizeof(*ca));
	if (copy_from_user(t, ca, uargs, size < sizeof(*ca) ? size : sizeof(*ca)) < 0)
		return -EFAULT;
	for (size_t at = sizeof(*ca); at < size; at += sizeof(rest)) {
		size_t n = size - at < sizeof(rest) ? size - at : sizeof(rest);

		if (copy_from_user(t, rest, uargs + at, n) < 0)
			return -EFAULT;
		for (size_t i = 0; i < n; i++)
			if (rest[i])
				return -E2BIG;
	}
	return 0;
}

long sys_clone3(struct task *t, uaddr_t uargs, size_t size)
{
	struct abi_clone_args ca;
	int err = clone3_args_get(t, uargs, size, &ca);

	if (err < 0)
		return err;
	if (ca.flags & ~(0xffffffffULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (ca.flags & (CLONE_DETACHED | (CSIGNAL_MASK & ~CLONE_NEWTIME_BIT)))
		return -EINVAL;
	if (ca.exit_signal > NSIG_GUEST)
		return -EINVAL;
	if ((ca.flags & (CLONE_THREAD | CLONE_PARENT)) && ca.exit_signal)
		return -EINVAL;
	if (!ca.stack != !ca.stack_size || ca.stack + ca.stack_size < ca.stack ||
	    ca.stack + ca.stack_size > machine_info.user_hi)
		return -EINVAL;
	if (!ca.set_tid != !ca.set_tid_size || ca.set_tid_size > 32)
		return -EINVAL;
	if (ca.set_tid)
		return -EPERM;
	if (ca.flags & CLONE_INTO_CGROUP)
		return -EOPNOTSUPP;

	struct clone_args args = {
	    .flags = ca.flags,
	    .exit_signal = (int)ca.exit_signal,
	    .stack = ca.stack + ca.stack_size,
	    .child_tid = ca.child_tid,
	    .parent_tid = ca.parent_tid,
	    .tls = ca.tls,
	    .pidfd = ca.pidfd,
	};
	return task_fork(t, &args);
}
