/*
 * vthread.h - the parts of the machine, seen from inside.
 *
 * A guest thread is one host process (never a host *thread*: so that each can be killed alone and
 * reports to waitpid() alike); threads of one guest space share their memory by CLONE_VM.  All of
 * them share the supervisor's descriptor table, so that any host descriptor can be mapped by its
 * number, and are its direct children.
 *
 *	zygote.c	the ancestor of all guests: an empty process that holds only the stub
 *	stub_code.S	the few instructions that exist in every guest space for our orders
 *	stub.c		puts them there
 *	inject.c	makes a held thread carry out host calls that we wrote
 *	vm.c		address-space changes in terms of inject.c
 *	follow.c	those that a thread makes by its own call
 *	usermem.c	reads and writes guest memory
 *	thread.c	life and death of threads
 *	regs.c		their registers, and when the host is told about them
 *	peak.c		how much memory the dead had
 *	trap.c		what a host stop means in the terms of the contract
 *	events.c	the one epoll: timers, signals, watched descriptors
 *	listen.c	waiting without it while there are only notifications
 *	host_cpu.c	which host core runs what
 *	ptrace.c, seccomp.c	the two ways in: how a thread is resumed, how a trap is waited for
 *	filter.c	the seccomp program
 *	turbo.c, mailbox.c, unwind.c, turbo_stub.S	the third: calls through shared memory
 *	early.c, late.c	what guests copy themselves on their way to a call, and back
 *	carry.c		... and their registers
 *	ahead.c		answers that are there before the call
 *	patch.c		which system calls may be rewritten to get there, and how
 *	text.c, textcopy.c	what is known of program files, and their patched pages
 *	module.c	where a space has them
 *	trampoline.c	the way from a rewritten call to the stub
 *	site.c		traps at calls, and threads in the middle of rewritten ones
 *	probe.c		which of the two works here
 */
#ifndef SANDBOX_VTHREAD_H
#define SANDBOX_VTHREAD_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "machine.h"

/* Where a thread is.  The kernel knows only RUNNING and "held" (all the others). */
enum hold {
	HOLD_RUNNING,  /* on its own; will report by waitpid() or the seccomp listener */
	HOLD_NASCENT,  /* cloned, its first ptrace stop not yet collected */
	HOLD_STOPPED,  /* in a ptrace stop */
	HOLD_NOTIFIED, /* asleep in the host's seccomp code until we answer notif_id */
	HOLD_BOXED,    /* waits at its mailbox (turbo); may yet move to HOLD_NOTIFIED */
	HOLD_DEAD,     /* the host took it */
};

/* How far the host's registers differ from the cache. */
enum dirt {
	DIRT_NONE,
	DIRT_GENERAL, /* r15..rsp, the first REGS_GENERAL words */
	DIRT_ALL,
};

/* What a thread that is held has brought with its call, and will get with the answer (carry.c). */
struct carry {
	bool open;	  /* its registers are in its mailbox */
	bool known;	  /* ... and in regs */
	bool set, xstate; /* the kernel has changed regs; ... the xstate in the mailbox */
	struct regs regs;
};

struct vthread {
	/* fixed at creation */
	pid_t host_pid;
	void *cookie;

	/* written by thread.c, trap.c and the backend's resume() */
	enum hold hold;
	bool interrupt_owed; /* PTRACE_INTERRUPT was sent, its stop has not been seen */
	bool stop_wanted;    /* the kernel asked to stop since the last resume() */
	/* valid in HOLD_NOTIFIED */
	uint64_t notif_id;
	uint64_t call_nr, call_arg[3]; /* call_nr: UINT64_MAX when not of the 64-bit ABI */

	/* turbo only: mailbox.c */
	struct turbo_space *space; /* NULL: has none yet */
	struct box *box;	   /* NULL: has none yet */
	uaddr_t own_gs;	  /* the gs base that we gave it, perhaps by way of its parent; or 0 */
	uint32_t box_nr;  /* of the latest call taken from its mailbox */
	unsigned missed;  /* how often it has come to the stub without a mailbox */
	bool fault_stale; /* its next fault may be older than its registers */
	bool answer_owed; /* its notification is on the way and gets `answer` */
	int64_t answer;
	bool by_stub;  /* its call came from its stub, by a notification or in the mailbox */
	uint32_t late; /* bytes that came with the latest answer, for late_to (late.c) */
	uaddr_t late_to;
	struct ahead *ahead; /* ahead.c; NULL: none */
	uint32_t gap;	     /* poll.c: cycles between its calls, a moving average */
	uint64_t given_tsc;  /* ... when it was last let run */
	struct carry carry;
	struct vthread *box_next, **box_link; /* list of those that run */

	/* host_cpu.c only */
	bool away;	      /* keeps off the supervisor's core */
	bool far;	      /* ... because it is the one that we poll for there */
	uint64_t resumed_tsc; /* when it was resumed */
	uint64_t pace;	      /* cycles from a resume to its trap, a moving average */

	/* regs.c only */
	struct regs regs; /* what the guest shall see, valid if regs_valid */
	bool regs_valid;
	enum dirt dirt;
	bool call_open;	 /* in a trace stop: the host will do the call unless orig_rax is -1 */
	bool result_set; /* result waits to be stored in rax */
	int64_t result;

	bool shared; /* other threads are, or were, in its space (thread.c) */

	/* follow.c, and regs.c and trap.c on its behalf */
	unsigned follow_slot; /* 0: none */
	uint32_t follow_nr;   /* what it had called */
	bool following;	      /* resumed by way of the stub, not yet known to have arrived */
	bool follow_refused;  /* the host did not do it */
	bool follow_never;    /* not in this call */

	/* peak.c only */
	uint64_t peak_ticket; /* 0: nobody has asked */

	/* thread.c only */
	struct vthread *hash_next;
	struct vthread *all_next, **all_link;

	/* events.c only: at most one event waits for the kernel */
	bool queued;
	struct event event;
	struct vthread *queue_next;
};

/* What the turbo machine adds; all NULL in the other ones. */
struct machine_hooks {
	void (*cloned)(struct vthread *from, struct vthread *th, bool same_space);
	void (*destroyed)(struct vthread *th);
	void (*reaped)(pid_t host_pid);
	void (*watch)(struct vthread *th, bool running); /* only when it has a mailbox */
	/* The stop of a thread in HOLD_BOXED has come. */
	void (*left)(struct vthread *th);
	/* th stands behind a host call, its registers are loaded: as if behind that of its site. */
	void (*called)(struct vthread *th);
	/* A stop() is about to be reported, or a fault with this signal and code.  True: it is
	 * rather what *out says now. */
	bool (*stopped)(struct vthread *th, struct event *out);
	bool (*fault)(struct vthread *th, int signo, int code, struct event *out);
	/* A notification came.  True: it was not for the kernel. */
	bool (*notified)(struct vthread *th, uint64_t id, uaddr_t ip);
	/* One came that is for the kernel, which *out is; it may become another call. */
	void (*trapped)(struct vthread *th, struct event *out);
	/* A stop at the call of that number, from a `syscall` that returns to ip. */
	void (*traced)(struct vthread *th, uaddr_t ip, uint64_t nr);
	/* The answer to a notification did not get to th, which is stopped instead. */
	void (*unsent)(struct vthread *th);
};
extern struct machine_hooks machine_hooks;

#endif
