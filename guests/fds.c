/*
 * fds.c - descriptors: dup and its variants, fcntl's part about them, close_range, inheritance.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void dups(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	printf("first %d\n", fd);
	SHOW(dup(fd));
	SHOW(dup(99));
	SHOW(dup2(fd, 10));
	SHOW(dup2(fd, fd));
	SHOW(dup2(99, 99));
	SHOW(dup2(99, 4));
	SHOW(dup2(fd, -1));
	SHOW(dup2(fd, 1 << 30));
	SHOW(dup3(fd, 11, O_CLOEXEC));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 12, 1));
	SHOW(fcntl(10, F_GETFD));
	SHOW(fcntl(11, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 20));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	SHOW(fcntl(21, F_GETFD));
	SHOW(fcntl(21, F_SETFD, 0));
	SHOW(fcntl(21, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, -1));
	SHOW(fcntl(fd, F_DUPFD, 1 << 30));
	SHOW(fcntl(99, F_GETFD));
	/* one position, one set of status flags */
	SHOW(write(fd, "abc", 3));
	SHOW(lseek(10, 0, SEEK_CUR));
	SHOW(fcntl(10, F_SETFL, O_APPEND | O_NONBLOCK));
	SHOW(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
	SHOW(fcntl(fd, F_SETFL, O_WRONLY | O_CREAT));
	SHOW(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE | O_CREAT));
}

static void ranges(void)
{
	for (int i = 3; i < 40; i++)
		dup2(0, i);
	SHOW(syscall(SYS_close_range, 30, 20, 0));
	SHOW(syscall(SYS_close_range, 30, 35, 99));
	SHOW(syscall(SYS_close_range, 30, 35, CLOSE_RANGE_CLOEXEC));
	SHOW(fcntl(30, F_GETFD));
	SHOW(fcntl(36, F_GETFD));
	SHOW(syscall(SYS_close_range, 10, 20, 0));
	SHOW(fcntl(9, F_GETFD));
	SHOW(fcntl(10, F_GETFD));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(21, F_GETFD));
	SHOW(dup(0));
	SHOW(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE));
	SHOW(dup(0));
	SHOW(close(3));
	SHOW(close(3));
	SHOW(close(-1));
}

static void inheritance(void)
{
	int fd = open("inherit", O_CREAT | O_RDWR, 0600), status;

	if (fork() == 0) {
		if (write(fd, "child", 5) != 5)
			_exit(1);
		close(fd);
		_exit(0);
	}
	wait(&status);
	printf("child %d\n", status);
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(write(fd, "!", 1));
	SHOW(lseek(fd, 0, SEEK_END));
	close(fd);
}

static void limits(void)
{
	struct rlimit lim = {64, 64};
	int last = -1, fd;

	SHOW(setrlimit(RLIMIT_NOFILE, &lim));
	while ((fd = dup(0)) >= 0)
		last = fd;
	printf("last %d, then %s\n", last, strerrorname_np(errno));
	SHOW(fcntl(0, F_DUPFD, 63));
	SHOW(fcntl(0, F_DUPFD, 64));
	SHOW(close(40));
	SHOW(dup(0));
	int p[2];
	SHOW(pipe(p));
	SHOW(close(50));
	SHOW(pipe(p));
	SHOW(dup(0));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	dups();
	ranges();
	inheritance();
	limits();
	return 0;
}
