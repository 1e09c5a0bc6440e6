/*
 * op_file.c - files and names, in a directory below /tmp.
 */
#include "op.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG	   65536
#define ENTRIES	   10000
#define DEEP_NAMES 12
#define FILE_NAME  "file"

static char buffer[BIG];
static int fd;
static char deep[256];

static void file_start(void)
{
	scratch_make();
	memset(buffer, 'x', sizeof(buffer));
	fd = open(FILE_NAME, O_CREAT | O_RDWR | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, buffer, BIG) == BIG, FILE_NAME);
}

static void read_n(long n, size_t len)
{
	while (n--)
		must(pread(fd, buffer, len, 0) == (ssize_t)len, "pread");
}

static void write_n(long n, size_t len)
{
	while (n--)
		must(pwrite(fd, buffer, len, 0) == (ssize_t)len, "pwrite");
}

#define TRANSFER(name, how, len)                                                                   \
	static void name(long n)                                                                   \
	{                                                                                          \
		how(n, len);                                                                       \
	}                                                                                          \
	const struct op op_##name = {.start = file_start, .run = (name), .stop = scratch_remove}

TRANSFER(read_1, read_n, 1);
TRANSFER(read_4k, read_n, 4096);
TRANSFER(read_64k, read_n, BIG);
TRANSFER(write_1, write_n, 1);
TRANSFER(write_4k, write_n, 4096);
TRANSFER(write_64k, write_n, BIG);

static void open_fstat_close(long n)
{
	struct stat st;

	while (n--) {
		int f = open(FILE_NAME, O_RDONLY);

		must(fstat(f, &st) == 0 && close(f) == 0, "open");
	}
}
const struct op op_open_fstat_close = {
    .start = file_start, .run = open_fstat_close, .stop = scratch_remove};

static void deep_start(void)
{
	size_t len = 0;

	scratch_make();
	for (int i = 0; i < DEEP_NAMES; i++) {
		len +=
		    (size_t)snprintf(deep + len, sizeof(deep) - len, "%sname%d", i ? "/" : "", i);
		must(mkdir(deep, 0700) == 0, deep);
	}
}

static void stat_deep(long n)
{
	struct stat st;

	while (n--)
		must(stat(deep, &st) == 0, deep);
}
const struct op op_stat_deep = {.start = deep_start, .run = stat_deep, .stop = scratch_remove};

static void entries_start(void)
{
	char name[32];

	scratch_make();
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "entry-%05d", i);
		int f = open(name, O_CREAT | O_WRONLY, 0600);
		must(f >= 0 && close(f) == 0, name);
	}
}

static void read_directory(long n)
{
	while (n--) {
		DIR *dir = opendir(".");
		int seen = 0;

		must(dir != NULL, "opendir");
		while (readdir(dir))
			seen++;
		closedir(dir);
		must(seen == ENTRIES + 2, "readdir");
	}
}
const struct op op_readdir_10k = {
    .start = entries_start, .run = read_directory, .stop = scratch_remove};
