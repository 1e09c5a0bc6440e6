/*
 * async.c - O_ASYNC: SIGIO, or the signal of F_SETSIG with what happened, when a file is ready.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The next of the signals in set within a while: its number; 0 when none comes. */
static int next_signal(const sigset_t *set, siginfo_t *info)
{
	struct timespec ts = {0, 50000000};
	int sig = sigtimedwait(set, info, &ts);

	return sig > 0 ? sig : 0;
}

int main(void)
{
	int p[2], s[2], on = 1;
	siginfo_t info;
	sigset_t set;
	char c;

	setpgid(0, 0); /* the signal is for us alone */
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(pipe(p));
	CHECK_OK(fcntl(p[0], F_SETFL, O_ASYNC));
	CHECK(fcntl(p[0], F_GETFL) & O_ASYNC);
	CHECK(write(p[1], "a", 1) == 1);
	CHECK(next_signal(&set, &info) == 0); /* nobody owns it */
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK(write(p[1], "a", 1) == 1);
	CHECK(next_signal(&set, &info) == SIGIO);
	CHECK(next_signal(&set, &info) == 0);
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGRTMIN));
	CHECK(write(p[1], "a", 1) == 1);
	CHECK(next_signal(&set, &info) == SIGRTMIN);
	CHECK(info.si_fd == p[0] && info.si_code == POLL_IN && info.si_band == (POLLIN | POLLRDNORM));
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_OK(fcntl(p[0], F_SETFL, 0));
	CHECK(write(p[1], "a", 1) == 1);
	CHECK(next_signal(&set, &info) == 0);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(fcntl(s[0], F_SETOWN, -getpgrp()));
	CHECK_OK(ioctl(s[0], FIOASYNC, &on));
	CHECK(fcntl(s[0], F_GETFL) & O_ASYNC);
	CHECK(write(s[1], "b", 1) == 1);
	CHECK(next_signal(&set, &info) == SIGIO);
	on = 0;
	CHECK_OK(ioctl(s[0], FIOASYNC, &on));
	close(s[0]);
	close(s[1]);
	return check_done();
}
