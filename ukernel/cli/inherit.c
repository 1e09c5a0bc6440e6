/*
 * inherit.c - what a program has from who starts it: limits, umask, nice value and ignored signals.
 * To be asked before the machine starts, which changes ours.
 */
#include "cli.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct inheritance *inherit_from_caller(void)
{
	static struct inheritance got;

	got.umask = umask(0);
	umask(got.umask);
	got.nice = getpriority(PRIO_PROCESS, 0);
	for (int sig = 1; sig <= 64; sig++) {
		struct {
			void *handler;
			unsigned long flags, restorer, mask;
		} action; /* as the host has it: the C library hides two signals */

		if (syscall(SYS_rt_sigaction, sig, NULL, &action, sizeof(action.mask)) == 0 &&
		    action.handler == (void *)SIG_IGN)
			got.ignored |= 1UL << (sig - 1);
	}
	for (int i = 0; i < RLIMIT_NLIMITS; i++) {
		struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

		getrlimit((__rlimit_resource_t)i, &limit);
		got.rlimit[i].cur = limit.rlim_cur;
		got.rlimit[i].max = limit.rlim_max;
	}
	return &got;
}
