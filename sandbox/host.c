/*
 * host.c - host calls in the kernel's manner: a negative errno instead of -1 and errno; and the
 * one place that keeps the reason why a machine could not start, in words for the user.
 */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ptrace.h>

#include "sandbox.h"

static char last_error[256];

void machine_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
}

const char *machine_init_error(void)
{
	return last_error;
}

long host_ptrace(int request, pid_t pid, unsigned long addr, void *data)
{
	return host_result(ptrace(request, pid, (void *)addr, data));
}
