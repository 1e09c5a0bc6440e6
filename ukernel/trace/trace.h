/*
 * trace.h - --trace and --count: what the guests' system calls look like from outside.
 *
 * Everything is driven by the rows of syscalls.def.  The trap handler tests trace_on first; none
 * of these functions sleeps, and none does anything but print.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "abi.h"

#include <stdbool.h>

struct task;
struct boot_config;

/* Somebody wants to know: call the functions below. */
extern bool trace_on;

/* Before the kernel starts.  -EINVAL when the filter makes no sense. */
int trace_init(const struct boot_config *config);
/* After it has ended: the table of --count. */
void trace_finish(void);

/* t->trap is a system call that is about to be dispatched / has been answered.  result is what
 * the handler returned, ERESTART* included. */
void trace_enter(struct task *t);
void trace_exit(struct task *t, long result);
/* The kernel itself has executed the first program: a line as if somebody had called execve. */
void trace_first_exec(struct task *t, const char *file, char *const argv[], unsigned nenv);
/* A signal is being delivered to t (or ignored on delivery); info may be NULL. */
void trace_signal(struct task *t, int sig, const struct abi_siginfo *info);
/* t stops because of sig. */
void trace_stop(struct task *t, int sig);
/* t is dead: status as wait4 reports it. */
void trace_task_end(struct task *t, int status);

/* What the machine has to say (machine_config.note): a line of its own. */
bool trace_wants_notes(void);
void trace_note(const char *text);

/* --- calls that are not implemented (missing.c); independent of trace_on --- */
/* Count the call, tell the user the first time; -ENOSYS. */
long syscall_missing(struct task *t, uint64_t nr);
/* At the end: how many there were. */
void syscall_missing_report(void);
#endif
