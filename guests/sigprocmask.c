/*
 * sigprocmask.c - rt_sigprocmask(2), rt_sigpending(2): each way to change the mask, each error, and
 * the order in which what was blocked arrives.
 */
#include "check.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static long mask(int how, const uint64_t *set, uint64_t *old, size_t size)
{
	return syscall(SYS_rt_sigprocmask, how, set, old, size);
}

static void on_signal(int sig)
{
	printf("handler of %d\n", sig);
}

int main(void)
{
	uint64_t all = ~0ULL, none = 0, old, one = 1ULL << (SIGUSR1 - 1);
	static const int sigs[] = {SIGTERM, SIGUSR1, SIGHUP, 40, 34, SIGSEGV};

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK_ERR(mask(SIG_BLOCK, &all, &old, 16), EINVAL);
	CHECK_ERR(mask(77, &all, &old, 8), EINVAL);
	CHECK_OK(mask(77, NULL, &old, 8));
	CHECK_ERR(mask(SIG_BLOCK, (void *)8, &old, 8), EFAULT);
	CHECK_ERR(mask(SIG_BLOCK, NULL, (void *)8, 8), EFAULT);
	CHECK_OK(mask(SIG_BLOCK, &all, NULL, 8));
	CHECK_OK(mask(SIG_SETMASK, NULL, &old, 8));
	printf("all: %lx\n", old);
	CHECK_OK(mask(SIG_UNBLOCK, &one, &old, 8));
	CHECK_OK(mask(SIG_SETMASK, NULL, &old, 8));
	printf("but one: %lx\n", old);
	CHECK_OK(mask(SIG_SETMASK, &all, NULL, 8));
	CHECK_ERR(syscall(SYS_rt_sigpending, &old, 9), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigpending, 8, 8), EFAULT);
	CHECK_OK(syscall(SYS_rt_sigpending, 8, 0));
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		signal(sigs[i], on_signal);
		CHECK_OK(kill(getpid(), sigs[i]));
	}
	CHECK_OK(syscall(SYS_rt_sigpending, &old, 8));
	printf("pending: %lx\n", old);
	CHECK_OK(mask(SIG_SETMASK, &none, NULL, 8));
	CHECK_OK(syscall(SYS_rt_sigpending, &old, 8));
	printf("pending: %lx\n", old);
	return check_done();
}
