/*
 * host_signal.h - signals that the supervisor itself receives, and what the box makes of them.
 */
#ifndef KERN_HOST_SIGNAL_H
#define KERN_HOST_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

/* A signal reached the supervisor: pass it on to the first process's group.  Event loop only. */
void host_signal_arrived(int signo);

/* After timeout_ns: SIGTERM to the first process, a second later the box is over with the exit
 * status 124, as timeout(1) has it.  0: never. */
void box_timeout_start(uint64_t timeout_ns);
/* Did that happen?  Then *status becomes that, however the program ended. */
bool box_timed_out(int *status);
#endif
