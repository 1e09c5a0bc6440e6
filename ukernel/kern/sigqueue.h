/*
 * sigqueue.h - queued signals: private to the signal code and the POSIX timers.
 */
#ifndef KERN_SIGQUEUE_H
#define KERN_SIGQUEUE_H

#include "kern/signal.h"

#include <sys/types.h>

struct posix_timer;

#define FIRST_RT_SIGNAL 32 /* the kernel's, not the C library's */

/* Sets of signals by what they do (signal(7)). */
#define SIGSET_KILL_STOP (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGSET_STOP	 (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGSET_IGNORE	 (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIGSET_SYNCHRONOUS                                                                         \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |                 \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))
#define SIGSET_CORE                                                                                \
	(SIGSET_SYNCHRONOUS | SIGMASK(SIGQUIT) | SIGMASK(SIGABRT) | SIGMASK(SIGXCPU) |             \
	 SIGMASK(SIGXFSZ))

struct sigqueue {
	struct list_head link; /* in sigpending.queue; empty when not queued */
	struct abi_siginfo info;
	uid_t uid; /* in whose count it is */
	struct posix_timer
	    *timer; /* owner of a queue entry that is reused; NULL: freed when taken */
};

/* An entry counted against uid's RLIMIT_SIGPENDING of max; override counts but never refuses.
 * NULL: over the limit, or no memory. */
struct sigqueue *sigqueue_alloc(uid_t uid, uint64_t max, bool override);
void sigqueue_free(struct sigqueue *q); /* off any queue; NULL is fine */
/* Entries of uid (for /proc/PID/status SigQ). */
unsigned sigqueue_count(uid_t uid);

/* Make sig pending with q's information; NULL: without any. */
void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q);
/* Take the next of p that is in allowed: its number, 0 when none.  Synchronous signals come first,
 * then the lowest number, then the oldest. */
int sigpending_take(struct sigpending *p, sigmask_t allowed, struct abi_siginfo *info);
/* Drop whatever is pending of set. */
void sigpending_remove(struct sigpending *p, sigmask_t set);

/* --- sigframe.c --- */
struct regs;
/* Put a frame for the handler sa on t's stack and point regs at it.  oldmask is what the frame
 * brings back.  0, or -EFAULT: the frame cannot be written. */
int sigframe_push(struct task *t, struct regs *regs, int sig, const struct sigaction_entry *sa,
		  const struct abi_siginfo *info, sigmask_t oldmask);

/* --- signal.c --- */
/* Queue a timer's own entry; false when the signal is ignored and was dropped. */
bool signal_send_timer(struct process *p, struct task *t, struct sigqueue *q);
/* sig has just been set to be ignored: what is pending of it goes. */
void signal_discard(struct process *p, int sig);
/* A group stop by sig begins: every thread of p is told. */
void group_stop_begin(struct process *p, int sig);
bool signal_is_ignored(const struct task *t, int sig);

/* --- sigcalls.c --- */
long altstack_set(struct task *t, const struct abi_stack *ss, uaddr_t sp);
bool altstack_holds(const struct task *t, uaddr_t sp);
#endif
