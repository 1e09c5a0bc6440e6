/*
 * ehframe_test.c - which places unwinders know as a signal handler's way back without looking at
 * the bytes (sandbox/ehframe.c): in this host's C library, in ourselves, in damaged copies.
 */
#include "ehframe.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(ehframe, .timeout = 60);

static const uint8_t way_back[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

static uint8_t *bytes;
static size_t len;
static int fd;

/* The C library. */
static void setup(void)
{
	struct stat st;
	Dl_info info;

	cr_assert(dladdr((void *)gnu_get_libc_version, &info) != 0);
	fd = open(info.dli_fname, O_RDONLY);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	len = (size_t)st.st_size;
	bytes = malloc(len);
	cr_assert_eq(pread(fd, bytes, len, 0), (ssize_t)len);
}

static size_t place(void)
{
	const uint8_t *at = memmem(bytes, len, way_back, sizeof(way_back));

	cr_assert_not_null(at);
	return (size_t)(at - bytes);
}

Test(ehframe, the_c_library_s_is_known, .init = setup)
{
	size_t at = place();

	cr_assert(ehframe_signal(fd, at - 1, at + sizeof(way_back)));
	cr_assert_not(ehframe_signal(fd, at - 1, at + 4096), "the table ends before");
	cr_assert_not(ehframe_signal(fd, at - 64, at + sizeof(way_back)));
	cr_assert_not(ehframe_signal(fd, len, len + 1));
	cr_assert_not(ehframe_signal(fd, UINT64_MAX - 1, UINT64_MAX));
	cr_assert_not(ehframe_signal(-1, at - 1, at + sizeof(way_back)));
}

Test(ehframe, other_functions_are_no_way_back, .init = setup)
{
	unsigned tried = 0;

	for (size_t i = 0; i + 1 < len && tried < 2000; i++) {
		if (bytes[i] != 0x0f || bytes[i + 1] != 0x05)
			continue;
		tried++;
		if (i == place() + 7)
			continue;
		cr_assert_not(ehframe_signal(fd, i - 5, i + 2), "at %#zx", i);
	}
	cr_assert(tried > 100);
}

Test(ehframe, noise, .init = setup)
{
	size_t at = place();
	int copy = memfd_create("copy", 0);
	unsigned seed = 1;

	cr_assert_eq(write(copy, bytes, len), (ssize_t)len);
	cr_assert(ehframe_signal(copy, at - 1, at + sizeof(way_back)));
	for (int i = 0; i < 3000; i++) {
		/* Headers above all: what is read first. */
		off_t off = rand_r(&seed) % (i % 2 ? 1024 : (int)len);
		uint32_t value = (uint32_t)rand_r(&seed), was;

		cr_assert_eq(pread(copy, &was, sizeof(was), off), sizeof(was));
		cr_assert_eq(pwrite(copy, &value, sizeof(value), off), sizeof(value));
		ehframe_signal(copy, at - 1, at + sizeof(way_back));
		if (i % 3 == 0)
			cr_assert_eq(pwrite(copy, &was, sizeof(was), off), sizeof(was));
		if (i % 500 == 499)
			cr_assert_eq(pwrite(copy, bytes, len, 0), (ssize_t)len);
	}
	cr_assert_eq(ftruncate(copy, (off_t)at), 0);
	cr_assert_not(ehframe_signal(copy, at - 1, at + sizeof(way_back)));
}
