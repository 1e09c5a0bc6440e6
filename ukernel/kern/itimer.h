/*
 * itimer.h - the timers that a process owns: interval timers, POSIX timers, CPU-time limits.
 */
#ifndef KERN_ITIMER_H
#define KERN_ITIMER_H

#include <stdint.h>

struct process;
struct task;
struct sigqueue;

/* At the creation of p: none armed. */
void process_timers_init(struct process *p);
/* At the death of p (its last thread has gone): all disarmed and freed. */
void process_timers_exit(struct process *p);

/* RLIMIT_CPU or RLIMIT_RTTIME of p has changed, or a thread of p has become a real-time one:
 * SIGXCPU and SIGKILL come when a limit is used up. */
void cpu_limit_changed(struct process *p);

/* --- between the files of this part --- */

/* SIGALRM was taken off the queue: ITIMER_REAL's next period begins. */
void itimer_real_delivered(struct process *p);
/* execve: POSIX timers go, interval timers stay. */
void posix_timers_delete_all(struct process *p);
/* A timer's queued signal is being delivered: fill in the overrun, start the next period. */
struct posix_timer;
void posix_timer_delivered(struct posix_timer *pt, int32_t *overrun);
/* A timer's queued signal was thrown away. */
void posix_timer_dropped(struct posix_timer *pt);
/* Fire what is due on p's CPU clocks and return the CPU time until the next, 0 when none is set. */
uint64_t posix_cpu_timers_check(struct process *p);
/* Something on p's CPU clocks was armed: look at it in time. */
void cpu_timers_kick(struct process *p);
#endif
