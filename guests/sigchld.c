/*
 * sigchld.c - SIGCHLD: its siginfo for each way to end, children that are not waited for, other
 * exit signals, and waits that the signal interrupts.
 */
#include "check.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int count, code, status_seen, pid_seen;

static void on_chld(int sig, siginfo_t *info, void *context)
{
	count++;
	code = info->si_code;
	status_seen = info->si_status;
	pid_seen = info->si_pid;
}

static void install(void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_flags = flags};

	if (handler)
		sa.sa_handler = handler;
	else {
		sa.sa_sigaction = on_chld;
		sa.sa_flags |= SA_SIGINFO;
	}
	CHECK_OK(sigaction(SIGCHLD, &sa, NULL));
}

static void ends(void)
{
	int status;

	install(NULL, SA_RESTART);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct rlimit none = {0, 0};

			setrlimit(RLIMIT_CORE, &none);
			if (i == 0)
				_exit(300);
			if (i == 1)
				raise(SIGKILL);
			if (i == 2)
				raise(SIGTERM);
			abort();
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(pid_seen == pid);
		printf("end %d: code %d status %d wait %x signals %d\n", i, code, status_seen,
		       status, count);
	}
}

static void unwaited(const char *name, void (*handler)(int), int flags)
{
	int status;

	count = 0;
	install(handler, flags | SA_RESTART);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(i);
	pid_t ret = wait(&status);
	printf("%s: wait %d errno %s, signals %s\n", name, ret > 0,
	       errno == ECHILD ? "ECHILD" : "?", count ? "some" : "none");
}

/* clone() with another exit signal: only __WCLONE or __WALL wait for it. */
static void other_signal(void)
{
	int status;

	install(NULL, SA_RESTART);
	count = 0;
	pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		_exit(9);
	CHECK_ERR(waitpid(pid, &status, 0), ECHILD);
	CHECK(waitpid(pid, &status, __WCLONE) == pid);
	printf("no exit signal: status %x signals %d\n", status, count);
}

static void interrupted(void)
{
	int status;
	pid_t parent = getpid(), killer, pid;

	install(NULL, 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	signal(SIGUSR1, SIG_IGN);
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &sa, NULL);
	killer = fork();
	if (killer == 0) {
		usleep(50000);
		kill(parent, SIGUSR1);
		usleep(50000);
		_exit(0);
	}
	CHECK_ERR(waitpid(pid, &status, 0), EINTR);
	install(SIG_DFL, 0);
	CHECK(waitpid(killer, &status, 0) == killer);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	ends();
	unwaited("ignored", SIG_IGN, 0);
	unwaited("nocldwait", NULL, SA_NOCLDWAIT);
	unwaited("default nocldwait", SIG_DFL, SA_NOCLDWAIT);
	other_signal();
	interrupted();
	return check_done();
}
