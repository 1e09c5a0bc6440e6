/*
 * filter.c - the seccomp program that every guest runs under: the trap table of this machine.
 *
 *	foreign ABI (32-bit entry), x32 numbers		notification
 *	sched_yield from turbo's stub page		allowed
 *	from the stub page, with the secret		allowed: an order of ours
 *	needs registers or its own address space	trace stop, so that both are at hand
 *	all else					notification
 *
 * Nothing is ever allowed by its number or address alone.  Guest code can jump to the stub's
 * `syscall` with any registers, so what is allowed there must be harmless by its arguments: the
 * few calls that orders use must carry a secret of 64 random bits that only the supervisor, this
 * program and the registers of a thread under order ever hold.  It rides where the host does not
 * look: in the unused sixth argument, or for mmap, which has six, in the upper halves of flags and
 * fd (both are ints to the host).  A wrong guess is a trap like any other.
 *
 * The host itself exempts two calls from every filter: uretprobe (335) and uprobe (336), which do
 * nothing outside their own trampolines but raise SIGILL (see trap.c) or return ENXIO.
 *
 * libseccomp builds the search tree for the trace stops.  It cannot match on the instruction
 * pointer or on half arguments, so the first part is written by hand and put before its program,
 * which is sound because jumps in BPF are relative and forward.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"
#include "stub.h"
#include "turbo.h"
#include "usermem.h"

/* SPEC_ALLOW: hosts before 5.16 would else slow all guest code down with mitigations that are off
 * for every other program. */
#define FILTER_FLAGS (SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

#define CODE_MAX 512
#define X32_BIT	 0x40000000U

#define LO(field)      ((uint32_t)offsetof(struct seccomp_data, field))
#define HI(field)      (LO(field) + 4)
#define LOAD(offset)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define RET(action)    BPF_STMT(BPF_RET | BPF_K, action)
#define IF_EQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), t, f)
#define IF_GE(k, t, f) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(k), t, f)

/* Calls whose handlers nearly always want registers or change the address space.  Not execve(): it
 * fails, or another process is in the thread's place. */
static const int traced[] = {
    SYS_mmap,  SYS_mremap, SYS_madvise, SYS_mincore, SYS_clone,	     SYS_clone3,       SYS_fork,
    SYS_vfork, SYS_kill,   SYS_tkill,	SYS_tgkill,  SYS_arch_prctl, SYS_rt_sigreturn,
};

/* mprotect() with a right that the host might refuse; see vm.c for the others. */
static const int traced_rights[] = {PROT_WRITE, PROT_EXEC};

static struct sock_filter code[CODE_MAX];
static struct sock_fprog program = {.filter = code};

extern const char turbo_stub[], turbo_stub_yielded[];

/* turbo only: its stub may give up the core, which is harmless with any registers.  From that one
 * place, as the stub also makes the guest's own calls, and the kernel is to see a guest's
 * sched_yield(). */
static size_t yield_build(struct sock_filter *out)
{
	uaddr_t ip = stub.base - TURBO_CODE_SIZE + (uaddr_t)(turbo_stub_yielded - turbo_stub);
	const struct sock_filter yield[] = {
	    LOAD(HI(instruction_pointer)),
	    IF_EQ(ip >> 32, 0, 4),
	    LOAD(LO(instruction_pointer)),
	    IF_EQ(ip, 0, 2),
	    LOAD(LO(nr)),
	    IF_EQ(SYS_sched_yield, 1, 0),
	    BPF_STMT(BPF_JMP | BPF_JA, 1),
	    RET(SECCOMP_RET_ALLOW),
	};

	if (stub.lo == stub.base)
		return 0;
	memcpy(out, yield, sizeof(yield));
	return sizeof(yield) / sizeof(yield[0]);
}

/* The part by hand.  Returns its length; control falls through to what follows. */
static size_t prologue_build(struct sock_filter *out)
{
	const uint32_t hi = (uint32_t)(stub.secret >> 32), lo = (uint32_t)stub.secret;
	const struct sock_filter abi[] = {
	    /* 0 */ LOAD(LO(arch)),
	    /* 1 */ IF_EQ(AUDIT_ARCH_X86_64, 0, 2), /* else to 4 */
	    /* 2 */ LOAD(LO(nr)),
	    /* 3 */ IF_GE(X32_BIT, 0, 1),
	    /* 4 */ RET(SECCOMP_RET_USER_NOTIF),
	};
	const struct sock_filter orders[] = {
	    /* 5 */ LOAD(HI(instruction_pointer)),
	    /* 6 */ IF_EQ(stub.base >> 32, 0, 20), /* else to REST */
	    /* 7 */ LOAD(LO(instruction_pointer)),
	    /* 8 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)PAGE_MASK),
	    /* 9 */ IF_EQ(stub.base, 0, 17),
	    /* 10 */ LOAD(LO(nr)),
	    /* 11 */ IF_EQ(SYS_mmap, 10, 0),
	    /* 12 */ IF_EQ(SYS_munmap, 5, 0),
	    /* 13 */ IF_EQ(SYS_mprotect, 4, 0),
	    /* 14 */ IF_EQ(SYS_mremap, 3, 0),
	    /* 15 */ IF_EQ(SYS_madvise, 2, 0),
	    /* 16 */ IF_EQ(SYS_mincore, 1, 0),
	    /* 17 */ IF_EQ(SYS_clone, 0, 9),
	    /* 18 */ LOAD(HI(args[5])),
	    /* 19 */ IF_EQ(hi, 0, 7),
	    /* 20 */ LOAD(LO(args[5])),
	    /* 21 */ IF_EQ(lo, 4, 5),
	    /* 22 */ LOAD(HI(args[3])),
	    /* 23 */ IF_EQ(hi, 0, 3),
	    /* 24 */ LOAD(HI(args[4])),
	    /* 25 */ IF_EQ(lo, 0, 1),
	    /* 26 */ RET(SECCOMP_RET_ALLOW),
	    /* 27: REST, the search tree */
	};
	size_t n = sizeof(abi) / sizeof(abi[0]);

	memcpy(out, abi, sizeof(abi));
	n += yield_build(out + n);
	memcpy(out + n, orders, sizeof(orders));
	return n + sizeof(orders) / sizeof(orders[0]);
}

/* The part by libseccomp, read back through a file as it offers no other way.  Returns its length
 * in instructions or a negative errno. */
static int tree_build(struct sock_filter *out, size_t room)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_NOTIFY);
	int fd = memfd_create("ukernel-filter", MFD_CLOEXEC);
	ssize_t len = -1;
	int ret = ctx == NULL || fd < 0 ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(traced) / sizeof(traced[0]) && ret == 0; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), traced[i], 0);
	for (int i = 0; i < 2 && ret == 0; i++) {
		scmp_datum_t right = (scmp_datum_t)traced_rights[i];

		ret = seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), SYS_mprotect, 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, right, right));
	}
	if (ret == 0) /* brk(0) only asks */
		ret = seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), SYS_brk, 1, SCMP_A0(SCMP_CMP_NE, 0));
	if (ret == 0)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (ret == 0)
		ret = seccomp_export_bpf(ctx, fd);
	if (ret == 0)
		len = pread(fd, out, room * sizeof(*out), 0);
	if (ret == 0 && (len <= 0 || (size_t)len >= room * sizeof(*out)))
		ret = -E2BIG;
	seccomp_release(ctx);
	if (fd >= 0)
		close(fd);
	return ret < 0 ? ret : (int)((size_t)len / sizeof(*out));
}

static int filter_build(void)
{
	size_t prologue;
	int tree;

	if (getrandom(&stub.secret, sizeof(stub.secret), 0) != sizeof(stub.secret))
		return -EIO;
	prologue = prologue_build(code);
	tree = tree_build(code + prologue, CODE_MAX - prologue);
	if (tree < 0)
		return tree;
	program.len = (unsigned short)(prologue + (size_t)tree);
	return 0;
}

/* The zygote is a copy of us from before the filter was built: same addresses, old contents. */
static int filter_copy(struct vthread *th)
{
	size_t len = program.len * sizeof(code[0]);

	if (mem_write(th, (uaddr_t)&program, &program, sizeof(program)) != sizeof(program) ||
	    mem_write(th, (uaddr_t)code, code, len) != len)
		return -EFAULT;
	return 0;
}

int filter_install(struct vthread *th, int *listener)
{
	const uint64_t no_new_privs[6] = {PR_SET_NO_NEW_PRIVS, 1};
	const uint64_t install[6] = {SECCOMP_SET_MODE_FILTER, FILTER_FLAGS, (uaddr_t)&program};
	long result = 0;
	int ret = filter_build();

	if (ret == 0)
		ret = filter_copy(th);
	if (ret == 0)
		ret = inject_call(th, SYS_prctl, no_new_privs, &result);
	if (ret == 0)
		ret = inject_call(th, SYS_seccomp, install, &result);
	explicit_bzero(code, sizeof(code));
	if (ret == 0 && result < 0)
		ret = (int)result;
	if (ret == 0)
		*listener = (int)result;
	return ret;
}
