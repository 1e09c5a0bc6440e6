/*
 * trap.h - what a host stop means in the terms of the contract.
 */
#ifndef SANDBOX_TRAP_H
#define SANDBOX_TRAP_H

#include "machine.h"

struct vthread;

/* Turn a waitpid() status of a running thread into an event.  True: *out is filled and the thread
 * is held.  False: nothing for the kernel; the thread goes on. */
bool trap_classify(struct vthread *th, int status, struct event *out);
/* A system call as the loaded registers say. */
void trap_syscall_fill(struct vthread *th, struct event *out);
void event_fill(struct event *out, enum event_type type, struct vthread *th);
/* Let a stopped thread go on until its next trap, by the way of this backend. */
int trap_continue(struct vthread *th);
void trap_sweep(bool idle); /* collect the reports there are */
/* Has th, running, something to report?  As trap_classify(). */
/* A thread was told to stop and nothing else runs: wait for that.  True: *out is filled. */
bool trap_interrupted(struct event *out);
bool trap_look(struct vthread *th, struct event *out);
/* The same where the news is likely a system call (SYSEMU): for one host call less. */
bool trap_look_syscall(struct vthread *th, struct event *out);
extern int trap_request;		       /* PTRACE_SYSEMU or PTRACE_CONT */
int thread_resume_stopped(struct vthread *th); /* flush registers and continue */
void thread_interrupt(struct vthread *th);     /* the ops' stop() */

#endif
