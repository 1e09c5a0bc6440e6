/*
 * probe.c - which machines there are, which of them starts on this host, and what else a host has
 * or lacks that a user may want to know.
 *
 * Nothing is concluded from version numbers: a container may forbid what its kernel could do.  A
 * machine is tried by starting it, in a child, so that whatever it leaves behind goes with it.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "host.h"
#include "host_cpu.h"
#include "seccomp_machine.h"

/* The best first: this is the order of "auto". */
static const struct machine_ops *const machines[] = {
    &turbo_machine,
    &seccomp_machine,
    &ptrace_machine,
    NULL,
};

const struct machine_ops *const *machine_list(void)
{
	return machines;
}

const struct machine_ops *machine_find(const char *name)
{
	for (int i = 0; machines[i] != NULL; i++) {
		if (strcmp(machines[i]->name, name) == 0)
			return machines[i];
	}
	return NULL;
}

const struct machine_ops *machine_start(const char *name, const struct machine_config *config,
					struct machine_info *info, int *error)
{
	*error = -ENODEV;
	machine_fail("there is no machine called %s", name);
	for (int i = 0; machines[i] != NULL; i++) {
		if (strcmp(name, "auto") != 0 && strcmp(name, machines[i]->name) != 0)
			continue;
		*error = machines[i]->init(config, info);
		if (*error == 0)
			return machines[i];
	}
	return NULL;
}

static long number_in_file(const char *path, long otherwise)
{
	FILE *f = fopen(path, "re");
	long value;

	if (f == NULL)
		return otherwise;
	if (fscanf(f, "%ld", &value) != 1)
		value = otherwise;
	fclose(f);
	return value;
}

/* In a child: start the machine, note what came of it in the shared page. */
static void machine_try(const struct machine_ops *m, struct host_probe *probe, int slot)
{
	struct machine_config config = {.cpus = 1, .tick_ns = 4000000};
	struct machine_info info;
	uint64_t start = clock_ns(CLOCK_OF_TICKS);
	int ret = m->init(&config, &info);

	probe->machine[slot].error = ret;
	probe->machine[slot].start_us = (unsigned)((clock_ns(CLOCK_OF_TICKS) - start) / 1000);
	if (ret < 0) {
		snprintf(probe->machine[slot].reason, sizeof(probe->machine[slot].reason), "%s",
			 machine_init_error());
		return;
	}
	probe->xstate_size = info.xstate_size;
	probe->mmap_min = info.user_lo;
	probe->notify_sync_wake_up |= m == &seccomp_machine && seccomp_sync_wake_up;
	m->fini();
}

/* In a child, because it cannot be undone by everyone. */
static void rights_try(struct host_probe *probe)
{
	struct sched_param param = {.sched_priority = 1};

	probe->ptrace_allowed = ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
	probe->short_slice = host_cpu_short_slice();
	probe->realtime = sched_setscheduler(0, SCHED_FIFO, &param) == 0;
}

static void in_child(struct host_probe *probe, int slot)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (slot < 0)
			rights_try(probe);
		else
			machine_try(machines[slot], probe, slot);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static void probe_files(struct host_probe *probe)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	probe->yama_scope = (int)number_in_file("/proc/sys/kernel/yama/ptrace_scope", -1);
	probe->max_map_count = number_in_file("/proc/sys/vm/max_map_count", 65530);
	probe->smt = number_in_file("/sys/devices/system/cpu/smt/active", 0) != 0;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "[vsyscall]") != NULL)
			probe->vsyscall = true;
	}
	if (maps != NULL)
		fclose(maps);
}

static void probe_limits(struct host_probe *probe)
{
	struct rlimit limit;
	struct utsname uts;
	cpu_set_t cpus;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		probe->nofile_soft = limit.rlim_cur;
		probe->nofile_hard = limit.rlim_max;
	}
	if (getrlimit(RLIMIT_NPROC, &limit) == 0)
		probe->nproc = limit.rlim_cur;
	if (uname(&uts) == 0)
		snprintf(probe->kernel, sizeof(probe->kernel), "%s", uts.release);
	probe->cpus = 1;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		probe->cpus = CPU_COUNT(&cpus);
}

/* The host checks flags before the program: EFAULT means that it knows them. */
static bool seccomp_flag_known(unsigned flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

void host_probe(struct host_probe *probe)
{
	struct host_probe *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(probe, 0, sizeof(*probe));
	if (shared == MAP_FAILED)
		return;
	for (int i = 0; machines[i] != NULL; i++) {
		shared->machine[i].name = machines[i]->name;
		shared->machine[i].error = -ECHILD; /* unless the child says otherwise */
		in_child(shared, i);
	}
	in_child(shared, -1);
	*probe = *shared;
	munmap(shared, sizeof(*shared));
	probe_files(probe);
	probe_limits(probe);
	probe->notify_known = seccomp_flag_known(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	probe->notify_wait_killable = seccomp_flag_known(SECCOMP_FILTER_FLAG_NEW_LISTENER |
							 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

const struct machine_ops *machine_choose(const struct host_probe *probe, char *why, size_t len)
{
	char ignored[1];
	int i;

	if (why == NULL) {
		why = ignored;
		len = sizeof(ignored);
	}
	for (i = 0; machines[i] != NULL; i++) {
		if (probe->machine[i].error != 0)
			continue;
		if (i == 0)
			snprintf(why, len, "it starts here and is the quickest");
		else
			snprintf(why, len, "the quicker %s does not start here: %s",
				 machines[0]->name, probe->machine[0].reason);
		return machines[i];
	}
	if (probe->yama_scope == 3)
		snprintf(why, len,
			 "ptrace is switched off on this host (yama scope 3): set "
			 "kernel.yama.ptrace_scope to 0..2 and boot again");
	else
		snprintf(why, len, "%s", probe->machine[i - 1].reason);
	return NULL;
}
