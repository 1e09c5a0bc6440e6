/*
 * oldcalls.c - the calls that the C library no longer makes itself: each once by its number, beside
 * the newer call that does the same.
 *
 * guest-link: static
 */
#include "show.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static void names(void)
{
	char buf[64];

	SHOW_OK(syscall(SYS_creat, "f", 0644));
	SHOW_OK(syscall(SYS_open, "f", O_RDWR));
	SHOW(syscall(SYS_mkdir, "d", 0755));
	SHOW(syscall(SYS_mkdirat, AT_FDCWD, "d2", 0755));
	SHOW(syscall(SYS_mknod, "p", S_IFIFO | 0600, 0));
	SHOW(syscall(SYS_mknodat, AT_FDCWD, "p2", S_IFIFO | 0600, 0));
	SHOW(syscall(SYS_link, "f", "g"));
	SHOW(syscall(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, "h", 0));
	SHOW(syscall(SYS_symlink, "f", "s"));
	SHOW(syscall(SYS_symlinkat, "f", AT_FDCWD, "s2"));
	SHOW(syscall(SYS_readlink, "s", buf, sizeof(buf)));
	SHOW(syscall(SYS_readlinkat, AT_FDCWD, "s2", buf, sizeof(buf)));
	SHOW(syscall(SYS_rename, "g", "i"));
	SHOW(syscall(SYS_renameat, AT_FDCWD, "i", AT_FDCWD, "j"));
	SHOW(syscall(SYS_unlink, "j"));
	SHOW(syscall(SYS_unlinkat, AT_FDCWD, "h", 0));
	SHOW(syscall(SYS_rmdir, "d2"));
	SHOW(syscall(SYS_access, "f", R_OK));
	SHOW(syscall(SYS_faccessat, AT_FDCWD, "f", R_OK));
	SHOW(syscall(439 /* faccessat2 */, AT_FDCWD, "f", R_OK, 0));
	SHOW(syscall(SYS_chdir, "d"));
	SHOW(syscall(SYS_chdir, ".."));
}

static void attributes(void)
{
	struct timeval tv[2] = {{1000, 500}, {2000, 600}};
	long old[2] = {3000, 4000};
	struct stat st;
	int fd = open("f", O_RDWR);

	SHOW(syscall(SYS_chmod, "f", 0600));
	SHOW(syscall(SYS_fchmod, fd, 0640));
	SHOW(syscall(SYS_fchmodat, AT_FDCWD, "f", 0600));
	SHOW(syscall(452 /* fchmodat2 */, AT_FDCWD, "s", 0600, AT_SYMLINK_NOFOLLOW));
	SHOW(syscall(SYS_chown, "f", -1, -1));
	SHOW(syscall(SYS_lchown, "s", -1, -1));
	SHOW(syscall(SYS_fchown, fd, -1, -1));
	SHOW(syscall(SYS_fchownat, AT_FDCWD, "f", -1, -1, 0));
	SHOW(syscall(SYS_utime, "f", old));
	SHOW(syscall(SYS_stat, "f", &st));
	printf("%ld %ld\n", st.st_atim.tv_sec, st.st_mtim.tv_sec);
	SHOW(syscall(SYS_utimes, "f", tv));
	SHOW(syscall(SYS_fstat, fd, &st));
	printf("%ld.%ld %ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec);
	tv[0].tv_sec = 7;
	SHOW(syscall(SYS_futimesat, AT_FDCWD, "s", tv));
	SHOW(syscall(SYS_lstat, "s", &st));
	printf("%o\n", st.st_mode);
	SHOW(syscall(SYS_newfstatat, AT_FDCWD, "f", &st, 0));
	printf("%ld\n", st.st_atim.tv_sec);
	SHOW(syscall(SYS_truncate, "f", 100));
	SHOW(syscall(SYS_ftruncate, fd, 50));
	SHOW(syscall(SYS_umask, 077));
	SHOW(syscall(SYS_umask, 022));
	close(fd);
}

static void extended(void)
{
	char buf[64];
	int fd = open("f", O_RDWR);

	SHOW(syscall(SYS_setxattr, "s", "user.a", "1", 1, 0));
	SHOW(syscall(SYS_lsetxattr, "f", "user.b", "22", 2, 0));
	SHOW(syscall(SYS_fsetxattr, fd, "user.c", "333", 3, 0));
	SHOW(syscall(SYS_getxattr, "s", "user.c", buf, sizeof(buf)));
	SHOW(syscall(SYS_lgetxattr, "f", "user.b", buf, sizeof(buf)));
	SHOW(syscall(SYS_fgetxattr, fd, "user.a", buf, sizeof(buf)));
	SHOW(syscall(SYS_listxattr, "f", buf, sizeof(buf)) >= 21);
	SHOW(syscall(SYS_llistxattr, "f", NULL, 0) >= 21);
	SHOW(syscall(SYS_flistxattr, fd, buf, 1));
	SHOW(syscall(SYS_removexattr, "s", "user.a"));
	SHOW(syscall(SYS_lremovexattr, "f", "user.b"));
	SHOW(syscall(SYS_fremovexattr, fd, "user.c"));
	SHOW(syscall(SYS_fremovexattr, fd, "user.c"));
	close(fd);
}

static void whole(void)
{
	struct statfs fs;
	int fd = open(".", O_RDONLY);
	char buf[400];

	SHOW(syscall(SYS_statfs, ".", &fs));
	printf("%ld %d\n", (long)fs.f_namelen, fs.f_bsize > 0 && fs.f_frsize > 0);
	SHOW(syscall(SYS_fstatfs, fd, &fs));
	SHOW(syscall(SYS_statfs, "none", &fs));
	SHOW(syscall(SYS_fstatfs, 99, &fs));
	SHOW(syscall(SYS_statfs, ".", 1));
	SHOW(syscall(SYS_getdents, fd, buf, sizeof(buf)) > 0);
	SHOW(syscall(SYS_sync));
	SHOW(syscall(SYS_syncfs, fd));
	SHOW(syscall(SYS_fchdir, fd));
	SHOW(syscall(SYS_getcwd, buf, 1));
	SHOW(syscall(SYS_getcwd, 1, 4096));
	if (geteuid() == 0) {
		SHOW(syscall(SYS_chroot, "d"));
		SHOW(syscall(SYS_chdir, "/.."));
		SHOW(syscall(SYS_getcwd, buf, sizeof(buf)));
		printf("%s\n", buf);
		SHOW(syscall(SYS_fchdir, fd));
		SHOW(syscall(SYS_getcwd, buf, sizeof(buf)) > 13);
		printf("%.13s\n", buf);
		SHOW(syscall(SYS_access, "/f", F_OK));
		SHOW(syscall(SYS_access, "f", F_OK));
	}
}

int main(void)
{
	umask(022);
	names();
	attributes();
	extended();
	whole();
	return 0;
}
