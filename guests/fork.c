/*
 * fork.c - fork(2), vfork(2), _exit(2): what a child gets, what it does not, and how it ends.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void statuses(void)
{
	static const int codes[] = {0, 1, 127, 128, 255, 256, -1, 0x12345};

	for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(codes[i]);
		printf("exit %d: status %#x\n", codes[i], status_of(pid));
	}
	/* exit(2) of the only thread is the end of the process */
	pid_t pid = fork();
	if (pid == 0)
		syscall(SYS_exit, 5);
	printf("raw exit: %#x\n", status_of(pid));
}

static void memory(void)
{
	static int private = 1;
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int local = 1;

	*shared = 1;
	pid_t pid = fork();
	if (pid == 0) {
		private = local = *shared = 2;
		_exit(private + local + *shared);
	}
	printf("child saw %d\n", WEXITSTATUS(status_of(pid)));
	printf("private %d, local %d, shared %d\n", private, local, *shared);
	munmap(shared, 4096);
}

static void on_signal(int sig)
{
}

static void inherited(void)
{
	struct itimerval it = {{0, 0}, {1000, 0}}, now;
	struct rlimit core = {0, 0}, r;
	sigset_t set, pending;
	char cwd[200], here[200];

	CHECK(getcwd(here, 200) != NULL);
	umask(027);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	CHECK_OK(setrlimit(RLIMIT_CORE, &core));
	pid_t parent = getpid(), group = getpgrp(), session = getsid(0), pid = fork();
	if (pid == 0) {
		struct sigaction sa;

		CHECK(getpid() != parent && getppid() == parent);
		CHECK(getpgrp() == group && getsid(0) == session);
		CHECK(syscall(SYS_gettid) == getpid());
		CHECK(getcwd(cwd, 200) && strcmp(cwd, here) == 0);
		CHECK(umask(0) == 027);
		CHECK_OK(sigaction(SIGUSR1, NULL, &sa));
		CHECK(sa.sa_handler == on_signal);
		CHECK_OK(sigaction(SIGUSR2, NULL, &sa));
		CHECK(sa.sa_handler == SIG_IGN);
		/* the mask is inherited, what is pending is not, nor are timers */
		CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &set));
		CHECK(sigismember(&set, SIGUSR1) == 1);
		CHECK_OK(sigpending(&pending));
		CHECK(sigismember(&pending, SIGUSR1) == 0);
		CHECK_OK(getitimer(ITIMER_REAL, &now));
		CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
		CHECK_OK(getrlimit(RLIMIT_CORE, &r));
		CHECK(r.rlim_cur == 0);
		CHECK_ERR(wait(NULL), ECHILD);
		fflush(stdout);
		_exit(check_failures);
	}
	CHECK(status_of(pid) == 0);
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	umask(022);
}

static void descriptors(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), end[2];
	char buf[8] = "";

	CHECK(write(fd, "abcdef", 6) == 6 && lseek(fd, 0, SEEK_SET) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(read(fd, buf, 2) == 2); /* the position is shared ... */
		close(fd);		      /* ... the table is not */
		_exit(check_failures);
	}
	CHECK(status_of(pid) == 0);
	CHECK(read(fd, buf, 2) == 2);
	printf("after the child: %s\n", buf);
	close(fd);
	/* the end of a pipe is there when the last copy of the other end has gone */
	CHECK_OK(pipe(end));
	pid = fork();
	if (pid == 0) {
		close(end[0]);
		_exit(write(end[1], "x", 1) != 1);
	}
	close(end[1]);
	CHECK(read(end[0], buf, 8) == 1 && read(end[0], buf, 8) == 0);
	CHECK(status_of(pid) == 0);
	close(end[0]);
}

static void vforked(char *self)
{
	static volatile int shared;
	int status;

	/* memory is the parent's, which goes on only when the child is gone ... */
	pid_t pid = vfork();
	if (pid == 0) {
		shared = 42;
		_exit(3);
	}
	printf("vfork: shared %d, status %#x\n", shared, status_of(pid));
	/* ... or has a program of its own */
	pid = vfork();
	if (pid == 0) {
		execl(self, self, "exec", NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("vfork and exec: %#x\n", status);
	/* a failed exec comes back in the child */
	pid = vfork();
	if (pid == 0) {
		execl("/nonexistent", "x", NULL);
		_exit(errno == ENOENT ? 9 : 1);
	}
	printf("vfork and failed exec: %#x\n", status_of(pid));
	pid = vfork();
	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	printf("vfork and killed: %#x\n", status_of(pid));
}

static void many(void)
{
	pid_t pids[60];
	int sum = 0;

	for (int i = 0; i < 60; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(i);
	}
	for (int i = 0; i < 60; i++)
		sum += WEXITSTATUS(status_of(pids[i]));
	printf("sixty at once: %d\n", sum);
	/* a chain: each makes the next and waits for it */
	int depth = 0;
	while (depth < 20) {
		pid_t pid = fork();
		if (pid) {
			int st = status_of(pid);
			if (depth == 0) {
				printf("chain: %d\n", WEXITSTATUS(st));
				return;
			}
			_exit(WEXITSTATUS(st) + 1);
		}
		depth++;
	}
	_exit(1);
}

/* libc's fork is clone; the call of that name is as old as any. */
static void by_number(void)
{
	int status = 0;
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0)
		_exit(9);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		_exit(7);
	setvbuf(stdout, NULL, _IONBF, 0);
	statuses();
	memory();
	inherited();
	descriptors();
	vforked(argv[0]);
	many();
	by_number();
	return check_done();
}
