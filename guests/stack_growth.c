/*
 * stack_growth.c - the stack grows by itself up to RLIMIT_STACK; also when only a system call
 * touches it, and for MAP_GROWSDOWN mappings.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int depth(int n)
{
	volatile char frame[4096];

	frame[0] = n;
	return n ? depth(n - 1) + (frame[0] == (char)n) : 0;
}

static void in_child(const char *what, void (*f)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		f();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
}

static void deep(void)
{
	printf("depth %d\n", depth(1500));
}

static void too_deep(void)
{
	depth(3000);
}

static void leap(void)
{
	volatile char *p = __builtin_frame_address(0);

	p -= 7 << 20;
	*p = 1; /* the whole way in one step, as a large frame would */
	printf("leapt\n");
}

static void leap_too_far(void)
{
	volatile char *p = __builtin_frame_address(0);

	p -= 9 << 20;
	*p = 1;
}

/* Nobody has touched the buffer but the kernel. */
static void kernel_writes(void)
{
	char *p = (char *)__builtin_frame_address(0) - (2 << 20);
	int fds[2];
	ssize_t n;

	if (pipe(fds) || write(fds[1], "hello", 5) != 5)
		_exit(1);
	n = read(fds[0], p, 5);
	printf("read below the stack: %zd %.5s\n", n, p);
}

static sigjmp_buf back;
static char alt[65536];

static void on_fault(int sig)
{
	siglongjmp(back, 1);
}

static void survive(void)
{
	stack_t st = {.ss_sp = alt, .ss_size = sizeof(alt)};
	struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

	sigaltstack(&st, NULL);
	sigaction(SIGSEGV, &act, NULL);
	if (!sigsetjmp(back, 1))
		depth(100000);
	printf("overflow handled on the alternate stack\n");
}

static void limited(void)
{
	struct rlimit lim = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_STACK, &lim);
	depth(600);
}

static void grows_down(void)
{
	size_t size = 16 << 20;
	char *area =
	    mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *p;

	munmap(area, size);
	p = mmap(area + size - 65536, 65536, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	for (long off = 0; off < 2 << 20; off += 4096)
		p[-off] = 1;
	printf("grew down\n");
}

int main(void)
{
	struct rlimit lim;

	getrlimit(RLIMIT_STACK, &lim);
	lim.rlim_cur = 8 << 20;
	setrlimit(RLIMIT_STACK, &lim);
	in_child("deep", deep);
	in_child("too deep", too_deep);
	in_child("leap", leap);
	in_child("leap too far", leap_too_far);
	in_child("kernel writes", kernel_writes);
	in_child("survive", survive);
	in_child("limited", limited);
	in_child("grows down", grows_down);
	return 0;
}
