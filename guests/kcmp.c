/*
 * kcmp.c - kcmp and pidfd_getfd(2): what two processes share, and a descriptor of another's.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536];

static long cmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long k)
{
	return syscall(SYS_kcmp, a, b, type, i, k);
}

static int rest(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static void shared(const char *what, int flags)
{
	pid_t me = getpid(), pid;

	fflush(stdout);
	pid = clone(rest, stack + sizeof(stack), flags | SIGCHLD, NULL);
	printf("%s: vm %d, files %d, fs %d, sighand %d, io %d, sysvsem %d\n", what,
	       !cmp(me, pid, KCMP_VM, 0, 0), !cmp(me, pid, KCMP_FILES, 0, 0),
	       !cmp(me, pid, KCMP_FS, 0, 0), !cmp(me, pid, KCMP_SIGHAND, 0, 0),
	       !cmp(me, pid, KCMP_IO, 0, 0), !cmp(me, pid, KCMP_SYSVSEM, 0, 0));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void files(void)
{
	pid_t me = getpid();
	int a = open("/dev/null", O_RDONLY), b = dup(a), c = open("/dev/null", O_RDONLY);
	int ep = epoll_create1(0), pipes[2];
	struct epoll_event ev = {.events = EPOLLIN};
	struct kcmp_epoll_slot slot = {.efd = ep};
	long order = cmp(me, me, KCMP_FILE, a, c);

	CHECK(cmp(me, me, KCMP_FILE, a, b) == 0);
	CHECK(order == 1 || order == 2);
	CHECK(cmp(me, me, KCMP_FILE, c, a) == 3 - order);
	CHECK_ERR(cmp(me, me, KCMP_FILE, a, 999), EBADF);
	CHECK_ERR(cmp(me, me, 99, 0, 0), EINVAL);
	CHECK_ERR(cmp(me, 99999999, KCMP_VM, 0, 0), ESRCH);
	CHECK_OK(pipe(pipes));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &ev));
	slot.tfd = pipes[0];
	CHECK(cmp(me, me, KCMP_EPOLL_TFD, pipes[0], (unsigned long)&slot) == 0);
	CHECK(cmp(me, me, KCMP_EPOLL_TFD, pipes[1], (unsigned long)&slot) > 0);
	slot.toff = 1;
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, pipes[0], (unsigned long)&slot), ENOENT);
	slot.efd = pipes[0];
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, pipes[0], (unsigned long)&slot), EINVAL);
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, pipes[0], 8), EFAULT);
	for (int i = 0; i < 2; i++)
		close(pipes[i]);
	close(a);
	close(b);
	close(c);
	close(ep);
}

static void get_descriptor(void)
{
	int ready[2], fd, pidfd, status;
	char text[8] = "";
	pid_t pid;

	CHECK_OK(pipe(ready));
	pid = fork();
	if (!pid) {
		int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

		(void)!write(file, "hello", 5);
		(void)!write(ready[1], &file, sizeof(file));
		pause();
		_exit(1);
	}
	CHECK(read(ready[0], &fd, sizeof(fd)) == sizeof(fd));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	int mine = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	CHECK(mine >= 0 && fcntl(mine, F_GETFD) == FD_CLOEXEC);
	CHECK(lseek(mine, 0, SEEK_CUR) == 5); /* the same open file */
	CHECK(cmp(getpid(), pid, KCMP_FILE, mine, fd) == 0);
	CHECK(pread(mine, text, 5, 0) == 5 && !strcmp(text, "hello"));
	CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, 999, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, -1, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_getfd, mine, fd, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_getfd, -1, fd, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, fd, 1), EINVAL);
	if (geteuid() == 0) {
		pid_t other = fork();

		if (!other) {
			CHECK_OK(setuid(1234));
			CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, fd, 0), EPERM);
			CHECK_ERR(cmp(getpid(), pid, KCMP_VM, 0, 0), EPERM);
			_exit(check_failures);
		}
		CHECK(waitpid(other, &status, 0) == other && status == 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_ERR(syscall(SYS_pidfd_getfd, pidfd, fd, 0), ESRCH);
	close(pidfd);
	close(mine);
}

int main(void)
{
	setbuf(stdout, NULL);
	/* Profiles of containers often refuse both. */
	check_host_has(cmp(getpid(), getpid(), KCMP_VM, 0, 0) == 0 &&
		       syscall(SYS_pidfd_getfd, -1, 0, 0) == -1 && errno == EBADF);
	shared("fork", 0);
	shared("vm", CLONE_VM);
	shared("files", CLONE_FILES);
	shared("fs", CLONE_FS);
	shared("sighand", CLONE_VM | CLONE_SIGHAND);
	shared("sysvsem", CLONE_SYSVSEM);
	files();
	get_descriptor();
	return check_done();
}
