/*
 * pidfd.c - descriptors that stand for processes: open, poll, signal, wait.
 */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD	       ((void *)1)
#define sys(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define P_PIDFD_       3

int main(void)
{
	siginfo_t info;

	setvbuf(stdout, NULL, _IOFBF, 0);
	SHOW(sys(pidfd_open, 0, 0));
	SHOW(sys(pidfd_open, -1, 0));
	SHOW(sys(pidfd_open, 1 << 22, 0));
	SHOW(sys(pidfd_open, getpid(), 1));

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(1);
	}
	int fd = (int)sys(pidfd_open, pid, 0);
	printf("open %d cloexec %d\n", fd >= 0, fcntl(fd, F_GETFD));
	struct pollfd p = {fd, POLLIN, 0};
	SHOW(poll(&p, 1, 0));
	SHOW(read(fd, &info, sizeof(info)));
	SHOW(sys(pidfd_send_signal, fd, 0, NULL, 0));
	SHOW(sys(pidfd_send_signal, fd, 99, NULL, 0));
	SHOW(sys(pidfd_send_signal, fd, SIGTERM, NULL, 77));
	SHOW(sys(pidfd_send_signal, fd, SIGTERM, BAD, 0));
	SHOW(sys(pidfd_send_signal, 1, SIGTERM, NULL, 0));
	SHOW(sys(pidfd_send_signal, 99, SIGTERM, NULL, 0));
	SHOW(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG));
	SHOW(sys(pidfd_send_signal, fd, SIGTERM, NULL, 0));
	SHOW(poll(&p, 1, 5000));
	printf("revents %d\n", p.revents & POLLIN);
	SHOW(waitid(P_PIDFD_, fd, &info, WEXITED));
	printf("child %d code %d status %d\n", info.si_pid == pid, info.si_code, info.si_status);
	SHOW(sys(pidfd_send_signal, fd, 0, NULL, 0));
	SHOW(waitid(P_PIDFD_, fd, &info, WEXITED));
	SHOW(waitid(P_PIDFD_, 99, &info, WEXITED));
	return 0;
}
