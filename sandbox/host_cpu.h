/*
 * host_cpu.h - which host core runs what.
 */
#ifndef SANDBOX_HOST_CPU_H
#define SANDBOX_HOST_CPU_H

#include <stdbool.h>
#include <sys/types.h>

struct vthread;

void host_cpu_init(int cpus);
bool host_cpu_short_slice(void);
/* From now on the core is handed to and fro by sched_yield(), until further notice.  That forfeits
 * a slice, so who has shorter ones than the other gets the core back at once. */
void host_cpu_trade(bool on);
/* The user may have given us a real-time priority of the host's: guest does not keep it. */
void host_cpu_ordinary(pid_t guest);
void host_cpu_fini(void);
void host_cpu_resumed(struct vthread *th); /* it is about to run */
void host_cpu_trapped(struct vthread *th); /* it has stopped or is asleep */
long host_cpu_timeout_us(void);		   /* how long wait() may sleep before host_cpu_spread() */
void host_cpu_spread(void);
/* Give the core to a thread that will trap soon.  False: not done, better sleep. */
bool host_cpu_yield(struct vthread *to);
void host_cpu_yield_failed(void); /* it had not trapped */
void host_cpu_review(void);	  /* before a sleep: is this core a good one? */
void host_cpu_awake(void);	  /* after it */

/* One guest may live on another core though it traps often: while both sides poll. */
bool host_cpu_far_possible(void);
void host_cpu_far(struct vthread *th, bool far);
/* Has it waited much for a core since it was last asked? */
bool host_cpu_far_crowded(struct vthread *th);

#endif
