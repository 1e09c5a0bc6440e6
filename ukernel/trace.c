/*
 * trace.c - --trace and --count: what the guests' system calls look like from outside.
 */
#include "trace.h"

bool trace_on;

int trace_init(const struct boot_config *config)
{
	return 0;
}

void trace_finish(void)
{
}

void trace_enter(struct task *t)
{
}

void trace_exit(struct task *t, long result)
{
}

void trace_signal(struct task *t, int sig, const struct abi_siginfo *info)
{
}

void trace_stop(struct task *t, int sig)
{
}

void trace_task_end(struct task *t, int status)
{
}
