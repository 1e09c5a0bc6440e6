/*
 * follow.c - changes to an address space that a thread makes on its way back from its own call.
 *
 * An mmap() traps as a stop before the host has done anything.  Instead of sending the thread to
 * the stub, waiting for its int3 and sending it back, the arguments in its registers are replaced
 * by the kernel's and it is let go: the host makes the call, and the thread returns by way of a few
 * instructions of the stub that compare the result with what must come and put the guest's own
 * registers back, out of a slot of this thread's that guests can only read.  A stop, and half of
 * the host calls, are saved.
 *
 * The kernel has been told that the change is made, so nothing may be able to see that it is not
 * yet: only a space with one thread qualifies, vm_settle() makes the change at once when something
 * else is done first, and the host must have no reason to refuse.  Should it do so in spite (no
 * memory), the call is reported a second time.
 */
#include "follow.h"

#include <elf.h>
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "host.h"
#include "regs.h"
#include "stub.h"
#include "trap.h"
#include "vthread.h"

#define EFLAGS_TF     0x100UL
#define ANONYMOUS_MAX (64UL << 20)
#define XFS_MAGIC     0x58465342
#ifndef ST_NOEXEC
#define ST_NOEXEC 8
#endif

/* In the order in which stub_code.S reads them. */
struct slot {
	uint64_t rdi, rsi, rdx, r10, r8, r9;
	uint64_t minus_expected; /* the host's result, negated */
	uint64_t result;	 /* what the guest's call returns */
	uint64_t rip, eflags;
	uint64_t unused[6];
};
_Static_assert(sizeof(struct slot) == STUB_SLOT_SIZE, "as stub_init() made them");

static bool allowed;

/* A host that limits or accounts memory strictly may refuse what is in order. */
void follow_init(void)
{
	struct rlimit as, data;
	FILE *f = fopen("/proc/sys/vm/overcommit_memory", "re");
	int mode = 2;

	if (f != NULL && fscanf(f, "%d", &mode) != 1)
		mode = 2;
	if (f != NULL)
		fclose(f);
	allowed = mode != 2 && getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur == RLIM_INFINITY &&
		  getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur == RLIM_INFINITY;
}

static struct slot *slot_of(struct vthread *th)
{
	static unsigned next;
	const unsigned n = STUB_SLOTS_SIZE / STUB_SLOT_SIZE;

	/* Round and round: it is needed for some instructions only, and whose it is stands there.
	 */
	if (th->follow_slot == 0) {
		for (unsigned i = 0; i < n; i++) {
			next = (next + 1) % n;
			if (stub.slot_owner[next] == NULL) {
				stub.slot_owner[next] = th;
				th->follow_slot = next + 1;
				break;
			}
		}
	}
	return th->follow_slot != 0 ? (struct slot *)stub.slots + th->follow_slot - 1 : NULL;
}

static bool file_harmless(int host_fd, int prot)
{
	struct statfs s;

	if (fstatfs(host_fd, &s) < 0)
		return false;
	if ((prot & PROT_EXEC) && (s.f_flags & ST_NOEXEC))
		return false;
	return s.f_type == EXT4_SUPER_MAGIC || s.f_type == XFS_MAGIC ||
	       s.f_type == BTRFS_SUPER_MAGIC || s.f_type == OVERLAYFS_SUPER_MAGIC ||
	       s.f_type == TMPFS_MAGIC;
}

static bool op_harmless(const struct vm_op *op)
{
	const int flags = MAP_PRIVATE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS |
			  MAP_NORESERVE | MAP_STACK | MAP_DENYWRITE | MAP_EXECUTABLE;

	if (op->kind == VM_PROTECT)
		return !(op->prot & PROT_EXEC) && op->len <= ANONYMOUS_MAX;
	if (op->kind != VM_MAP || (op->flags & ~flags) || (op->flags & MAP_TYPE) != MAP_PRIVATE)
		return false;
	if (op->host_fd < 0)
		return !(op->prot & PROT_EXEC) && op->len <= ANONYMOUS_MAX;
	return file_harmless(op->host_fd, op->prot);
}

bool follow_may(const struct vthread *th, const struct vm_op *op)
{
	const uint64_t nr = th->regs.orig_rax;

	if (!allowed || th->hold != HOLD_STOPPED || !th->call_open || th->shared ||
	    th->follow_never || !th->regs_valid || th->dirt == DIRT_ALL)
		return false;
	if (th->regs.cs != GUEST_CS || (th->regs.eflags & EFLAGS_TF))
		return false;
	if (op->kind == VM_MAP ? nr != SYS_mmap && nr != SYS_brk : nr != SYS_mprotect)
		return false;
	return op_harmless(op);
}

int follow_enter(struct vthread *th, const struct order *o)
{
	struct slot *s = slot_of(th);
	struct regs r = th->regs;
	struct iovec part = {&r, REGS_GENERAL};
	int ret;

	if (s == NULL)
		return -EAGAIN;
	*s = (struct slot){
	    .rdi = r.rdi,
	    .rsi = r.rsi,
	    .rdx = r.rdx,
	    .r10 = r.r10,
	    .r8 = r.r8,
	    .r9 = r.r9,
	    .minus_expected = o->nr == SYS_mmap ? -o->arg[0] : 0,
	    .result = (uint64_t)th->result,
	    .rip = r.rip,
	    .eflags = r.eflags,
	};
	th->follow_nr = (uint32_t)r.orig_rax;
	r.orig_rax = o->nr;
	r.rdi = o->arg[0];
	r.rsi = o->arg[1];
	r.rdx = o->arg[2];
	r.r10 = o->arg[3];
	r.r8 = o->arg[4];
	r.r9 = o->arg[5];
	r.r11 = stub.slots_at + (uaddr_t)(th->follow_slot - 1) * STUB_SLOT_SIZE;
	r.rip = stub.follow;
	ret = host_ptrace(PTRACE_SETREGSET, th->host_pid, NT_PRSTATUS, &part);
	if (ret == 0)
		th->following = true;
	return ret;
}

void follow_wipe(struct vthread *th)
{
	if (th->follow_slot != 0)
		memset((struct slot *)stub.slots + th->follow_slot - 1, 0, STUB_SLOT_SIZE);
}

/* As the guest shall see them, but for rax. */
static void registers_restore(struct vthread *th, const struct slot *s)
{
	struct regs *r = &th->regs;

	r->rdi = s->rdi;
	r->rsi = s->rsi;
	r->rdx = s->rdx;
	r->r10 = s->r10;
	r->r8 = s->r8;
	r->r9 = s->r9;
	r->rip = r->rcx = s->rip;
	r->r11 = s->eflags;
	r->orig_rax = (uint64_t)-1;
	th->dirt = th->regs.cs == GUEST_CS ? DIRT_GENERAL : DIRT_ALL;
}

void follow_unwind(struct vthread *th)
{
	const struct slot *s = (struct slot *)stub.slots + th->follow_slot - 1;
	struct regs *r = &th->regs;
	/* Behind the int3 is where those go, too, who come by with what was expected. */
	bool undecided = r->rip >= stub.follow && r->rip <= stub.follow_good;

	th->following = false;
	if (r->rip >= stub.follow && r->rip < stub.follow_end) {
		th->follow_refused = undecided && r->rax + s->minus_expected != 0;
		registers_restore(th, s);
		if (!th->follow_refused)
			r->rax = s->result;
	}
	follow_wipe(th);
}

bool follow_failed(struct vthread *th, struct event *out)
{
	th->follow_refused = false;
	if (th->follow_nr == SYS_brk) {
		kill(th->host_pid, SIGKILL); /* a second one would believe in the first */
		return false;
	}
	th->follow_never = true;
	th->regs.orig_rax = th->follow_nr;
	th->regs.rax = (uint64_t)-ENOSYS;
	trap_syscall_fill(th, out);
	return true;
}
