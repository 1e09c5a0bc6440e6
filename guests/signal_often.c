/*
 * signal_often.c - handlers for signals that a process sends to itself, so often that a machine may
 * have found a shorter way: all registers and the floating point state there and back, changed
 * contexts, nesting, jumps.
 *
 * guest-seconds: 60
 */
#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS 300

static volatile sig_atomic_t hits, depth;
static pid_t me;

static void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &sa, NULL);
}

static void say(const char *what, int bad)
{
	printf("%s: %s\n", what, bad ? "wrong" : "right");
}

/* ---- registers ---- */

/* Leaves nothing as it was, of what a function may change. */
static void scramble(int sig, siginfo_t *info, void *context)
{
	hits++;
	__asm__ volatile("mov $0x5555, %%r8d\n mov %%r8, %%r9\n mov %%r8, %%r10\n mov %%r8, %%r11\n"
			 "mov %%r8, %%rcx\n mov %%r8, %%rdx\n mov %%r8, %%rsi\n mov %%r8, %%rdi\n"
			 "pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm7\n movdqa %%xmm0, %%xmm15\n"
			 "fninit\n"
			 :
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm7",
			   "xmm15", "memory");
}

/* Of kill(me, SIGUSR1). */
static int registers_once(unsigned round)
{
	static uint64_t in[16], out[16], flags_in;
	static uint32_t mxcsr_in, mxcsr_out;
	static double st_out;
	static uint64_t xmm[2], xmm_out[2], red;
	uint64_t behind, *from = xmm;
	int bad = 0;

	for (int i = 0; i < 16; i++)
		in[i] = 0x0101010101010101UL * ((unsigned)i + round % 200);
	flags_in =
	    0x202 | (round & 1 ? 0x8d5 : 0) | (round & 2 ? 0x400 : 0) | (round & 4 ? 0x200000 : 0);
	xmm[0] = round;
	xmm[1] = ~(uint64_t)round;
	red = round * 3 + 1;
	mxcsr_in = 0x1f80 | (round % 4) << 13;
	__asm__ volatile(
	    "sub $256, %%rsp\n push %%rbp\n push %%rbx\n"
	    "ldmxcsr %[mi]\n fldpi\n"
	    "movdqu (%[x]), %%xmm7\n movdqu (%[x]), %%xmm15\n"
	    "mov %[red], %%rcx\n mov %%rcx, -8(%%rsp)\n mov %%rcx, -128(%%rsp)\n"
	    "mov %[pid], %%edi\n"
	    "lea %[in], %%rax\n"
	    "mov 8(%%rax), %%rbx\n mov 16(%%rax), %%rdx\n mov 32(%%rax), %%rbp\n"
	    "mov 40(%%rax), %%r8\n mov 48(%%rax), %%r9\n mov 56(%%rax), %%r10\n"
	    "mov 64(%%rax), %%r12\n mov 72(%%rax), %%r13\n mov 80(%%rax), %%r14\n"
	    "mov 88(%%rax), %%r15\n"
	    "push %[fl]\n popf\n"
	    "mov $10, %%esi\n"
	    "mov $62, %%eax\n"
	    "syscall\n"
	    "1: pushf\n cld\n push %%rax\n push %%rcx\n lea %[out], %%rax\n"
	    "mov %%rbx, 8(%%rax)\n mov %%rdx, 16(%%rax)\n mov %%rsi, 24(%%rax)\n"
	    "mov %%rbp, 32(%%rax)\n mov %%r8, 40(%%rax)\n mov %%r9, 48(%%rax)\n"
	    "mov %%r10, 56(%%rax)\n mov %%r12, 64(%%rax)\n mov %%r13, 72(%%rax)\n"
	    "mov %%r14, 80(%%rax)\n mov %%r15, 88(%%rax)\n mov %%r11, 96(%%rax)\n"
	    "mov %%rdi, 104(%%rax)\n"
	    "lea 1b(%%rip), %%rdx\n"
	    "pop %%rcx\n sub %%rdx, %%rcx\n pop (%%rax)\n pop 112(%%rax)\n"
	    "mov -128(%%rsp), %%rdx\n mov %%rdx, 120(%%rax)\n"
	    "stmxcsr %[mo]\n fstpl %[st]\n"
	    "pop %%rbx\n pop %%rbp\n add $256, %%rsp\n"
	    "movdqu %%xmm7, %%xmm1\n movdqu %%xmm15, %%xmm2\n"
	    : [out] "=m"(out),
	      "=&c"(behind), [mo] "=m"(mxcsr_out), [st] "=m"(st_out), [x] "+S"(from)
	    : [in] "m"(in), [fl] "m"(flags_in), [red] "m"(red), [mi] "m"(mxcsr_in), [pid] "m"(me)
	    : "rax", "rdx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
	      "cc", "xmm0", "xmm1", "xmm2", "xmm7", "xmm15");
	__asm__ volatile("movdqu %%xmm1, (%0)" : : "r"(xmm_out) : "memory");
	for (int i = 1; i < 12; i++)
		bad |= i != 3 && out[i] != in[i];
	bad |= out[0] != 0 || out[3] != SIGUSR1 || out[13] != (uint64_t)me || behind != 0;
	bad |= ((out[14] ^ flags_in) & 0x200cd5) != 0 || out[15] != red;
	bad |= mxcsr_out != mxcsr_in || st_out < 3.14159 || st_out > 3.1416;
	bad |= memcmp(xmm, xmm_out, sizeof(xmm)) != 0;
	return bad;
}

static void registers(void)
{
	int bad = 0;

	handle(SIGUSR1, scramble, 0);
	hits = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		bad |= registers_once(i);
	__asm__ volatile("ldmxcsr %0\n fninit" : : "m"((uint32_t){0x1f80}));
	say("registers", bad || hits != ROUNDS);
}

/* The handler's own: as at a function's entry, but for what it is told. */
static volatile uint64_t at_entry[4];

__asm__(".text\nentry_handler:\n"
	"pushf\n pop %rax\n mov %rax, at_entry(%rip)\n mov %rsp, at_entry+8(%rip)\n"
	"mov %rdi, at_entry+16(%rip)\n incl hits(%rip)\n ret\n");
void entry_handler(int, siginfo_t *, void *);

static void entry(void)
{
	int bad = 0;

	handle(SIGUSR1, entry_handler, 0);
	hits = 0;
	for (int i = 0; i < ROUNDS; i++) {
		__asm__ volatile("std\n" ::: "cc");
		__asm__ volatile(
		    "sub $128, %%rsp\n mov $62, %%eax\n syscall\n cld\n add $128, %%rsp"
		    :
		    : "D"((long)me), "S"((long)SIGUSR1)
		    : "rax", "rcx", "r11", "memory", "cc");
		bad |=
		    (at_entry[0] & 0x500) != 0 || at_entry[1] % 16 != 8 || at_entry[2] != SIGUSR1;
	}
	say("entry", bad || hits != ROUNDS);
}

/* ---- what a handler changes in its context ---- */

static volatile long landed;

static void land(void)
{
	landed++;
	kill(me, SIGUSR2);
	for (;;)
		landed = -1000;
}

static sigjmp_buf again;

static void on_land(int sig, siginfo_t *info, void *context)
{
	siglongjmp(again, 1);
}

static char land_stack[16384] __attribute__((aligned(64)));

static void redirect(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	hits++;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)land;
	uc->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)(land_stack + sizeof(land_stack) - 8);
}

static void redirected(void)
{
	volatile int i;

	handle(SIGUSR1, redirect, 0);
	handle(SIGUSR2, on_land, 0);
	hits = 0;
	for (i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(again, 1) == 0)
			kill(me, SIGUSR1);
	}
	say("redirected", hits != ROUNDS || landed != ROUNDS);
}

static void change(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint32_t value = 0x1234567, size = ((uint32_t *)uc->uc_mcontext.fpregs)[117];

	hits++;
	uc->uc_mcontext.gregs[REG_RBX] = 4711;
	uc->uc_mcontext.gregs[REG_RAX] = 815;
	uc->uc_mcontext.gregs[REG_EFL] ^= 0x400; /* DF */
	memcpy(&uc->uc_mcontext.fpregs->_xmm[5], &value, sizeof(value));
	uc->uc_mcontext.fpregs->mxcsr = 0x7f80;
	if (hits % 3 == 1) /* elsewhere */
		uc->uc_mcontext.fpregs = memcpy(land_stack, uc->uc_mcontext.fpregs, size);
	if (hits % 3 == 2) /* all as at first */
		uc->uc_mcontext.fpregs = NULL;
}

static void changed(void)
{
	int bad = 0;

	handle(SIGUSR1, change, 0);
	hits = 0;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t rax = 62, rbx = 1, flags;
		uint32_t xmm, mxcsr;

		__asm__ volatile(
		    "sub $128, %%rsp\n syscall\n pushf\n pop %2\n cld\n add $128, %%rsp\n"
		    "movd %%xmm5, %3\n stmxcsr %4\n"
		    : "+a"(rax), "+b"(rbx), "=&r"(flags), "=&r"(xmm), "=m"(mxcsr)
		    : "D"((long)me), "S"((long)SIGUSR1)
		    : "rcx", "r11", "memory", "cc", "xmm5");
		bad |= rax != 815 || rbx != 4711 || !(flags & 0x400);
		bad |=
		    i % 3 == 1 ? xmm != 0 || mxcsr != 0x1f80 : xmm != 0x1234567 || mxcsr != 0x7f80;
		__asm__ volatile("ldmxcsr %0" : : "m"((uint32_t){0x1f80}));
	}
	say("changed", bad || hits != ROUNDS);
}

/* ---- several at once ---- */

static void nest(int sig, siginfo_t *info, void *context)
{
	char volatile local[200];

	hits++;
	local[0] = (char)depth;
	if (++depth < 8)
		kill(me, SIGUSR1);
	depth--;
	if (local[0] != (char)depth)
		landed = -1;
}

static void nested(void)
{
	handle(SIGUSR1, nest, SA_NODEFER);
	hits = landed = 0;
	for (int i = 0; i < ROUNDS / 4; i++)
		kill(me, SIGUSR1);
	say("nested", hits != ROUNDS / 4 * 8 || depth != 0 || landed != 0);
}

static void count(int sig, siginfo_t *info, void *context)
{
	hits++;
}

static void queue_two(int sig, siginfo_t *info, void *context)
{
	hits++;
	if (sig == SIGUSR1) {
		sigset_t set;

		kill(me, SIGUSR2); /* comes when this one ends, and so does the next */
		kill(me, SIGALRM);
		sigpending(&set);
		landed += sigismember(&set, SIGUSR2) && sigismember(&set, SIGALRM);
	}
}

static void queued(void)
{
	struct sigaction sa = {.sa_sigaction = queue_two, .sa_flags = SA_SIGINFO};
	int bad = 0;

	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	handle(SIGUSR2, count, 0);
	handle(SIGALRM, count, 0);
	hits = landed = 0;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t xmm = (uint32_t)i, out;

		__asm__ volatile("movd %2, %%xmm5\n sub $128, %%rsp\n mov $62, %%eax\n syscall\n"
				 "add $128, %%rsp\n movd %%xmm5, %0\n"
				 : "=&r"(out)
				 : "D"((long)me), "r"(xmm), "S"((long)SIGUSR1)
				 : "rax", "rcx", "r11", "memory", "cc", "xmm5");
		bad |= out != xmm;
	}
	say("queued", bad || hits != 3 * ROUNDS || landed != ROUNDS);
}

static void blocked(void)
{
	sigset_t set, old;
	int bad = 0;

	handle(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	hits = 0;
	for (int i = 0; i < ROUNDS; i++) {
		sigprocmask(SIG_BLOCK, &set, &old);
		kill(me, SIGUSR1);
		bad |= hits != i;
		if (i % 2 == 0)
			bad |= sigsuspend(&old) != -1 || errno != EINTR;
		sigprocmask(SIG_SETMASK, &old, NULL);
		bad |= hits != i + 1;
	}
	say("blocked", bad);
}

static void jump(int sig, siginfo_t *info, void *context)
{
	hits++;
	siglongjmp(again, 1);
}

static void jumped(void)
{
	volatile int i;

	handle(SIGUSR1, jump, 0);
	hits = 0;
	for (i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(again, 1) == 0)
			kill(me, SIGUSR1);
	}
	say("jumped out", hits != ROUNDS);
}

/* ---- in between ---- */

static void ticked(int sig, siginfo_t *info, void *context)
{
	landed++;
}

/* A timer interrupts all of this anywhere. */
static void interrupted(void)
{
	struct itimerval every = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};
	int bad = 0, i;

	handle(SIGUSR1, scramble, 0);
	handle(SIGALRM, ticked, SA_RESTART);
	hits = landed = 0;
	setitimer(ITIMER_REAL, &every, NULL);
	for (i = 0; landed < 100 && i < 10000000; i++)
		bad |= registers_once((unsigned)i & ~3U);
	setitimer(ITIMER_REAL, &off, NULL);
	__asm__ volatile("ldmxcsr %0\n fninit" : : "m"((uint32_t){0x1f80}));
	say("interrupted", bad || hits != i);
}

int main(void)
{
	me = getpid();
	registers();
	entry();
	redirected();
	changed();
	nested();
	queued();
	blocked();
	jumped();
	interrupted();
	return 0;
}
