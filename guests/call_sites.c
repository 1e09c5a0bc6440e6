/*
 * call_sites.c - what a program can observe of its own `syscall` instructions: registers, flags,
 * stack, jumps to and around them, signals and restarts there, single steps, and threads that run
 * through them.  A machine that rewrites them must not show.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS	200
#define FLAG_TF 0x100UL

/* One call in each of the shapes that compilers and libraries write.  rdi, rsi, rdx are passed on.
 */
__asm__(".text\n"
	".balign 16\n"
	"site_mov: mov $121, %eax\n" /* getpgid */
	"site_mov_call: syscall\n"
	"site_mov_end: ret\n"
	".balign 16\n"
	"site_rax: mov $121, %rax\n syscall\n ret\n"
	".balign 16\n"
	"site_short: push $121\n pop %rax\n syscall\n ret\n"
	".balign 16\n"
	"site_zero: xor %eax, %eax\n syscall\n ret\n" /* read */
	".balign 16\n"
	"site_moved: mov %edi, %eax\n mov %rsi, %rdi\n mov 8(%rsp), %r9\n syscall\n ret\n"
	".balign 16\n"
	"site_flags: mov $-1, %edi\n mov $121, %eax\n cmp $0, %edi\n syscall\n ret\n"
	".balign 16\n"
	"site_r8: mov $121, %eax\n mov $77, %r8d\n syscall\n mov %r8, %rax\n ret\n"
	".balign 16\n" /* the number is set elsewhere, too, and jumped into the middle */
	"site_joined: test %esi, %esi\n jnz 1f\n mov $121, %eax\n 2: syscall\n ret\n"
	"1: mov $122, %eax\n jmp 2b\n"
	".balign 16\n" /* a syscall hides in a number: 0f 05 c3 90 is syscall, ret, nop */
	"site_hidden: mov $0x90c3050f, %eax\n ret\n"
	".balign 16\n" /* many in one page, one after the other */
	"site_row: .rept 20\n mov $121, %eax\n syscall\n .endr\n ret\n"
	".balign 16\n");

long site_mov(long), site_rax(long), site_short(long), site_zero(long, void *, long);
long site_moved(long, long), site_flags(void), site_r8(long), site_joined(long, long);
long site_row(long);
extern char site_mov_call[], site_mov_end[], site_hidden[];

static long group;

static void shapes(void)
{
	long (*hidden)(long) = (long (*)(long))(uintptr_t)(site_hidden + 1);
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		long nr = 121;

		bad |= site_mov(0) != group;
		bad |= site_rax(0) != group;
		bad |= site_short(0) != group;
		bad |= site_zero(-1, NULL, 0) != -EBADF;
		bad |= site_moved(121, 0) != group;
		bad |= site_moved(3, -1) != -EBADF;
		bad |= site_flags() != -ESRCH;
		bad |= site_r8(0) != 77;
		bad |= site_joined(0, 0) != group;
		bad |= site_joined(-1, 1) < 0;
		bad |= site_row(0) != group;
		__asm__ volatile("call *%1"
				 : "+a"(nr)
				 : "r"(hidden), "D"(0L)
				 : "rcx", "r11", "memory");
		bad |= nr != group;
	}
	printf("shapes: %s\n", bad ? "wrong" : "right");
}

/* All registers, before and behind; in r11 the CPU leaves the flags. */
static void registers(void)
{
	static uint64_t in[16], out[16], flags_in, red[2];
	uint64_t flags;
	int bad = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		flags_in = 0x202 | (round & 1 ? 0x8d5 : 0) | (round & 2 ? 0x400 : 0);
		red[0] = 0x1111 + round;
		for (int i = 0; i < 16; i++)
			in[i] = 0x0101010101010101UL * ((unsigned)i + round);
		__asm__ volatile(
		    "push %%rbp\n push %%rbx\n"
		    "movq %[x], %%xmm0\n movq %[x], %%xmm15\n"
		    "lea %[in], %%rax\n"
		    "mov 8(%%rax), %%rbx\n mov 16(%%rax), %%rdx\n"
		    "mov 24(%%rax), %%rsi\n mov 32(%%rax), %%rbp\n mov 40(%%rax), %%r8\n"
		    "mov 48(%%rax), %%r9\n mov 56(%%rax), %%r10\n mov 64(%%rax), %%r12\n"
		    "mov 72(%%rax), %%r13\n mov 80(%%rax), %%r14\n mov 88(%%rax), %%r15\n"
		    "xor %%edi, %%edi\n"
		    "mov %[r0], %%rcx\n mov %%rcx, -8(%%rsp)\n mov %%rcx, -128(%%rsp)\n"
		    "mov %[fl], %%rcx\n push %%rcx\n popf\n"
		    "mov $121, %%eax\n"
		    "syscall\n"
		    "pushf\n cld\n"
		    "push %%rax\n lea %[out], %%rax\n"
		    "mov %%rbx, 8(%%rax)\n mov %%rdx, 16(%%rax)\n mov %%rsi, 24(%%rax)\n"
		    "mov %%rbp, 32(%%rax)\n mov %%r8, 40(%%rax)\n mov %%r9, 48(%%rax)\n"
		    "mov %%r10, 56(%%rax)\n mov %%r12, 64(%%rax)\n mov %%r13, 72(%%rax)\n"
		    "mov %%r14, 80(%%rax)\n mov %%r15, 88(%%rax)\n"
		    "movq %%xmm0, 96(%%rax)\n movq %%xmm15, 104(%%rax)\n"
		    "mov %%r11, 112(%%rax)\n pop (%%rax)\n pop 120(%%rax)\n"
		    "mov -128(%%rsp), %%rcx\n"
		    "pop %%rbx\n pop %%rbp\n"
		    : [out] "=m"(out), "=c"(red[1])
		    : [in] "m"(in), [x] "m"(in[13]), [fl] "m"(flags_in), [r0] "m"(red[0])
		    : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		      "r15", "memory", "cc", "xmm0", "xmm15");
		flags = out[15];
		bad |= red[1] != red[0];
		bad |= (long)out[0] != group;
		for (int i = 1; i < 12; i++)
			bad |= out[i] != in[i];
		bad |= out[12] != in[13] || out[13] != in[13];
		bad |= (flags & 0xfd5) != (flags_in & 0xfd5);
		bad |= (out[14] & 0xad5) != (flags_in & 0xad5); /* DF may be missing */
		if (bad)
			break;
	}
	printf("registers: %s\n", bad ? "wrong" : "right");
}

static void return_address(void)
{
	uint64_t rcx = 0;
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		__asm__ volatile("call site_mov" : "=c"(rcx) : "D"(0L) : "rax", "r11", "memory");
		bad |= rcx != (uint64_t)site_mov_end;
	}
	printf("rcx: %s\n", bad ? "wrong" : "right");
}

/* A jump to the instruction itself, the number in hand. */
static void jump_to_it(void)
{
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		long nr = i & 1 ? 121 : 3;

		__asm__ volatile("call *%1"
				 : "+a"(nr)
				 : "r"(site_mov_call), "D"(i & 1 ? 0L : -1L)
				 : "rcx", "r11", "memory");
		bad |= nr != (i & 1 ? group : -EBADF);
	}
	printf("jumped to: %s\n", bad ? "wrong" : "right");
}

/* ---- signals ---- */

static volatile sig_atomic_t ticks;
static volatile long strange;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	uintptr_t rip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	extern char __executable_start[], etext[];

	/* In a static program every place that a thread can be at is in its own text. */
	if (rip < (uintptr_t)__executable_start || rip >= (uintptr_t)etext)
		strange++;
	ticks++;
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct itimerval every = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};
	int bad = 0;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (long i = 0; ticks < 100 && i < 100000000; i++) {
		bad |= site_mov(0) != group;
		bad |= site_short(0) != group;
		bad |= site_moved(121, 0) != group;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	printf("interrupted: %s\n", bad ? "wrong" : "right");
}

/* A read that sleeps is interrupted, restarted, and gets its byte; each time from a rewritten site.
 */
static void restarted(void)
{
	int fd[2], bad = 0;
	char c;

	CHECK_OK(pipe(fd));
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			usleep(1000);
			kill(getppid(), SIGALRM);
			usleep(1000);
			_exit(write(fd[1], "x", 1) != 1);
		}
		bad |= site_moved(0, 0) == 1; /* no such thing: warms the page up */
		bad |= syscall(SYS_read, fd[0], &c, 1) != 1 || c != 'x';
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			usleep(1000);
			kill(getppid(), SIGALRM);
			usleep(1000);
			_exit(write(fd[1], "y", 1) != 1);
		}
		bad |= site_zero(fd[0], &c, 1) != 1 || c != 'y';
		waitpid(pid, NULL, 0);
	}
	close(fd[0]);
	close(fd[1]);
	printf("restarted: %s\n", bad ? "wrong" : "right");
}

/* ---- single steps ---- */

static volatile int steps;
static volatile long step_at[64];
static uintptr_t step_code;
static long step_len; /* up to and without the return */

static void on_step(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	long at = (long)((uintptr_t)r[REG_RIP] - step_code);

	/* Behind a system call the first step comes one late: where, is not looked at. */
	if (at >= 0 && at < step_len && steps < 64)
		step_at[steps++] = at;
	else
		r[REG_EFL] &= ~(greg_t)FLAG_TF;
}

static void step_through(const char *what, long (*code)(long), long len)
{
	long ret;

	step_code = (uintptr_t)code;
	step_len = len;
	for (int i = 0; i < 3; i++) {
		steps = 0;
		__asm__ volatile("pushf\n orq $0x100, (%%rsp)\n popf\n"
				 "call *%1\n"
				 : "=a"(ret)
				 : "r"(code), "D"(0L)
				 : "rcx", "r11", "memory", "cc");
		printf("steps of %s:", what);
		for (int k = 0; k < steps; k++)
			printf(" +%ld", step_at[k]);
		printf(" %s\n", ret == group ? "right" : "wrong");
	}
}

static void single_steps(void)
{
	struct sigaction sa = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};

	sigaction(SIGTRAP, &sa, NULL);
	step_through("mov", site_mov, 7);
	step_through("mov to rax", site_rax, 9);
	step_through("push and pop", site_short, 5);
	signal(SIGTRAP, SIG_DFL);
}

/* ---- threads ---- */

/* Sites that nobody has gone through before: 32 of them. */
__asm__(".text\n.balign 64\n"
	"fresh: .rept 32\n"
	".balign 32\n"
	"test %esi, %esi\n jnz 1f\n mov $121, %eax\n 1: syscall\n ret\n nopw 0(%rax,%rax)\n"
	".endr\n.balign 32\n");
extern char fresh[];

static pthread_barrier_t barrier;
static volatile int wrong;

static void *runner(void *arg)
{
	for (int site = 0; site < 32; site++) {
		char *code = fresh + 32 * site;

		pthread_barrier_wait(&barrier);
		for (int i = 0; i < 50; i++) {
			/* Half of them come to the instruction with the number in hand. */
			long nr = 121, by_jump = (i + (arg != NULL)) & 1;

			__asm__ volatile("call *%1"
					 : "+a"(nr)
					 : "r"(code), "D"(0L), "S"(by_jump)
					 : "rcx", "r11", "memory", "cc");
			if (nr != group)
				wrong = 1;
		}
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	pthread_barrier_init(&barrier, NULL, 4);
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, runner, (void *)(i & 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("threads: %s\n", wrong ? "wrong" : "right");
}

/* Rewritten sites in a child, its child, and threads of a child. */
static void forks(void)
{
	int status, bad = 0;

	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pid_t again = fork();

			if (again == 0)
				_exit(site_mov(0) != group || site_short(0) != group);
			for (int k = 0; k < 10; k++)
				bad |= site_mov(0) != group || site_zero(-1, NULL, 0) != -EBADF;
			threads();
			fflush(stdout);
			waitpid(again, &status, 0);
			_exit(bad || status != 0 || wrong);
		}
		waitpid(pid, &status, 0);
		bad |= status != 0;
	}
	printf("forks: %s\n", bad ? "wrong" : "right");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	group = getpgid(0);
	shapes();
	registers();
	return_address();
	jump_to_it();
	interrupted();
	restarted();
	single_steps();
	threads();
	forks();
	printf("handlers saw %s\n", strange ? "strange places" : "the program only");
	return check_done();
}
