/*
 * op_memory.c - what a page costs the first time.
 */
#include "op.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 64 /* pages mapped at a time */

static volatile uint64_t *reported; /* shared with children */
static int file_fd;
#define FILE_PAGES 1024L

static char *map_pages(long pages, int flags)
{
	char *p =
	    mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	madvise(p, (size_t)pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void write_pages(char *p, long pages)
{
	for (long i = 0; i < pages; i++)
		((volatile char *)p)[i * (long)PAGE] = 1;
}

static void map_touch_unmap(long n)
{
	for (; n > 0; n -= BATCH) {
		char *p = mmap(NULL, BATCH * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(p != MAP_FAILED, "mmap");
		write_pages(p, BATCH);
		munmap(p, BATCH * PAGE);
	}
}
const struct op op_map_touch_unmap = {.run = map_touch_unmap, .step = BATCH};

static double first_touch(long n)
{
	char *p = map_pages(n, MAP_PRIVATE);
	uint64_t began = now_ns();

	write_pages(p, n);
	uint64_t took = now_ns() - began;
	munmap(p, (size_t)n * PAGE);
	return (double)took;
}
const struct op op_first_touch = {.timed = first_touch, .step = 1024};

static void cow_start(void)
{
	reported = (volatile uint64_t *)map_pages(1, MAP_SHARED);
}

static double cow_touch(long n)
{
	char *p = map_pages(n, MAP_PRIVATE);

	write_pages(p, n);
	pid_t pid = fork();
	if (pid == 0) {
		uint64_t began = now_ns();

		write_pages(p, n);
		*reported = now_ns() - began;
		_exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, "fork");
	munmap(p, (size_t)n * PAGE);
	return (double)*reported;
}
const struct op op_cow_touch = {.start = cow_start, .timed = cow_touch, .step = 1024};

static void file_start(void)
{
	static char page[PAGE];

	scratch_make();
	file_fd = open("mapped", O_CREAT | O_RDWR, 0600);
	for (long i = 0; i < FILE_PAGES; i++)
		must(write(file_fd, page, PAGE) == (ssize_t)PAGE, "write");
}

/* A page; the host maps sixteen at a fault where it can. */
static double file_fault(long n)
{
	uint64_t took = 0;
	char sum = 0;

	for (; n > 0; n -= FILE_PAGES) {
		size_t len = (size_t)FILE_PAGES * PAGE;
		char *p = mmap(NULL, len, PROT_READ, MAP_SHARED, file_fd, 0);

		must(p != MAP_FAILED, "mmap");
		uint64_t began = now_ns();
		for (long i = 0; i < FILE_PAGES; i++)
			sum += ((volatile char *)p)[i * (long)PAGE];
		took += now_ns() - began;
		munmap(p, len);
	}
	must(sum == 0, "mapped file");
	return (double)took;
}
const struct op op_file_fault = {
    .start = file_start, .timed = file_fault, .stop = scratch_remove, .step = FILE_PAGES};
