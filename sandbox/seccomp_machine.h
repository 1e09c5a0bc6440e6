/*
 * seccomp_machine.h - the quick machine, for the probe and for the one that builds on it (turbo.c).
 */
#ifndef SANDBOX_SECCOMP_MACHINE_H
#define SANDBOX_SECCOMP_MACHINE_H

#include "machine.h"

extern bool seccomp_sync_wake_up;

/* The ops of that name; start() is init() with some address space kept free below the stub. */
int seccomp_start(const struct machine_config *config, struct machine_info *info, size_t room);
void seccomp_fini(void);
void seccomp_destroy(struct vthread *th);
/* Answer a notification on the spot. */
bool seccomp_reply(uint64_t id, int64_t result);
int seccomp_resume(struct vthread *th, int vcpu);
/* Before a sleep: has the thread that was resumed from a stop come to the next one at once? */
bool seccomp_yield_and_look(struct event *out);
int seccomp_wait(struct event *out, bool block);

#endif
