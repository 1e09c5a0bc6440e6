/*
 * session.c - process groups, sessions, parents: getpid(2), getppid(2), setpgid(2), setsid(2),
 * getsid(2), and who takes care of orphans (PR_SET_CHILD_SUBREAPER).
 */
#include "check.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	status_of(pid);
}

static void numbers(void)
{
	CHECK(getpid() > 1 && getppid() > 0 && syscall(SYS_gettid) == getpid());
	CHECK(getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp());
	CHECK(getsid(0) == getsid(getpid()));
	CHECK_ERR(getpgid(0x3fffffff), ESRCH);
	CHECK_ERR(getsid(0x3fffffff), ESRCH);
	CHECK_ERR(getpgid(-1), ESRCH);
	CHECK_ERR(getsid(-1), ESRCH);
	CHECK(getpgid(1) >= 0);
	CHECK(syscall(SYS_set_tid_address, 0) == getpid());
}

static void groups(char *self)
{
	pid_t pid = sleeper(), other = sleeper();
	int ready[2], go[2];
	char c;

	CHECK_ERR(setpgid(pid, -1), EINVAL);
	CHECK_ERR(setpgid(-1, 0), EINVAL); /* the group would be -1 */
	CHECK_ERR(setpgid(-1, 5), ESRCH);
	CHECK_ERR(setpgid(0x3fffffff, 0), ESRCH);
	CHECK_ERR(setpgid(getppid(), 0), ESRCH); /* no child of ours */
	CHECK_ERR(setpgid(pid, 0x3fffffff), EPERM);
	CHECK_OK(setpgid(pid, 0));
	CHECK(getpgid(pid) == pid);
	CHECK_OK(setpgid(other, pid));
	CHECK(getpgid(other) == pid);
	CHECK_OK(kill(-pid, SIGTERM));
	printf("the group: %#x", status_of(pid));
	printf(" %#x\n", status_of(other));
	/* an empty group is gone */
	CHECK_ERR(kill(-pid, 0), ESRCH);
	pid = sleeper();
	CHECK_ERR(setpgid(pid, other), EPERM);
	end(pid);

	/* after exec a parent may not any more */
	CHECK_OK(pipe(ready) || pipe(go));
	pid = fork();
	if (pid == 0) {
		dup2(ready[1], 3);
		dup2(go[0], 4);
		execl(self, self, "exec", NULL);
		_exit(1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK_ERR(setpgid(pid, pid), EACCES);
	end(pid);
	/* another session's groups are out of reach */
	pid = fork();
	if (pid == 0) {
		setsid();
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK_ERR(setpgid(pid, 0), EPERM);
	CHECK_ERR(setpgid(0, pid), EPERM);
	end(pid);
}

static void sessions(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(setsid() == getpid());
		CHECK(getsid(0) == getpid() && getpgrp() == getpid());
		CHECK_ERR(setsid(), EPERM);
		CHECK_ERR(setpgid(0, 0), EPERM); /* a session leader stays */
		pid_t inner = fork();
		if (inner == 0)
			_exit(getsid(0) == getppid() && setsid() == getpid() ? 0 : 1);
		CHECK(status_of(inner) == 0);
		_exit(check_failures);
	}
	CHECK(status_of(pid) == 0);
	/* a group leader cannot */
	pid = fork();
	if (pid == 0) {
		CHECK_OK(setpgid(0, 0));
		CHECK_ERR(setsid(), EPERM);
		_exit(check_failures);
	}
	CHECK(status_of(pid) == 0);
}

static void orphans(void)
{
	int pipefd[2];
	pid_t seen = 0, mine = getpid();

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_OK(pipe(pipefd));
	pid_t pid = fork();
	if (pid == 0) {
		pid_t middle = getpid();
		if (fork() == 0) {
			while (getppid() == middle)
				usleep(1000);
			seen = getppid();
			write(pipefd[1], &seen, sizeof(seen));
			_exit(21);
		}
		_exit(0);
	}
	CHECK(status_of(pid) == 0);
	CHECK(read(pipefd[0], &seen, sizeof(seen)) == sizeof(seen));
	CHECK(seen == mine);
	int st;
	CHECK(wait(&st) > 0);
	printf("adopted: %#x\n", st);
	/* a zombie is handed over too */
	pid = fork();
	if (pid == 0) {
		pid_t inner = fork();
		if (inner == 0)
			_exit(22);
		siginfo_t si;
		waitid(P_PID, inner, &si, WEXITED | WNOWAIT);
		_exit(0);
	}
	CHECK(status_of(pid) == 0);
	CHECK(wait(&st) > 0);
	printf("adopted dead: %#x\n", st);
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
	CHECK_ERR(wait(&st), ECHILD);
}

static void on_usr1(int sig)
{
	_exit(31);
}

static void parent_death(void)
{
	int pipefd[2];
	pid_t pid;
	char c;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_OK(pipe(pipefd));
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			signal(SIGUSR1, on_usr1);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(pipefd[1], "x", 1);
			for (;;)
				pause();
		}
		CHECK(read(pipefd[0], &c, 1) == 1);
		_exit(0);
	}
	CHECK(status_of(pid) == 0);
	int st;
	CHECK(wait(&st) > 0);
	printf("told of the parent's death: %#x\n", st);
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1) {
		char c;

		write(3, "x", 1);
		read(4, &c, 1);
		return 0;
	}
	numbers();
	groups(argv[0]);
	sessions();
	orphans();
	parent_death();
	return check_done();
}
