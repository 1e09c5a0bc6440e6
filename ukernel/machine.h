/*
 * machine.h - what the kernel asks of its hardware.
 *
 * The kernel owns this contract.  sandbox/ implements it on Linux with ptrace or seccomp,
 * tests/fake_machine.c implements it in plain memory and virtual time.  Nothing in ukernel/
 * may know which.  Every int result is 0 (or a count) or a negative errno.
 *
 * The rule of control: a guest thread is either *held* (it executes no instruction, and the
 * kernel may read and write its registers and order changes to its address space) or *running*.
 * Threads are created held.  resume() lets one run; each resume() is answered by exactly one
 * event for that thread, after which it is held again.  stop() only makes that event come soon.
 * The one event that may come for a held thread is EVENT_DEAD.
 *
 * All calls come from the one kernel thread.  None of them may sleep for longer than the host
 * needs for the work itself, except wait().
 */
#ifndef UKERNEL_MACHINE_H
#define UKERNEL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint64_t uaddr_t; /* an address in a guest; never dereferenced by the kernel */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

struct vthread; /* one guest thread of control: owned by the machine */

/* The general registers, in the order of Linux's user_regs_struct (x86-64 psABI names). */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

enum event_type {
	EVENT_NONE,	   /* wait() was told not to block and nothing had happened */
	EVENT_SYSCALL,	   /* thread trapped: .syscall */
	EVENT_FAULT,	   /* thread raised an exception: .fault */
	EVENT_STOPPED,	   /* thread was stopped because of stop(); nothing to handle */
	EVENT_DEAD,	   /* the host took the thread away (OOM killer, kill -9 from outside) */
	EVENT_TICK,	   /* the timer interrupt; .ticks periods went by */
	EVENT_ALARM,	   /* the deadline given to alarm_set() has passed */
	EVENT_HOST_FD,	   /* a watched host descriptor is ready: .host_fd */
	EVENT_HOST_SIGNAL, /* the supervisor itself got a signal: .host_signal.signo */
};

/* How the system call was made; anything but ABI_64 has no table here and gets ENOSYS. */
enum syscall_abi { SYSCALL_ABI_64, SYSCALL_ABI_32 };

struct event {
	enum event_type type;
	struct vthread *thread; /* for the first five */
	void *cookie;		/* of that thread (thread_create) or that watch (fd_watch) */
	union {
		struct {
			uint64_t
			    nr; /* the low 32 bits of rax, all that the CPU's entry code looks at */
			uint64_t arg[6];
			uaddr_t ip; /* the instruction after the trapping one */
			enum syscall_abi abi;
		} syscall;
		struct {
			int signo, code; /* as siginfo's si_signo and si_code */
			uaddr_t addr;	 /* si_addr */
			uint32_t trapno; /* x86 vector, best knowledge */
			uint32_t err;	 /* x86 error code, best knowledge */
		} fault;
		struct {
			int fd;
			uint32_t ready; /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
		} host_fd;
		struct {
			int signo;
		} host_signal;
		uint64_t ticks;
	};
};

/* One change to an address space.  All addresses and lengths are page aligned, chosen and
 * checked by the kernel; a mapping replaces what was there (MAP_FIXED). */
enum vm_op_kind { VM_MAP, VM_UNMAP, VM_PROTECT, VM_REMAP, VM_ADVISE, VM_RESIDENT };

struct vm_op {
	enum vm_op_kind kind;
	uaddr_t addr;
	size_t len;
	int prot;     /* PROT_* for MAP and PROTECT */
	int flags;    /* MAP: MAP_SHARED or MAP_PRIVATE, with MAP_NORESERVE, MAP_POPULATE, ... */
	int host_fd;  /* MAP: a host descriptor, or -1 for anonymous memory */
	uint64_t off; /* MAP: byte offset in host_fd */
	uaddr_t new_addr; /* REMAP: where to (fixed); RESIDENT: where mincore's vector goes */
	size_t new_len;	  /* REMAP: new length */
	int advice;	  /* ADVISE: MADV_* */
	bool dontunmap;	  /* REMAP: MREMAP_DONTUNMAP */
};

/* For whoever wants to know how long wait() sleeps, or gives the CPU away, and when it last came
 * back from that; in cycles of the CPU's counter. */
struct machine_sleep {
	uint64_t cycles, woke;
};

/* Answers that the machine may give a thread by itself, once it knows them. */
enum published {
	PUBLISHED_PID,
	PUBLISHED_TID,
	PUBLISHED_PPID,
	PUBLISHED_UID,
	PUBLISHED_EUID,
	PUBLISHED_GID,
	PUBLISHED_EGID,
	PUBLISHED_MAX,
};

/* A call that a thread may make, and the answer that it would get. */
struct foretold {
	uint64_t nr, arg0;
	const char *path; /* what arg[1] points to; NULL: not looked at */
	bool path_first;  /* rather arg[0], and arg0 is not looked at */
	/* Two more arguments that must be these: number (0: none) and value. */
	struct {
		unsigned arg;
		uint64_t value;
	} key[2];
	int64_t result;
	unsigned to;	  /* the argument that says where data goes */
	const void *data; /* len bytes, len a multiple of 8 */
	size_t len;
	bool next_only; /* void as soon as any call is made that is not foretold, and after 1 ms */
	bool counts;	/* for foretold_used() */
	bool keep;	/* for as often as it is made */
	bool post;	/* it has an effect, which foretold_made() asks for */
};

/* Which of those answers to take back. */
enum foretold_kind {
	FORETOLD_NEXT, /* the next_only ones */
	FORETOLD_FD,   /* and those whose arg0 is that number, as far as an int goes */
	FORETOLD_ALL,
};

struct machine_config {
	int cpus;		     /* virtual CPUs, >= 1 */
	uint64_t tick_ns;	     /* period of EVENT_TICK once armed */
	struct machine_sleep *sleep; /* NULL: nobody wants to know */
	/* Told what the machine does by itself to make traps cheaper, one line of text each, for
	 * the user to read; or NULL. */
	void (*note)(const char *text);
};

struct machine_info {
	uaddr_t user_lo, user_hi; /* guests may map in [user_lo, user_hi) ... */
	uaddr_t stub_lo, stub_hi; /* ... but for the machine's own pages ... */
	uaddr_t low_lo, low_hi;	  /* ... and more of them, far below; 0 when none */
	uaddr_t vdso_lo, vdso_hi; /* code of the vDSO in every new space, 0 when none */
	uaddr_t vvar_lo, vvar_hi; /* its data pages */
	size_t xstate_size;	  /* bytes that xstate_get() fills, at most */
	uint64_t xstate_features; /* XCR0 */
	uint32_t host_cpus;
	bool cycles_are_time; /* the CPU's cycle counter keeps step with CLOCK_OF_TICKS */
};

/* The coarse and raw ones are what the vDSO shows for CLOCK_MONOTONIC_COARSE, ..._RAW and
 * CLOCK_REALTIME_COARSE. */
enum machine_clock {
	CLOCK_OF_TICKS, /* monotonic */
	CLOCK_OF_WALL,
	CLOCK_OF_BOOT,
	CLOCK_OF_TICKS_COARSE,
	CLOCK_OF_WALL_COARSE,
	CLOCK_OF_TICKS_RAW,
};

struct machine_ops {
	const char *name; /* as given to --backend */

	/* init() starts the machine; on failure nothing is left behind.  fini() destroys every
	 * thread and gives everything back. */
	int (*init)(const struct machine_config *config, struct machine_info *info);
	void (*fini)(void);

	/*
	 * Threads and address spaces.  An address space lives as long as a thread in it.
	 * space_create: a thread in a new space that holds nothing but the machine's own pages
	 *   and the vDSO.
	 * space_clone: a thread in a copy-on-write copy of from's space; registers, xstate and
	 *   segment bases as from's.  from must be held.
	 * thread_clone: the same, but in from's own space.
	 * cookie comes back in the thread's events.  destroy works on held and running threads,
	 * never fails, and no event of the thread comes after it.
	 */
	int (*space_create)(void *cookie, struct vthread **out);
	int (*space_clone)(struct vthread *from, void *cookie, struct vthread **out);
	int (*thread_clone)(struct vthread *from, void *cookie, struct vthread **out);
	void (*thread_destroy)(struct vthread *th);

	/* Apply n changes in order to the space of th, which must be held.  Stops at the first
	 * that the host refuses and returns its errno; *done says how many took effect. */
	int (*vm_apply)(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done);

	/*
	 * Copy to and from the space of th, held or not, honouring page protection.  Return the
	 * bytes copied, which is less than len when a page was not accessible; 0 if the first was
	 * not.  cmpxchg: one atomic 32-bit compare-and-exchange on aligned guest memory (th held);
	 * *seen gets the old value; -EFAULT when not accessible.
	 */
	size_t (*mem_read)(struct vthread *th, uaddr_t from, void *to, size_t len);
	size_t (*mem_write)(struct vthread *th, uaddr_t to, const void *from, size_t len);
	/* Of the bytes from there on those that came with th's call, up to max: what mem_read would
	 * give, and maybe fewer than there are, or none.  May be NULL: none. */
	size_t (*mem_have)(struct vthread *th, uaddr_t from, void *to, size_t max);
	/* As mem_write where the kernel knows that th may write, with its call's answer at
	 * the latest.  False: mem_write it.  May be NULL. */
	bool (*mem_write_late)(struct vthread *th, uaddr_t to, const void *from, size_t len);
	int (*mem_cmpxchg)(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
			   uint32_t *seen);

	/* The most bytes that th's space ever had in memory are known some time after it was
	 * destroyed.  peak_ticket: the number, good for ever, under which peak_take() will tell,
	 * when th is about to be destroyed.  peak_take: the next that is known; false when there is
	 * none.  all: wait for everything that has been destroyed.  May be NULL: not known. */
	uint64_t (*peak_ticket)(struct vthread *th);
	bool (*peak_take)(uint64_t *ticket, uint64_t *bytes, bool all);

	/* Bytes of th's space that are in memory, for proc.  May be NULL: not known. */
	uint64_t (*mem_resident)(struct vthread *th);
	/* For each of n pages from addr on, what pagemap(5) says but for the frame: present,
	 * swapped, of a file, ...  Returns the pages filled in.  May be NULL: not known. */
	size_t (*mem_pages)(struct vthread *th, uaddr_t addr, size_t n, uint64_t *out);

	/* Registers of a held thread.  regs_set also cancels whatever result set_result gave.
	 * The xstate is the XSAVE area in standard form; xstate_set refuses (-EINVAL) what the
	 * CPU would fault on. */
	int (*regs_get)(struct vthread *th, struct regs *out);
	int (*regs_set)(struct vthread *th, const struct regs *in);
	int (*xstate_get)(struct vthread *th, void *buf, size_t *len);
	int (*xstate_set)(struct vthread *th, const void *buf, size_t len);

	/* The cheap way out of EVENT_SYSCALL: rax := result, all else untouched. */
	void (*set_result)(struct vthread *th, int64_t result);

	/* From now on th may be answered value by the machine when it makes the call of that kind,
	 * with no event.  publish_not: not any more, none of them.  May be NULL: never done. */
	void (*publish)(struct vthread *th, enum published what, uint32_t value);
	void (*publish_not)(struct vthread *th);

	/* th, which is held in a call, may answer that call by itself, once (but for keep), with no
	 * event, within the next 20 ms.  The latest are looked at first.  False: it may not; f
	 * NULL: would it? foretold_used: how many that count were answered so since this was last
	 * asked. foretold_not: take back those of all threads; they may run. foretold_made: the
	 * next call with an effect that has been answered so; the kernel does what it was to do
	 * before it does anything else.  Each is told once.  After foretold_not() for all no more
	 * come.  All NULL: never done. */
	bool (*foretell)(struct vthread *th, const struct foretold *f);
	unsigned (*foretold_used)(struct vthread *th);
	void (*foretold_not)(enum foretold_kind kind, uint32_t arg0);
	bool (*foretold_made)(void **cookie, uint64_t *nr, uint64_t *arg0);

	/* Let th run on virtual CPU vcpu until its next event.  A pending set_result or regs_set
	 * takes effect.  stop() on a running thread; harmless on a held one. */
	int (*resume)(struct vthread *th, int vcpu);
	void (*stop)(struct vthread *th);

	/* The next event.  block=false returns EVENT_NONE at once when there is none. */
	int (*wait)(struct event *out, bool block);

	/* Time.  tick_arm(true) starts the periodic timer interrupt, tick_arm(false) stops it.
	 * alarm_set gives one absolute deadline on CLOCK_OF_TICKS; 0 means none. */
	uint64_t (*clock_ns)(enum machine_clock clock);
	uint64_t (*cpu_ns)(struct vthread *th); /* CPU time that th has used */
	void (*tick_arm)(bool on);
	void (*alarm_set)(uint64_t deadline_ns);

	/* Watch a host descriptor, level triggered; events is an EPOLL* mask, 0 pauses the watch.
	 * -EPERM when the host cannot poll it (a regular file is always ready). */
	int (*fd_watch)(int host_fd, uint32_t events, void *cookie);
	void (*fd_unwatch)(int host_fd);

	/* Which host signals arrive as EVENT_HOST_SIGNAL is fixed: INT QUIT TERM HUP WINCH TSTP
	 * CONT USR1 USR2 ALRM are taken; the rest keep the host's default. */
};

/* Set once by main (or a test) before boot. */
extern const struct machine_ops *machine;
extern struct machine_info machine_info;
#endif
