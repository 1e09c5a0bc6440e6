/*
 * pidfd.c - pidfd_open(2), pidfd_send_signal(2), waitid with one, poll on one.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P_PIDFD_ID ((idtype_t)3)

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
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
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_USER};
	int fd;

	CHECK_ERR(pidfd_open(0, 0), EINVAL);
	CHECK_ERR(pidfd_open(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open(getpid(), 1), EINVAL);
	CHECK_ERR(pidfd_open(0x3fffffff, 0), ESRCH);
	CHECK_ERR(pidfd_send(-1, 0, NULL, 0), EBADF);
	CHECK_ERR(pidfd_send(0, 0, NULL, 0), EBADF);
	fd = pidfd_open(getpid(), 0);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK_OK(pidfd_send(fd, 0, NULL, 0));
	CHECK_ERR(pidfd_send(fd, 65, NULL, 0), EINVAL);
	CHECK_ERR(pidfd_send(fd, -1, NULL, 0), EINVAL);
	CHECK_ERR(pidfd_send(fd, SIGUSR1, NULL, 0x10000), EINVAL);
	CHECK_ERR(pidfd_send(fd, SIGUSR2, &info, 0), EINVAL); /* another signal inside */
	CHECK_ERR(pidfd_send(fd, SIGUSR1, (void *)8, 0), EFAULT);
	char c;
	CHECK_ERR(read(fd, &c, 1), EINVAL);
	CHECK_ERR(write(fd, &c, 1), EINVAL);
	close(fd);
}

static void life(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	struct pollfd pfd = {fd, POLLIN, 0};
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0), st;
	siginfo_t si;

	CHECK(poll(&pfd, 1, 0) == 0);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK_OK(pidfd_send(fd, SIGTERM, NULL, 0));
	CHECK(poll(&pfd, 1, 5000) == 1 && pfd.revents == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, 5000) == 1 && ev.events == EPOLLIN);
	/* a zombie can still be sent signals */
	CHECK_OK(pidfd_send(fd, SIGUSR1, NULL, 0));
	CHECK_OK(waitid(P_PIDFD_ID, fd, &si, WEXITED | WNOWAIT));
	printf("code %d status %d %s\n", si.si_code, si.si_status,
	       si.si_pid == pid ? "right" : "wrong");
	CHECK(waitpid(pid, &st, 0) == pid && WTERMSIG(st) == SIGTERM);
	CHECK_ERR(pidfd_send(fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(waitid(P_PIDFD_ID, fd, &si, WEXITED), ECHILD);
	CHECK_ERR(pidfd_open(pid, 0), ESRCH);
	CHECK(poll(&pfd, 1, 0) == 1);
	close(fd);
	close(ep);
	/* not blocking */
	pid = sleeper();
	fd = pidfd_open(pid, O_NONBLOCK);
	CHECK_ERR(waitid(P_PIDFD_ID, fd, &si, WEXITED), EAGAIN);
	CHECK_OK(waitid(P_PIDFD_ID, fd, &si, WEXITED | WNOHANG));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &st, 0) == pid);
	close(fd);
}

static volatile int got_code, got_value;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	got_code = si->si_code;
	got_value = si->si_value.sival_int;
}

static void information(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	int fd = pidfd_open(getpid(), 0);

	sigaction(SIGUSR1, &sa, NULL);
	CHECK_OK(pidfd_send(fd, SIGUSR1, NULL, 0));
	printf("code %d\n", got_code);
	info.si_value.sival_int = 77;
	CHECK_OK(pidfd_send(fd, SIGUSR1, &info, 0));
	printf("code %d value %d\n", got_code, got_value);
	close(fd);
	signal(SIGUSR1, SIG_DFL);
	/* to others nobody may lie about where it comes from */
	pid_t pid = sleeper();
	fd = pidfd_open(pid, 0);
	info.si_code = SI_USER;
	CHECK_ERR(pidfd_send(fd, SIGUSR1, &info, 0), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERR(pidfd_send(fd, SIGUSR1, &info, 0), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_OK(pidfd_send(fd, SIGUSR1, &info, 0));
	int st;
	CHECK(waitpid(pid, &st, 0) == pid);
	printf("died of %d\n", WTERMSIG(st) == SIGUSR1);
	close(fd);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	errors();
	life();
	information();
	return check_done();
}
