/*
 * fcntl_lock.c - fcntl(2) record locks and open file description locks: ranges, splits, conflicts,
 * deadlock, release; F_SETOWN and its relatives.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd;

static int lock(int how, int type, int whence, off_t start, off_t len)
{
	struct flock fl = {.l_type = type, .l_whence = whence, .l_start = start, .l_len = len};

	return fcntl(fd, how, &fl);
}

/* Print the locks that another process sees. */
static void show(const char *what)
{
	struct flock fl;
	off_t at = 0;

	printf("%s:", what);
	fflush(stdout);
	if (fork() == 0) {
		for (;;) {
			fl = (struct flock){.l_type = F_WRLCK, .l_start = at};
			if (fcntl(fd, F_GETLK, &fl) < 0 || fl.l_type == F_UNLCK)
				break;
			printf(" %s[%ld,%ld)", fl.l_type == F_RDLCK ? "r" : "w", (long)fl.l_start,
			       (long)(fl.l_start + fl.l_len));
			CHECK(fl.l_pid == getppid() && fl.l_whence == SEEK_SET);
			if (!fl.l_len)
				break;
			at = fl.l_start + fl.l_len;
		}
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void ranges(void)
{
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 100));
	show("one");
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 40, 20));
	show("hole");
	CHECK_OK(lock(F_SETLK, F_RDLCK, SEEK_SET, 10, 10));
	show("downgraded part");
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 40, 20));
	show("filled");
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
	show("joined");
	CHECK_OK(lock(F_SETLK, F_RDLCK, SEEK_SET, 100, 0));
	show("to the end");
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
	show("none");
	CHECK(lseek(fd, 50, SEEK_SET) == 50);
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_CUR, -10, 5));
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_END, -200, 100));
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 30, -10));
	show("relative");
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
}

static void conflicts(void)
{
	int status, go[2];
	char c;

	CHECK_OK(pipe(go));
	CHECK_OK(lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
	fflush(stdout);
	if (fork() == 0) {
		CHECK_OK(lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
		CHECK_ERR(lock(F_SETLK, F_WRLCK, SEEK_SET, 5, 1), EAGAIN);
		CHECK_ERR(lock(F_SETLK, F_RDLCK, SEEK_SET, 19, 1), EAGAIN);
		CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 20, 1));
		CHECK(write(go[1], "x", 1) == 1);
		CHECK_OK(lock(F_SETLKW, F_WRLCK, SEEK_SET, 10, 10)); /* until the parent lets go */
		fflush(stdout);
		_exit(check_failures ? 1 : 5);
	}
	CHECK(read(go[0], &c, 1) == 1);
	usleep(30000);
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 10, 10));
	wait(&status);
	printf("waiter %d\n", WEXITSTATUS(status));
	/* Its locks went with it. */
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 100));
	/* So do ours with any descriptor of the file. */
	close(open("lock", O_RDONLY));
	show("after a close");
	close(go[0]);
	close(go[1]);
}

static void deadlock(void)
{
	int status, go[2];
	char c;

	CHECK_OK(pipe(go));
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
	fflush(stdout);
	if (fork() == 0) {
		CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 1, 1));
		CHECK(write(go[1], "x", 1) == 1);
		CHECK_OK(lock(F_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
		fflush(stdout);
		_exit(check_failures ? 1 : 6);
	}
	CHECK(read(go[0], &c, 1) == 1);
	usleep(30000);
	CHECK_ERR(lock(F_SETLKW, F_WRLCK, SEEK_SET, 1, 1), EDEADLK);
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
	wait(&status);
	printf("after the deadlock %d\n", WEXITSTATUS(status));
	close(go[0]);
	close(go[1]);
}

static void descriptions(void)
{
	int other = open("lock", O_RDWR);
	struct flock fl = {.l_type = F_WRLCK, .l_len = 10};

	CHECK_OK(fcntl(fd, F_OFD_SETLK, &fl));
	CHECK_ERR(fcntl(other, F_OFD_SETLK, &fl), EAGAIN); /* the same process, another open file */
	fl.l_type = F_RDLCK;
	CHECK_OK(fcntl(other, F_OFD_GETLK, &fl));
	CHECK(fl.l_type == F_WRLCK && fl.l_pid == -1 && fl.l_start == 0 && fl.l_len == 10);
	fl.l_pid = 1;
	CHECK_ERR(fcntl(other, F_OFD_SETLK, &fl), EINVAL);
	CHECK_ERR(lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 1), EAGAIN); /* nor ours as a record lock */
	fl = (struct flock){.l_type = F_UNLCK};
	CHECK_OK(fcntl(fd, F_OFD_SETLK, &fl));
	CHECK_OK(lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
	CHECK_OK(lock(F_SETLK, F_UNLCK, SEEK_SET, 0, 1));
	close(other);
}

static void errors(void)
{
	struct flock fl = {.l_type = F_WRLCK};
	int ro = open("lock", O_RDONLY), wo = open("lock", O_WRONLY);

	CHECK_ERR(fcntl(ro, F_SETLK, &fl), EBADF);
	fl.l_type = F_RDLCK;
	CHECK_ERR(fcntl(wo, F_SETLK, &fl), EBADF);
	CHECK_ERR(fcntl(999, F_SETLK, &fl), EBADF);
	CHECK_ERR(fcntl(fd, F_SETLK, (void *)8), EFAULT);
	CHECK_ERR(lock(F_SETLK, 9, SEEK_SET, 0, 0), EINVAL);
	CHECK_ERR(lock(F_SETLK, F_WRLCK, 9, 0, 0), EINVAL);
	CHECK_ERR(lock(F_SETLK, F_WRLCK, SEEK_SET, -1, 0), EINVAL);
	CHECK_ERR(lock(F_SETLK, F_WRLCK, SEEK_SET, 5, -6), EINVAL);
	CHECK_ERR(lock(F_GETLK, F_UNLCK, SEEK_SET, 0, 0), EINVAL);
	close(ro);
	close(wo);
}

static void owners(void)
{
	struct f_owner_ex own = {F_OWNER_PID, 0};
	int p[2];

	CHECK_OK(pipe(p));
	CHECK(fcntl(p[0], F_GETOWN) == 0);
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK(fcntl(p[0], F_GETOWN) == getpid());
	CHECK_OK(fcntl(p[0], F_SETOWN, -getpgrp()));
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &own));
	CHECK(own.type == F_OWNER_PGRP && own.pid == getpgrp());
	own.type = 9;
	CHECK_ERR(fcntl(p[0], F_SETOWN_EX, &own), EINVAL);
	CHECK(fcntl(p[0], F_GETSIG) == 0);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGUSR1));
	CHECK(fcntl(p[0], F_GETSIG) == SIGUSR1);
	CHECK_ERR(fcntl(p[0], F_SETSIG, 65), EINVAL);
	CHECK_OK(fcntl(p[0], F_SETOWN, 0));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	fd = open("lock", O_RDWR | O_CREAT, 0600);
	CHECK_OK(ftruncate(fd, 1000));
	ranges();
	conflicts();
	deadlock();
	descriptions();
	errors();
	owners();
	return check_done();
}
