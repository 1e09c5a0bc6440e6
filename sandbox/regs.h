/*
 * regs.h - the registers of a held thread.
 */
#ifndef SANDBOX_REGS_H
#define SANDBOX_REGS_H

#include "machine.h"

struct vthread;

#define REGS_RESULT   (2 * 8)  /* r15, r14: where the stub leaves results */
#define REGS_TO_FLAGS (19 * 8) /* r15..eflags: all that the stub disturbs */
#define REGS_GENERAL  (20 * 8) /* r15..rsp */
#define GUEST_CS      0x33
#define GUEST_DS      0x2b
int regs_load(struct vthread *th);  /* fill the cache; th in a ptrace stop */
int regs_flush(struct vthread *th); /* make the host's registers as the kernel wants them */
int regs_get(struct vthread *th, struct regs *out);
int regs_set(struct vthread *th, const struct regs *in);
int xstate_get(struct vthread *th, void *buf, size_t *len);
int xstate_set(struct vthread *th, const void *buf, size_t len);
void regs_set_result(struct vthread *th, int64_t result);
void regs_forget(struct vthread *th); /* it runs, or has just stopped: the cache is stale */
int xstate_probe(struct vthread *th, struct machine_info *info);

#endif
