/*
 * peak.h - how much memory the dead had resident at most.
 */
#ifndef SANDBOX_PEAK_H
#define SANDBOX_PEAK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct vthread;

/* As machine.h has them. */
uint64_t peak_ticket(struct vthread *th);
bool peak_take(uint64_t *ticket, uint64_t *bytes, bool all);

void peak_await(struct vthread *th); /* th is being destroyed */
void peak_learn(pid_t host_pid, const struct rusage *usage);
void peaks_forget(void);

#endif
