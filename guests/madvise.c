/*
 * madvise.c - madvise(2), msync(2), mincore(2) and the mlock family, with their errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 'x', pages * PAGE);
	return p;
}

static void say(const char *what, int ret)
{
	printf("%s: %s\n", what, ret ? strerrorname_np(errno) : "0");
}

/* The child's view of p: as is, zero, or a fault. */
static void in_fork(const char *what, const char *p)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(*(volatile const char *)p == 'x' ? 1 : 0);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else
		printf("%s: %s\n", what, WEXITSTATUS(status) ? "the data" : "zero");
}

static void advice(void)
{
	char *p = map(8), *file;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	say("dontneed", madvise(p, PAGE, MADV_DONTNEED));
	printf("zero: %d, next: %c\n", p[0], p[PAGE]);
	say("normal", madvise(p, PAGE, MADV_NORMAL));
	say("random", madvise(p, PAGE, MADV_RANDOM));
	say("sequential", madvise(p, PAGE, MADV_SEQUENTIAL));
	say("willneed", madvise(p, PAGE, MADV_WILLNEED));
	say("free", madvise(p + PAGE, PAGE, MADV_FREE));
	say("dontfork", madvise(p + 2 * PAGE, PAGE, MADV_DONTFORK));
	in_fork("not forked", p + 2 * PAGE);
	say("dofork", madvise(p + 2 * PAGE, PAGE, MADV_DOFORK));
	in_fork("forked again", p + 2 * PAGE);
	say("wipeonfork", madvise(p + 3 * PAGE, PAGE, MADV_WIPEONFORK));
	in_fork("wiped", p + 3 * PAGE);
	say("keeponfork", madvise(p + 3 * PAGE, PAGE, MADV_KEEPONFORK));
	in_fork("kept", p + 3 * PAGE);
	say("dontdump", madvise(p, PAGE, MADV_DONTDUMP));
	say("dodump", madvise(p, PAGE, MADV_DODUMP));
	say("populate", madvise(p, 2 * PAGE, MADV_POPULATE_WRITE));
	say("unknown", madvise(p, PAGE, 77));
	say("unaligned", madvise(p + 1, PAGE, MADV_NORMAL));
	say("no length", madvise(p, 0, MADV_NORMAL));
	say("wraps", madvise(p, -1UL, MADV_NORMAL));
	munmap(p + 4 * PAGE, PAGE);
	say("over a hole", madvise(p, 8 * PAGE, MADV_DONTNEED));
	printf("behind the hole: %d\n", p[5 * PAGE]);
	if (ftruncate(fd, 2 * PAGE))
		exit(1);
	file = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	file[0] = 'y';
	say("wipeonfork of a file", madvise(file, PAGE, MADV_WIPEONFORK));
	say("free of a file", madvise(file, PAGE, MADV_FREE));
	say("dontneed of a file", madvise(file, PAGE, MADV_DONTNEED));
	printf("still: %c\n", file[0]);
	say("sync", msync(file, 2 * PAGE, MS_SYNC));
	say("async", msync(file, 2 * PAGE, MS_ASYNC));
	say("invalidate", msync(file, 2 * PAGE, MS_INVALIDATE));
	say("sync and async", msync(file, PAGE, MS_SYNC | MS_ASYNC));
	say("sync, flags", msync(file, PAGE, 64));
	say("sync, unaligned", msync(file + 1, PAGE, MS_SYNC));
	say("sync over a hole", msync(p, 8 * PAGE, MS_SYNC));
	say("sync nothing", msync(file, 0, MS_SYNC));
}

static void locks(void)
{
	char *p = map(4);
	unsigned char vec[8] = {0};

	say("mlock", mlock(p, PAGE));
	say("again", mlock(p + 100, PAGE));
	say("dontneed of locked", madvise(p, PAGE, MADV_DONTNEED));
	say("invalidate locked", msync(p, PAGE, MS_INVALIDATE));
	say("munlock", munlock(p, 2 * PAGE));
	say("mlock2", mlock2(p, PAGE, MLOCK_ONFAULT));
	say("mlock2, flags", mlock2(p, PAGE, 6));
	say("munlock", munlock(p, 4 * PAGE));
	say("mincore", mincore(p, 4 * PAGE, vec));
	printf("resident: %d%d%d%d %d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1, vec[4]);
	say("mincore, unaligned", mincore(p + 1, PAGE, vec));
	say("mincore, bad vector", mincore(p, PAGE, (void *)1));
	madvise(p + PAGE, PAGE, MADV_DONTNEED);
	say("mincore", mincore(p, 4 * PAGE, vec));
	printf("resident: %d%d%d%d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
	munmap(p + 2 * PAGE, PAGE);
	say("mlock over a hole", mlock(p, 4 * PAGE));
	say("mincore over a hole", mincore(p, 4 * PAGE, vec));
	say("munlock over a hole", munlock(p, 4 * PAGE));
	say("mlockall, no flags", mlockall(0));
	say("mlockall, flags", mlockall(64));
	say("mlockall, only onfault", mlockall(MCL_ONFAULT));
	say("munlockall", munlockall());
}

int main(void)
{
	advice();
	locks();
	return 0;
}
