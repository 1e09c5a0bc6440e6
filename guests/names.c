/*
 * names.c - mkdir, rmdir, mknod, link, symlink, readlink, unlink and their *at variants, with the
 * odd last components that path_resolution(7) knows.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void show_stat(const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0)
		printf("lstat %s: %s\n", name, strerrorname_np(errno));
	else
		printf("lstat %s: mode %o links %ld size %ld\n", name, st.st_mode,
		       S_ISDIR(st.st_mode) ? 0L : (long)st.st_nlink,
		       S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
}

static void directories(void)
{
	umask(022);
	SHOW(mkdir("a", 0777));
	SHOW(mkdir("a", 0777));
	SHOW(mkdir("a/", 0777));
	SHOW(mkdir("b/", 07777));
	SHOW(mkdir("b/c//", 0700));
	SHOW(mkdir("x/y", 0700));
	SHOW(mkdir(".", 0700));
	SHOW(mkdir("..", 0700));
	SHOW(mkdir("/", 0700));
	SHOW(mkdir("a/.", 0700));
	SHOW(mkdir("new/.", 0700));
	SHOW(mkdir("", 0700));
	show_stat("a");
	show_stat("b");
	SHOW(rmdir("b"));
	SHOW(rmdir("b/c/."));
	SHOW(rmdir("b/c/.."));
	SHOW(rmdir("b/c/"));
	SHOW(rmdir("."));
	SHOW(rmdir(".."));
	SHOW(rmdir("/"));
	SHOW(rmdir("none"));
	SHOW(rmdir(""));
	SHOW(unlink("b"));
	SHOW(unlink("b/"));
	SHOW(unlink("."));
	SHOW(unlink(".."));
	SHOW(unlink("/"));
	SHOW(rmdir("b"));
	SHOW(mkdirat(AT_FDCWD, "m", 0123));
	show_stat("m");
	SHOW(unlinkat(AT_FDCWD, "m", 0));
	SHOW(unlinkat(AT_FDCWD, "m", AT_REMOVEDIR | 1));
	SHOW(unlinkat(AT_FDCWD, "m", AT_REMOVEDIR));
	SHOW(mkdirat(77, "m", 0));
}

static void special(void)
{
	SHOW(mknod("reg", 0640, 0));
	SHOW(mknod("reg2", S_IFREG | 0666, 0));
	SHOW(mknod("fifo", S_IFIFO | 0666, 0));
	SHOW(mknod("sock", S_IFSOCK | 0777, 0));
	SHOW(mknod("dir", S_IFDIR | 0777, 0));
	SHOW(mknod("lnk", S_IFLNK | 0777, 0));
	SHOW(mknod("bad", 0150000, 0));
	SHOW(mknod("reg", S_IFIFO | 0666, 0));
	SHOW(mknod("n/", S_IFIFO | 0666, 0));
	SHOW(mkfifo("none/f", 0600));
	show_stat("reg");
	show_stat("reg2");
	show_stat("fifo");
	show_stat("sock");
	SHOW(open("sock", O_RDONLY));
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	SHOW(unlink("fifo"));
	SHOW(rmdir("sock"));
	SHOW(unlink("sock"));
}

static void hard_links(void)
{
	SHOW(link("reg", "l1"));
	SHOW(link("reg", "l1"));
	SHOW(link("reg", "l2/"));
	SHOW(link("reg/", "l2"));
	SHOW(link("a", "l2"));
	SHOW(link("none", "l2"));
	SHOW(link("reg", "none/l2"));
	SHOW(link("reg", "."));
	SHOW(link("reg", ""));
	SHOW(link("", "l2"));
	SHOW(symlink("reg", "sl"));
	SHOW(link("sl", "sl_hard"));
	show_stat("sl_hard");
	SHOW(linkat(AT_FDCWD, "sl", AT_FDCWD, "sl_followed", AT_SYMLINK_FOLLOW));
	show_stat("sl_followed");
	SHOW(linkat(AT_FDCWD, "sl", AT_FDCWD, "q", 1));
	show_stat("reg");
	SHOW(unlink("reg"));
	show_stat("l1");
	SHOW(unlink("sl_followed"));
	show_stat("l1");
}

static void symlinks(void)
{
	char buf[64], big[5000];

	memset(big, 'x', sizeof(big));
	big[4999] = '\0';
	SHOW(symlink("", "e"));
	SHOW(symlink("text", ""));
	SHOW(symlink("text", "t/"));
	SHOW(symlink("text", "a"));
	SHOW(symlink("text", "t"));
	SHOW(symlink("text", "t"));
	SHOW(symlink(big, "u") == -1 && errno == ENAMETOOLONG);
	big[4095] = '\0';
	SHOW(symlink(big, "u"));
	show_stat("u");
	memset(buf, '#', sizeof(buf));
	SHOW(readlink("t", buf, sizeof(buf)));
	printf("%.6s\n", buf);
	SHOW(readlink("t", buf, 2));
	SHOW(readlink("t", buf, 0));
	SHOW(readlink("a", buf, sizeof(buf)));
	SHOW(readlink("none", buf, sizeof(buf)));
	SHOW(readlink("t/", buf, sizeof(buf)));
	SHOW(readlink("", buf, sizeof(buf)));
	SHOW(syscall(SYS_readlink, "t", 1, 64));
	int fd = SHOW_OK(open("t", O_PATH | O_NOFOLLOW));
	SHOW(readlinkat(fd, "", buf, sizeof(buf)));
	SHOW(unlink("t/"));
	SHOW(rmdir("t"));
	SHOW(unlink("t"));
}

static void chains(void)
{
	char name[16], to[16];

	SHOW(close(open("end", O_CREAT | O_RDWR, 0600)));
	strcpy(to, "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		if (symlink(to, name) < 0)
			perror(name);
		strcpy(to, name);
	}
	SHOW(access("c40", F_OK));
	SHOW(access("c41", F_OK));
	SHOW(symlink("a/../b/../a", "dots"));
	SHOW(mkdir("b", 0700));
	SHOW(access("dots/..", F_OK));
	SHOW(access("dots/../end", R_OK));
	SHOW(access("end/..", F_OK));
	SHOW(access("end/.", F_OK));
	SHOW(access("a/none/..", F_OK));
	SHOW(access("a/./.././/end", F_OK));
	SHOW(access("end", 8));
	SHOW(chdir("end"));
	SHOW(chdir("dots"));
	SHOW(access("../end", F_OK));
	SHOW(mkdir("deep", 0700));
	SHOW(chdir("deep"));
	SHOW(rmdir("../deep"));
	SHOW((long)getcwd(name, sizeof(name)) ? 0 : -1);
	SHOW(mkdir("x", 0700));
	SHOW(open("x", O_CREAT | O_RDWR, 0600));
	SHOW(access(".", F_OK));
	SHOW(access("../../end", F_OK));
	SHOW(chdir(".."));
}

int main(void)
{
	directories();
	special();
	hard_links();
	symlinks();
	chains();
	return 0;
}
