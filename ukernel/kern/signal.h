/*
 * signal.h - dispositions, queues, generation and delivery of signals (signal(7)).
 */
#ifndef KERN_SIGNAL_H
#define KERN_SIGNAL_H

#include "abi.h"
#include "lib/list.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct process;

#define NSIG_GUEST   64
#define SIGMASK(sig) (1ULL << ((sig)-1))
typedef uint64_t sigmask_t;

struct sigaction_entry {
	uaddr_t handler; /* 0 SIG_DFL, 1 SIG_IGN */
	uint64_t flags;	 /* SA_* */
	uaddr_t restorer;
	sigmask_t mask;
};

/* Shared by tasks made with CLONE_SIGHAND; counted. */
struct sighand {
	int refs;
	struct sigaction_entry action[NSIG_GUEST + 1]; /* by number; 0 unused */
};

/* A queue of pending signals: one per task, one per process. */
struct sigpending {
	sigmask_t set;
	struct list_head queue; /* of struct sigqueue, oldest first */
};

struct sigaltstack_state {
	uaddr_t sp;
	uint64_t size;
	int flags;
};

struct sighand *sighand_create(void);
struct sighand *sighand_copy(const struct sighand *from); /* NULL: no memory */
void sighand_get(struct sighand *sh);
void sighand_put(struct sighand *sh);
/* execve: handlers become default, ignored stays ignored. */
void sighand_exec(struct sighand *sh);
/* The signal and timer side of execve, past the point of no return and with the other threads
 * gone: t gets a sighand of its own with handlers reset, no alternate stack, no POSIX timers.
 * Blocked and pending signals stay. */
void signal_exec(struct task *t);
/* The signal side of a thread's death: gives up t's part in a group stop, hands signals that it
 * might have taken to its siblings, empties its own queue.  t->exiting must be set. */
void signal_task_exit(struct task *t);

void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);

/* Generate.  info may be NULL (SI_KERNEL).  Never sleep.  0, or -EAGAIN when the queue limit is
 * reached for a real-time signal.  No permission check here. */
int signal_send_task(struct task *t, int sig, const struct abi_siginfo *info);
int signal_send_process(struct process *p, int sig, const struct abi_siginfo *info);
int signal_send_pgrp(pid_t pgrp, int sig, const struct abi_siginfo *info); /* -ESRCH: none */
/* An exception: cannot be blocked or ignored (then it kills). */
void signal_force(struct task *t, int sig, const struct abi_siginfo *info);

/* Is there something to deliver to t (not blocked, or a fatal one)?  Cheap. */
bool signal_pending(const struct task *t);
bool signal_fatal_pending(const struct task *t);

/* Change t's mask and retarget what became deliverable. */
void signal_set_mask(struct task *t, sigmask_t mask);
/* sigsuspend, ppoll, pselect, epoll_pwait: use mask until the call is over, then the old one comes
 * back (after the handler has run). */
void signal_set_temp_mask(struct task *t, sigmask_t mask);

/*
 * The way out of the kernel: take pending signals, build frames, stop, die.  result is the
 * system call's result when the trap was one (in_syscall), with the restart rules applied.
 * Returns when the guest is to be resumed, with registers or result set in the machine.
 * Does not return if the task died.  May sleep (stopped).
 */
void signal_deliver(struct task *t, bool in_syscall, int64_t result);

/* Take one pending signal out of set (sigtimedwait, signalfd); 0 when none. */
int signal_dequeue(struct task *t, sigmask_t set, struct abi_siginfo *info);

/* Wake-ups for signalfd and sigtimedwait readers of this process happen on proc->sig_waitq. */

/*
 * Tell the parent about child: siginfo filled (CLD_*; status is an exit code or a signal number as
 * si_status has it), its wait4 sleepers woken.  For a death (CLD_EXITED, CLD_KILLED, CLD_DUMPED)
 * sends child->exit_signal and returns true when the parent does not want to wait for it (SIGCHLD
 * ignored, or SA_NOCLDWAIT): the caller then reaps at once.  For stop and continue sends SIGCHLD
 * unless SA_NOCLDSTOP.
 */
bool signal_notify_parent(struct process *child, int cld_code, int status);

/* kill(2)'s rule: may t send sig to p?  0 or -EPERM. */
int signal_permission(const struct task *t, const struct process *p, int sig);

/* Does no member of the group have a parent in another group of the same session?  except (may be
 * NULL) counts as gone already. */
bool pgrp_orphaned(pid_t pgid, const struct process *except);
/* At the death of p: groups that become orphaned by it and hold a stopped member get SIGHUP and
 * SIGCONT (setpgid(2), exit(3)).  p's children must still be its own. */
void pgrp_orphan_check(struct process *p);

/* The stack that delivering a signal takes at most (AT_MINSIGSTKSZ). */
size_t signal_frame_max(void);

/* copies with conversion */
int siginfo_copy_to_user(struct task *t, uaddr_t to, const struct abi_siginfo *info);
#endif
