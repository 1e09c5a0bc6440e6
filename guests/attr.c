/*
 * attr.c - chmod, chown, umask, access, truncate and the times, as owner and as somebody else.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static void show_mode(const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %o size %ld\n", name, st.st_mode,
		       S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
}

static void put(const char *name, mode_t mode)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, mode);

	if (fd < 0 || write(fd, "0123456789", 10) != 10)
		perror(name);
	close(fd);
}

static void modes(void)
{
	umask(0);
	put("f", 0666);
	SHOW(mkdir("d", 0777));
	SHOW(symlink("f", "s"));
	SHOW(chmod("f", 04711));
	show_mode("f");
	SHOW(chmod("f", 0170644));
	show_mode("f");
	SHOW(chmod("s", 0600));
	show_mode("f");
	show_mode("s");
	SHOW(chmod("none", 0));
	SHOW(chmod("f/", 0));
	SHOW(chmod("d", 01770));
	show_mode("d");
	int fd = open("f", O_RDONLY);
	SHOW(fchmod(fd, 0640));
	show_mode("f");
	SHOW(fchmod(99, 0));
	SHOW(fchmodat(AT_FDCWD, "f", 0600, 0));
	SHOW(fchmodat(99, "f", 0600, 0));
	SHOW(syscall(SYS_chmod, 1, 0));
	close(fd);
	umask(077);
	put("m", 0666);
	show_mode("m");
	printf("umask %o\n", umask(07777));
	printf("umask %o\n", umask(022));
}

static void owners(void)
{
	SHOW(chown("f", -1, -1));
	SHOW(chown("f", geteuid(), getegid()));
	SHOW(lchown("s", geteuid(), -1));
	SHOW(chmod("f", 06755));
	SHOW(chown("f", -1, getegid()));
	show_mode("f");
	SHOW(chmod("f", 02744));
	SHOW(chown("f", geteuid(), -1));
	show_mode("f");
	SHOW(chown("none", 0, 0));
	SHOW(fchown(99, 0, 0));
	SHOW(fchownat(AT_FDCWD, "", 0, 0, 0));
	SHOW(fchownat(AT_FDCWD, "f", -1, -1, 0x10000));
}

/* A pipe and a socket have attributes of their own. */
static void nameless(void)
{
	struct stat st;
	int p[2], s[2];

	SHOW(pipe(p));
	SHOW(fchmod(p[0], 0640));
	SHOW(fchown(p[1], geteuid(), getegid()));
	SHOW(fstat(p[1], &st));
	printf("pipe: mode %o, mine %d\n", st.st_mode, st.st_uid == geteuid());
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	SHOW(fchmod(s[0], 0600));
	SHOW(fstat(s[0], &st));
	printf("socket: mode %o\n", st.st_mode);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(s[i]);
	}
}

static void truncation(void)
{
	struct rlimit lim = {100, RLIM_INFINITY};
	int fd = open("f", O_RDWR), ro = open("f", O_RDONLY);
	char buf[32];

	SHOW(truncate("f", 4));
	show_mode("f");
	SHOW(ftruncate(fd, 8));
	SHOW(pread(fd, buf, 32, 0));
	printf("%.4s %d%d%d%d\n", buf, buf[4], buf[5], buf[6], buf[7]);
	SHOW(truncate("f", -1));
	SHOW(ftruncate(ro, 1));
	SHOW(ftruncate(99, 1));
	SHOW(truncate("d", 0));
	SHOW(truncate("none", 0));
	SHOW(truncate("f/", 0));
	SHOW(ftruncate(fd, 1L << 40));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(ftruncate(fd, 3));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(write(fd, "x", 0));
	signal(SIGXFSZ, SIG_IGN);
	SHOW(setrlimit(RLIMIT_FSIZE, &lim));
	SHOW(ftruncate(fd, 101));
	SHOW(ftruncate(fd, 100));
	SHOW(pwrite(fd, buf, 32, 90));
	SHOW(pwrite(fd, buf, 32, 100));
	SHOW(pwrite(fd, buf, 0, 200));
	SHOW(fallocate(fd, 0, 0, 200));
	lim.rlim_cur = RLIM_INFINITY;
	SHOW(setrlimit(RLIMIT_FSIZE, &lim));
	close(fd);
	close(ro);
}

static void show_times(const char *name)
{
	struct stat st;
	time_t now = time(NULL);

	if (lstat(name, &st) < 0) {
		perror(name);
		return;
	}
	printf("%s:", name);
	for (int i = 0; i < 3; i++) {
		struct timespec ts = i == 0 ? st.st_atim : i == 1 ? st.st_mtim : st.st_ctim;

		if (ts.tv_sec > now - 100 && ts.tv_sec < now + 100)
			printf(" now");
		else
			printf(" %ld.%09ld", ts.tv_sec, ts.tv_nsec);
	}
	printf("\n");
}

static void times(void)
{
	struct timespec ts[2] = {{1000, 1}, {2000, 999999999}};
	struct timeval tv[2] = {{3000, 5}, {4000, 6}};
	struct utimbuf ub = {5000, 6000};
	int fd = open("f", O_RDONLY);

	SHOW(utimensat(AT_FDCWD, "f", ts, 0));
	show_times("f");
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	SHOW(utimensat(AT_FDCWD, "f", ts, 0));
	show_times("f");
	ts[1].tv_nsec = 1000000000;
	SHOW(utimensat(AT_FDCWD, "f", ts, 0));
	ts[0] = (struct timespec){-5, 7};
	ts[1] = (struct timespec){7000000000, 8};
	SHOW(futimens(fd, ts));
	show_times("f");
	SHOW(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW));
	show_times("s");
	SHOW(utimes("f", tv));
	show_times("f");
	tv[0].tv_usec = 1000000;
	SHOW(utimes("f", tv));
	SHOW(utime("f", &ub));
	show_times("f");
	SHOW(utime("f", NULL));
	show_times("f");
	SHOW(utime("none", NULL));
	SHOW(utimensat(AT_FDCWD, "f", NULL, 0x4000));
	SHOW(syscall(SYS_utimensat, AT_FDCWD, "f", 1, 0));
	SHOW(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	ts[0] = ts[1] = (struct timespec){1, 0};
	SHOW(utimensat(AT_FDCWD, "f", ts, 0));
	SHOW(chmod("f", 0644));
	show_times("f");
	fd = open("f", O_RDWR);
	SHOW(write(fd, "w", 1));
	show_times("f");
	SHOW(utimensat(AT_FDCWD, "d", ts, 0));
	put("d/new", 0600);
	show_times("d");
	close(fd);
}

static void access_checks(void)
{
	SHOW(access("f", R_OK | W_OK));
	SHOW(access("f", X_OK));
	SHOW(chmod("f", 0711));
	SHOW(access("f", X_OK));
	SHOW(access("f", 8));
	SHOW(access("none", F_OK));
	SHOW(access("s", F_OK));
	SHOW(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
	SHOW(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 1));
	SHOW(access("", F_OK));
	SHOW(syscall(SYS_access, 1, 0));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
}

/* What root leaves for others, tried as uid 1000. */
static void as_other(void)
{
	if (geteuid() != 0) {
		printf("not root\n");
		return;
	}
	SHOW(chmod(".", 0755));
	SHOW(mkdir("sticky", 0777));
	SHOW(chmod("sticky", 01777));
	put("sticky/roots", 0666);
	SHOW(chmod("sticky/roots", 0666));
	SHOW(mkdir("sgid", 0777));
	SHOW(chown("sgid", 0, 1234));
	SHOW(chmod("sgid", 02777));
	SHOW(chmod("f", 0640));
	SHOW(mkdir("hidden", 0700));
	put("hidden/x", 0666);
	SHOW(mkdir("nolist", 0711));
	put("nolist/x", 0644);
	put("suid", 0666);
	SHOW(chmod("suid", 06777));
	fflush(stdout);
	if (fork() == 0) {
		if (setgid(1000) || setuid(1000))
			perror("setuid");
		SHOW(open("f", O_RDONLY));
		SHOW(access("f", R_OK));
		SHOW(open("newfile", O_CREAT | O_RDWR, 0666));
		SHOW(mkdir("newdir", 0777));
		SHOW(chmod("f", 0777));
		SHOW(chown("f", 1000, 1000));
		SHOW(unlink("f"));
		SHOW(rename("f", "sticky/f"));
		SHOW(unlink("sticky/roots"));
		SHOW(rename("sticky/roots", "sticky/mine"));
		SHOW_OK(open("sticky/roots", O_RDWR));
		put("sticky/mine", 0666);
		SHOW(chmod("sticky/mine", 02755));
		show_mode("sticky/mine");
		SHOW(chown("sticky/mine", 0, -1));
		SHOW(chown("sticky/mine", -1, 1000));
		SHOW(chown("sticky/mine", -1, 5));
		SHOW(unlink("sticky/mine"));
		put("sgid/file", 0666);
		SHOW(mkdir("sgid/dir", 0777));
		show_mode("sgid/dir");
		SHOW(chmod("sgid/file", 02755));
		show_mode("sgid/file");
		SHOW(open("hidden/x", O_RDONLY));
		SHOW(access("hidden/none", F_OK));
		SHOW(chdir("hidden"));
		SHOW(open("nolist", O_RDONLY));
		SHOW_OK(open("nolist/x", O_RDONLY));
		SHOW(utimes("nolist/x", NULL));
		SHOW(link("f", "sticky/l"));
		SHOW(link("nolist/x", "sticky/l"));
		put("suid", 0);
		show_mode("suid");
		SHOW(truncate("nolist/x", 0));
		SHOW(symlink("x", "nolist/s"));
		SHOW(mknod("sticky/null", S_IFCHR | 0666, 0x103));
		SHOW(chroot("sticky"));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	struct stat st = {0};
	stat("sgid/file", &st);
	printf("sgid/file: %d %d\n", st.st_uid, st.st_gid);
	stat("sgid/dir", &st);
	printf("sgid/dir: %d %d\n", st.st_uid, st.st_gid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	modes();
	owners();
	nameless();
	truncation();
	times();
	access_checks();
	as_other();
	return 0;
}
