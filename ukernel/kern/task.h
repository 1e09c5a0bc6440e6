/*
 * task.h - tasks (threads of control) and processes (thread groups), and the tree they form.
 */
#ifndef KERN_TASK_H
#define KERN_TASK_H

#include "kern/kstack.h"
#include "kern/signal.h"
#include "kern/timer.h"
#include "kern/waitq.h"
#include "lib/list.h"
#include "machine.h"
#include "sched/sched.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mm;
struct fdtable;
struct file;
struct fs_context;
struct cred;
struct tty;
struct posix_timer;
struct futex_waiter;
struct sem_undo_list;

#define COMM_LEN  16
#define PID_LIMIT 32768 /* as Linux's default pid_max */

enum task_state {
	TASK_RUNNABLE, /* queued, or on a virtual CPU */
	TASK_SLEEPING, /* a signal wakes it */
	TASK_KILLABLE, /* only SIGKILL wakes it */
	TASK_STOPPED,  /* by SIGSTOP and the like; SIGCONT or SIGKILL wakes it */
	TASK_DEAD,     /* its kernel stack has been left for good */
};

struct task {
	/* Fixed from creation. */
	pid_t tid;
	struct process *proc;
	int refs;

	struct list_head in_process; /* proc->threads */
	char comm[COMM_LEN];

	/* The machine's side. */
	struct vthread *thread;
	struct event trap; /* the last event of thread */
	/* The trap being handled is a system call whose result is still to be set.  A handler that
	 * has set all registers itself (execve, rt_sigreturn) clears it. */
	bool in_syscall;
	uint64_t user_ns_base; /* CPU time of earlier vthreads (before exec) */

	/* Kernel side. */
	struct kstack kstack;	       /* base NULL: a task that never runs (process 1) */
	void (*first)(struct task *t); /* what to do before entering user mode; may be NULL */
	uaddr_t set_child_tid;	       /* CLONE_CHILD_SETTID: where the child writes its number */
	enum task_state state;
	int vcpu; /* where it runs; -1 when nowhere */
	struct sched_entity se;
	struct sched_account sched;

	/* Shared parts, counted. */
	struct mm *mm; /* NULL once exiting */
	struct fdtable *files;
	struct fs_context *fs;
	struct sighand *sighand;
	const struct cred *cred;	/* immutable once published; replaced whole */
	struct sem_undo_list *sem_undo; /* what its end takes back (semop(2)); NULL: nothing */

	/* Signals. */
	sigmask_t blocked;
	sigmask_t saved_mask; /* with restore_mask: what comes back (sigsuspend, ppoll) */
	bool restore_mask;
	struct sigpending pending;
	struct sigaltstack_state altstack;
	bool must_exit;	   /* another thread execs: this one alone dies on its way out */
	bool stop_pending; /* is to take part in a group stop on its way out */
	uint64_t fault_trapno, fault_err, fault_cr2; /* the last exception, for sigcontext */
	/* For ERESTART_RESTARTBLOCK: called by restart_syscall(2). */
	long (*restart)(struct task *t);
	uint64_t restart_arg[4];

	/* Threads. */
	uaddr_t clear_child_tid;
	uaddr_t robust_list;
	size_t robust_len;
	struct futex_waiter *pi_wait; /* it sleeps for a lock that knows its owner; else NULL */
	bool exiting;
	struct waitq *vfork_done; /* woken at exec or exit; then NULL */
	int pdeath_signal;
	uint64_t timerslack_ns; /* PR_SET_TIMERSLACK; 0: the default */
	uint16_t ioprio;	/* ioprio_set(2): class and level */
	uint64_t start_ns;	/* CLOCK_OF_BOOT */

	/* The tracer's own (trace/trace.c): the line of the call in progress. */
	struct {
		uint64_t start_ns;
		bool shown; /* this call has one */
		uint8_t next_arg;
	} trace;
	uint64_t min_faults, ctx_voluntary;
};

enum process_state { PROC_RUNNING, PROC_STOPPED, PROC_ZOMBIE };

#define RLIM_COUNT 16
struct rlimit_pair {
	uint64_t cur, max;
};

struct rusage_sum {
	uint64_t user_ns, sys_ns;
	uint64_t nvcsw, nivcsw, minflt, maxrss_kb;
};

struct process {
	pid_t pid; /* the thread group's number */
	int refs;
	struct list_head threads; /* of struct task */
	int nr_threads;		  /* not yet dead */
	struct task *leader;	  /* the thread whose tid is pid; may be dead while others live */

	/* The tree. */
	struct process *parent;
	pid_t parent_tid;	   /* the thread of it that takes care of this one (__WNOTHREAD) */
	struct process *heir;	   /* counted; who waited for it and so took over its usage */
	struct list_head children; /* of struct process, by sibling */
	struct list_head sibling;
	struct list_head all; /* process_list */
	pid_t pgid, sid;
	struct tty *ctty;
	bool child_subreaper, is_init, did_exec, dumpable;
	int exit_signal; /* sent to the parent at death; SIGCHLD but for clone() */

	/* Life and death. */
	enum process_state state;
	bool group_exiting;
	struct task *exec_task;	 /* this thread is in execve and waits for the others to die */
	int exit_status;	 /* as wait4 reports it */
	struct waitq child_wait; /* its threads sleep here in wait4 */
	struct waitq exit_wait;	 /* woken when it dies: pidfds */
	int stop_signal;	 /* what stopped it */
	bool stop_reported, continued_pending;
	int stops_to_go; /* threads that still have to stop (task.stop_pending) */

	/* Signals to the whole group. */
	struct sigpending pending;
	struct waitq sig_waitq; /* signalfd, sigtimedwait */

	/* Limits, usage, timers. */
	struct rlimit_pair rlimit[RLIM_COUNT];
	struct rusage_sum dead_threads, dead_children;
	struct timer itimer_real;
	uint64_t itimer_real_interval_ns;
	struct {
		uint64_t expires_ns, interval_ns; /* on the process's CPU clock; 0 off */
	} itimer_cpu[2];			  /* VIRTUAL, PROF */
	struct timer cpu_timer;	       /* looks at itimer_cpu, CPU-clock timers and RLIMIT_CPU */
	struct list_head posix_timers; /* of struct posix_timer */
	int next_timer_id;

	/* Pushed by exec. */
	struct file *exe;
	uaddr_t arg_start, arg_end, env_start, env_end, auxv_start;
	size_t auxv_len;
	int oom_score_adj;
	unsigned long personality;
	bool membarrier_registered;
};

/* --- the process table (pid.c) --- */
extern struct list_head process_list;
/* Number 1 lives in the kernel: it runs no program, adopts orphans and forgets them at once.  The
 * program that the user named is first_process, number 2, in a session of its own, so that it
 * behaves as it does under a shell, and not as an init. */
extern struct process *init_process, *first_process;
struct task *task_find(pid_t tid);	 /* borrowed, or NULL */
struct process *process_find(pid_t pid); /* borrowed, or NULL; zombies are found */
/* Allocate a number and enter it; -EAGAIN at the limit (RLIMIT_NPROC, --pids, PID_LIMIT). */
int pid_alloc(void);
void pid_bind_task(pid_t tid, struct task *t);
void pid_bind_process(pid_t pid, struct process *p);
void pid_release(pid_t pid); /* when no task, process, group or session uses it */
unsigned task_count(void);
/* The limit that --pids sets; 0: only PID_LIMIT. */
extern unsigned pids_max;

/* --- life (task.c, fork.c, exit.c) --- */
struct task *task_get(struct task *t); /* counts */
void task_put(struct task *t);
struct process *process_get(struct process *p);
void process_put(struct process *p);

/* Building blocks of fork and boot.  task_alloc: one reference, nothing in it yet; putting the last
 * reference gives back whatever is in it.  process_alloc: one reference, in no table. */
struct task *task_alloc(void);
struct process *process_alloc(pid_t pid);
/* t becomes a thread of p; enters both in the tables if t is the first. */
void process_add_task(struct process *p, struct task *t);
/* A zombie's end: out of every table. */
void process_reap(struct process *p);

/* Process 1, and the first program's process.  The kernel side of the latter starts with first(t)
 * (which execs) and then goes to user mode.  0 or -errno; *out is borrowed. */
int process_create_init(void);
int task_create_first(void (*first)(struct task *t), struct task **out);

struct clone_args {
	uint64_t flags; /* CLONE_*, without the exit signal */
	int exit_signal;
	uaddr_t stack; /* top: 0 keeps the parent's */
	uaddr_t child_tid, parent_tid, tls, pidfd;
	pid_t set_tid; /* 0: any */
};
/* fork, vfork, clone, clone3.  Returns the child's number or -errno.  May sleep (vfork). */
long task_fork(struct task *t, const struct clone_args *args);

/* Never returns.  status as wait4 reports it. */
_Noreturn void task_exit(struct task *t, int status);	 /* this thread */
_Noreturn void process_exit(struct task *t, int status); /* exit_group: all of them */
/* Make every other thread of t's process exit, and wait for that (execve). -EAGAIN if another
 * thread got there first. */
int process_kill_others(struct task *t);
/* One thread alone has to go: it exits on its way out of the kernel (must_exit). */
void task_kill(struct task *t);
/* The answer to a call that the machine may give by itself the next time, until task_unpublish():
 * of t, whenever one of the values may have changed. */
long task_publish(struct task *t, enum published what, uint32_t value);
void task_unpublish(struct task *t);

/* execve and exit: the parent that waits in vfork goes on. */
void task_vfork_release(struct task *t);
/* At exec by a thread that is not the leader: t takes over the leader's number. */
void task_become_leader(struct task *t);

/* Ends guests and the event loop: the first process has died. */
extern bool kernel_halted;
extern int kernel_exit_status; /* as wait4 reports it */

/* --- the trap (trap.c) --- */
/* The kernel side of a task: handle traps for ever. */
void task_main(void *arg);

/* --- the event loop (loop.c) --- */
/* Runs until the first process has died; returns its wait status. */
int kernel_loop(void);
/* After it: let guests that were killed go through their exit, for a second at most. */
void kernel_drain(void);
/* Called on EVENT_HOST_FD: every watch's cookie points to one of these. */
struct host_watch {
	void (*ready)(struct host_watch *w, uint32_t events);
	int host_fd;
};

/* CPU time in user mode, and in the kernel on a task's behalf. */
uint64_t task_cpu_ns(struct task *t);
uint64_t process_cpu_ns(struct process *p);
/* Look at how much memory t's process has resident: the most that was seen is its maxrss. */
void process_sample_memory(struct task *t);

/* --- peaks of memory (peak.c) --- */
/* t's thread is about to be destroyed, and its address space with it. */
void peak_expect(struct task *t);
/* Enter what the machine has learnt into the sums; all: have it find out everything first, for
 * which the host may need some microseconds. */
void peaks_collect(bool all);
uint64_t task_sys_ns(struct task *t);
uint64_t process_sys_ns(struct process *p);
#endif
