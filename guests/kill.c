/*
 * kill.c - kill(2), tkill(2), tgkill(2): every form of the pid, every error, who is reached.
 *
 * kill(-1) is tried only with a signal that nobody handles: it reaches everything one may signal.
 */
#include "check.h"

#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int got;

static void on_signal(int sig)
{
	got++;
}

static void errors(void)
{
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_ERR(kill(0x3fffffff, 0), ESRCH);
	CHECK_ERR(kill(0x3fffffff, 65), ESRCH);
	CHECK_ERR(kill(-0x3fffffff, SIGUSR1), ESRCH);
	CHECK_ERR(kill(INT_MIN, SIGUSR1), ESRCH);
	CHECK_ERR(kill(0, 65), EINVAL);
	CHECK_OK(kill(getpid(), 0));
	CHECK_OK(kill(0, 0));
	CHECK_ERR(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tkill, -1, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tkill, 0x3fffffff, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tkill, getpid(), 65), EINVAL);
	CHECK_OK(syscall(SYS_tkill, getpid(), 0));
	CHECK_ERR(syscall(SYS_tgkill, 0, getpid(), SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), 0, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), 0x3fffffff, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getppid(), getpid(), SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
	CHECK_OK(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void deaths(void)
{
	static const int sigs[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,	 SIGABRT, SIGBUS,  SIGFPE,
				   SIGKILL, SIGUSR1, SIGSEGV, SIGPIPE,	 SIGALRM, SIGTERM, SIGXCPU,
				   SIGPROF, SIGSYS,  SIGPWR,  SIGSTKFLT, SIGIO,	  34,	   64};

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			signal(sigs[i], SIG_DFL);
			for (;;)
				pause();
		}
		CHECK_OK(kill(pid, sigs[i]));
		int status = status_of(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i]);
	}
}

/* A zombie can be signalled; it does not mind. */
static void zombie(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(7);
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	CHECK_OK(kill(pid, SIGKILL));
	CHECK(status_of(pid) == 7 << 8);
	CHECK_ERR(kill(pid, 0), ESRCH);
}

static void groups(void)
{
	pid_t a = fork();

	if (a == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(a, a);
	pid_t b = fork();
	if (b == 0) {
		setpgid(0, a);
		for (;;)
			pause();
	}
	setpgid(b, a);
	CHECK_OK(kill(-a, 0));
	CHECK_OK(kill(-a, SIGTERM));
	CHECK(WTERMSIG(status_of(a)) == SIGTERM);
	CHECK(WTERMSIG(status_of(b)) == SIGTERM);
	CHECK_ERR(kill(-a, 0), ESRCH);
	/* Our own group; the first process may lead a session and cannot have a new one. */
	a = fork();
	if (a == 0) {
		int bad = setpgid(0, 0);

		signal(SIGUSR1, on_signal);
		bad |= kill(0, SIGUSR1) | kill(-getpgrp(), SIGUSR1);
		_exit(bad || got != 2);
	}
	CHECK(status_of(a) == 0);
}

/* Dropping privileges, where there are any: then only one's own may be signalled. */
static void permission(void)
{
	pid_t root_child, pid;

	if (getuid() != 0)
		return;
	root_child = fork();
	if (root_child == 0) {
		for (;;)
			pause();
	}
	pid = fork();
	if (pid == 0) {
		CHECK_OK(setuid(12345));
		CHECK_ERR(kill(root_child, SIGTERM), EPERM);
		CHECK_ERR(kill(root_child, 0), EPERM);
		CHECK_ERR(syscall(SYS_tkill, root_child, SIGTERM), EPERM);
		CHECK_OK(kill(root_child, SIGCONT)); /* the same session */
		CHECK_OK(kill(getpid(), 0));
		CHECK_ERR(kill(1, 0), EPERM);
		fflush(stdout);
		_exit(check_failures != 0);
	}
	CHECK(status_of(pid) == 0);
	CHECK_OK(kill(root_child, SIGTERM));
	CHECK(WTERMSIG(status_of(root_child)) == SIGTERM);
}

int main(void)
{
	errors();
	deaths();
	zombie();
	groups();
	permission();
	return check_done();
}
