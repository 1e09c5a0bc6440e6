/*
 * op_process.c - processes, programs and threads: made, and waited for.
 */
#include "op.h"

#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void resident(size_t mib)
{
	size_t len = mib << 20;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		skip("no memory for %zu MiB", mib);
	madvise(p, len, MADV_NOHUGEPAGE);
	memset(p, 1, len);
}

static void resident_1m(void)
{
	resident(1);
}

static void resident_64m(void)
{
	resident(64);
}

static void resident_512m(void)
{
	resident(512);
}

static void fork_exit_wait(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
	}
}
const struct op op_fork_1m = {.start = resident_1m, .run = fork_exit_wait};
const struct op op_fork_64m = {.start = resident_64m, .run = fork_exit_wait};
const struct op op_fork_512m = {.start = resident_512m, .run = fork_exit_wait};

static void wait_good(pid_t pid)
{
	int status = 1;

	must(pid > 0 && waitpid(pid, &status, 0) == pid, "wait");
	errno = 0;
	must(status == 0, "the program that was executed");
}

static void fork_exec(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0) {
			execl(self, self, "--nothing", (char *)NULL);
			_exit(1);
		}
		wait_good(pid);
	}
}
const struct op op_fork_exec = {.run = fork_exec};

static void vfork_exec(long n)
{
	while (n--) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl(self, self, "--nothing", (char *)NULL);
			_exit(1);
		}
		wait_good(pid);
	}
}
const struct op op_vfork_exec = {.run = vfork_exec};

static void spawn(const char *file, char *const argv[])
{
	pid_t pid;

	errno = posix_spawnp(&pid, file, NULL, NULL, argv, environ);
	if (errno == ENOENT)
		skip("there is no %s here", file);
	must(errno == 0, file);
	wait_good(pid);
}

static void spawn_self(long n)
{
	char *argv[] = {"measure", "--nothing", NULL};

	while (n--)
		spawn(self, argv);
}
const struct op op_spawn = {.run = spawn_self};

static void exec_true(long n)
{
	char *argv[] = {"true", NULL};

	while (n--)
		spawn("true", argv);
}
const struct op op_exec_true = {.run = exec_true};

static void exec_python3(long n)
{
	char *argv[] = {"python3", "-c", "pass", NULL};

	while (n--)
		spawn("python3", argv);
}
const struct op op_exec_python3 = {.run = exec_python3};

static void *nothing(void *arg)
{
	return arg;
}

static void thread_create(long n)
{
	while (n--) {
		pthread_t tid;

		errno = pthread_create(&tid, NULL, nothing, NULL);
		must(errno == 0, "pthread_create");
		pthread_join(tid, NULL);
	}
}
const struct op op_thread_create = {.run = thread_create};
