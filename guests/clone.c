/*
 * clone.c - clone(2), clone3(2) and unshare(2) by hand: each flag shares what it says, and each
 * combination without sense is refused.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define CLEAR_SIGHAND 0x100000000ULL
#define INTO_CGROUP   0x200000000ULL

struct args3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};

static long clone3(struct args3 *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static char stack[65536] __attribute__((aligned(16)));
static volatile int word;

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, __WALL) == pid);
	return status;
}

static long raw(unsigned long flags)
{
	return syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static void refused(void)
{
	CHECK_ERR(raw(CLONE_THREAD | SIGCHLD), EINVAL);
	CHECK_ERR(raw(CLONE_THREAD | CLONE_VM), EINVAL);
	CHECK_ERR(raw(CLONE_SIGHAND | SIGCHLD), EINVAL);
	CHECK_ERR(raw(CLONE_FS | CLONE_NEWNS), EINVAL);
	CHECK_ERR(raw(CLONE_FS | CLONE_NEWUSER), EINVAL);
	CHECK_ERR(raw(CLONE_PIDFD | CLONE_PARENT_SETTID), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 8, 0, 0), EFAULT);
}

static void refused3(void)
{
	struct args3 a = {.exit_signal = SIGCHLD};
	char big[200] = {0};

	CHECK_ERR(clone3(&a, 8), EINVAL);
	CHECK_ERR(clone3(&a, 63), EINVAL);
	CHECK_ERR(clone3(&a, 1 << 20), E2BIG);
	CHECK_ERR(clone3((void *)8, sizeof(a)), EFAULT);
	big[150] = 1; /* something newer that we do not know */
	CHECK_ERR(clone3((void *)big, sizeof(big)), E2BIG);
	a.flags = 1ULL << 40;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.flags = CLONE_DETACHED;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.flags = SIGCHLD; /* belongs into exit_signal */
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.flags = 0;
	a.exit_signal = 65;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.exit_signal = SIGCHLD;
	a.flags = CLONE_PARENT;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.flags = CLONE_VM | CLONE_SIGHAND | CLEAR_SIGHAND;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.flags = 0;
	a.stack = (uintptr_t)stack;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.stack = 0;
	a.stack_size = 4096;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a.stack_size = 0;
	a.set_tid_size = 1;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
}

static int set_word(void *arg)
{
	word = 7;
	return 3;
}

static int change_all(void *arg)
{
	int *fd = arg;

	umask(0);
	signal(SIGUSR1, SIG_IGN);
	*fd = dup(0);
	return 0;
}

static void sharing(void)
{
	struct sigaction sa;
	int fd = -1;

	word = 0;
	int st = status_of(clone(set_word, stack + sizeof(stack), SIGCHLD, NULL));
	printf("copied memory: word %d status %#x\n", word, st);
	st = status_of(clone(set_word, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
	printf("shared memory: word %d status %#x\n", word, st);

	umask(022);
	signal(SIGUSR1, SIG_DFL);
	status_of(clone(change_all, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fd));
	sigaction(SIGUSR1, NULL, &sa);
	printf("apart: umask %o, handler %s, descriptor %s\n", umask(022),
	       sa.sa_handler == SIG_IGN ? "theirs" : "ours",
	       fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	status_of(clone(change_all, stack + sizeof(stack),
			CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, &fd));
	sigaction(SIGUSR1, NULL, &sa);
	printf("together: umask %o, handler %s, descriptor %s\n", umask(022),
	       sa.sa_handler == SIG_IGN ? "theirs" : "ours",
	       fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	close(fd);
	signal(SIGUSR1, SIG_DFL);
}

static void on_signal(int sig)
{
	printf("told by signal %d\n", sig);
}

static void exit_signals(void)
{
	signal(SIGUSR2, on_signal);
	pid_t pid = raw(SIGUSR2);
	if (pid == 0)
		_exit(1);
	CHECK(waitpid(pid, NULL, __WALL) == pid);
	signal(SIGUSR2, SIG_DFL);
	/* a bad one is taken, and nothing is sent */
	pid = raw(0);
	if (pid == 0)
		_exit(1);
	CHECK(waitpid(pid, NULL, __WCLONE) == pid);
}

static void numbers(void)
{
	int parent_tid = 0, child_tid = 0, pidfd = -1;
	pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &parent_tid, 0, 0);

	if (pid == 0)
		_exit(0);
	CHECK(parent_tid == pid);
	status_of(pid);
	pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, &child_tid, 0);
	if (pid == 0)
		_exit(child_tid != getpid());
	CHECK(status_of(pid) == 0 && child_tid == 0);
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
	if (pid == 0)
		_exit(0);
	CHECK(pidfd >= 0 && fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
	status_of(pid);
	close(pidfd);

	struct args3 a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
			  .exit_signal = SIGCHLD,
			  .pidfd = (uintptr_t)&pidfd,
			  .parent_tid = (uintptr_t)&parent_tid,
			  .child_tid = (uintptr_t)&child_tid};
	pid = clone3(&a, sizeof(a));
	if (pid == 0)
		_exit(child_tid != getpid());
	CHECK(parent_tid == pid && fcntl(pidfd, F_GETFD) == FD_CLOEXEC && status_of(pid) == 0);
	close(pidfd);
	/* the shortest form there ever was */
	a = (struct args3){.exit_signal = SIGCHLD};
	pid = clone3(&a, 64);
	if (pid == 0)
		_exit(6);
	printf("clone3, 64 bytes: %#x\n", status_of(pid));
}

static void cleared_handlers(void)
{
	struct args3 a = {.flags = CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	struct sigaction sa;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, SIG_IGN);
	pid_t pid = clone3(&a, sizeof(a));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &sa);
		int dfl = sa.sa_handler == SIG_DFL;
		sigaction(SIGUSR2, NULL, &sa);
		_exit(dfl && sa.sa_handler == SIG_IGN ? 0 : 1);
	}
	CHECK(status_of(pid) == 0);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

/* CLONE_PARENT: a sibling, not a child. */
static void siblings(void)
{
	int end[2];
	pid_t pid, parent = getpid();

	CHECK_OK(pipe(end));
	pid = fork();
	if (pid == 0) {
		pid_t sib = raw(CLONE_PARENT | SIGCHLD);
		if (sib == 0)
			_exit(getppid() == parent ? 8 : 9);
		write(end[1], &sib, sizeof(sib));
		_exit(waitpid(sib, NULL, 0) == -1 && errno == ECHILD ? 0 : 1);
	}
	pid_t sib = 0;
	CHECK(read(end[0], &sib, sizeof(sib)) == sizeof(sib));
	CHECK(status_of(pid) == 0);
	printf("sibling: %#x\n", status_of(sib));
	close(end[0]);
	close(end[1]);
}

static int unshare_files(void *arg)
{
	if (unshare(CLONE_FILES) || unshare(CLONE_FS))
		return 1;
	umask(0);
	return close(*(int *)arg) ? 2 : 0;
}

static void unsharing(void)
{
	int fd = dup(0);

	umask(022);
	CHECK(status_of(clone(unshare_files, stack + sizeof(stack),
			      CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, &fd)) == 0);
	printf("unshared: umask %o, descriptor %s\n", umask(022),
	       fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	close(fd);
	CHECK_OK(unshare(0));
	CHECK_OK(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
	CHECK_OK(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)); /* alone already */
	CHECK_ERR(unshare(1), EINVAL);
	CHECK_ERR(unshare(CLONE_PARENT), EINVAL);
}

static volatile int left;

/* By the one function for all calls: a program may have made many through it. */
static int leave(void *arg)
{
	for (int i = 0; i < 20; i++)
		syscall(SYS_getuid);
	syscall(SYS_exit, 0);
	return 0;
}

/* The word of a thread that has gone is zero, and who waits for that is woken. */
static void cleared_words(void)
{
	unsigned long flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID;
	struct timespec limit = {5, 0};

	for (int i = 0; i < 100; i++) {
		left = -1;
		CHECK(clone(leave, stack + sizeof(stack), flags, NULL, NULL, NULL, &left) > 0);
		if (i & 1)
			usleep(300); /* so that it has gone already, mostly */
		while (left == -1 && (!syscall(SYS_futex, &left, FUTEX_WAIT, -1, &limit, NULL, 0) ||
				      errno == EAGAIN || errno == EINTR))
			;
		CHECK(left == 0);
		if (left)
			break;
	}
	printf("all words cleared\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	refused();
	refused3();
	sharing();
	exit_signals();
	numbers();
	cleared_handlers();
	siblings();
	unsharing();
	cleared_words();
	return check_done();
}
