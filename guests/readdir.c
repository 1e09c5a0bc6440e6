/*
 * readdir.c - getdents64, seeking in directories, directories that change while they are read.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names with their types, sorted. */
static void list(DIR *d)
{
	char *names[400];
	int n = 0;
	struct dirent *e;

	rewinddir(d);
	while ((e = readdir(d)) && n < 400) {
		char buf[300];

		snprintf(buf, sizeof(buf), "%s:%d", e->d_name, e->d_type);
		names[n++] = strdup(buf);
	}
	qsort(names, n, sizeof(*names), compare);
	printf("%d:", n);
	for (int i = 0; i < n; i++) {
		if (i < 12)
			printf(" %s", names[i]);
		free(names[i]);
	}
	printf("\n");
}

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_RDWR, 0600));
}

static void changing(void)
{
	DIR *d = opendir(".");
	struct dirent *e;
	char name[32];
	int seen = 0, removed = 0;

	list(d);
	touch("file");
	mkdir("dir", 0700);
	if (symlink("x", "link"))
		perror("link");
	mkfifo("fifo", 0600);
	list(d);
	SHOW(rename("file", "renamed"));
	list(d);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many%03d", i);
		touch(name);
	}
	list(d);
	/* as rm -r does it */
	rewinddir(d);
	while ((e = readdir(d))) {
		seen++;
		if (strncmp(e->d_name, "many", 4) == 0 && unlink(e->d_name) == 0)
			removed++;
	}
	printf("%d seen, %d removed\n", seen, removed);
	list(d);
	closedir(d);
}

static void seeking(void)
{
	struct dirent *e;
	char name[32], third[256];
	long pos = 0;
	DIR *d;

	SHOW(mkdir("s", 0700));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s/n%d", i);
		touch(name);
	}
	d = opendir("s");
	for (int i = 0; i < 50; i++)
		readdir(d);
	pos = telldir(d);
	e = readdir(d);
	snprintf(third, sizeof(third), "%s", e->d_name);
	while (readdir(d))
		;
	seekdir(d, pos);
	e = readdir(d);
	printf("the same after seeking: %d\n", strcmp(third, e->d_name) == 0);
	closedir(d);
}

static void raw(void)
{
	char buf[4096];
	int fd = open("s", O_RDONLY | O_DIRECTORY), f = open("renamed", O_RDONLY);
	long n, total = 0;

	SHOW(syscall(SYS_getdents64, fd, buf, 10));
	SHOW(syscall(SYS_getdents64, fd, 1, 4096));
	SHOW(syscall(SYS_getdents64, f, buf, 4096));
	SHOW(syscall(SYS_getdents64, 99, buf, 4096));
	while ((n = syscall(SYS_getdents64, fd, buf, 100)) > 0)
		for (long i = 0; i < n; i += ((struct dirent64 *)(buf + i))->d_reclen)
			total++;
	printf("%ld entries in small pieces\n", total);
	SHOW(syscall(SYS_getdents64, fd, buf, 4096));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(syscall(SYS_getdents, fd, buf, 4096) > 0);
	/* No more entries than fit before memory that cannot be written. */
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW(mprotect(page + 4096, 4096, PROT_NONE));
	SHOW(lseek(fd, 0, SEEK_SET));
	while ((n = syscall(SYS_getdents64, fd, page + 4096 - 100, 4096)) > 0)
		for (long i = 0; i < n; i += ((struct dirent64 *)(page + 3996 + i))->d_reclen)
			total--;
	printf("%ld entries less in a small space, then %ld\n", total, n);
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(syscall(SYS_getdents64, fd, page + 4096 - 10, 4096));
	SHOW(syscall(SYS_getdents64, fd, page, 0x80000000));
	SHOW(syscall(SYS_getdents64, fd, page, 0));
	close(fd);
	fd = open("/proc", O_RDONLY);
	SHOW(lseek(fd, 0, SEEK_END));
	close(fd);
	SHOW(mkdir("gone", 0700));
	fd = open("gone", O_RDONLY);
	SHOW(rmdir("gone"));
	SHOW(syscall(SYS_getdents64, fd, buf, 4096));
	SHOW(open("s/../gone", O_RDONLY));
	SHOW(openat(fd, "x", O_CREAT | O_RDWR, 0600));
	SHOW(openat(fd, "..", O_RDONLY));
	SHOW(fchdir(f));
	SHOW(fchdir(99));
	SHOW(fchdir(open("s", O_PATH)));
	SHOW(access("n1", F_OK));
}

int main(void)
{
	changing();
	seeking();
	raw();
	return 0;
}
