/*
 * listen.c - waiting in the seccomp listener itself, instead of in epoll and then reading it.
 *
 * While guests do nothing but call, one of three host calls of each trap is saved.  All else that
 * may happen meanwhile has to end the wait: signals do, so while we wait here they are not blocked,
 * and a handler catches them; timers and watched descriptors do not, so with one of those armed
 * events.c waits in epoll as before.  To change between the two costs a host call, therefore it
 * takes some notifications in a row.
 */
#include "listen.h"

#include <stdint.h>
#include <ucontext.h>

#define STREAK 32 /* notifications in a row before ... */

extern const char listen_received[], listen_aborted[]; /* listen_call.S */

volatile unsigned listen_caught; /* bit n - 1: signal n; for listen_call.S, too */
static volatile bool open;	 /* the signals are not blocked */
static unsigned streak;
static sigset_t set;
static struct sigaction before[32];
/* Kernel stacks are small, and what the host puts on one depends on the CPU. */
static char stack[64 << 10];

/* All of them are blocked when we are back. */
static void on_signal(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uintptr_t at = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)info;
	__atomic_or_fetch(&listen_caught, 1U << (signo - 1), __ATOMIC_RELAXED);
	open = false;
	for (int sig = 1; sig < 32; sig++) {
		if (sigismember(&set, sig))
			sigaddset(&uc->uc_sigmask, sig);
	}
	if (at >= (uintptr_t)listen_receive && at < (uintptr_t)listen_received)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)listen_aborted;
}

void listen_init(const sigset_t *signals)
{
	struct sigaction sa = {
	    .sa_sigaction = on_signal,
	    .sa_mask = *signals,
	    .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};
	stack_t alt;

	set = *signals;
	open = false;
	listen_caught = 0;
	streak = 0;
	if (sigaltstack(NULL, &alt) == 0 && (alt.ss_flags & SS_DISABLE)) {
		alt = (stack_t){.ss_sp = stack, .ss_size = sizeof(stack)};
		sigaltstack(&alt, NULL);
	}
	for (int sig = 1; sig < 32; sig++) {
		if (sigismember(&set, sig))
			sigaction(sig, &sa, &before[sig]);
	}
}

/* The signals must be blocked, or wanted as they were before. */
void listen_fini(void)
{
	for (int sig = 1; sig < 32; sig++) {
		if (sigismember(&set, sig))
			sigaction(sig, &before[sig], NULL);
	}
	sigemptyset(&set);
}

bool listen_sleeps(bool possible)
{
	if (!possible || listen_caught != 0) {
		streak = 0;
		if (open)
			sigprocmask(SIG_BLOCK, &set, NULL);
		open = false;
		return false;
	}
	if (open)
		return true;
	if (++streak < STREAK)
		return false;
	streak = 0;
	open = true;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

int listen_next_signal(void)
{
	unsigned caught = listen_caught;

	if (caught == 0)
		return 0;
	caught &= -caught;
	__atomic_and_fetch(&listen_caught, ~caught, __ATOMIC_RELAXED);
	return __builtin_ctz(caught) + 1;
}
