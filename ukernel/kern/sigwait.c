/*
 * sigwait.c - the calls that wait for a signal: pause, sigsuspend, sigtimedwait; and
 * restart_syscall.
 */
#include "abi.h"
#include "kern/signal.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SIGSET_BYTES 8

int siginfo_copy_to_user(struct task *t, uaddr_t to, const struct abi_siginfo *info)
{
	return copy_to_user(t, to, info, sizeof(*info));
}

/* Sleep until a signal is to be delivered. */
static long wait_for_signal(void)
{
	struct waitq nothing;

	waitq_init(&nothing);
	while (wait_on(&nothing) == 0)
		;
	return -ERESTARTNOHAND;
}

long sys_pause(struct task *t)
{
	return wait_for_signal();
}

long sys_rt_sigsuspend(struct task *t, uaddr_t mask, size_t sigsetsize)
{
	sigmask_t set;

	if (sigsetsize != SIGSET_BYTES)
		return -EINVAL;
	if (get_user(t, set, mask))
		return -EFAULT;
	signal_set_temp_mask(t, set & ~SIGSET_KILL_STOP);
	return wait_for_signal();
}

/* 0 at once, an absolute deadline otherwise. */
static int deadline_from_user(struct task *t, uaddr_t timeout, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	if (get_user(t, ts, timeout))
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= 1000000000)
		return -EINVAL;
	uint64_t now = time_now_ns();
	if (ts.sec == 0 && ts.nsec == 0)
		*deadline = 0;
	else if ((uint64_t)ts.sec < (WAIT_FOREVER - now) / 1000000000 - 1)
		*deadline = now + (uint64_t)ts.sec * 1000000000 + (uint64_t)ts.nsec;
	return 0;
}

long sys_rt_sigtimedwait(struct task *t, uaddr_t set, uaddr_t info, uaddr_t timeout,
			 size_t sigsetsize)
{
	struct abi_siginfo si;
	sigmask_t want;
	uint64_t deadline;

	if (sigsetsize != SIGSET_BYTES)
		return -EINVAL;
	if (get_user(t, want, set))
		return -EFAULT;
	want &= ~SIGSET_KILL_STOP;
	int err = deadline_from_user(t, timeout, &deadline);
	if (err)
		return err;
	for (;;) {
		int sig = signal_dequeue(t, want, &si);
		if (sig)
			return info && siginfo_copy_to_user(t, info, &si) ? -EFAULT : sig;
		if (err == -ETIMEDOUT)
			return -EAGAIN;
		if (err)
			return -EINTR;
		err = wait_on_until(&t->proc->sig_waitq, deadline);
	}
}

long sys_restart_syscall(struct task *t)
{
	return t->restart ? t->restart(t) : -EINTR;
}
