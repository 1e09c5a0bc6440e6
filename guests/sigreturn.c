/*
 * sigreturn.c - handlers that hand back broken frames: each must end in SIGSEGV, or be put right.
 */
#include "check.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

static int which;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
	uint16_t sel[4];

	memcpy(sel, &g[REG_CSGSFS], 8);
	switch (which) {
	case 0:
		g[REG_RIP] = 0x123456;
		break;
	case 1:
		g[REG_RIP] = (greg_t)0x8000000000000000ULL;
		break;
	case 2:
		g[REG_RIP] = (greg_t)0xffffffff81000000ULL;
		break;
	case 3:
		sel[0] = 0x10; /* the kernel's code */
		break;
	case 4:
		sel[0] = 0;
		break;
	case 5:
		sel[3] = 0x18; /* the kernel's data */
		break;
	case 6:
		uc->uc_mcontext.fpregs = (void *)8;
		break;
	case 7:
		uc->uc_mcontext.fpregs = (void *)((uintptr_t)fp + 16);
		break;
	case 8:
		fp[24 + 3] = 0xff; /* reserved bits of mxcsr */
		break;
	case 9:
		fp[512 + 7] = 0xff; /* unknown features in the header */
		break;
	case 10:
		fp[512 + 16 + 8] = 1; /* reserved bytes of the header */
		break;
	case 11:
		g[REG_EFL] |= 0x3000 | 0x20000 | 0x4000 | 0x100000; /* IOPL, VM, NT, VIF */
		break;
	case 12:
		uc->uc_mcontext.fpregs = NULL;
		break;
	case 13:
		fp[464] = 0; /* magic 1 */
		break;
	case 14: {
		uint32_t size;
		memcpy(&size, fp + 480, 4);
		fp[size] = 0; /* magic 2 */
		break;
	}
	case 15:
		memset(fp + 472, 0, 8); /* no features: all initial */
		break;
	case 16: {
		uint32_t huge = 0xfffffff0;
		memcpy(fp + 480, &huge, 4);
		break;
	}
	case 17:
		g[REG_EFL] &= ~0x202LL; /* interrupts off: not the guest's to say */
		break;
	case 18:
		uc->uc_stack.ss_sp = (void *)8;
		uc->uc_stack.ss_flags = 77;
		break;
	}
	memcpy(&g[REG_CSGSFS], sel, 8);
}

static uint64_t flags_now(void)
{
	uint64_t f;

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(f));
	return f & 0x3f7000;
}

static void attempt(const char *name)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
		uint32_t xmm = 0x5555, mxcsr;
		long ret;

		sigaction(SIGUSR1, &sa, NULL);
		__asm__ volatile("movd %[x], %%xmm3\n\tsyscall\n\tmovd %%xmm3, %[x]\n\tstmxcsr %[m]"
				 : "=a"(ret), [x] "+r"(xmm), [m] "=m"(mxcsr)
				 : "a"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
				 : "rcx", "r11", "xmm3", "memory");
		printf("%s: back with %ld, xmm %x, mxcsr %x, flags %lx\n", name, ret, xmm,
		       mxcsr & 0xffc0, (unsigned long)flags_now());
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status)
		printf("%s: signal %d\n", name, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

/* The call itself, with nothing like a frame above the stack pointer. */
static void bare(void)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		__asm__ volatile("mov $0x1000, %%rsp\n\tsyscall" ::"a"(SYS_rt_sigreturn)
				 : "memory");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("no frame: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

int main(void)
{
	static const char *const names[] = {"rip nowhere",
					    "rip non-canonical",
					    "rip in the kernel",
					    "kernel cs",
					    "null cs",
					    "kernel ss",
					    "fp unmapped",
					    "fp unaligned",
					    "mxcsr",
					    "unknown features",
					    "header",
					    "flags",
					    "no fp",
					    "magic 1",
					    "magic 2",
					    "no features",
					    "huge size",
					    "interrupt flag",
					    "bad altstack"};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (which = 0; which < (int)(sizeof(names) / sizeof(*names)); which++)
		attempt(names[which]);
	bare();
	return check_done();
}
