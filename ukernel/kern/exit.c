/*
 * exit.c - how threads and processes end, and what becomes of their children.
 *
 * A thread gives back its parts on its own kernel stack.  The last one of a process makes it a
 * zombie: from there to the switch away nothing may sleep, so that a parent never sees half of it.
 */
#include "fs/file.h"
#include "fs/foretell.h"
#include "fs/inode.h"
#include "ipc/ipc.h"
#include "kern/futex.h"
#include "kern/itimer.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscall.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

void task_kill(struct task *t)
{
	t->must_exit = true;
	t->stop_pending = false;
	sched_wake(t);
	sched_kick(t);
}

static void kill_other_threads(struct task *t)
{
	struct task *other;

	list_for_each (other, &t->proc->threads, in_process)
		if (other != t)
			task_kill(other);
}

void task_vfork_release(struct task *t)
{
	struct waitq *q = t->vfork_done;

	t->vfork_done = NULL;
	if (q)
		waitq_wake(q, 0);
}

/* --- orphans --- */

static struct process *find_reaper(struct process *p)
{
	for (struct process *up = p->parent; up && !up->is_init; up = up->parent)
		if (up->child_subreaper && up->state != PROC_ZOMBIE)
			return up;
	return init_process;
}

static void death_announce(struct process *p);

/* prctl(2), PR_SET_PDEATHSIG: the parent that dies is a thread. */
static void parent_death_tell(struct process *child)
{
	struct task *th;

	list_for_each (th, &child->threads, in_process)
		if (th->pdeath_signal)
			signal_send_task(th, th->pdeath_signal, NULL);
}

/* A thread is gone and p is not: another one takes its children. */
static void children_hand_over(struct process *p, pid_t from)
{
	pid_t to = list_first(&p->threads, struct task, in_process)->tid;
	struct process *child;

	list_for_each (child, &p->children, sibling) {
		if (child->parent_tid != from)
			continue;
		child->parent_tid = to;
		parent_death_tell(child);
	}
}

static void child_reparent(struct process *child, struct process *reaper)
{
	struct task *th;

	list_del(&child->sibling);
	child->parent = reaper;
	child->parent_tid = reaper->pid;
	list_add_tail(&child->sibling, &reaper->children);
	list_for_each (th, &child->threads, in_process)
		task_unpublish(th);
	parent_death_tell(child);
	child->exit_signal = SIGCHLD;
	if (child->state == PROC_ZOMBIE)
		death_announce(child);
}

static void children_reparent(struct process *p)
{
	struct process *reaper = find_reaper(p);
	struct process *child, *next;

	list_for_each_safe (child, next, &p->children, sibling)
		child_reparent(child, reaper);
}

/* --- the process --- */

void process_reap(struct process *p)
{
	struct task *leader = p->leader;

	assert(p->state == PROC_ZOMBIE);
	EXPLAIN(BY_OS, NULL, "remove process %d from the process list", p->pid);
	list_del(&p->sibling);
	list_del(&p->all);
	pid_bind_task(p->pid, NULL);
	pid_bind_process(p->pid, NULL);
	pid_release(p->pid);
	p->parent = NULL;
	p->leader = NULL;
	task_put(leader);
	waitq_wake(&p->exit_wait, EPOLLIN | EPOLLHUP);
	process_put(p);
}

/* Tell the parent of a zombie; the zombie may be gone afterwards. */
static void death_announce(struct process *p)
{
	int status = p->exit_status;
	bool unwanted;

	waitq_wake(&p->exit_wait, EPOLLIN);
	if (WIFEXITED(status))
		unwanted = signal_notify_parent(p, CLD_EXITED, WEXITSTATUS(status));
	else
		unwanted = signal_notify_parent(p, WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED,
						WTERMSIG(status));
	if (unwanted || p->parent->is_init)
		process_reap(p);
}

static void process_die(struct process *p)
{
	log_info(task, "process %d is over, status %#x", p->pid, p->exit_status);
	EXPLAIN(BY_OS, NULL, "process %d is a zombie: status %d%s", p->pid,
		WIFSIGNALED(p->exit_status) ? WTERMSIG(p->exit_status)
					    : WEXITSTATUS(p->exit_status),
		WIFSIGNALED(p->exit_status) ? " (signal)" : "");
	p->state = PROC_ZOMBIE;
	file_put(p->exe); /* who waits for p may write its program, however long p is remembered */
	p->exe = NULL;
	process_timers_exit(p);
	sigpending_flush(&p->pending);
	pgrp_orphan_check(p);
	children_reparent(p);
	if (p == first_process) {
		kernel_exit_status = p->exit_status;
		kernel_halted = true;
	}
	death_announce(p);
}

/* --- the thread --- */

static void clear_child_tid(struct task *t)
{
	uaddr_t addr = t->clear_child_tid;
	int32_t zero = 0;

	t->clear_child_tid = 0;
	/* Nobody else sees this memory: nobody can be waiting. */
	if (!addr || !mm_shared(t->mm))
		return;
	if (put_user(t, zero, addr) == 0)
		futex_wake_address(t, addr, 1);
}

static void parts_release(struct task *t)
{
	struct process *p = t->proc;

	if (t->robust_list)
		futex_robust_exit(t);
	futex_pi_exit(t);
	if (t->mm)
		clear_child_tid(t);
	if (t->files) {
		fdtable_put(t->files, t);
		t->files = NULL;
	}
	if (t->fs) {
		fs_context_put(t->fs);
		t->fs = NULL;
	}
	t->user_ns_base = task_cpu_ns(t);
	p->dead_threads.user_ns += t->user_ns_base;
	p->dead_threads.sys_ns += sched_kernel_ns(t);
	p->dead_threads.nvcsw += t->sched.switches_voluntary;
	p->dead_threads.nivcsw += t->sched.switches_involuntary;
	if (p->nr_threads == 1 && t->thread)
		peak_expect(t);
	machine->thread_destroy(t->thread);
	t->thread = NULL;
	EXPLAIN(BY_OS, t,
		p->nr_threads == 1 ? "free the memory of process %d, close its files"
				   : "free what its thread had; process %d goes on",
		p->pid);
	if (t->mm)
		mm_put(t->mm);
	t->mm = NULL;
	sem_undo_leave(t);
	task_vfork_release(t);
}

static bool nobody_stays(const struct process *p)
{
	const struct task *t;

	list_for_each (t, &p->threads, in_process)
		if (!t->exiting)
			return false;
	return true;
}

_Noreturn void task_exit(struct task *t, int status)
{
	struct process *p = t->proc;

	assert(t == current && !t->exiting);
	t->exiting = true;
	log_debug(task, "task %d exits, status %#x", t->tid, status);
	EXPLAIN(BY_OS, t, "exit of task %d", t->tid);
	if (trace_on)
		trace_task_end(t, p->group_exiting ? p->exit_status : status);
	/* When all leave one by one, the last one's status is the process's. */
	if (!p->group_exiting && nobody_stays(p))
		p->exit_status = status;
	t->in_syscall = false; /* it gets no answer, nor what would come with one */
	signal_task_exit(t);
	foretell_spoil();
	parts_release(t);

	/* From here on nothing sleeps. */
	list_del(&t->in_process);
	p->nr_threads--;
	if (t != p->leader) {
		pid_bind_task(t->tid, NULL);
		pid_release(t->tid);
	}
	if (p->exec_task && p->exec_task != t)
		sched_wake(p->exec_task);
	if (p->nr_threads == 0)
		process_die(p);
	else
		children_hand_over(p, t->tid);
	sched_exit();
}

_Noreturn void process_exit(struct task *t, int status)
{
	struct process *p = t->proc;

	if (p->group_exiting || (p->exec_task && p->exec_task != t))
		task_exit(t, status); /* another thread decides what is reported */
	p->group_exiting = true;
	p->exit_status = status;
	kill_other_threads(t);
	task_exit(t, status);
}

int process_kill_others(struct task *t)
{
	struct process *p = t->proc;

	if (p->group_exiting || p->exec_task)
		return -EAGAIN;
	p->exec_task = t;
	kill_other_threads(t);
	while (p->nr_threads > 1) {
		t->state = TASK_KILLABLE;
		sched_block();
	}
	p->exec_task = NULL;
	return 0;
}

void task_become_leader(struct task *t)
{
	struct process *p = t->proc;
	struct task *old = p->leader;
	struct process *child;

	if (old == t)
		return;
	list_for_each (child, &p->children, sibling)
		child->parent_tid = p->pid; /* there is no other thread any more */
	pid_bind_task(t->tid, NULL);
	pid_release(t->tid);
	t->tid = p->pid;
	pid_bind_task(t->tid, t);
	sched_task_renamed(t);
	p->leader = task_get(t);
	task_put(old);
}

long sys_exit(struct task *t, int status)
{
	task_exit(t, (status & 0xff) << 8);
}

long sys_exit_group(struct task *t, int status)
{
	process_exit(t, (status & 0xff) << 8);
}
