/*
 * thread.h - life and death of guest threads.
 */
#ifndef SANDBOX_THREAD_H
#define SANDBOX_THREAD_H

#include <sys/resource.h>

#include "vthread.h"

void threads_init(void);
void threads_fini(void);
struct vthread *thread_adopt(pid_t host_pid, void *cookie, enum hold hold); /* NULL: no memory */
struct vthread *thread_find(pid_t host_pid);
int space_create(void *cookie, struct vthread **out);
int space_clone(struct vthread *from, void *cookie, struct vthread **out);
int thread_clone(struct vthread *from, void *cookie, struct vthread **out);
void thread_destroy(struct vthread *th);
uint64_t thread_cpu_ns(struct vthread *th);
/* Bring a held thread into a ptrace stop, where registers can be reached.  -ESRCH when dead. */
int thread_settle(struct vthread *th);
/* Wait for the next stop of th, which is bound to come at once.  -ESRCH when it died. */
int thread_stop_wait(struct vthread *th, int *status);
void thread_gone(struct vthread *th);			 /* the host reported its death */
void thread_held_report(struct vthread *th, int status); /* waitpid() spoke of a held thread */
void thread_reaped(pid_t host_pid, const struct rusage *usage); /* ... or of one long destroyed */
unsigned thread_unreaped(void);					/* how many such are left */
extern unsigned threads_running;
struct vthread *thread_next(struct vthread *after); /* all threads; NULL: first, at the end */
/* Every change of th->hold goes through here. */
void thread_set_hold(struct vthread *th, enum hold hold);

#endif
