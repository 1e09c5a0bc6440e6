/*
 * zygote.c - the ancestor of all guests: a host process with nothing in it.
 *
 * A new guest space must be cheap and must hold nothing of the supervisor's.  So one child is made
 * at start, stripped of all that it inherited (memory, signal handlers, rseq, terminal signals),
 * given the stub, and kept in a ptrace stop for ever; every new space is a fork of it.  It shares
 * the supervisor's descriptor table, and so do all its descendants: a host descriptor can be mapped
 * into any guest by its number, with no need to pass it.
 *
 * There is no pool of prepared spaces: forking so empty a process, mapping three regions and
 * destroying it again takes 0.7 of a native fork and exit, and on one core there is no idle time to
 * prepare any in.
 *
 * All of that is done to it from outside, by orders through the stub; the child itself runs nothing
 * but a few instructions of zygote_spawn.  It dies with the supervisor from its first instruction
 * (PR_SET_PDEATHSIG), and its descendants by PTRACE_O_EXITKILL.
 */
#include "zygote.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "host_cpu.h"
#include "inject.h"
#include "regs.h"
#include "stub.h"
#include "thread.h"
#include "usermem.h"
#include "vthread.h"

#define ADDRESS_TOP 0x7ffffffff000UL
#define XSTATE_PKRU 9 /* the component's number */

long zygote_spawn(pid_t self, pid_t *between); /* stub_code.S */

struct vthread *zygote;

static const char zygote_name[] = "ukernel-guest";

/* Where the host put the vDSO and its data; guests inherit them in place. */
static int vdso_find(struct machine_info *info)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long lo, hi;

	if (maps == NULL)
		return -errno;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx", &lo, &hi) != 2)
			continue;
		if (strstr(line, "[vdso]") != NULL) {
			info->vdso_lo = lo;
			info->vdso_hi = hi;
		} else if (strstr(line, "[vvar") != NULL) { /* [vvar], [vvar_vclock] */
			info->vvar_lo = info->vvar_lo == 0 ? lo : info->vvar_lo;
			info->vvar_hi = hi;
		}
	}
	fclose(maps);
	return 0;
}

/* The host itself reads the time from the cycle counter: then it keeps step. */
static bool cycle_counter_is_time(void)
{
	static const char path[] =
	    "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	char name[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, name, sizeof(name) - 1);
	close(fd);
	return n > 0 && (strstr(name, "tsc") || strstr(name, "kvm-clock"));
}

static uaddr_t lowest_address(void)
{
	FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "re");
	unsigned long lo = 0;

	if (f != NULL) {
		if (fscanf(f, "%lu", &lo) != 1)
			lo = 0;
		fclose(f);
	}
	return lo < 0x10000 ? 0x10000 : (lo + PAGE_SIZE - 1) & PAGE_MASK;
}

static int zygote_seize(unsigned long options)
{
	pid_t between = 0;
	pid_t pid = (pid_t)zygote_spawn(getpid(), &between);
	int status, ret;

	if (pid < 0) {
		machine_fail("cannot start a process: %s", strerror(-pid));
		return pid;
	}
	waitpid(between, &status, __WALL);
	zygote = thread_adopt(pid, NULL, HOLD_NASCENT);
	if (zygote == NULL) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, __WALL);
		return -ENOMEM;
	}
	host_cpu_ordinary(pid);
	ret = host_ptrace(PTRACE_SEIZE, pid, 0, (void *)options);
	if (ret == 0)
		ret = host_ptrace(PTRACE_INTERRUPT, pid, 0, NULL);
	if (ret == 0)
		ret = thread_settle(zygote);
	if (ret < 0)
		machine_fail("ptrace is not allowed here (%s): see /proc/sys/kernel/yama/"
			     "ptrace_scope and the container's seccomp profile",
			     strerror(-ret));
	return ret;
}

static void order_add(size_t *n, uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	stub.orders[(*n)++] = (struct order){.nr = nr, .arg = {a, b, c, d}};
}

/* Own process group: ^C at the terminal is the supervisor's business alone.  Signals that someone
 * sends to guests' host pids stay blocked; SIGKILL and SIGSTOP cannot be, and are dealt with. */
static int zygote_reset_signals(void)
{
	size_t n = 0, done;

	for (int sig = 1; sig <= 64; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
			order_add(&n, SYS_rt_sigaction, sig, stub.zeroes, 0, 8);
	}
	order_add(&n, SYS_rt_sigaction, 32, stub.zeroes, 0, 8);
	order_add(&n, SYS_rt_sigaction, 33, stub.zeroes, 0, 8);
	order_add(&n, SYS_rt_sigprocmask, SIG_SETMASK, stub.ones, 0, 8);
	order_add(&n, SYS_setpgid, 0, 0, 0, 0);
	return inject_batch(zygote, n, &done);
}

static int zygote_rename(void)
{
	const uint64_t arg[6] = {PR_SET_NAME, (uaddr_t)zygote_name};
	long result;

	return inject_call(zygote, SYS_prctl, arg, &result);
}

/* The zygote still has our data section: a word to write and to read back. */
static int memory_access_check(void)
{
	static uint64_t word = 1;
	uint64_t there = 0, value = 2;

	if (mem_write(zygote, (uaddr_t)&word, &value, sizeof(value)) == sizeof(value) &&
	    mem_read(zygote, (uaddr_t)&word, &there, sizeof(there)) == sizeof(there) && there == 2)
		return 0;
	machine_fail("process_vm_readv and process_vm_writev are not allowed here: see the "
		     "container's seccomp profile");
	return -EPERM;
}

/* Forget everything but the stub and the vDSO. */
static int zygote_empty(const struct machine_info *info)
{
	uaddr_t keep[3][2] = {
	    {info->vvar_lo, info->vvar_hi},
	    {info->vdso_lo, info->vdso_hi},
	    {stub.base, stub.base + STUB_SIZE},
	};
	uaddr_t from = 0;
	size_t n = 0, done;

	for (;;) {
		uaddr_t lo = ADDRESS_TOP, hi = ADDRESS_TOP;

		for (int i = 0; i < 3; i++) { /* the next range to keep */
			if (keep[i][1] > from && keep[i][0] < lo) {
				lo = keep[i][0];
				hi = keep[i][1];
			}
		}
		if (lo > from)
			order_add(&n, SYS_munmap, from, lo - from, 0, 0);
		if (lo == ADDRESS_TOP)
			break;
		from = hi;
	}
	return inject_batch(zygote, n, &done);
}

/* Every new space starts with the zygote's x87 and vector registers.  They held ours: a new program
 * is to find them as the host's execve leaves them, and nothing of the supervisor's. */
static int zygote_clear_xstate(const struct machine_info *info)
{
	const uint32_t control = 0x37f, mxcsr = 0x1f80;
	uint32_t size = 0, at = 0, ignored, pkru = 0;
	const uint64_t in_use = 1ULL << XSTATE_PKRU;
	size_t len = info->xstate_size;
	char *area = malloc(len);
	int ret = area == NULL ? -ENOMEM : xstate_get(zygote, area, &len);

	/* Protection keys are not at their start when they are zero, but as the host has them. */
	if (ret == 0 && (info->xstate_features & in_use) &&
	    __get_cpuid_count(0xd, XSTATE_PKRU, &size, &at, &ignored, &ignored) && at >= 576 &&
	    at + sizeof(pkru) <= len)
		memcpy(&pkru, area + at, sizeof(pkru));
	else
		at = 0;
	if (ret == 0) {
		/* What the host says of the format (bytes 464 on, mxcsr_mask) stays. */
		memset(area, 0, 24);
		memset(area + 32, 0, 416 - 32);
		if (len > 512)
			memset(area + 512, 0, len - 512); /* no component in use */
		memcpy(area, &control, 2);
		memcpy(area + 24, &mxcsr, 4);
		if (at != 0) {
			memcpy(area + 512, &in_use, sizeof(in_use));
			memcpy(area + at, &pkru, sizeof(pkru));
		}
		ret = xstate_set(zygote, area, len);
	}
	free(area);
	return ret;
}

/* When memory runs out the host should take a guest, not the kernel of them all. */
static void zygote_offer_to_oom_killer(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)zygote->host_pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "300", 3) < 0)
		errno = 0; /* a wish, not a need */
	close(fd);
}

/* Every file that a guest has open is a descriptor of the supervisor's. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void info_fill(struct machine_info *info)
{
	cpu_set_t cpus;

	info->stub_lo = stub.lo;
	info->stub_hi = stub.base + STUB_SIZE;
	info->user_lo = lowest_address();
	info->user_hi = info->stub_hi == ADDRESS_TOP ? info->stub_lo : ADDRESS_TOP;
	info->host_cpus = 1;
	info->cycles_are_time = cycle_counter_is_time();
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		info->host_cpus = (uint32_t)CPU_COUNT(&cpus);
}

int zygote_start(const struct zygote_config *config, struct machine_info *info)
{
	int ret;

	memset(info, 0, sizeof(*info));
	ret = vdso_find(info);
	if (ret == 0)
		ret = stub_init(info->vdso_lo < info->vvar_lo ? info->vdso_lo : info->vvar_lo,
				info->vdso_hi > info->vvar_hi ? info->vdso_hi : info->vvar_hi,
				config->room);
	if (ret < 0) {
		machine_fail("cannot prepare the stub pages: %s", strerror(-ret));
		return ret;
	}
	ret = zygote_seize(config->ptrace_options);
	if (ret < 0)
		goto out;
	machine_fail("cannot prepare the first guest process");
	ret = stub_map(zygote);
	if (ret == 0)
		ret = zygote_reset_signals();
	if (ret == 0)
		ret = zygote_rename();
	if (ret == 0)
		ret = memory_access_check();
	if (ret == 0 && config->prepare != NULL)
		ret = config->prepare(zygote);
	if (ret == 0)
		ret = zygote_empty(info);
	if (ret == 0)
		ret = xstate_probe(zygote, info);
	if (ret == 0)
		ret = zygote_clear_xstate(info);
	if (ret < 0)
		goto out;
	zygote_offer_to_oom_killer();
	descriptors_raise();
	host_cpu_short_slice();
	info_fill(info);
	return 0;
out:
	zygote_stop();
	return ret;
}

/* The threads' own list destroys the process; threads_fini() comes after. */
void zygote_stop(void)
{
	zygote = NULL;
	stub_fini();
}
