/*
 * stub.c - jumps to every byte of executable memory that is not ours: what the machine keeps in
 * our address space, and the vDSO.
 *
 *	stub CANARY VICTIM
 *
 * After "ready" the host says where: lines "LO HI STEP", ended by "go".  A child works through the
 * addresses, each with several sets of hostile registers; faults bring it back, a timer ends loops,
 * and when the child is lost another goes on behind the place.
 */
#include "hostile.h"

#include <setjmp.h>
#include <sys/auxv.h>

#define SETS	 10
#define RANGES	 16
#define TIMER_US 20000

struct regset {
	uint64_t rax, rdi, rsi, rdx, r10, r8, r9, rbx, rbp, r12, r13, r14, r15;
};

static struct regset set[SETS];
static struct range {
	uint64_t lo, hi, step;
} range[RANGES];
static int ranges;

/* Shared with the children. */
static struct progress {
	volatile uint64_t next; /* attempt to make */
	volatile uint64_t faults, traps, loops, returns;
} * progress;
static sigjmp_buf back;
static uint64_t *orders;

static void on_fault(int sig)
{
	if (sig == SIGTRAP)
		progress->traps++;
	else if (sig == SIGALRM)
		progress->loops++;
	else
		progress->faults++;
	siglongjmp(back, 1);
}

static void make_sets(char *canary, long victim)
{
	uint64_t hole = 0x30000000;
	struct regset sets[SETS] = {
	    {SYS_kill, victim, SIGKILL, 0, 0, 0, 0},
	    {SYS_mmap, hole, 4096, 7, 0x32, ~0UL, 0},
	    {SYS_open, (uint64_t)canary, 01001, 0777, 0, 0, 0},
	    {SYS_unlink, (uint64_t)canary, 0, 0, 0, 0, 0},
	    {SYS_clone, SIGCHLD, 0, 0, 0, 0, 0},
	    {SYS_munmap, 0, 0x7ffffffff000, 0, 0, 0, 0},
	    {SYS_process_vm_writev, victim, hole, 1, hole, 1, 0},
	    {SYS_socket, 2, 1, 0, 0, 0, 0},
	    {SYS_ptrace, 16, victim, 0, 0, 0, 0},
	    {SYS_execve, (uint64_t) "/bin/true", 0, 0, 0, 0, 0},
	};

	for (int i = 0; i < SETS; i++) {
		struct regset *s = &sets[i];

		/* What the stub's list of orders would be read from: a list of ours. */
		orders[8 * i] = s->rax;
		memcpy(&orders[8 * i + 1], &s->rdi, 48);
		s->rbx = (uint64_t)&orders[8 * i];
		s->rbp = s->rbx + 64;
		s->r12 = s->r13 = s->r14 = s->r15 = i % 2 ? ~0UL : 0;
	}
	memcpy(set, sets, sizeof(set));
}

void nowhere(void);
__asm__(".globl nowhere\nnowhere: ud2");

/* Under turbo the stub returns to where our mailbox says; that should not be in the midst of the C
 * library. */
static void aim_mailbox(void)
{
	uint64_t base;

	if (!(getauxval(AT_HWCAP2) & 2)) /* rdgsbase */
		return;
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	if (base != 0 && *(volatile uint32_t *)(base + 0x40) == 0x6b786f62)
		*(volatile uint64_t *)(base + 0x38) = (uint64_t)nowhere;
}

static void jump(uint64_t to, const struct regset *s)
{
	static uint64_t stack[512] __attribute__((aligned(64)));
	static void *frame[4];

	/* Whatever returns comes to the label; rsp and rbp are put back from memory. */
	frame[0] = (void *)to;
	__asm__ volatile("mov %%rsp, 8(%[f])\n\tmov %%rbp, 16(%[f])\n\tmov %%rbx, 24(%[f])\n\t"
			 "lea 1f(%%rip), %%rax\n\tmov %%rax, (%[top])\n\tmov %[top], %%rsp\n\t"
			 "push (%[f])\n\t"
			 "mov 0(%[s]), %%rax\n\tmov 8(%[s]), %%rdi\n\tmov 24(%[s]), %%rdx\n\t"
			 "mov 32(%[s]), %%r10\n\tmov 40(%[s]), %%r8\n\tmov 48(%[s]), %%r9\n\t"
			 "mov 56(%[s]), %%rbx\n\tmov 64(%[s]), %%rbp\n\tmov 72(%[s]), %%r12\n\t"
			 "mov 80(%[s]), %%r13\n\tmov 88(%[s]), %%r14\n\tmov 96(%[s]), %%r15\n\t"
			 "mov 16(%[s]), %%rsi\n\t"
			 "ret\n"
			 "1:\tlea %[frame], %%rcx\n\t"
			 "mov 8(%%rcx), %%rsp\n\tmov 16(%%rcx), %%rbp\n\tmov 24(%%rcx), %%rbx"
			 : [frame] "+m"(frame)
			 : [f] "c"(frame), [top] "d"(&stack[480]), [s] "S"(s)
			 : "memory", "rax", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			   "r15", "cc");
}

static uint64_t attempts(void)
{
	uint64_t n = 0;

	for (int i = 0; i < ranges; i++)
		n += (range[i].hi - range[i].lo + range[i].step - 1) / range[i].step * SETS;
	return n;
}

static void make_attempt(uint64_t n)
{
	for (int i = 0; i < ranges; i++) {
		uint64_t here =
		    (range[i].hi - range[i].lo + range[i].step - 1) / range[i].step * SETS;

		if (n < here) {
			aim_mailbox();
			jump(range[i].lo + n / SETS * range[i].step, &set[n % SETS]);
			progress->returns++;
			return;
		}
		n -= here;
	}
}

static int work(void *arg)
{
	static char altstack[65536];
	stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGALRM, SIGSYS};
	struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
	struct itimerval timer = {.it_value = {.tv_usec = TIMER_US},
				  .it_interval = {.tv_usec = TIMER_US}};
	uint64_t end = attempts();
	pid_t self = getpid();

	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (progress->next < end) {
		uint64_t n = progress->next;

		progress->next = n + 1;
		if (sigsetjmp(back, 1) == 0)
			make_attempt(n);
		/* A fork that came off has two of us here. */
		if (getpid() != self)
			raw_exit(0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char line[256];
	unsigned lost = 0;

	require_box();
	if (argc < 3)
		return 97;
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	orders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make_sets(argv[1], atol(argv[2]));
	puts("ready");
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "go\n") != 0)
		if (ranges < RANGES && sscanf(line, "%lx %lx %lu", &range[ranges].lo,
					      &range[ranges].hi, &range[ranges].step) == 3)
			ranges++;
	while (progress->next < attempts()) {
		uint64_t before = progress->next;

		in_child(work, NULL, 2000);
		lost++;
		if (progress->next == before)
			progress->next++;
	}
	printf("%lu jumps: %lu faults, %lu traps, %lu loops, %lu came back, %u children\n",
	       (unsigned long)progress->next, (unsigned long)progress->faults,
	       (unsigned long)progress->traps, (unsigned long)progress->loops,
	       (unsigned long)progress->returns, lost);
	meet("done");
	return 0;
}
