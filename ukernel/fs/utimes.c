/*
 * utimes.c - setting a file's times: utimensat(2) and the older calls.
 */
#include "fs/inotify.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000

static bool nsec_valid(int64_t nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < NSEC_PER_SEC);
}

/* One time alone looks like what changes it otherwise (fsnotify_change of Linux). */
static uint32_t times_event(unsigned valid)
{
	if ((valid & (ATTR_ATIME | ATTR_MTIME)) == ATTR_ATIME)
		return IN_ACCESS;
	return (valid & (ATTR_ATIME | ATTR_MTIME)) == ATTR_MTIME ? IN_MODIFY : IN_ATTRIB;
}

/* ts NULL: both now. */
static int set_times(struct task *t, struct path *p, const struct abi_timespec *ts)
{
	static const struct abi_timespec both_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct inode *ino = p->dentry->inode;
	uint64_t now_ns = time_wall_ns();
	struct abi_timespec now = {now_ns / NSEC_PER_SEC, now_ns % NSEC_PER_SEC};
	struct iattr a = {.valid = ATTR_ATIME | ATTR_MTIME, .atime = now, .mtime = now};
	int err;

	if (!ts)
		ts = both_now;
	if (ts[0].nsec == UTIME_OMIT && ts[1].nsec == UTIME_OMIT)
		return 0;
	err = mount_want_write(p->mnt);
	if (err)
		return err;
	/* Who may write the file may set its times to now; other times are the owner's to give. */
	if (ts[0].nsec == UTIME_NOW && ts[1].nsec == UTIME_NOW) {
		if (!inode_owner_or_capable(ino, t->cred))
			err = path_permission(p, t->cred, W_OK);
	} else if (!inode_owner_or_capable(ino, t->cred)) {
		err = -EPERM;
	}
	if (err)
		return err;
	if (ts[0].nsec == UTIME_OMIT)
		a.valid &= ~ATTR_ATIME;
	else if (ts[0].nsec != UTIME_NOW)
		a.atime = ts[0];
	if (ts[1].nsec == UTIME_OMIT)
		a.valid &= ~ATTR_MTIME;
	else if (ts[1].nsec != UTIME_NOW)
		a.mtime = ts[1];
	err = inode_setattr(ino, &a);
	if (!err)
		inotify_dentry(p->dentry, times_event(a.valid));
	return err;
}

static long set_times_at(struct task *t, int dirfd, uaddr_t path, const struct abi_timespec *ts,
			 int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	struct file *f;
	int err;

	if (!path && dirfd != AT_FDCWD) { /* futimens */
		if (flags)
			return -EINVAL;
		f = fd_get(t, dirfd);
		if (!f)
			return -EBADF;
		err = set_times(t, &f->path, ts);
		file_put(f);
		return err;
	}
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_from_user(t, dirfd, path, lookup, &p);
	if (err)
		return err;
	err = set_times(t, &p, ts);
	path_put(&p);
	return err;
}

long sys_utimensat(struct task *t, int dirfd, uaddr_t path, uaddr_t times, int flags)
{
	struct abi_timespec ts[2];

	if (times && copy_from_user(t, ts, times, sizeof(ts)))
		return -EFAULT;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times && (!nsec_valid(ts[0].nsec) || !nsec_valid(ts[1].nsec)))
		return -EINVAL;
	return set_times_at(t, dirfd, path, times ? ts : NULL, flags);
}

static long do_utimes(struct task *t, int dirfd, uaddr_t path, uaddr_t times)
{
	struct abi_timeval tv[2];
	struct abi_timespec ts[2];

	if (!times)
		return set_times_at(t, dirfd, path, NULL, 0);
	if (copy_from_user(t, tv, times, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].usec < 0 || tv[i].usec >= 1000000)
			return -EINVAL;
		ts[i] = (struct abi_timespec){tv[i].sec, tv[i].usec * 1000};
	}
	return set_times_at(t, dirfd, path, ts, 0);
}

long sys_utimes(struct task *t, uaddr_t path, uaddr_t times)
{
	return do_utimes(t, AT_FDCWD, path, times);
}

long sys_futimesat(struct task *t, int dirfd, uaddr_t path, uaddr_t times)
{
	return do_utimes(t, dirfd, path, times);
}

long sys_utime(struct task *t, uaddr_t path, uaddr_t times)
{
	struct abi_timespec ts[2] = {{0}};
	int64_t sec[2];

	if (!times)
		return set_times_at(t, AT_FDCWD, path, NULL, 0);
	if (copy_from_user(t, sec, times, sizeof(sec)))
		return -EFAULT;
	ts[0].sec = sec[0];
	ts[1].sec = sec[1];
	return set_times_at(t, AT_FDCWD, path, ts, 0);
}
