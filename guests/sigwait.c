/*
 * sigwait.c - pause, rt_sigsuspend, rt_sigtimedwait: what ends them, what they answer.
 */
#include "asleep.h"
#include "check.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int got;

static void on_signal(int sig)
{
	got = sig;
}

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

/* A child that signals us when we are asleep. */
static pid_t later(int sig)
{
	pid_t pid = fork();

	if (pid == 0) {
		wait_asleep(getppid());
		kill(getppid(), sig);
		_exit(0);
	}
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void suspend(void)
{
	sigset_t usr = set_of(SIGUSR1, SIGUSR2), only2 = set_of(SIGUSR1, 0), now;
	pid_t pid;

	sigprocmask(SIG_BLOCK, &usr, NULL);
	raise(SIGUSR1);
	raise(SIGUSR2);
	got = 0;
	CHECK_ERR(sigsuspend(&only2), EINTR);
	CHECK(got == SIGUSR2);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	usr = set_of(0, 0);
	pid = later(SIGWINCH); /* without a handler: does not end it */
	pid_t pid2 = fork();
	if (pid2 == 0) {
		wait_asleep(getppid());
		usleep(20000);
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	got = 0;
	sigset_t all = set_of(SIGUSR1, SIGCHLD);
	CHECK_ERR(sigsuspend(&all), EINTR);
	CHECK(got == SIGTERM);
	reap(pid);
	reap(pid2);
	sigprocmask(SIG_SETMASK, &usr, NULL);
	CHECK(got == SIGUSR1);
	CHECK_ERR(syscall(SYS_rt_sigsuspend, &all, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
}

static void pausing(void)
{
	pid_t pid = later(SIGUSR1);

	got = 0;
	CHECK_ERR(pause(), EINTR);
	CHECK(got == SIGUSR1);
	reap(pid);
}

static void timed(void)
{
	sigset_t usr = set_of(SIGUSR1, 40);
	struct timespec now = {0, 0}, soon = {0, 30000000}, bad = {0, 1000000000}, neg = {-1, 0};
	struct timespec long_time = {100, 0};
	siginfo_t info;
	pid_t pid;

	sigprocmask(SIG_BLOCK, &usr, NULL);
	CHECK_ERR(sigtimedwait(&usr, NULL, &now), EAGAIN);
	CHECK_ERR(sigtimedwait(&usr, NULL, &soon), EAGAIN);
	CHECK_ERR(sigtimedwait(&usr, NULL, &bad), EINVAL);
	CHECK_ERR(sigtimedwait(&usr, NULL, &neg), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &usr, NULL, NULL, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &usr, NULL, 8, 8), EFAULT);
	sigqueue(getpid(), 40, (union sigval){.sival_int = 9});
	raise(SIGUSR1);
	CHECK(sigtimedwait(&usr, &info, &now) == SIGUSR1 && info.si_pid == getpid());
	CHECK(sigtimedwait(&usr, &info, &now) == 40 && info.si_value.sival_int == 9);
	pid = later(SIGUSR1);
	CHECK(sigtimedwait(&usr, &info, &long_time) == SIGUSR1 && info.si_pid == pid);
	reap(pid);
	pid = later(SIGUSR2); /* handled, not waited for */
	got = 0;
	/* (as a call of musl's it would go on) */
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &usr, &info, &long_time, 8), EINTR);
	CHECK(got == SIGUSR2);
	reap(pid);
	pid = later(SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &usr, NULL); /* not blocked: the waiter still gets it */
	got = 0;
	CHECK(sigwaitinfo(&usr, &info) == SIGUSR1 && got == 0);
	reap(pid);
	raise(SIGUSR1);
	CHECK(got == SIGUSR1);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	suspend();
	pausing();
	timed();
	return check_done();
}
