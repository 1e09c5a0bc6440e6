/*
 * sigaltstack.c - where handlers run: SA_ONSTACK, SS_AUTODISARM, nesting, stacks too small, each
 * error.
 */
#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define SIZE 65536

static char *area;

static int on_area(const void *p)
{
	return (const char *)p >= area && (const char *)p < area + SIZE;
}

static void show(const char *when)
{
	stack_t now;

	CHECK_OK(sigaltstack(NULL, &now));
	printf("%s: %s flags %x size %zu\n", when,
	       now.ss_sp == area ? "the area"
	       : now.ss_sp	 ? "another"
				 : "none",
	       (unsigned)now.ss_flags, now.ss_size);
}

static volatile int nested;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	stack_t other = {.ss_sp = area, .ss_size = SIZE};
	ucontext_t *uc = context;
	int here;

	printf(" handler of %d %s the area, frame %s, uc_stack %s flags %x\n", sig,
	       on_area(&here) ? "on" : "off", on_area(uc) ? "on" : "off",
	       uc->uc_stack.ss_sp == area ? "area" : "other", (unsigned)uc->uc_stack.ss_flags);
	show(" inside");
	if (on_area(&here))
		printf(" change: %d\n", sigaltstack(&other, NULL) ? errno : 0);
	if (!nested++)
		raise(SIGUSR2);
}

static void run(const char *name, unsigned ss_flags, int sa_flags)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | sa_flags};
	stack_t ss = {.ss_sp = area, .ss_size = SIZE, .ss_flags = (int)ss_flags};

	printf("%s\n", name);
	nested = 0;
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(sigaction(SIGUSR2, &sa, NULL));
	CHECK_OK(sigaltstack(&ss, NULL));
	raise(SIGUSR1);
	show("after");
}

static void errors(void)
{
	stack_t ss = {.ss_sp = area, .ss_size = 2047};

	CHECK_ERR(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_size = 2048;
	CHECK_OK(sigaltstack(&ss, NULL));
	ss.ss_flags = SS_ONSTACK;
	CHECK_OK(sigaltstack(&ss, NULL));
	show("onstack flag");
	ss.ss_flags = SS_ONSTACK | SS_DISABLE;
	CHECK_ERR(sigaltstack(&ss, NULL), EINVAL);
	ss.ss_flags = 4;
	CHECK_ERR(sigaltstack(&ss, NULL), EINVAL);
	CHECK_ERR(sigaltstack((void *)8, NULL), EFAULT);
	CHECK_ERR(sigaltstack(NULL, (void *)8), EFAULT);
	ss.ss_flags = SS_DISABLE;
	ss.ss_size = 0;
	CHECK_OK(sigaltstack(&ss, NULL));
	show("disabled");
}

static sigjmp_buf back;

static void on_overflow(int sig, siginfo_t *info, void *context)
{
	printf("signal %d on the area %d\n", sig, on_area(&sig));
	siglongjmp(back, 1);
}

static int deeper(volatile int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n > 100000000 ? 0 : deeper(n + 1) + room[0];
}

/* What altstacks are for: the stack is used up. */
static void overflow(void)
{
	struct sigaction sa = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t ss = {.ss_sp = area, .ss_size = SIZE};

	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	if (!sigsetjmp(back, 1))
		printf("%d\n", deeper(0));
	show("after the overflow");
}

/* No room for a frame: death by SIGSEGV. */
static void too_small(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t ss = {.ss_sp = area, .ss_size = 2048};
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		sigaltstack(&ss, NULL);
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("too small: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show("at first");
	errors();
	run("plain", 0, SA_ONSTACK);
	run("not asked for", 0, 0);
	run("autodisarm", SS_AUTODISARM, SA_ONSTACK);
	overflow();
	too_small();
	return check_done();
}
