/*
 * limits.c - getrlimit, setrlimit, prlimit: what may be set by whom, and that children inherit it.
 */
#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((void *)1)

static void show(int resource)
{
	struct rlimit r;

	if (getrlimit(resource, &r))
		printf("limit %d: %s\n", resource, strerrorname_np(errno));
	else
		printf("limit %d: %lld %lld\n", resource, (long long)r.rlim_cur,
		       (long long)r.rlim_max);
}

static int set(int resource, rlim_t cur, rlim_t max)
{
	struct rlimit r = {cur, max};

	return setrlimit(resource, &r);
}

int main(void)
{
	struct rlimit r = {0, 0};

	setvbuf(stdout, NULL, _IOFBF, 0);
	SHOW(syscall(SYS_getrlimit, 16, &r));
	SHOW(syscall(SYS_getrlimit, -1, &r));
	SHOW(syscall(SYS_getrlimit, RLIMIT_CORE, BAD));
	SHOW(syscall(SYS_setrlimit, RLIMIT_CORE, BAD));
	SHOW(syscall(SYS_setrlimit, 16, &r));
	SHOW(syscall(SYS_prlimit64, 0, 16, NULL, &r));
	SHOW(syscall(SYS_prlimit64, 1 << 22, RLIMIT_CORE, NULL, &r));
	SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD, NULL));
	SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD));
	SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));

	SHOW(set(RLIMIT_CORE, 2, 1));
	SHOW(set(RLIMIT_CORE, 1000, 2000));
	show(RLIMIT_CORE);
	SHOW(set(RLIMIT_CORE, 2000, 2000));
	show(RLIMIT_CORE);
	if (getuid() != 0) /* a container's root may or may not have CAP_SYS_RESOURCE */
		SHOW(set(RLIMIT_CORE, 10, 3000));
	SHOW(set(RLIMIT_NOFILE, 100, 1 << 24));
	SHOW(set(RLIMIT_CORE, 0, 0));
	show(RLIMIT_CORE);

	SHOW(set(RLIMIT_NOFILE, 20, 64));
	show(RLIMIT_NOFILE);
	int last = -1, fd;
	while ((fd = dup(1)) >= 0)
		last = fd;
	printf("last descriptor %d, then %s\n", last, strerrorname_np(errno));
	while (last > 2)
		close(last--);

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		show(RLIMIT_NOFILE);
		struct rlimit new = {30, 64};
		SHOW(prlimit(getppid(), RLIMIT_NOFILE, &new, &r));
		printf("parent had %lld\n", (long long)r.rlim_cur);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show(RLIMIT_NOFILE);
	return 0;
}
