/*
 * flock.c - flock(2): locks of open files, shared by their copies, given back at the last close.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_alarm(int sig)
{
}

static int opened(void)
{
	return open("lock", O_RDWR | O_CREAT, 0600);
}

static void kinds(void)
{
	int a = opened(), b = opened(), c = dup(a);

	CHECK_OK(flock(a, LOCK_SH));
	CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(flock(a, LOCK_UN));
	CHECK_OK(flock(a, LOCK_EX | LOCK_NB)); /* b lost its own in the attempt */
	CHECK_OK(flock(c, LOCK_EX | LOCK_NB)); /* the same open file */
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(a);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(c);
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	close(b);
}

static void waiting(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	int a = opened(), b, status;

	CHECK_OK(flock(a, LOCK_EX));
	if (fork() == 0) {
		close(a);
		b = opened();
		_exit(flock(b, LOCK_SH) == 0 ? 3 : 1);
	}
	usleep(30000);
	CHECK_OK(flock(a, LOCK_UN));
	wait(&status);
	printf("waiter %d\n", WEXITSTATUS(status));
	b = opened();
	CHECK_OK(flock(a, LOCK_EX));
	sigaction(SIGALRM, &sa, NULL);
	ualarm(40000, 0);
	CHECK_ERR(flock(b, LOCK_EX), EINTR);
	close(a);
	close(b);
}

/* The child's copy keeps the lock alive; its unlock is everybody's. */
static void inherited(void)
{
	int a = opened(), b = opened(), status;

	CHECK_OK(flock(a, LOCK_EX));
	if (fork() == 0)
		_exit(flock(a, LOCK_UN));
	wait(&status);
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	close(a);
	close(b);
}

int main(void)
{
	int fd = opened();

	kinds();
	waiting();
	inherited();
	CHECK_ERR(flock(999, LOCK_SH), EBADF);
	CHECK_ERR(flock(fd, 0), EINVAL);
	CHECK_ERR(flock(fd, LOCK_SH | LOCK_EX), EINVAL);
	return check_done();
}
