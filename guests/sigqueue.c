/*
 * sigqueue.c - real-time signals queue with their values in order, classic ones do not; the limit
 * on their number; who may claim to be whom.
 */
#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_value(int sig, siginfo_t *info, void *context)
{
	printf("%d: code %d value %d mine %d uid %d\n", sig, info->si_code,
	       info->si_value.sival_int, info->si_pid == getpid(), info->si_uid == getuid());
}

static void send(int sig, int value)
{
	CHECK_OK(sigqueue(getpid(), sig, (union sigval){.sival_int = value}));
}

static void order(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	send(40, 1);
	send(36, 2);
	send(40, 3);
	send(SIGUSR1, 4);
	send(SIGUSR1, 5);
	send(36, 6);
	CHECK_OK(kill(getpid(), 40));
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void limit(void)
{
	struct rlimit rl = {4, 4};
	sigset_t all;
	int sent = 0, taken = 0;
	siginfo_t info;

	fflush(stdout);
	if (fork() != 0) {
		int status;
		wait(&status);
		CHECK(status == 0);
		return;
	}
	/* A user's count is shared by all his processes: root's and ours may be in use. */
	setrlimit(RLIMIT_SIGPENDING, &rl);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	while (sent < 10 && sigqueue(getpid(), 50, (union sigval){.sival_int = sent}) == 0)
		sent++;
	CHECK(sent <= 4);
	CHECK(sent == 10 || errno == EAGAIN);
	CHECK_OK(kill(getpid(), 51)); /* pending, if without information */
	CHECK_OK(kill(getpid(), SIGTERM));
	sigemptyset(&all);
	sigaddset(&all, 51);
	CHECK(sigwaitinfo(&all, &info) == 51);
	sigemptyset(&all);
	sigaddset(&all, 50);
	struct timespec now = {0, 0};
	while (sigtimedwait(&all, &info, &now) == 50)
		taken++;
	CHECK(taken == sent);
	printf("the limit holds\n");
	fflush(stdout);
	_exit(check_failures);
}

static void claims(void)
{
	siginfo_t info = {.si_signo = 40, .si_code = SI_USER};
	pid_t parent = getppid();

	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, parent, 0, &info), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, parent, 0, &info), EPERM);
	info.si_code = SI_KERNEL;
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, parent, 0, &info), EPERM);
	info.si_code = SI_USER;
	info.si_pid = 77;
	info.si_uid = 78;
	CHECK_OK(syscall(SYS_rt_sigqueueinfo, getpid(), 40, &info)); /* to oneself: anything */
	info.si_code = -60;
	CHECK_OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 40, &info));
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), -1, &info), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), 40, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, 40, &info), ESRCH);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, 0, getpid(), 40, &info), EINVAL);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, getppid(), getpid(), 40, &info), ESRCH);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigfillset(&sa.sa_mask);
	sigaction(36, &sa, NULL);
	sigaction(40, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	order();
	limit();
	claims();
	return check_done();
}
