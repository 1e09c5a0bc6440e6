/*
 * host.h - host calls in the manner of the kernel, and the reason of a failure in words.
 */
#ifndef SANDBOX_HOST_H
#define SANDBOX_HOST_H

#include <errno.h>
#include <sys/types.h>

static inline long host_result(long ret)
{
	return ret < 0 ? -errno : ret;
}
void machine_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
long host_ptrace(int request, pid_t pid, unsigned long addr, void *data); /* -errno */

#endif
