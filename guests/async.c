/* async: O_ASYNC and F_SETOWN, a signal when a pipe or socket becomes readable. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile int plain, with_fd;

static void on_sigio(int sig)
{
	plain++;
}

static void on_rt(int sig, siginfo_t *si, void *uc)
{
	with_fd = si->si_fd;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO};
	int p[2], s[2], on = 1;
	char c;

	signal(SIGIO, on_sigio);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return 1;
	fcntl(p[0], F_SETOWN, getpid());
	printf("set: %d\n", fcntl(p[0], F_SETFL, O_ASYNC));
	printf("flag: %d\n", !!(fcntl(p[0], F_GETFL) & O_ASYNC));
	if (write(p[1], "x", 1) != 1 || read(p[0], &c, 1) != 1)
		return 1;
	printf("pipe: signalled %d\n", plain > 0);
	fcntl(p[0], F_SETFL, 0);
	plain = 0;
	if (write(p[1], "x", 1) != 1)
		return 1;
	printf("off: %d\n", plain);
	fcntl(s[0], F_SETOWN, getpid());
	fcntl(s[0], F_SETSIG, SIGRTMIN + 1);
	printf("ioctl: %d\n", ioctl(s[0], FIOASYNC, &on));
	if (write(s[1], "x", 1) != 1)
		return 1;
	printf("socket: fd right %d, owner right %d\n", with_fd == s[0],
	       fcntl(s[0], F_GETOWN) == getpid());
	return 0;
}
