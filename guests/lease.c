/*
 * lease.c - leases on files: who may have one, and what happens when another process opens the
 * file.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int told;

static void on_break(int sig)
{
	told++;
}

/* A child opens the file; we give the lease up when told. */
static void broken_by(int fd, int flags, int give)
{
	pid_t child;
	int status;
	sigset_t io, old;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, &old);
	told = 0;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int got = open("f", flags);

		_exit(got < 0 ? errno : 0);
	}
	while (!told)
		sigsuspend(&old);
	printf("told, now %ld\n", (long)fcntl(fd, F_GETLEASE));
	SHOW(fcntl(fd, F_SETLEASE, give));
	waitpid(child, &status, 0);
	printf("the child's open: %d\n", WEXITSTATUS(status));
	printf("left: %d\n", fcntl(fd, F_GETLEASE));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600), ro, dir = open(".", O_RDONLY);

	signal(SIGIO, on_break);
	SHOW(fcntl(fd, F_GETLEASE));
	SHOW(fcntl(fd, F_SETLEASE, 77));
	SHOW(fcntl(dir, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(fd, F_GETLEASE));
	broken_by(fd, O_RDONLY, F_UNLCK);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	broken_by(fd, O_WRONLY | O_NONBLOCK, F_UNLCK);
	close(fd);
	ro = open("f", O_RDONLY);
	SHOW(fcntl(ro, F_SETLEASE, F_RDLCK));
	fd = open("f", O_RDONLY);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
	broken_by(ro, O_RDWR, F_UNLCK);
	SHOW(fcntl(ro, F_SETLEASE, F_RDLCK));
	close(ro);
	ro = open("f", O_RDWR);
	printf("gone with its file: %d\n", ro >= 0);
	return 0;
}
