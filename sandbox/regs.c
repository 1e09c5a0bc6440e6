/*
 * regs.c - the registers of a held thread.
 *
 * The cache in struct vthread is what the guest shall see; `dirt` says how far the host's own
 * copy differs from it (because the kernel wrote, or because an injection used the registers).
 * Reading costs one host call per trap and only if someone asks; writing happens once, at
 * resume().  A system call that only returns a number never loads the cache at all.
 *
 * orig_rax is what the kernel sees at a system call, but it is always written to the host as -1:
 * otherwise the host would take a result that looks like one of its internal restart codes for
 * its own, and wind the guest back.
 */
#include "regs.h"

#include <cpuid.h>
#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "carry.h"
#include "follow.h"
#include "host.h"
#include "thread.h"
#include "vthread.h"

#define RESTART_CALL (-512) /* the host's ERESTARTSYS */
#define SYSCALL_LEN  2	    /* bytes, of `int $0x80` too */

_Static_assert(sizeof(struct regs) == sizeof(struct user_regs_struct), "same layout");
_Static_assert(offsetof(struct regs, r14) + 8 == REGS_RESULT, "r14");
_Static_assert(offsetof(struct regs, eflags) + 8 == REGS_TO_FLAGS, "eflags");
_Static_assert(offsetof(struct regs, rsp) + 8 == REGS_GENERAL, "rsp");

int regs_load(struct vthread *th)
{
	long ret;

	if (th->regs_valid)
		return 0;
	/* GETREGS, not GETREGSET: that one changes its layout when the guest has jumped to
	 * 32-bit code. */
	ret = host_ptrace(PTRACE_GETREGS, th->host_pid, 0, &th->regs);
	if (ret < 0)
		return ret;
	th->regs_valid = true;
	th->dirt = DIRT_NONE;
	if (th->following)
		follow_unwind(th);
	if (th->own_gs != 0 && th->regs.gs_base == th->own_gs)
		th->regs.gs_base = 0; /* as the guest has left it */
	/* Stopped on its way into a notification, which is cancelled: the host would restart the
	 * call when the thread goes on.  Show it, and let it go on, before the call. */
	if ((int64_t)th->regs.rax == RESTART_CALL && (int64_t)th->regs.orig_rax >= 0) {
		th->regs.rip -= SYSCALL_LEN;
		th->regs.rax = th->regs.orig_rax;
		th->regs.orig_rax = (uint64_t)-1;
		th->dirt = th->regs.cs == GUEST_CS ? DIRT_GENERAL : DIRT_ALL;
	}
	if (th->result_set)
		th->regs.rax = (uint64_t)th->result;
	return 0;
}

static int regs_store(struct vthread *th)
{
	struct regs host = th->regs;
	struct iovec part = {&host, REGS_GENERAL};

	host.orig_rax = (uint64_t)-1;
	if (th->own_gs != 0 && host.gs_base == 0)
		host.gs_base = th->own_gs;
	/* The short form needs the 64-bit layout, thus a host cs that is 64-bit. */
	if (th->dirt == DIRT_GENERAL)
		return host_ptrace(PTRACE_SETREGSET, th->host_pid, NT_PRSTATUS, &part);
	return host_ptrace(PTRACE_SETREGS, th->host_pid, 0, &host);
}

void regs_forget(struct vthread *th)
{
	th->dirt = DIRT_NONE;
	th->result_set = false;
	th->regs_valid = false;
	th->call_open = false;
	th->answer_owed = false;
	th->carry.open = false;
}

static long regs_poke(struct vthread *th, size_t offset, int64_t value)
{
	return host_ptrace(PTRACE_POKEUSER, th->host_pid, offset, (void *)value);
}

int regs_flush(struct vthread *th)
{
	long ret = 0;

	if (th->dirt != DIRT_NONE) {
		ret = regs_store(th);
	} else if (th->call_open && th->regs_valid && th->regs.cs == GUEST_CS) {
		if (!th->result_set)
			th->regs.rax = (uint64_t)-ENOSYS;
		th->dirt = DIRT_GENERAL;
		ret = regs_store(th);
	} else {
		if (th->call_open)
			ret = regs_poke(th, offsetof(struct regs, orig_rax), -1);
		if (ret == 0 && (th->result_set || th->call_open))
			ret = regs_poke(th, offsetof(struct regs, rax),
					th->result_set ? th->result : -ENOSYS);
	}
	if (ret == 0)
		regs_forget(th);
	return ret;
}

int regs_get(struct vthread *th, struct regs *out)
{
	int ret;

	if (carry_regs_get(th, out))
		return 0;
	ret = thread_settle(th);
	if (ret == 0)
		ret = regs_load(th);
	if (ret == 0)
		*out = th->regs;
	return ret;
}

/* Selectors and bases that the host would refuse end as -EIO here, before anything changed. */
static bool regs_acceptable(const struct regs *in)
{
	const uint64_t top = 0x7ffffffff000UL;

	if (in->fs_base >= top || in->gs_base >= top)
		return false;
	return (in->cs & 3) == 3 && (in->ss & 3) == 3 && in->cs <= 0xffff && in->ss <= 0xffff;
}

int regs_set(struct vthread *th, const struct regs *in)
{
	bool far;
	int ret;

	if (carry_regs_set(th, in))
		return 0;
	ret = thread_settle(th);
	if (ret < 0)
		return ret;
	if (!regs_acceptable(in))
		return -EIO;
	th->result_set = false;
	/* Most changes leave segments and bases alone; those are the costly ones to store. */
	ret = regs_load(th);
	if (ret < 0)
		return ret;
	far = th->regs.cs != GUEST_CS || in->cs != GUEST_CS ||
	      memcmp(&th->regs.ss, &in->ss, sizeof(*in) - offsetof(struct regs, ss)) != 0;
	if (far)
		th->dirt = DIRT_ALL;
	else if (th->dirt == DIRT_NONE)
		th->dirt = DIRT_GENERAL;
	th->regs = *in;
	return 0;
}

void regs_set_result(struct vthread *th, int64_t result)
{
	/* The host's private restart codes never reach a guest; see the file's head. */
	if (result <= -512 && result >= -516)
		result = -EINTR;
	th->result = result;
	th->result_set = true;
	if (th->regs_valid)
		th->regs.rax = (uint64_t)result;
	if (th->carry.open && th->carry.set)
		th->carry.regs.rax = (uint64_t)result;
}

int xstate_get(struct vthread *th, void *buf, size_t *len)
{
	struct iovec area = {buf, *len};
	long ret;

	if (carry_xstate_get(th, buf, len))
		return 0;
	ret = thread_settle(th);
	if (ret == 0)
		ret = host_ptrace(PTRACE_GETREGSET, th->host_pid, NT_X86_XSTATE, &area);
	if (ret < 0)
		return ret;
	*len = area.iov_len;
	return 0;
}

int xstate_set(struct vthread *th, const void *buf, size_t len)
{
	struct iovec area = {(void *)buf, len};
	int carried;
	long ret;

	if (carry_xstate_set(th, buf, len, &carried))
		return carried;
	ret = thread_settle(th);
	if (ret < 0)
		return ret;
	ret = host_ptrace(PTRACE_SETREGSET, th->host_pid, NT_X86_XSTATE, &area);
	return ret == -EFAULT ? -EINVAL : ret; /* the host's word for a wrong size or content */
}

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/* How large the area is depends on the CPU and the host kernel: ask, with room to spare. */
int xstate_probe(struct vthread *th, struct machine_info *info)
{
	size_t room = 64 * 1024;
	void *buf = malloc(room);
	uint32_t eax, ebx, ecx = 0, edx;
	int ret;

	if (buf == NULL)
		return -ENOMEM;
	ret = xstate_get(th, buf, &room);
	free(buf);
	if (ret < 0)
		return ret;
	info->xstate_size = room;
	info->xstate_features = 3; /* x87 and SSE, where there is no XSAVE */
	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_OSXSAVE))
		info->xstate_features = read_xcr0();
	return 0;
}
