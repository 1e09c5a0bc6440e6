/*
 * turbo.c - the quickest machine: seccomp's, with call sites rewritten and mailboxes.
 */
#include "turbo.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "events.h"
#include "host.h"
#include "inject.h"
#include "regs.h"
#include "sandbox.h"
#include "seccomp_machine.h"
#include "stub.h"
#include "thread.h"
#include "trap.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"
#include "zygote.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define LOW_SIZE (TURBO_PUBLISHED - TURBO_SLOTS) /* what all spaces share there */

extern const char turbo_stub[], turbo_stub_end[], turbo_stub_entry[];

struct turbo turbo = {.trampolines_fd = -1};

static int low_fd = -1, code_fd = -1;
static void *low_view;

/* A memfd of that size and our view of it. */
static int shared_make(const char *name, size_t size, int *fd, void **view)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
	if (*fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)size) < 0)
		return -errno;
	if (view == NULL)
		return 0;
	*view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (*view != MAP_FAILED)
		return 0;
	*view = NULL;
	return -errno;
}

static int shared_make_all(void)
{
	size_t len = turbo_stub_end - turbo_stub;
	void *view;
	int ret = shared_make("ukernel-low", LOW_SIZE, &low_fd, &low_view);

	turbo.slots = low_view;
	if (ret == 0)
		ret = shared_make("ukernel-trampolines", TURBO_TRAMPOLINES_SIZE,
				  &turbo.trampolines_fd, &view);
	if (ret < 0)
		return ret;
	turbo.trampolines_view = view;
	ret = shared_make("ukernel-turbo", TURBO_CODE_SIZE, &code_fd, NULL);
	if (ret == 0 && pwrite(code_fd, turbo_stub, len, 0) != (ssize_t)len)
		ret = -errno;
	return ret;
}

static int zygote_map(uaddr_t at, size_t len, int prot, int fd)
{
	const uint64_t arg[6] = {at, len, (uint64_t)prot, MAP_SHARED | MAP_FIXED, (uint64_t)fd, 0};
	long result = 0;
	int ret = inject_call(zygote, SYS_mmap, arg, &result);

	return ret == 0 && (unsigned long)result >= -4095UL ? (int)result : ret;
}

/* Into the zygote, from where all spaces inherit it. */
static int shared_map_all(void)
{
	int ret = zygote_map(TURBO_LOW, LOW_SIZE, PROT_READ, low_fd);

	if (ret == 0)
		ret = zygote_map(turbo.trampolines, TURBO_TRAMPOLINES_SIZE, PROT_READ | PROT_EXEC,
				 turbo.trampolines_fd);
	if (ret == 0)
		ret = zygote_map(turbo.code, TURBO_CODE_SIZE, PROT_READ | PROT_EXEC, code_fd);
	return ret;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void shared_fini(void)
{
	if (low_view != NULL)
		munmap(low_view, LOW_SIZE);
	if (turbo.trampolines_view != NULL)
		munmap(turbo.trampolines_view, TURBO_TRAMPOLINES_SIZE);
	fd_close(&low_fd);
	fd_close(&code_fd);
	fd_close(&turbo.trampolines_fd);
	low_view = NULL;
	turbo = (struct turbo){.trampolines_fd = -1};
}

static void turbo_fini(void)
{
	seccomp_fini();
	shared_fini();
	vm_low_lo = vm_low_hi = 0;
}

static int turbo_init(const struct machine_config *config, struct machine_info *info)
{
	int ret = seccomp_start(config, info, TURBO_ROOM);

	if (ret < 0)
		return ret;
	turbo.code = stub.base - TURBO_CODE_SIZE;
	turbo.trampolines = turbo.code - TURBO_TRAMPOLINES_SIZE;
	turbo.boxes = turbo.trampolines - TURBO_BOXES_SIZE;
	turbo.entry = turbo.code + (turbo_stub_entry - turbo_stub);
	info->low_lo = vm_low_lo = TURBO_LOW;
	info->low_hi = vm_low_hi = TURBO_LOW_END;
	ret = info->user_lo > TURBO_LOW ? -EACCES : shared_make_all();
	if (ret == 0)
		ret = shared_map_all();
	if (ret < 0) {
		machine_fail("cannot map the pages for rewritten calls (vm.mmap_min_addr is %#lx): %s",
			     info->user_lo, strerror(-ret));
		turbo_fini();
	}
	return ret;
}

const struct machine_ops turbo_machine = {
    .name = "turbo",
    .init = turbo_init,
    .fini = turbo_fini,
    .space_create = space_create,
    .space_clone = space_clone,
    .thread_clone = thread_clone,
    .thread_destroy = seccomp_destroy,
    .vm_apply = vm_apply,
    .mem_read = mem_read,
    .mem_write = mem_write,
    .mem_cmpxchg = inject_cmpxchg,
    .mem_resident = mem_resident,
    .mem_pages = mem_pages,
    .regs_get = regs_get,
    .regs_set = regs_set,
    .xstate_get = xstate_get,
    .xstate_set = xstate_set,
    .set_result = regs_set_result,
    .resume = seccomp_resume,
    .stop = thread_interrupt,
    .wait = seccomp_wait,
    .clock_ns = clock_ns,
    .cpu_ns = thread_cpu_ns,
    .tick_arm = tick_arm,
    .alarm_set = alarm_set,
    .fd_watch = fd_watch,
    .fd_unwatch = fd_unwatch,
};
