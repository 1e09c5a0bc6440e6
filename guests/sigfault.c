/*
 * sigfault.c - exceptions: the signal, its code and address, and what the frame says of the trap.
 */
#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile uintptr_t expected;

/* Of a page fault only the bit that no page table decides; of a protection fault nothing. */
static const char *error(const greg_t *g)
{
	static char text[16];

	if (g[REG_TRAPNO] == 13)
		return "-";
	if (g[REG_TRAPNO] == 14)
		return g[REG_ERR] & 4 ? "user" : "kernel";
	snprintf(text, sizeof(text), "%llx", g[REG_ERR]);
	return text;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	printf(" signal %d code %d address %s trapno %lld err %s cr2 %s\n", sig, info->si_code,
	       (uintptr_t)info->si_addr == expected		? "as expected"
	       : (greg_t)(uintptr_t)info->si_addr == g[REG_RIP] ? "of the instruction"
	       : !info->si_addr					? "none"
								: "other",
	       g[REG_TRAPNO], error(g), (uintptr_t)g[REG_CR2] == expected ? "too" : "no");
	siglongjmp(back, 1);
}

#define TRY(name, addr, code)                                                                      \
	do {                                                                                       \
		printf("%s:", name);                                                               \
		expected = (uintptr_t)(addr);                                                      \
		if (!sigsetjmp(back, 1)) {                                                         \
			code;                                                                      \
			printf(" nothing happened\n");                                             \
		}                                                                                  \
	} while (0)

static void faults(void)
{
	volatile char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *gone;
	volatile char *file;
	volatile int zero = 0, one = 1;
	int fd = memfd_create("file", 0);

	CHECK(write(fd, "x", 1) == 1);
	file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap((void *)gone, 4096);
	TRY("read unmapped", gone + 5, (void)gone[5]);
	TRY("write unmapped", gone + 6, gone[6] = 1);
	TRY("read protected", none + 7, (void)none[7]);
	TRY("write read-only", ro + 8, ro[8] = 1);
	TRY("jump to data", ro, ((void (*)(void))ro)());
	TRY("null", 0x10, *(volatile int *)0x10 = 1);
	TRY("non-canonical", 1, (void)*(volatile char *)0x8000000000000000ULL);
	TRY("kernel half", 0xffff800000000000ULL, (void)*(volatile char *)0xffff800000000000ULL);
	TRY("past the end of a file", file + 4096, file[4096] = 1);
	TRY("division", 1, one = one / zero);
	TRY("undefined", 1, __asm__ volatile("ud2"));
	TRY("breakpoint", 1, __asm__ volatile("int3"));
	TRY("privileged", 1, __asm__ volatile("hlt"));
	TRY("port", 1, __asm__ volatile("in $0x60, %%al" ::: "eax"));
	TRY("int 3 the long way", 1, __asm__ volatile(".byte 0xcd, 0x03"));
	TRY("bad interrupt", 1, __asm__ volatile("int $0x21"));
	TRY("single step", 1,
	    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop" ::
				 : "cc", "memory"));
}

/* A fault while its signal is blocked or ignored ends the process all the same. */
static void deadly(const char *name, void (*prepare)(void))
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		prepare();
		*(volatile int *)8 = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("%s: signal %d\n", name, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

static void block(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGSEGV);
	sigprocmask(SIG_BLOCK, &s, NULL);
}

static void ignore(void)
{
	signal(SIGSEGV, SIG_IGN);
}

static void by_default(void)
{
	signal(SIGSEGV, SIG_DFL);
}

static void bad_stack(void)
{
	/* The handler is there but nothing can be pushed. */
	__asm__ volatile("mov $0x1000, %%rsp\n\tmov %%rax, (%%rsp)" ::: "memory");
}

int main(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		CHECK_OK(sigaction(sigs[i], &sa, NULL));
	faults();
	deadly("blocked", block);
	deadly("ignored", ignore);
	deadly("default", by_default);
	deadly("no stack", bad_stack);
	return check_done();
}
