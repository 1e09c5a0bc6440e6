/*
 * clock.h - the clocks that guests name (clock_gettime(2)), and conversions between their time,
 * CLOCK_OF_TICKS, and the structures of the ABI.
 */
#ifndef KERN_CLOCK_H
#define KERN_CLOCK_H

#include "abi.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct process;

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_USEC 1000ULL
#define TIME_MAX_NS   ((uint64_t)INT64_MAX) /* later than anything: what too big times become */

bool timespec_valid(const struct abi_timespec *ts); /* not negative, nsec in range */
bool timeval_valid(const struct abi_timeval *tv);
uint64_t timespec_to_ns(const struct abi_timespec *ts); /* of a valid one; at most TIME_MAX_NS */
uint64_t timeval_to_ns(const struct abi_timeval *tv);
struct abi_timespec ns_to_timespec(uint64_t ns);
struct abi_timeval ns_to_timeval(uint64_t ns);
uint64_t time_add_ns(uint64_t a, uint64_t b); /* at most TIME_MAX_NS */

/* The time on clock as t sees it.  -EINVAL: no such clock, or a CPU clock of nobody that t may ask
 * about. */
int clock_now(struct task *t, int clock, uint64_t *ns);
/* A clock that can wake somebody at a time: REALTIME, MONOTONIC, BOOTTIME, TAI. */
bool clock_has_timers(int clock);
bool clock_is_cpu(int clock);
/* When, on CLOCK_OF_TICKS, a clock with timers will show at_ns. */
uint64_t clock_deadline(int clock, uint64_t at_ns);
/* The time on such a clock. */
uint64_t clock_wall_now(int clock);

/* What a CPU clock measures: a thread (*task, *process NULL) or a whole process.  Borrowed. */
int cpu_clock_target(struct task *t, int clock, struct task **task, struct process **process);
/* The CPU time of task, or else of process: in user mode and in the kernel on its behalf. */
uint64_t cpu_clock_ns(struct task *task, struct process *process);
#endif
