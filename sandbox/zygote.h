/*
 * zygote.h - the empty process that all guests descend from.
 */
#ifndef SANDBOX_ZYGOTE_H
#define SANDBOX_ZYGOTE_H

#include "machine.h"

struct vthread;

struct zygote_config {
	/* called when the zygote is ready but for its own old memory; may inject (seccomp) */
	int (*prepare)(struct vthread *zygote);
	unsigned long ptrace_options;
	size_t room; /* bytes of address space to keep free below the stub */
};
int zygote_start(const struct zygote_config *config, struct machine_info *info);
void zygote_stop(void);
extern struct vthread *zygote;

#endif
