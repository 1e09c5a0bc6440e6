/*
 * fake_machine.h - hardware made of plain memory and virtual time, to test the kernel on.
 *
 * A guest program is a C function.  It runs on a host thread of its own, but never at the same
 * time as the kernel or as another guest: the machine passes control explicitly, so a run is the
 * same each time.  Time only passes where something says so: guest_compute(), a fixed cost for
 * each system call, and the jump to the next deadline when every task sleeps.
 *
 * A guest function touches its memory through guest_get() and guest_put() alone; what it has in C
 * variables is its registers.  After fork the child starts in a function of its own, because a C
 * stack cannot be copied.  Assertions belong to the test, not to guests: a guest says
 * GUEST_CHECK(), the test checks that guest_failures is 0.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include "kern/boot.h"
#include "machine.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

extern const struct machine_ops fake_machine;

/* What one system call costs in virtual time. */
#define FAKE_SYSCALL_NS 100

/* --- for the test --- */
typedef void (*guest_fn)(uint64_t arg);
typedef void (*guest_handler)(int signo, uaddr_t info, uaddr_t context);

struct fake_options {
	int cpus;			   /* 0: 1 */
	const struct sched_policy *policy; /* NULL: round robin */
	const char *policy_options;
	uint64_t tick_ns;    /* 0: 4 ms */
	uint64_t memory_max; /* 0: none */
	unsigned pids_max;   /* 0: none */
};

/* Boot the kernel with a small root file system, run first as process 1, and return its status as
 * wait4 reports it; -errno when it did not start.  opt may be NULL. */
int fake_run(guest_fn first, const struct fake_options *opt);

extern int guest_failures;    /* of GUEST_CHECK */
extern char guest_log_text[]; /* of guest_log */
uint64_t fake_now_ns(void);
/* How often the machine was told to resume a thread, and to stop one. */
extern unsigned fake_resumes, fake_stops;

/* --- for guests --- */
long guest_syscall(long nr, const uint64_t arg[6]);
#define SYS(name, ...)                                                                             \
	guest_syscall(SYS_##name, (const uint64_t[6]){__VA_OPT__(SYS_ARGS(__VA_ARGS__))})
#define SYS_ARGS(...)			      SYS_PICK(__VA_ARGS__, A6, A5, A4, A3, A2, A1)(__VA_ARGS__)
#define SYS_PICK(a, b, c, d, e, f, name, ...) SYS_##name
#define U64(x)				      ((uint64_t)(x))
#define SYS_A1(a)			      U64(a)
#define SYS_A2(a, b)			      U64(a), U64(b)
#define SYS_A3(a, b, c)			      U64(a), U64(b), U64(c)
#define SYS_A4(a, b, c, d)		      U64(a), U64(b), U64(c), U64(d)
#define SYS_A5(a, b, c, d, e)		      U64(a), U64(b), U64(c), U64(d), U64(e)
#define SYS_A6(a, b, c, d, e, f)	      U64(a), U64(b), U64(c), U64(d), U64(e), U64(f)

/* Use the CPU for ns of virtual time. */
void guest_compute(uint64_t ns);

/* Guest memory.  An access that is not allowed raises SIGSEGV, and is tried again afterwards. */
uaddr_t guest_alloc(size_t len); /* from a fixed arena; never freed; 16-aligned */
uaddr_t guest_string(const char *text);
void guest_get(void *to, uaddr_t from, size_t len);
void guest_put(uaddr_t to, const void *from, size_t len);
uint32_t guest_get32(uaddr_t from);
void guest_put32(uaddr_t to, uint32_t value);
/* True if the page at addr may be accessed so (PROT_*), asked from the machine: no fault. */
bool guest_page_allows(uaddr_t addr, int prot);
bool guest_page_mapped(uaddr_t addr);

/* fork(2): the child runs fn(arg) and then exits with status 0. */
long guest_fork(guest_fn fn, uint64_t arg);
/* clone(2) with pthread_create's flags; the thread exits when fn returns.  ctid, if not 0, gets
 * CLONE_CHILD_CLEARTID. */
long guest_thread(guest_fn fn, uint64_t arg, uaddr_t ctid);
_Noreturn void guest_exit(int status);
/* wait4(pid, &status, options): the result, and *status when it was a pid. */
long guest_wait(long pid, int *status, int options);

/* rt_sigaction with a C function as the handler (NULL: SIG_DFL). */
long guest_signal(int signo, guest_handler handler, uint64_t flags);
long guest_ignore(int signo);
uaddr_t guest_handler_address(guest_handler handler);
/* A file in the root of the test that execve runs as fn; before fake_run or from a guest. */
void guest_program(const char *name, guest_fn fn);

void guest_log(const char *text);

#define GUEST_CHECK(cond)   guest_check((cond), #cond, __FILE__, __LINE__)
#define GUEST_EQ(got, want) guest_check_eq((long)(got), (long)(want), #got, __FILE__, __LINE__)
void guest_check(bool good, const char *text, const char *file, int line);
void guest_check_eq(long got, long want, const char *text, const char *file, int line);

/* --- between the parts of the machine (fake_memory.c, fake_machine.c, fake_guest.c) --- */
struct space;
struct space *space_new(void);
struct space *space_copy(struct space *from);
void space_hold(struct space *s);
void space_drop(struct space *s);
int space_change(struct space *s, const struct vm_op *op);
size_t space_read(struct space *s, uaddr_t from, void *to, size_t len);
size_t space_write(struct space *s, uaddr_t to, const void *from, size_t len);
int space_page_prot(struct space *s, uaddr_t addr); /* -1: nothing there */

/* The guest side of a thread, called on its host thread. */
void guest_start(struct vthread *th);
struct vthread *fake_self(void);
struct regs *fake_regs(struct vthread *th);
struct space *fake_space(struct vthread *th);
void fake_set_child(guest_fn fn, uint64_t arg); /* what the next clone of this thread runs */
bool fake_take_child(struct vthread *th, guest_fn *fn, uint64_t *arg);
/* Raise an event from the guest and return when resumed. */
void fake_trap_syscall(struct vthread *th, uint64_t nr);
void fake_trap_fault(struct vthread *th, int signo, int code, uaddr_t addr);
/* Compute for *left at most; returns early, with *left reduced, when the registers were changed. */
void fake_trap_compute(struct vthread *th, uint64_t *left);
#endif
