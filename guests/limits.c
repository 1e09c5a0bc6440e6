/*
 * limits.c - getrlimit, setrlimit, prlimit: what may be set by whom, and that children inherit it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((void *)1)

static void say(const char *what, long r)
{
	if (r == -1)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, r);
}
#define SAY(call) say(#call, call)

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
	SAY(syscall(SYS_getrlimit, 16, &r));
	SAY(syscall(SYS_getrlimit, -1, &r));
	SAY(syscall(SYS_getrlimit, RLIMIT_CORE, BAD));
	SAY(syscall(SYS_setrlimit, RLIMIT_CORE, BAD));
	SAY(syscall(SYS_setrlimit, 16, &r));
	SAY(syscall(SYS_prlimit64, 0, 16, NULL, &r));
	SAY(syscall(SYS_prlimit64, 1 << 22, RLIMIT_CORE, NULL, &r));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD, NULL));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));

	SAY(set(RLIMIT_CORE, 2, 1));
	SAY(set(RLIMIT_CORE, 1000, 2000));
	show(RLIMIT_CORE);
	SAY(set(RLIMIT_CORE, 2000, 2000));
	show(RLIMIT_CORE);
	if (getuid() != 0) /* a container's root may or may not have CAP_SYS_RESOURCE */
		SAY(set(RLIMIT_CORE, 10, 3000));
	SAY(set(RLIMIT_NOFILE, 100, 1 << 24));
	SAY(set(RLIMIT_CORE, 0, 0));
	show(RLIMIT_CORE);

	SAY(set(RLIMIT_NOFILE, 20, 64));
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
		SAY(prlimit(getppid(), RLIMIT_NOFILE, &new, &r));
		printf("parent had %lld\n", (long long)r.rlim_cur);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show(RLIMIT_NOFILE);
	return 0;
}
