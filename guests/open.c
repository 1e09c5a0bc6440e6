/*
 * open.c - open(2) and openat(2): flags and their combinations, errors, trailing slashes, symlinks,
 * O_PATH, O_TMPFILE, O_APPEND, the number that is chosen.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Open, say how it went, close. */
static void try(const char *name, int flags, mode_t mode)
{
	struct stat st;
	int fd = open(name, flags, mode);

	if (fd < 0) {
		printf("open %.40s %#o: %s\n", name, flags, strerrorname_np(errno));
		return;
	}
	if (fstat(fd, &st) < 0)
		printf("open %.40s %#o: fstat %s\n", name, flags, strerrorname_np(errno));
	else
		printf("open %.40s %#o: mode %o fl %#o fd %#x\n", name, flags, st.st_mode,
		       fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	close(fd);
}

static void flags(void)
{
	umask(027);
	try("f", O_RDONLY, 0);
	try("f", O_RDONLY | O_CREAT, 0666);
	try("f", O_RDWR | O_CREAT | O_EXCL, 0666);
	try("f", O_WRONLY | O_TRUNC, 0);
	try("f", O_RDONLY | O_DIRECTORY, 0);
	try("f", O_ACCMODE, 0);
	try("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0);
	try("f", O_RDONLY | O_SYNC | O_NOATIME, 0);
	try("f/", O_RDONLY, 0);
	try("f/.", O_RDONLY, 0);
	try("f/x", O_RDONLY, 0);
	try("f/x", O_RDONLY | O_CREAT, 0666);
	try("new/", O_RDONLY | O_CREAT, 0666);
	try("none/x", O_RDONLY | O_CREAT, 0666);
	try("g", O_WRONLY | O_CREAT, 0400);
	try("g", O_WRONLY | O_CREAT, 0400);
	try("s", O_RDWR | O_CREAT, 06777);
	try("t", O_RDWR | O_CREAT | O_TRUNC | O_EXCL, 01777);
	try("x1", O_CREAT | O_DIRECTORY, 0777);
	try("", O_RDONLY, 0);
	try("", O_RDONLY | O_CREAT, 0);
}

static void directories(void)
{
	SHOW(mkdir("d", 0777));
	try("d", O_RDONLY, 0);
	try("d/", O_RDONLY, 0);
	try("d/.", O_RDONLY | O_DIRECTORY, 0);
	try("d/..", O_RDONLY | O_DIRECTORY, 0);
	try("d", O_WRONLY, 0);
	try("d", O_RDWR, 0);
	try("d", O_RDONLY | O_CREAT, 0);
	try("d", O_RDONLY | O_TRUNC, 0);
	try("d/.", O_RDONLY | O_CREAT, 0);
	try(".", O_RDONLY | O_CREAT | O_EXCL, 0);
	try("d/", O_RDONLY | O_CREAT, 0);
	try("/", O_RDONLY | O_CREAT, 0);
	try("d", O_PATH, 0);
	try("d", O_RDONLY | O_DIRECT, 0);
	try("d", O_PATH | O_DIRECT, 0);
	try("/dev/null", O_RDONLY | O_DIRECT, 0);
	try("/proc/self/stat", O_RDONLY | O_DIRECT, 0);
	try("d/./.././d//", O_PATH | O_DIRECTORY, 0);
}

static void links(void)
{
	SHOW(symlink("f", "to_f"));
	SHOW(symlink("nowhere", "dangling"));
	SHOW(symlink("loop", "loop"));
	SHOW(symlink("d", "to_d"));
	SHOW(symlink("/", "to_root"));
	try("to_f", O_RDONLY, 0);
	try("to_f", O_RDONLY | O_NOFOLLOW, 0);
	try("to_f", O_PATH | O_NOFOLLOW, 0);
	try("to_f/", O_RDONLY, 0);
	try("dangling", O_RDONLY, 0);
	try("dangling", O_RDONLY | O_CREAT | O_EXCL, 0600);
	try("dangling", O_RDONLY | O_CREAT | O_NOFOLLOW, 0600);
	try("dangling", O_RDWR | O_CREAT, 0600);
	try("nowhere", O_RDONLY, 0);
	try("loop", O_RDONLY, 0);
	try("loop", O_RDONLY | O_CREAT, 0600);
	try("to_d", O_RDONLY | O_DIRECTORY, 0);
	try("to_d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	try("to_d/", O_RDONLY | O_NOFOLLOW, 0);
	try("to_d/z", O_RDONLY | O_CREAT, 0600);
	try("to_root/", O_RDONLY, 0);
}

static void long_names(void)
{
	char *big = malloc(5001);

	memset(big, 'a', 5000);
	big[5000] = '\0';
	big[255] = '\0';
	try(big, O_RDONLY, 0);
	try(big, O_RDONLY | O_CREAT, 0600);
	SHOW(unlink(big));
	big[255] = 'a';
	big[256] = '\0';
	try(big, O_RDONLY, 0);
	for (int i = 0; i < 5000; i += 2)
		memcpy(big + i, "./", 2);
	big[4094] = 'f';
	big[4095] = '\0';
	try(big, O_RDONLY, 0);
	big[4095] = '/';
	big[4096] = '\0';
	try(big, O_RDONLY, 0);
	free(big);
	errno = 0;
	printf("bad pointer: %ld %d\n", syscall(SYS_open, (char *)1, O_RDONLY), errno == EFAULT);
}

static void path_files(void)
{
	int fd = open("f", O_PATH), dir = open("d", O_PATH);
	struct stat st;
	char c;

	SHOW(read(fd, &c, 1));
	SHOW(write(fd, &c, 1));
	SHOW(fstat(fd, &st));
	SHOW(fchmod(fd, 0600));
	SHOW(fchown(fd, -1, -1));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(ftruncate(fd, 0));
	SHOW(fcntl(fd, F_SETFL, O_APPEND));
	SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
	SHOW(openat(fd, "x", O_RDONLY));
	SHOW_OK(openat(dir, "z", O_RDONLY));
	SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
	SHOW(fstatat(fd, "", &st, 0));
	SHOW(faccessat(dir, "z", W_OK, 0));
	SHOW(mkdirat(dir, "sub", 0700));
	SHOW(unlinkat(dir, "sub", AT_REMOVEDIR));
	SHOW(openat(99, "z", O_RDONLY));
	SHOW_OK(openat(99, "/", O_RDONLY));
	close(fd);
	close(dir);
}

static void temporary(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	struct stat st = {0};
	char path[64];

	if (fd >= 0) {
		SHOW(write(fd, "hello", 5));
		SHOW(fstat(fd, &st));
		printf("links %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
		SHOW(stat("named", &st));
		printf("links %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
		close(fd);
	}
	SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
	SHOW(open("f", O_TMPFILE | O_RDWR, 0600));
	SHOW(open("nodir", O_TMPFILE | O_RDWR, 0600));
}

static void appending(void)
{
	int a = open("app", O_WRONLY | O_CREAT | O_APPEND, 0600), b = open("app", O_RDWR);
	char buf[16] = "";

	SHOW(write(a, "one", 3));
	SHOW(lseek(a, 0, SEEK_SET));
	SHOW(write(a, "two", 3));
	SHOW(lseek(a, 0, SEEK_CUR));
	SHOW(pwrite(a, "three", 5, 0));
	SHOW(read(b, buf, 15));
	printf("%s\n", buf);
	SHOW(fcntl(b, F_SETFL, O_APPEND));
	SHOW(lseek(b, 0, SEEK_SET));
	SHOW(write(b, "x", 1));
	SHOW(lseek(b, 0, SEEK_CUR));
	close(a);
	close(b);
}

static void deleted(void)
{
	int fd = open("gone", O_RDWR | O_CREAT, 0600);
	struct stat st;
	char buf[8] = "";

	SHOW(write(fd, "alive", 5));
	SHOW(unlink("gone"));
	SHOW(fstat(fd, &st));
	printf("links %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
	SHOW(pread(fd, buf, 7, 0));
	SHOW(ftruncate(fd, 2));
	SHOW(fchmod(fd, 0444));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(open("gone", O_RDONLY));
	SHOW(close(fd));
	SHOW(close(fd));
}

static void limits(void)
{
	struct rlimit lim = {10, 10};
	int n = 0;

	SHOW(setrlimit(RLIMIT_NOFILE, &lim));
	while (open("f", O_RDONLY) >= 0)
		n++;
	printf("%d more, then %s\n", n, strerrorname_np(errno));
	SHOW(open("never", O_RDWR | O_CREAT, 0600));
	SHOW(access("never", F_OK));
	SHOW(dup(0));
	SHOW(dup2(0, 10));
	SHOW(dup2(0, 9));
}

int main(void)
{
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	flags();
	directories();
	links();
	long_names();
	path_files();
	temporary();
	appending();
	deleted();
	limits();
	return 0;
}
