/*
 * sysinfo.c - sysinfo(2) and syslog(2): what the system says about itself.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <sys/sysinfo.h>

_Static_assert(sizeof(struct abi_sysinfo) == 112, "struct sysinfo");

#define SYSLOG_ACTION_LAST 10
#define CAP_SYSLOG_BIT	   34

long sys_sysinfo(struct task *t, uaddr_t info)
{
	struct abi_sysinfo out = {.mem_unit = 1};
	struct sysinfo host;

	if (sysinfo(&host) != 0)
		return -errno;
	out.uptime = (int64_t)((time_boot_ns() + 999999999) / 1000000000);
	out.totalram = (uint64_t)host.totalram * host.mem_unit;
	out.freeram = (uint64_t)host.freeram * host.mem_unit;
	out.bufferram = (uint64_t)host.bufferram * host.mem_unit;
	if (memory_max && memory_max < out.totalram) {
		out.totalram = memory_max;
		out.bufferram = 0;
		if (out.freeram > memory_max)
			out.freeram = memory_max;
	}
	out.procs = (uint16_t)task_count();
	return put_user(t, out, info);
}

/* There is no kernel ring buffer for guests: as a host with dmesg_restrict looks to a user. */
long sys_syslog(struct task *t, int type, uaddr_t buf, int len)
{
	bool bad = type < 0 || type > SYSLOG_ACTION_LAST;

	return bad && cred_capable(t->cred, CAP_SYSLOG_BIT) ? -EINVAL : -EPERM;
}
