/*
 * mremap.c - mremap(2): growing, shrinking, moving, keeping, duplicating, errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 'a' + i;
	return p;
}

static void result(const char *what, void *p)
{
	printf("%s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
}

static void show(const char *what, const char *p, size_t pages)
{
	printf("%s:", what);
	for (size_t i = 0; i < pages; i++)
		printf(" %c", p[i * PAGE] ? p[i * PAGE] : '0');
	printf("\n");
}

static int mapped(void *p)
{
	return msync(p, PAGE, MS_ASYNC) == 0;
}

int main(void)
{
	char *area = mmap(NULL, 64 * PAGE, PROT_NONE, ANON, -1, 0), *p, *q;
	int fd;

	munmap(area, 64 * PAGE);
	p = mmap(area, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 'a' + i;
	q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
	printf("shrink in place: %d, rest mapped: %d\n", p == q, mapped(p + 2 * PAGE));
	q = mremap(p, 2 * PAGE, 6 * PAGE, 0);
	printf("grow in place: %d\n", p == q);
	show("grown", p, 6);
	mmap(area + 6 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	result("blocked", mremap(p, 6 * PAGE, 8 * PAGE, 0));
	q = mremap(p, 6 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	printf("moved: %d, old mapped: %d\n", q != p, mapped(p));
	show("moved", q, 8);
	p = mremap(q, 8 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 16 * PAGE);
	printf("fixed: %d\n", p == area + 16 * PAGE);
	show("fixed", p, 3);
	q = mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 6 * PAGE);
	printf("over another: %d, hole: %d\n", q == area + 6 * PAGE, mapped(p + PAGE));
	show("over another", q, 1);
	*q = 'z';

	p = map(2);
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	printf("kept: %d\n", q != p && q != MAP_FAILED);
	show("old", p, 2);
	show("new", q, 2);

	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (ftruncate(fd, 3 * PAGE))
		return 1;
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
	*p = 's';
	q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
	printf("duplicate of shared: %d %c\n", q != p && q != MAP_FAILED, *q);
	*q = 't';
	printf("the same memory: %c\n", *p);
	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	q[PAGE] = 'u';
	pread(fd, area + 6 * PAGE, 1, 2 * PAGE);
	printf("file behind the grown part: %c\n", area[6 * PAGE]);

	p = map(4);
	result("flags", mremap(p, PAGE, PAGE, 8));
	result("fixed without maymove", mremap(p, PAGE, PAGE, MREMAP_FIXED, area));
	result("unaligned", mremap(p + 1, PAGE, PAGE, 0));
	result("no new length", mremap(p, PAGE, 0, 0));
	result("no old length, private", mremap(p, 0, PAGE, MREMAP_MAYMOVE));
	result("overlap", mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	result("new unaligned", mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 1));
	munmap(p + PAGE, PAGE);
	result("unmapped", mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	result("across a hole", mremap(p, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
	result("too long", mremap(p, PAGE, 1UL << 47, MREMAP_MAYMOVE));

	p = malloc(1 << 20);
	memset(p, 'm', 1 << 20);
	for (size_t n = 2 << 20; n <= 64 << 20; n *= 2)
		p = realloc(p, n);
	printf("realloc: %c%c\n", p[0], p[(1 << 20) - 1]);
	free(p);
	return 0;
}
