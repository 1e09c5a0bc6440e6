/*
 * host.c - thin wrappers round the host's file calls.  See host.h.
 */
#include "fs/host.h"

#include "lib/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

int host_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	return host_call(openat(dirfd, name, flags | O_CLOEXEC, mode));
}

int host_close(int fd)
{
	/* Linux frees the number even on EINTR: never retry. */
	return close(fd) < 0 ? -errno : 0;
}

#define FD_PATH_SIZE 32
static void fd_path(char path[FD_PATH_SIZE], int fd)
{
	snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

int host_reopen(int fd, int flags)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_openat(AT_FDCWD, path, flags & ~O_NOFOLLOW, 0);
}

int host_fstat(int fd, struct stat *st)
{
	return host_call(fstat(fd, st));
}

int host_fstatat(int dirfd, const char *name, struct stat *st)
{
	return host_call(fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT));
}

int host_fstatfs(int fd, struct statfs *out)
{
	return host_call(fstatfs(fd, out));
}

ssize_t host_readlinkat(int dirfd, const char *name, char *buf, size_t size)
{
	return host_call(readlinkat(dirfd, name, buf, size));
}

ssize_t host_getdents(int fd, void *buf, size_t size)
{
	return host_call(syscall(SYS_getdents64, fd, buf, size));
}

ssize_t host_pread(int fd, void *buf, size_t len, uint64_t off)
{
	return host_call(pread(fd, buf, len, off));
}

ssize_t host_pwrite(int fd, const void *buf, size_t len, uint64_t off)
{
	return host_call(pwrite(fd, buf, len, off));
}

ssize_t host_append(int fd, const void *buf, size_t len, uint64_t *end)
{
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	ssize_t n;
	int64_t pos;

	/* With offset -1 the descriptor's own position moves to the end of what was written. */
	n = host_call(pwritev2(fd, &iov, 1, -1, RWF_APPEND));
	if (n < 0)
		return n;
	pos = host_lseek(fd, 0, SEEK_CUR);
	*end = pos < 0 ? 0 : pos;
	return n;
}

int64_t host_lseek(int fd, int64_t off, int whence)
{
	return host_call(lseek(fd, off, whence));
}

int host_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return host_call(mkdirat(dirfd, name, mode));
}

int host_mknodat(int dirfd, const char *name, mode_t mode, dev_t rdev)
{
	return host_call(mknodat(dirfd, name, mode, rdev));
}

int host_symlinkat(const char *target, int dirfd, const char *name)
{
	return host_call(symlinkat(target, dirfd, name));
}

int host_linkat(int olddir, const char *oldname, int newdir, const char *newname)
{
	return host_call(linkat(olddir, oldname, newdir, newname, 0));
}

int host_unlinkat(int dirfd, const char *name, int flags)
{
	return host_call(unlinkat(dirfd, name, flags));
}

int host_renameat2(int olddir, const char *oldname, int newdir, const char *newname, unsigned flags)
{
	return host_call(renameat2(olddir, oldname, newdir, newname, flags));
}

int host_fchmod(int fd, mode_t mode)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_call(chmod(path, mode));
}

int host_fchown(int fd, uid_t uid, gid_t gid)
{
	return host_call(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int host_futimens(int fd, const struct timespec ts[2])
{
	char path[FD_PATH_SIZE];
	int err = host_call(syscall(SYS_utimensat, fd, "", ts, AT_EMPTY_PATH));

	if (err != -EINVAL && err != -ENOENT) /* kernels before 5.8 know no AT_EMPTY_PATH here */
		return err;
	fd_path(path, fd);
	return host_call(utimensat(AT_FDCWD, path, ts, 0));
}

int host_ftruncate(int fd, uint64_t size)
{
	return host_call(ftruncate(fd, size));
}

int host_fallocate(int fd, int mode, uint64_t off, uint64_t len)
{
	return host_call(fallocate(fd, mode, off, len));
}

int host_fsync(int fd, int data_only)
{
	return host_call(data_only ? fdatasync(fd) : fsync(fd));
}

int host_syncfs(int fd)
{
	return host_call(syncfs(fd));
}

int host_fadvise(int fd, int64_t off, int64_t len, int advice)
{
	return -posix_fadvise(fd, off, len, advice);
}

ssize_t host_fgetxattr(int fd, const char *name, void *buf, size_t size)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_call(getxattr(path, name, buf, size));
}

int host_fsetxattr(int fd, const char *name, const void *val, size_t size, int flags)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_call(setxattr(path, name, val, size, flags));
}

ssize_t host_flistxattr(int fd, char *buf, size_t size)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_call(listxattr(path, buf, size));
}

int host_fremovexattr(int fd, const char *name)
{
	char path[FD_PATH_SIZE];

	fd_path(path, fd);
	return host_call(removexattr(path, name));
}

int host_memfd(const char *name, unsigned flags)
{
	return host_call(memfd_create(name, flags | MFD_CLOEXEC));
}

uint64_t host_raise_nofile(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 1024;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim); /* what we have is what counts */
	return getrlimit(RLIMIT_NOFILE, &lim) < 0 ? 1024 : lim.rlim_cur;
}

ssize_t host_getcwd(char *buf, size_t size)
{
	return getcwd(buf, size) ? (ssize_t)strlen(buf) : -errno;
}
