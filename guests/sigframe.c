/*
 * sigframe.c - what a handler finds on its stack: layout, alignment, red zone, registers, the xsave
 * image with its marks; and that all of it is as before after the handler has scratched it.
 *
 * Linux keeps SS_DISABLE (2) across exec where a thread of the caller made the process:
 * guest-mask: stack \S+ [02]
 */
#include "check.h"

#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

static volatile int runs;
static uint64_t before[16], after[16];

static void on_layout(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	mcontext_t *mc = &uc->uc_mcontext;
	uintptr_t frame = (uintptr_t)uc - 8, fp = (uintptr_t)mc->fpregs;
	uint8_t *image = (uint8_t *)mc->fpregs;
	uint32_t magic1, extended, size, magic2;
	uint64_t features, bv;
	uint16_t sel[4];

	runs++;
	memcpy(&magic1, image + 464, 4);
	memcpy(&extended, image + 468, 4);
	memcpy(&features, image + 472, 8);
	memcpy(&size, image + 480, 4);
	memcpy(&magic2, image + size, 4);
	memcpy(&bv, image + 512, 8);
	memcpy(sel, &mc->gregs[REG_CSGSFS], 8);
	printf("sig %d, siginfo at uc+%ld, frame %% 16 = %ld, fp %% 64 = %ld\n", sig,
	       (long)((uintptr_t)info - (uintptr_t)uc), (long)(frame % 16), (long)(fp % 64));
	printf("fp - frame %s, gap %ld\n", fp > frame ? "above" : "below",
	       (long)(fp - frame - 440) < 80 ? 1L : 0L);
	printf("uc_flags %#lx link %p stack %p %d %zu\n", uc->uc_flags, (void *)uc->uc_link,
	       uc->uc_stack.ss_sp, uc->uc_stack.ss_flags, uc->uc_stack.ss_size);
	printf("magic1 %x magic2 %x extended-size %u features %llx size %u bv&3 %llu\n", magic1,
	       magic2, extended - size, (unsigned long long)features, size,
	       (unsigned long long)(bv & 3));
	printf("cs %x gs %x fs %x ss %x err %lld trapno %lld oldmask %llx cr2 %llx\n", sel[0],
	       sel[1], sel[2], sel[3], mc->gregs[REG_ERR], mc->gregs[REG_TRAPNO],
	       mc->gregs[REG_OLDMASK], mc->gregs[REG_CR2]);
	printf("rax %lld rip-after-syscall %d rsp-room %d\n", mc->gregs[REG_RAX],
	       ((uint8_t *)mc->gregs[REG_RIP])[-2] == 0x0f &&
		   ((uint8_t *)mc->gregs[REG_RIP])[-1] == 5,
	       (uintptr_t)mc->gregs[REG_RSP] - 128 - fp - size - 4 < 64);
	printf("rcx=rip %d r11=flags %d\n", mc->gregs[REG_RCX] == mc->gregs[REG_RIP],
	       (mc->gregs[REG_R11] & 0xcd5) == (mc->gregs[REG_EFL] & 0xcd5));
}

/* Everything that a handler may scratch. */
static void on_scratch(int sig, siginfo_t *info, void *context)
{
	runs++;
	__asm__ volatile(
	    "pcmpeqd %%xmm0, %%xmm0\n\tmovdqa %%xmm0, %%xmm15\n\tmovdqa %%xmm0, %%xmm7\n\t"
	    "fninit\n\tfldz\n\tstd\n\tcld"
	    :
	    :
	    : "xmm0", "xmm7", "xmm15", "memory");
}

static int has_avx512(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 16 & 1);
}

static int has_avx(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && (c >> 28 & 1) && (c >> 27 & 1);
}

static void on_scratch_wide(int sig)
{
	runs++;
	if (has_avx512())
		__asm__ volatile("vpxord %%zmm0,%%zmm0,%%zmm0\n\tvpxord %%zmm31,%%zmm31,%%zmm31\n\t"
				 "kxorw %%k1,%%k1,%%k1" ::
				     : "memory");
	else if (has_avx())
		__asm__ volatile("vxorps %%ymm0,%%ymm0,%%ymm0" ::: "memory");
}

/* kill(getpid(), sig) in one instruction, with known registers around it. */
static long raise_between(int sig, uint64_t *pre, uint64_t *post)
{
	long ret;

	__asm__ volatile(
	    "mov $0x1111, %%rbx\n\tmov $0x2222, %%r12\n\tmov $0x3333, %%r13\n\t"
	    "mov $0x4444, %%r14\n\tmov $0x5555, %%r15\n\tmov $0x6666, %%r8\n\t"
	    "mov $0x7777, %%r9\n\tmov $0x8888, %%r10\n\t"
	    "movq $0x77, -64(%%rsp)\n\tmovq $0x99, -120(%%rsp)\n\t"
	    "movdqu (%[pre]), %%xmm7\n\tmovdqu (%[pre]), %%xmm15\n\tfld1\n\t"
	    "stc\n\tsyscall\n\t"
	    "setc 72(%[post])\n\tfstpt 48(%[post])\n\t"
	    "movdqu %%xmm7, (%[post])\n\tmovdqu %%xmm15, 16(%[post])\n\t"
	    "mov -64(%%rsp), %%rcx\n\tmov %%rcx, 32(%[post])\n\t"
	    "mov -120(%%rsp), %%rcx\n\tmov %%rcx, 40(%[post])\n\t"
	    "xor $0x1111, %%rbx\n\txor $0x2222, %%r12\n\txor $0x3333, %%r13\n\t"
	    "xor $0x4444, %%r14\n\txor $0x5555, %%r15\n\txor $0x6666, %%r8\n\t"
	    "xor $0x7777, %%r9\n\txor $0x8888, %%r10\n\t"
	    "or %%r12, %%rbx\n\tor %%r13, %%rbx\n\tor %%r14, %%rbx\n\tor %%r15, %%rbx\n\t"
	    "or %%r8, %%rbx\n\tor %%r9, %%rbx\n\tor %%r10, %%rbx\n\tmov %%rbx, 80(%[post])"
	    : "=a"(ret)
	    : "a"(SYS_kill), "D"((long)getpid()), "S"((long)sig), [pre] "d"(pre), [post] "r"(post)
	    : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm7", "xmm15",
	      "memory");
	return ret;
}

static void check_scratched(void)
{
	struct sigaction sa = {.sa_sigaction = on_scratch, .sa_flags = SA_SIGINFO};

	before[0] = 0x0123456789abcdefULL;
	before[1] = 0xfedcba9876543210ULL;
	CHECK_OK(sigaction(SIGUSR2, &sa, NULL));
	CHECK(raise_between(SIGUSR2, before, after) == 0);
	CHECK(runs == 2);
	CHECK(after[0] == before[0] && after[1] == before[1]);
	CHECK(after[2] == before[0] && after[3] == before[1]);
	CHECK(after[4] == 0x77 && after[5] == 0x99); /* the red zone */
	CHECK(after[6] == 0x8000000000000000ULL && (after[7] & 0xffff) == 0x3fff); /* 1.0 in st0 */
	CHECK((after[9] & 0xff) == 1);						   /* carry */
	CHECK(after[10] == 0);
}

static void check_wide(void)
{
	static uint64_t in[8] __attribute__((aligned(64))), out[8] __attribute__((aligned(64)));
	struct sigaction sa = {.sa_handler = on_scratch_wide};
	uint32_t mask = 0;
	long ret;

	for (int i = 0; i < 8; i++)
		in[i] = 0x0101010101010101ULL * (uint64_t)(i + 1);
	CHECK_OK(sigaction(SIGUSR2, &sa, NULL));
	if (has_avx512()) {
		__asm__ volatile(
		    "vmovdqa64 (%[in]), %%zmm31\n\tmov $0x5a5a, %%ebx\n\tkmovw %%ebx, %%k1\n\t"
		    "syscall\n\tvmovdqa64 %%zmm31, (%[out])\n\tkmovw %%k1, %%ebx\n\t"
		    "mov %%ebx, %[mask]"
		    : "=a"(ret), [mask] "=m"(mask)
		    : "a"(SYS_kill), "D"((long)getpid()),
		      "S"((long)SIGUSR2), [in] "r"(in), [out] "r"(out)
		    : "rbx", "rcx", "r11", "memory");
		CHECK(mask == 0x5a5a);
		CHECK(memcmp(in, out, 64) == 0);
	} else if (has_avx()) {
		__asm__ volatile("vmovdqa (%[in]), %%ymm0\n\tsyscall\n\tvmovdqa %%ymm0, (%[out])"
				 : "=a"(ret)
				 : "a"(SYS_kill), "D"((long)getpid()),
				   "S"((long)SIGUSR2), [in] "r"(in), [out] "r"(out)
				 : "rcx", "r11", "memory");
		CHECK(memcmp(in, out, 32) == 0);
	} else {
		return;
	}
	CHECK(ret == 0);
}

/* A handler may change what it returns to. */
static void on_edit(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	uc->uc_mcontext.fpregs->_xmm[0].element[0] = 0xabcd;
	sigaddset(&uc->uc_sigmask, SIGWINCH);
	sigaddset(&uc->uc_sigmask, SIGKILL);
}

static void check_edited(void)
{
	struct sigaction sa = {.sa_sigaction = on_edit, .sa_flags = SA_SIGINFO};
	uint32_t xmm[4] = {0};
	sigset_t mask;
	long ret;

	CHECK_OK(sigaction(SIGUSR2, &sa, NULL));
	__asm__ volatile("pxor %%xmm0, %%xmm0\n\tsyscall\n\tmovdqu %%xmm0, %[xmm]"
			 : "=a"(ret), [xmm] "=m"(xmm)
			 : "a"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR2)
			 : "rcx", "r11", "xmm0", "memory");
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &mask));
	printf("edited: rax %ld xmm0 %x winch blocked %d kill blocked %d\n", ret, xmm[0],
	       sigismember(&mask, SIGWINCH), sigismember(&mask, SIGKILL));
}

static struct {
	uint64_t xmm[2];
	uint32_t mxcsr;
	uint16_t fcw;
} entry;

/* The numbers that a handler begins with: the initial ones, once more in one that interrupts it. */
static void on_numbers(int sig)
{
	__asm__ volatile("movdqu %%xmm15, %0\n\tstmxcsr %1\n\tfnstcw %2"
			 : "=m"(entry.xmm), "=m"(entry.mxcsr), "=m"(entry.fcw));
	printf("signal %d: xmm15 %llx mxcsr %x fcw %x\n", sig, (unsigned long long)entry.xmm[0],
	       entry.mxcsr, entry.fcw);
	if (sig == SIGUSR1) {
		uint32_t up = 0x5f80;

		__asm__ volatile("ldmxcsr %0" ::"m"(up));
		raise(SIGUSR2);
		__asm__ volatile("stmxcsr %0" : "=m"(up));
		printf("back in it: mxcsr %x\n", up);
	}
}

static void check_numbers(void)
{
	uint32_t zero = 0x7f80, mxcsr;
	uint16_t narrow = 0x27f, fcw;
	uint64_t got, value = 0x1234567890abcdefULL;
	long n = SYS_kill;

	signal(SIGUSR1, on_numbers);
	signal(SIGUSR2, on_numbers);
	__asm__ volatile("movq %5, %%xmm15\n\tldmxcsr %6\n\tfldcw %7\n\tsyscall\n\t"
			 "movq %%xmm15, %1\n\tstmxcsr %2\n\tfnstcw %3"
			 : "+a"(n), "=r"(got), "=m"(mxcsr), "=m"(fcw)
			 : "D"((long)getpid()), "r"(value), "m"(zero), "m"(narrow),
			   "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "xmm15");
	printf("afterwards: xmm15 %llx mxcsr %x fcw %x\n", (unsigned long long)got, mxcsr, fcw);
	mxcsr = 0x1f80;
	fcw = 0x37f;
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(fcw));
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_layout, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IONBF, 0);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(kill(getpid(), SIGUSR1));
	check_scratched();
	check_wide();
	check_edited();
	check_numbers();
	return check_done();
}
