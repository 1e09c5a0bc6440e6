/*
 * host.h - the kernel's own calls to the host: thin wrappers, and the only place that reads errno.
 *
 * Each returns 0 or a count, or a negative errno; EINTR is retried.  Descriptors are always opened
 * close-on-exec.  Nothing here knows what a guest is: whoever passes a name is answerable for it.
 */
#ifndef FS_HOST_H
#define FS_HOST_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

int host_openat(int dirfd, const char *name, int flags, mode_t mode);
int host_close(int fd);
/* A second open of what fd is (an O_PATH descriptor too), through the host's /proc/self/fd. */
int host_reopen(int fd, int flags);

int host_fstat(int fd, struct stat *st);
int host_fstatat(int dirfd, const char *name, struct stat *st); /* never follows a symlink */
int host_fstatfs(int fd, struct statfs *out);
ssize_t host_readlinkat(int dirfd, const char *name, char *buf, size_t size); /* no NUL */
ssize_t host_getdents(int fd, void *buf, size_t size); /* struct linux_dirent64 */

ssize_t host_pread(int fd, void *buf, size_t len, uint64_t off);
ssize_t host_pwrite(int fd, const void *buf, size_t len, uint64_t off);
ssize_t host_append(int fd, const void *buf, size_t len, uint64_t *end); /* *end: offset after */
int64_t host_lseek(int fd, int64_t off, int whence);

int host_mkdirat(int dirfd, const char *name, mode_t mode);
int host_mknodat(int dirfd, const char *name, mode_t mode, dev_t rdev);
int host_symlinkat(const char *target, int dirfd, const char *name);
int host_linkat(int olddir, const char *oldname, int newdir, const char *newname);
int host_unlinkat(int dirfd, const char *name, int flags);
int host_renameat2(int olddir, const char *oldname, int newdir, const char *newname,
		   unsigned flags);

/* fd may be O_PATH for the next ones but truncate, fallocate and sync. */
int host_fchmod(int fd, mode_t mode);
int host_fchown(int fd, uid_t uid, gid_t gid);
int host_futimens(int fd, const struct timespec ts[2]);
int host_ftruncate(int fd, uint64_t size);
int host_fallocate(int fd, int mode, uint64_t off, uint64_t len);
int host_fsync(int fd, int data_only);
int host_syncfs(int fd);
int host_fadvise(int fd, int64_t off, int64_t len, int advice);
ssize_t host_fgetxattr(int fd, const char *name, void *buf, size_t size);
int host_fsetxattr(int fd, const char *name, const void *val, size_t size, int flags);
ssize_t host_flistxattr(int fd, char *buf, size_t size);
int host_fremovexattr(int fd, const char *name);

int host_memfd(const char *name, unsigned flags); /* MFD_CLOEXEC is added */
/* Raise RLIMIT_NOFILE as far as the host lets us; returns the limit reached. */
uint64_t host_raise_nofile(void);
ssize_t host_getcwd(char *buf, size_t size); /* length, or -errno */
#endif
