/*
 * sigaction.c - rt_sigaction(2): what is stored and told back, the flags' effects, each error.
 */
#include "check.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ksigaction {
	uint64_t handler, flags, restorer, mask;
};

static long ksig(int sig, const struct ksigaction *new, struct ksigaction *old, size_t size)
{
	return syscall(SYS_rt_sigaction, sig, new, old, size);
}

static void errors(void)
{
	struct ksigaction a = {0}, o;

	CHECK_ERR(ksig(0, &a, &o, 8), EINVAL);
	CHECK_ERR(ksig(65, &a, &o, 8), EINVAL);
	CHECK_ERR(ksig(-1, &a, &o, 8), EINVAL);
	CHECK_ERR(ksig(SIGKILL, &a, NULL, 8), EINVAL);
	CHECK_ERR(ksig(SIGSTOP, &a, NULL, 8), EINVAL);
	CHECK_OK(ksig(SIGKILL, NULL, &o, 8));
	CHECK(o.handler == 0);
	CHECK_ERR(ksig(SIGUSR1, &a, &o, 4), EINVAL);
	CHECK_ERR(ksig(SIGUSR1, (void *)8, NULL, 8), EFAULT);
	CHECK_ERR(ksig(0, (void *)8, NULL, 8), EFAULT);
	CHECK_ERR(ksig(SIGUSR1, NULL, (void *)8, 8), EFAULT);
}

static void told_back(void)
{
	struct ksigaction a = {.handler = 0x1234,
			       .flags = 0xffffffffffffffffULL,
			       .restorer = 0x77,
			       .mask = ~0ULL},
			  o;

	CHECK_OK(ksig(64, &a, NULL, 8));
	CHECK_OK(ksig(64, NULL, &o, 8));
	printf("handler %lx flags %lx restorer %lx mask %lx\n", o.handler, o.flags, o.restorer,
	       o.mask);
	a.handler = 0;
	CHECK_OK(ksig(64, &a, &o, 8));
	CHECK(o.handler == 0x1234);
	CHECK_OK(ksig(64, &a, &a, 8));
}

static int depth, deepest, count;
static sigset_t seen;

static void on_signal(int sig)
{
	count++;
	if (++depth > deepest)
		deepest = depth;
	sigprocmask(SIG_BLOCK, NULL, &seen);
	if (count == 1)
		raise(sig);
	depth--;
}

static void with_flags(const char *name, int flags, int masked)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags}, now;

	count = deepest = depth = 0;
	sigemptyset(&sa.sa_mask);
	if (masked)
		sigaddset(&sa.sa_mask, masked);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	if (flags & SA_RESETHAND)
		count = 1; /* the second one would kill */
	raise(SIGUSR1);
	CHECK_OK(sigaction(SIGUSR1, NULL, &now));
	printf("%s: runs %d deepest %d usr1 %d usr2 %d kept %d\n", name, count, deepest,
	       sigismember(&seen, SIGUSR1), sigismember(&seen, SIGUSR2),
	       now.sa_handler == on_signal);
	sigprocmask(SIG_BLOCK, NULL, &seen);
	CHECK(!sigismember(&seen, SIGUSR1) && !sigismember(&seen, SIGUSR2));
}

static void pending_goes_when_ignored(void)
{
	sigset_t s, p;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGCHLD);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	raise(SIGUSR1); /* blocked: kept although ignored */
	raise(SIGCHLD);
	raise(SIGRTMIN);
	raise(SIGRTMIN);
	sigpending(&p);
	printf("pending: %d %d %d\n", sigismember(&p, SIGUSR1), sigismember(&p, SIGCHLD),
	       sigismember(&p, SIGRTMIN));
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGRTMIN, SIG_IGN);
	sigpending(&p);
	printf("pending after setting: %d %d %d\n", sigismember(&p, SIGUSR1),
	       sigismember(&p, SIGCHLD), sigismember(&p, SIGRTMIN));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	errors();
	told_back();
	with_flags("plain", 0, 0);
	with_flags("nodefer", SA_NODEFER, 0);
	with_flags("masked", 0, SIGUSR2);
	with_flags("nodefer+masked", SA_NODEFER, SIGUSR1);
	with_flags("resethand", SA_RESETHAND, 0);
	pending_goes_when_ignored();
	return check_done();
}
