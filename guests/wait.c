/*
 * wait.c - wait4(2) and waitid(2): which child, what of it, and what when there is none.
 */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif
#ifndef __WALL
#define __WALL 0x40000000
#endif

static pid_t child(int code)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void errors(void)
{
	siginfo_t si;
	int st;

	CHECK_ERR(wait4(-1, &st, 0, NULL), ECHILD);
	CHECK_ERR(wait4(getpid(), &st, 0, NULL), ECHILD);
	CHECK_ERR(wait4(-1, &st, 0x100, NULL), EINVAL);
	CHECK_ERR(wait4(INT_MIN, &st, 0, NULL), ESRCH);
	CHECK_ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &si, 0), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &si, WNOHANG), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &si, WEXITED | 0x100), EINVAL);
	CHECK_ERR(waitid(P_PID, 0, &si, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, -5, &si, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PGID, -5, &si, WEXITED), EINVAL);
	CHECK_ERR(waitid((idtype_t)77, 1, &si, WEXITED), EINVAL);
	CHECK_ERR(waitid((idtype_t)3, 77, &si, WEXITED), EBADF);
	CHECK_ERR(waitid((idtype_t)3, -1, &si, WEXITED), EINVAL);
	CHECK_ERR(waitid((idtype_t)3, 0, &si, WEXITED), EBADF); /* no pidfd */
	/* a bad pointer: the child has been taken all the same */
	pid_t pid = child(1);
	CHECK_ERR(syscall(SYS_wait4, pid, 8, 0, 0), EFAULT);
	CHECK_ERR(wait4(pid, &st, 0, NULL), ECHILD);
	pid = child(1);
	CHECK_ERR(syscall(SYS_waitid, P_PID, pid, 8, WEXITED, 0), EFAULT);
	/* none wanted */
	pid = child(3);
	CHECK(wait4(pid, NULL, 0, NULL) == pid);
	pid = child(3);
	CHECK(syscall(SYS_waitid, P_PID, pid, 0, WEXITED, 0) == 0);
}

static void choice(void)
{
	pid_t a = child(1), b = child(2);
	int st;

	CHECK(waitpid(b, &st, 0) == b && WEXITSTATUS(st) == 2);
	CHECK(waitpid(0, &st, 0) == a && WEXITSTATUS(st) == 1);
	a = child(3);
	CHECK(waitpid(-getpgrp(), &st, 0) == a && WEXITSTATUS(st) == 3);
	CHECK_ERR(waitpid(-0x3fffffff, &st, 0), ECHILD);
	/* somebody else's child is none of ours */
	CHECK_ERR(waitpid(1, &st, 0), ECHILD);
	a = sleeper();
	CHECK(waitpid(a, &st, WNOHANG) == 0);
	CHECK_OK(setpgid(a, a));
	CHECK_ERR(waitpid(0, &st, WNOHANG), ECHILD);
	CHECK(waitpid(-a, &st, WNOHANG) == 0);
	kill(a, SIGTERM);
	CHECK(waitpid(-a, &st, 0) == a);
	printf("by group: %#x\n", st);
}

static void print_info(const char *what, const siginfo_t *si, pid_t pid)
{
	printf("%s: signo %d code %d status %d pid %s uid %s\n", what, si->si_signo == SIGCHLD,
	       si->si_code, si->si_status, si->si_pid == pid ? "right" : "wrong",
	       si->si_uid == getuid() ? "right" : "wrong");
}

static void infos(void)
{
	siginfo_t si;
	int st;
	pid_t pid = child(33);

	CHECK_OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	print_info("left", &si, pid);
	CHECK_OK(waitid(P_ALL, 0, &si, WEXITED | WNOHANG));
	print_info("taken", &si, pid);
	CHECK_ERR(waitid(P_PID, pid, &si, WEXITED), ECHILD);
	pid = sleeper();
	memset(&si, 0x55, sizeof(si));
	CHECK_OK(waitid(P_PID, pid, &si, WEXITED | WNOHANG));
	printf("nothing yet: signo %d pid %d\n", si.si_signo, si.si_pid);
	kill(pid, SIGSTOP);
	CHECK_OK(waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT));
	print_info("stopped", &si, pid);
	CHECK(waitpid(pid, &st, WUNTRACED) == pid);
	printf("status %#x\n", st);
	CHECK(waitpid(pid, &st, WUNTRACED | WNOHANG) == 0); /* told once */
	kill(pid, SIGCONT);
	CHECK_OK(waitid(P_PID, pid, &si, WCONTINUED | WNOWAIT));
	print_info("continued", &si, pid);
	CHECK(waitpid(pid, &st, WCONTINUED) == pid);
	printf("status %#x\n", st);
	kill(pid, SIGKILL);
	CHECK_OK(waitid(P_PGID, 0, &si, WEXITED));
	print_info("killed", &si, pid);
}

static int clone_main(void *arg)
{
	return 4;
}

/* A child whose death is told by another signal than SIGCHLD is found with __WCLONE or __WALL. */
static void clone_children(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int st;
	pid_t pid = clone(clone_main, stack + sizeof(stack), CLONE_VM | CLONE_FS, NULL);

	CHECK_ERR(waitpid(pid, &st, 0), ECHILD);
	CHECK(waitpid(pid, &st, (int)__WCLONE) == pid && WEXITSTATUS(st) == 4);
	pid = clone(clone_main, stack + sizeof(stack), CLONE_VM, NULL);
	CHECK(waitpid(-1, &st, __WALL) == pid && WEXITSTATUS(st) == 4);
	pid = child(1);
	CHECK_ERR(waitpid(pid, &st, (int)__WCLONE), ECHILD);
	CHECK(waitpid(pid, &st, __WALL) == pid);
}

static int go[2], done[2];

/* Forks, waits to be told, and buries its own child, whom only it may ask for with __WNOTHREAD. */
static void *forker(void *arg)
{
	pid_t *pid = arg;
	char c;

	*pid = child(3);
	write(done[1], "f", 1);
	read(go[0], &c, 1);
	CHECK(waitpid(*pid, NULL, __WNOTHREAD) == *pid);
	*pid = fork();
	if (!*pid) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		prctl(PR_SET_PDEATHSIG, SIGUSR2);
		write(done[1], "p", 1);
		_exit(sigwaitinfo(&set, NULL));
	}
	read(go[0], &c, 1);
	return NULL;
}

static void threads(void)
{
	pthread_t th;
	pid_t pid;
	int st;
	char c;

	CHECK_OK(pipe(go));
	CHECK_OK(pipe(done));
	CHECK_OK(pthread_create(&th, NULL, forker, &pid));
	CHECK(read(done[0], &c, 1) == 1);
	CHECK_ERR(waitpid(pid, NULL, __WNOTHREAD), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, __WNOTHREAD | WNOHANG), ECHILD);
	CHECK(write(go[1], "g", 1) == 1);
	CHECK(read(done[0], &c, 1) == 1 && c == 'p');
	CHECK_ERR(waitpid(pid, NULL, __WNOTHREAD | WNOHANG), ECHILD);
	CHECK(write(go[1], "g", 1) == 1);
	CHECK_OK(pthread_join(th, NULL));
	/* With its thread gone the child has heard of a parent's death, and it is ours. */
	CHECK(waitpid(pid, &st, __WNOTHREAD) == pid && WEXITSTATUS(st) == SIGUSR2);
}

static void usage(void)
{
	struct rusage ru;
	siginfo_t si;
	int st;
	pid_t pid = fork();

	if (pid == 0) {
		struct rusage me;
		volatile unsigned n = 0;

		do {
			for (int i = 0; i < 1000000; i++)
				n++;
			getrusage(RUSAGE_SELF, &me);
		} while (me.ru_utime.tv_sec * 1000000 + me.ru_utime.tv_usec < 60000);
		_exit(0);
	}
	CHECK(wait4(pid, &st, 0, &ru) == pid);
	CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec >= 60000);
	CHECK(ru.ru_utime.tv_sec < 10);
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &ru));
	CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec >= 60000);
	pid = child(0);
	CHECK(syscall(SYS_waitid, P_PID, pid, &si, WEXITED, &ru) == 0);
	pid = child(0);
	CHECK_ERR(syscall(SYS_wait4, pid, 0, 0, 8), EFAULT);
}

static void on_chld(int sig)
{
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_chld};
	struct itimerval it = {{0, 0}, {0, 20000}};
	int st;
	pid_t pid = sleeper();

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERR(waitpid(pid, &st, 0), EINTR);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &st, 0) == pid);
}

/* Who does not want to know of dead children does not get zombies. */
static void unwanted(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	int st;

	signal(SIGCHLD, SIG_IGN);
	child(0);
	CHECK_ERR(wait(&st), ECHILD); /* returns when the last has died */
	sigaction(SIGCHLD, &sa, NULL);
	child(0);
	CHECK_ERR(wait(&st), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	pid_t pid = child(0);
	CHECK(wait(&st) == pid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	errors();
	choice();
	infos();
	clone_children();
	threads();
	usage();
	interrupted();
	unwanted();
	return check_done();
}
