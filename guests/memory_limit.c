/*
 * memory_limit.c - what --memory bounds: private and shared memory, files in memory, the heap, the
 * stack and fork; all of them together.  It is given back when it is no longer used.
 *
 * guest-options: --memory 64M
 * guest-native: no
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB  (1UL << 20)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int failures;

static void expect(const char *what, int truth)
{
	printf("%s %s\n", truth ? "ok  " : "FAIL", what);
	failures += !truth;
}

/* How many MiB of this kind can be had, up to 200; they are given back. */
static int amount(int flags, int fd)
{
	static void *p[200];
	int n = 0;

	while (n < 200) {
		p[n] = mmap(NULL, MIB, RW, flags, fd, 0);
		if (p[n] == MAP_FAILED)
			break;
		memset(p[n++], 1, MIB);
	}
	expect("the errno", n == 200 || errno == ENOMEM);
	for (int i = 0; i < n; i++)
		munmap(p[i], MIB);
	return n;
}

static int bounded(int n)
{
	return n > 40 && n < 64;
}

static int fill(int fd)
{
	static char buf[MIB];
	int n = 0;

	while (n < 200 && write(fd, buf, MIB) == (ssize_t)MIB)
		n++;
	return n;
}

int main(void)
{
	char *p, *q;
	int fd, n, status;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		expect("private", bounded(amount(ANON, -1)));
		expect("private, MAP_NORESERVE", bounded(amount(ANON | MAP_NORESERVE, -1)));
		expect("shared", bounded(amount(MAP_SHARED | MAP_ANONYMOUS, -1)));
	}
	p = mmap(NULL, 1UL << 40, PROT_NONE, ANON, -1, 0);
	expect("a terabyte of nothing", p != MAP_FAILED);
	expect("not to be written", mprotect(p, 100 * MIB, RW) == -1 && errno == ENOMEM);
	expect("some of it", mprotect(p, 20 * MIB, RW) == 0);
	expect("counts", (n = amount(ANON, -1)) > 20 && n < 44);
	expect("read-only still counts",
	       mprotect(p, 20 * MIB, PROT_READ) == 0 && (n = amount(ANON, -1)) > 20 && n < 44);
	munmap(p, 1UL << 40);

	p = mmap(NULL, 30 * MIB, RW, ANON, -1, 0);
	q = mremap(p, 30 * MIB, 100 * MIB, MREMAP_MAYMOVE);
	expect("mremap", q == MAP_FAILED && errno == ENOMEM);
	memset(p, 1, 30 * MIB);
	child = fork();
	if (!child)
		_exit(0);
	expect("fork within", child > 0);
	waitpid(child, &status, 0);
	q = mmap(NULL, 10 * MIB, RW, ANON, -1, 0);
	child = fork();
	if (!child)
		_exit(0);
	expect("fork beyond", child < 0 && errno == ENOMEM);
	munmap(p, 30 * MIB);
	munmap(q, 10 * MIB);

	expect("the heap", sbrk(100 * MIB) == (void *)-1 && errno == ENOMEM);
	fd = memfd_create("m", 0);
	expect("memfd", bounded(fill(fd)));
	expect("with a memfd there", amount(ANON, -1) < 3);
	close(fd);
	fd = memfd_create("m", 0);
	expect("memfd too large", ftruncate(fd, 100 * MIB) == -1);
	close(fd);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	n = fill(fd); /* files may have half */
	expect("file", n > 20 && n <= 32);
	n = amount(ANON, -1);
	expect("with a file there", n > 10 && n < 34);
	close(fd);
	unlink("file");
	expect("private in the end", bounded(amount(ANON, -1)));
	return failures != 0;
}
