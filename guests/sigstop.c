/*
 * sigstop.c - stop and continue: what the parent hears, what they do to each other and to a call
 * that they interrupt, and the rules of orphaned groups.
 */
#include "asleep.h"
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int chld, chld_code, chld_status, cont;

static void on_chld(int sig, siginfo_t *info, void *context)
{
	chld++;
	chld_code = info->si_code;
	chld_status = info->si_status;
}

static void on_cont(int sig)
{
	cont++;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void wait_shows(pid_t pid, int options, const char *name)
{
	int status = 0;

	errno = 0;
	CHECK(waitpid(pid, &status, options) == pid);
	printf("%s: stopped %d (%d) continued %d signalled %d (%d)\n", name, WIFSTOPPED(status),
	       WIFSTOPPED(status) ? WSTOPSIG(status) : 0, WIFCONTINUED(status), WIFSIGNALED(status),
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* The wait may be answered just before the signal comes. */
static int heard(int code, int status)
{
	for (int i = 0; i < 2000 && (chld_code != code || chld_status != status); i++)
		usleep(1000);
	return chld_code == code && chld_status == status;
}

static void each_stop(void)
{
	static const int sigs[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	pid_t pid = sleeper();
	int status;

	setpgid(pid, pid);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_OK(kill(pid, sigs[i]));
		wait_shows(pid, WUNTRACED, "stop");
		CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0); /* told once */
		CHECK(heard(CLD_STOPPED, sigs[i]));
		CHECK_OK(kill(pid, SIGCONT));
		wait_shows(pid, WCONTINUED, "cont");
		CHECK(waitpid(pid, &status, WCONTINUED | WNOHANG) == 0);
		CHECK(heard(CLD_CONTINUED, SIGCONT));
	}
	CHECK_OK(kill(pid, SIGSTOP));
	wait_shows(pid, WUNTRACED, "stop");
	CHECK_OK(kill(pid, SIGTERM)); /* waits until continued */
	usleep(30000);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK_OK(kill(pid, SIGCONT));
	wait_shows(pid, 0, "term after cont");
	/* Its SIGCHLD may have met that of the continuation and been merged with it. */
	pid = sleeper();
	CHECK_OK(kill(pid, SIGSTOP));
	wait_shows(pid, WUNTRACED, "stop");
	CHECK_OK(kill(pid, SIGKILL)); /* does not */
	wait_shows(pid, 0, "kill while stopped");
}

static void by_waitid(void)
{
	pid_t pid = sleeper();
	siginfo_t info = {0};

	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
	printf("waitid: code %d status %d mine %d\n", info.si_code, info.si_status,
	       info.si_pid == pid);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
	printf("waitid: code %d status %d\n", info.si_code, info.si_status);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
	printf("waitid: code %d status %d\n", info.si_code, info.si_status);
}

static void no_cldstop(void)
{
	struct sigaction sa = {.sa_sigaction = on_chld,
			       .sa_flags = SA_SIGINFO | SA_NOCLDSTOP | SA_RESTART};
	pid_t pid = sleeper();

	sigaction(SIGCHLD, &sa, NULL);
	chld = 0;
	kill(pid, SIGSTOP);
	wait_shows(pid, WUNTRACED, "nocldstop");
	kill(pid, SIGCONT);
	wait_shows(pid, WCONTINUED, "nocldstop");
	CHECK(chld == 0);
	kill(pid, SIGKILL);
	wait_shows(pid, 0, "nocldstop");
	CHECK(chld == 1);
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	sigaction(SIGCHLD, &sa, NULL);
}

/* Stop signals and SIGCONT cancel each other in the queue, blocked or not. */
static void cancel(void)
{
	sigset_t s, p;

	sigemptyset(&s);
	sigaddset(&s, SIGTSTP);
	sigaddset(&s, SIGCONT);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGCONT, on_cont);
	raise(SIGTSTP);
	raise(SIGCONT);
	sigpending(&p);
	printf("cont after stop: %d %d\n", sigismember(&p, SIGTSTP), sigismember(&p, SIGCONT));
	raise(SIGTSTP);
	sigpending(&p);
	printf("stop after cont: %d %d\n", sigismember(&p, SIGTSTP), sigismember(&p, SIGCONT));
	raise(SIGCONT);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	CHECK(cont == 1);
	signal(SIGCONT, SIG_DFL);
}

/* A sleep goes on after stop and continue; a handler for SIGCONT ends it. */
static void interrupted(int with_handler)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		/* Long: the stop has to come in time on a busy host, too. */
		struct timespec ts = {with_handler ? 15 : 1, 0}, rem = {0, 0}, from, to;

		if (with_handler)
			signal(SIGCONT, on_cont);
		clock_gettime(CLOCK_MONOTONIC, &from);
		int ret = nanosleep(&ts, &rem), err = errno;
		clock_gettime(CLOCK_MONOTONIC, &to);
		long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
		if (with_handler)
			_exit(ret == -1 && err == EINTR && (rem.tv_sec || rem.tv_nsec) ? 0 : 1);
		_exit(ret == 0 && ms >= 999 ? 0 : 2);
	}
	wait_asleep(pid);
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

/* A group whose parents are all outside its session cannot be continued by job control: the
 * terminal's stop signals do nothing there. */
static void orphaned(void)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		raise(SIGTSTP);
		raise(SIGTTIN);
		raise(SIGTTOU);
		_exit(5);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	printf("orphaned: stopped %d exit %d\n", WIFSTOPPED(status),
	       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static volatile int hup;

static void on_hup(int sig)
{
	hup |= sig == SIGHUP ? 1 : 2;
}

/* The death of the last link to a stopped group sends it SIGHUP and SIGCONT. */
static void becomes_orphaned(void)
{
	int fds[2], status;
	char c = 0;

	CHECK_OK(pipe(fds));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		pid_t child = fork();
		if (child == 0) {
			setpgid(0, 0);
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_hup);
			raise(SIGSTOP);
			while (hup != 3)
				usleep(1000);
			c = 'y';
			_exit(write(fds[1], &c, 1) != 1);
		}
		CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
		_exit(0);
	}
	close(fds[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(read(fds[0], &c, 1) == 1);
	printf("hup and cont came: %c\n", c);
	close(fds[0]);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGCHLD, &sa, NULL);
	each_stop();
	by_waitid();
	no_cldstop();
	cancel();
	interrupted(0);
	interrupted(1);
	orphaned();
	becomes_orphaned();
	return check_done();
}
