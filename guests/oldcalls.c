/*
 * oldcalls.c - the calls that C libraries no longer make, by number: stat and its kin, pipe, fork,
 * utime, mknod, the variants without flags; and statx.
 */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define BAD ((void *)1)
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define sys(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static void show(const char *what, const struct stat *st)
{
	printf("%s: mode %o links %d size %d rdev %x times %d %d\n", what, st->st_mode,
	       (int)st->st_nlink, S_ISDIR(st->st_mode) ? 0 : (int)st->st_size,
	       (unsigned)st->st_rdev, st->st_atime == 1000, st->st_mtime == 2000);
}

static void stats(void)
{
	struct stat st;
	struct statfs fs;

	close(open("file", O_CREAT | O_WRONLY, 0644));
	symlink("file", "link");
	SHOW(sys(stat, "file", &st));
	show("file", &st);
	SHOW(sys(stat, "link", &st));
	show("link", &st);
	SHOW(sys(lstat, "link", &st));
	show("link itself", &st);
	SHOW(sys(stat, "nothing", &st));
	SHOW(sys(stat, "file/x", &st));
	SHOW(sys(stat, "", &st));
	SHOW(sys(stat, BAD, &st));
	SHOW(sys(stat, "file", BAD));
	SHOW(sys(lstat, "file", BAD));
	SHOW(sys(fstat, 0, &st));
	show("stdin", &st);
	SHOW(sys(fstat, 99, &st));
	SHOW(sys(fstat, 0, BAD));
	SHOW(sys(statfs, "/proc", &fs));
	printf("type %lx name %ld\n", (long)fs.f_type, (long)fs.f_namelen);
	SHOW(sys(statfs, "nothing", &fs));
	SHOW(sys(statfs, "/proc", BAD));
	int fd = open("/proc", O_RDONLY);
	SHOW(sys(fstatfs, fd, &fs));
	printf("type %lx\n", (long)fs.f_type);
	SHOW(sys(fstatfs, fd, BAD));
	SHOW(sys(fstatfs, 99, &fs));
	close(fd);
}

static void extended(void)
{
	struct statx x;

	SHOW(sys(statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
	printf("mask %d mode %o size %d\n", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS,
	       x.stx_mode, (int)x.stx_size);
	SHOW(sys(statx, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
	printf("mode %o\n", x.stx_mode & S_IFMT);
	SHOW(sys(statx, 0, "", AT_EMPTY_PATH, STATX_TYPE, &x));
	printf("mode %o dev %u %u\n", x.stx_mode & S_IFMT, x.stx_rdev_major, x.stx_rdev_minor);
	SHOW(sys(statx, 0, "", 0, STATX_TYPE, &x));
	SHOW(sys(statx, AT_FDCWD, "file", 0x10000, STATX_TYPE, &x));
	SHOW(sys(statx, AT_FDCWD, "file", 0, STATX__RESERVED, &x));
	SHOW(sys(statx, AT_FDCWD, "file", 0x6000, STATX_TYPE, &x));
	SHOW(sys(statx, AT_FDCWD, "file", 0, STATX_TYPE, BAD));
	SHOW(sys(statx, 99, "file", 0, STATX_TYPE, &x));
}

static void times(void)
{
	struct utimbuf ut = {1000, 2000};
	struct timeval tv[2] = {{1000, 5}, {2000, 6}}, bad[2] = {{0, 1000000}, {0, 0}};
	struct stat st;

	SHOW(sys(utime, "file", &ut));
	sys(stat, "file", &st);
	show("utime", &st);
	SHOW(sys(utime, "file", NULL));
	sys(stat, "file", &st);
	show("utime now", &st);
	SHOW(sys(utimes, "file", tv));
	sys(stat, "file", &st);
	show("utimes", &st);
	SHOW(sys(utimes, "file", bad));
	SHOW(sys(utimes, "file", BAD));
	SHOW(sys(utime, "nothing", &ut));
	SHOW(sys(futimesat, AT_FDCWD, "link", tv));
	SHOW(sys(futimesat, 99, "link", tv));
	SHOW(sys(futimesat, AT_FDCWD, "file", BAD));
}

static void nodes(void)
{
	struct stat st;

	SHOW(sys(mknod, "fifo", S_IFIFO | 0600, 0));
	SHOW(sys(mknod, "plain", S_IFREG | 0600, 0));
	SHOW(sys(mknod, "plain", S_IFREG | 0600, 0));
	SHOW(sys(mknod, "zero", 0600, 0));
	SHOW(sys(mknod, "dir", S_IFDIR | 0700, 0));
	sys(stat, "fifo", &st);
	show("fifo", &st);
	SHOW(sys(symlinkat, "target", AT_FDCWD, "link2"));
	SHOW(sys(symlinkat, "target", AT_FDCWD, "link2"));
	SHOW(sys(symlinkat, "", AT_FDCWD, "link3"));
	SHOW(sys(symlinkat, "target", 99, "link3"));
	SHOW(sys(symlinkat, BAD, AT_FDCWD, "link3"));
	SHOW(sys(faccessat, AT_FDCWD, "file", R_OK));
	SHOW(sys(faccessat, AT_FDCWD, "nothing", R_OK));
	SHOW(sys(faccessat, AT_FDCWD, "file", 8));
	SHOW(sys(faccessat, 99, "file", R_OK));
	SHOW(sys(fchmodat2, AT_FDCWD, "file", 0600, 0));
	SHOW(sys(fchmodat2, AT_FDCWD, "link2", 0600, AT_SYMLINK_NOFOLLOW));
	SHOW(sys(fchmodat2, AT_FDCWD, "file", 0600, 1));
	SHOW(sys(sync));
}

static void descriptors(void)
{
	char buf[4] = "";
	int p[2] = {-1, -1};

	SHOW(sys(pipe, p));
	SHOW(write(p[1], "abc", 3));
	SHOW(read(p[0], buf, 4));
	printf("'%s' flags %d %d\n", buf, fcntl(p[0], F_GETFD), fcntl(p[0], F_GETFL));
	close(p[0]);
	close(p[1]);
	SHOW(sys(pipe, BAD));
	int in = (int)sys(inotify_init);
	printf("inotify_init %d flags %d %d\n", in >= 0, fcntl(in, F_GETFD), fcntl(in, F_GETFL));
	SHOW(inotify_add_watch(in, ".", IN_CREATE));
	close(in);
	int ep = (int)sys(epoll_create, 1);
	printf("epoll_create %d flags %d\n", ep >= 0, fcntl(ep, F_GETFD));
	close(ep);
	SHOW(sys(epoll_create, 0));
	SHOW(sys(creat, "created", 0600));
}

static void processes(void)
{
	int status = -1;

	fflush(stdout);
	long pid = sys(fork);
	if (pid == 0)
		sys(exit, 7);
	printf("fork %d\n", pid > 0);
	SHOW(sys(wait4, pid, &status, 0, NULL) == pid);
	printf("status %#x\n", status);
	SHOW(sys(getpgid, 0) == getpgrp());
	SHOW(sys(getpgid, getpid()) == getpgrp());
	SHOW(sys(getpgid, 1 << 22));
	SHOW(sys(getsid, 0) == getsid(getpid()));
	SHOW(sys(getsid, 1 << 22));
	void *head = NULL;
	size_t len = 0;
	SHOW(sys(get_robust_list, 0, &head, &len));
	printf("robust list %d, length %zu\n", head != NULL, len);
	SHOW(sys(get_robust_list, 1 << 22, &head, &len));
	SHOW(sys(get_robust_list, 0, BAD, &len));
	SHOW(sys(setpgid, 1 << 22, 0));
	SHOW(sys(setpgid, 0, -1));
}

static void jail(void)
{
	char cwd[100] = "";

	SHOW(sys(mkdir, "jail", 0755));
	SHOW(sys(chroot, "nothing"));
	SHOW(sys(chroot, "file"));
	SHOW(sys(chroot, BAD));
	if (SHOW(sys(chroot, "jail")) == 0) {
		SHOW(access("file", F_OK)); /* the working directory is still outside */
		SHOW(chdir("/"));
		SHOW(access("file", F_OK));
		SHOW(access("/../file", F_OK));
		SHOW(sys(mkdir, "/inside", 0755));
		SHOW(chdir("inside"));
		getcwd(cwd, sizeof(cwd));
		printf("in %s\n", cwd);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 0);
	umask(022);
	stats();
	extended();
	times();
	nodes();
	descriptors();
	processes();
	jail();
	return 0;
}
