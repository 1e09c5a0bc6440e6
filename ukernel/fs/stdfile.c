/*
 * stdfile.c - the host's standard input, output and error as the guest's descriptors 0 to 2.
 *
 * Three kinds.  A regular file (and a device that never waits) is used directly: its position is
 * the host's, shared with the shell that opened it, so that `>> log` and `< file` behave.  A
 * stream goes through hoststream.c.  A terminal is a stream with ioctls (stdtty.c).
 *
 * The inode keeps a duplicate of the host's descriptor, so that stat shows the host's file and
 * open("/proc/self/fd/N") can open it again; a guest never gets more access than was passed in.
 */
#include "fs/stdfile.h"

#include "fs/hoststream.h"
#include "kern/boot.h"
#include "lib/host.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the inode knows: inode->priv. */
struct hostnode {
	int fd; /* owned */
	int accmode;
	mode_t type;
	bool direct; /* never waits: regular files, directories, /dev/null and its like */
	bool tty;
};

static char bounce[65536]; /* no sleep between fill and drain */

/* --- files that never wait --- */

/* The caller's own position (pread) or the one shared with the host? */
static bool shared_position(const struct file *f, const uint64_t *pos)
{
	return !pos || pos == &f->pos;
}

static void refresh_position(struct file *f)
{
	long at = host_call(lseek(f->host_fd, 0, SEEK_CUR));

	if (at >= 0)
		f->pos = at;
}

static ssize_t direct_read(struct file *f, struct uio *to, uint64_t *pos)
{
	bool shared = shared_position(f, pos);
	ssize_t done = 0;

	while (to->left) {
		size_t want = to->left < sizeof(bounce) ? to->left : sizeof(bounce);
		ssize_t n = shared ? host_call(read(f->host_fd, bounce, want))
				   : host_call(pread(f->host_fd, bounce, want, *pos));
		ssize_t put;

		if (n <= 0) {
			done = done ? done : n;
			break;
		}
		put = uio_put(to, bounce, n);
		if (put < 0) {
			done = done ? done : put;
			break;
		}
		done += put;
		if (!shared)
			*pos += put;
		if (put < n || (size_t)n < want)
			break;
	}
	if (shared)
		refresh_position(f);
	return done;
}

static ssize_t direct_write(struct file *f, struct uio *from, uint64_t *pos)
{
	bool shared = shared_position(f, pos);
	int append = f->flags & O_APPEND ? RWF_APPEND : 0;
	ssize_t done = 0;

	while (from->left) {
		size_t want = from->left < sizeof(bounce) ? from->left : sizeof(bounce);
		struct uio ahead = *from;
		ssize_t n = uio_get(&ahead, bounce, want);

		if (n > 0) {
			struct iovec v = {bounce, n};

			n = host_call(
			    pwritev2(f->host_fd, &v, 1, shared ? -1 : (off_t)*pos, append));
			if (n == -EOPNOTSUPP || n == -ESPIPE)
				n = host_call(write(f->host_fd, bounce, v.iov_len));
		}
		if (n <= 0) {
			done = done ? done : n;
			break;
		}
		uio_advance(from, n);
		done += n;
		if (!shared)
			*pos += n;
	}
	if (shared)
		refresh_position(f);
	return done;
}

static int64_t direct_llseek(struct file *f, int64_t off, int whence)
{
	long at = host_call(lseek(f->host_fd, off, whence));

	if (at >= 0)
		f->pos = at;
	return at;
}

static int direct_fsync(struct file *f, bool data_only)
{
	return data_only ? host_call(fdatasync(f->host_fd)) : host_call(fsync(f->host_fd));
}

static int direct_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	return host_call(fallocate(f->host_fd, mode, off, len));
}

static int direct_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	*host_fd = f->host_fd;
	return 0;
}

static void direct_release(struct file *f)
{
	close(f->host_fd);
}

static const struct file_ops direct_ops = {
    .name = "host file",
    .read = direct_read,
    .write = direct_write,
    .llseek = direct_llseek,
    .fsync = direct_fsync,
    .fallocate = direct_fallocate,
    .mmap = direct_mmap,
    .release = direct_release,
};

/* --- the inode --- */

static struct abi_timespec timespec_of(struct timespec ts)
{
	return (struct abi_timespec){ts.tv_sec, ts.tv_nsec};
}

static int hostnode_getattr(struct inode *ino, struct kstat *out)
{
	struct hostnode *hn = ino->priv;
	struct stat st;
	int err = host_call(fstat(hn->fd, &st));

	if (err)
		return err;
	*out = (struct kstat){
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .rdev = st.st_rdev,
	    .mode = st.st_mode,
	    .nlink = st.st_nlink,
	    .uid = st.st_uid,
	    .gid = st.st_gid,
	    .size = st.st_size,
	    .blocks = st.st_blocks,
	    .blksize = st.st_blksize,
	    .atime = timespec_of(st.st_atim),
	    .mtime = timespec_of(st.st_mtim),
	    .ctime = timespec_of(st.st_ctim),
	};
	ino->size = st.st_size;
	return 0;
}

/* Only what holding the descriptor allows: size and times, when it is open for writing. */
static int hostnode_setattr(struct inode *ino, const struct iattr *attr)
{
	struct hostnode *hn = ino->priv;
	struct timespec ts[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	int err;

	if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	if (hn->accmode == O_RDONLY)
		return attr->valid & ATTR_SIZE ? -EINVAL : -EPERM;
	if (attr->valid & ATTR_SIZE) {
		if (!S_ISREG(hn->type))
			return 0; /* O_TRUNC means nothing to a stream */
		err = host_call(ftruncate(hn->fd, attr->size));
		if (err)
			return err;
	}
	if (!(attr->valid & (ATTR_ATIME | ATTR_MTIME)))
		return 0;
	if (attr->valid & ATTR_ATIME)
		ts[0] = (struct timespec){attr->atime.sec, attr->atime.nsec};
	if (attr->valid & ATTR_MTIME)
		ts[1] = (struct timespec){attr->mtime.sec, attr->mtime.nsec};
	return host_call(futimens(hn->fd, ts));
}

static bool access_covers(int have, int want)
{
	return have == O_RDWR || have == want;
}

static int hostnode_open(struct inode *ino, struct file *f)
{
	struct hostnode *hn = ino->priv;
	int accmode = f->flags & O_ACCMODE, err;
	struct hoststream *s;
	char link[32];

	if (!access_covers(hn->accmode, accmode))
		return -EACCES;
	if (hn->direct) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", hn->fd);
		err = host_call(open(link, accmode | O_CLOEXEC | O_NOCTTY | (f->flags & O_APPEND)));
		if (err < 0)
			return err;
		f->host_fd = err;
		f->ops = &direct_ops;
		return 0;
	}
	err = hoststream_open(hn->fd, accmode, &s);
	if (err)
		return err;
	f->priv = s;
	f->stream = true;
	f->ops = hn->tty ? &hosttty_ops : &hoststream_ops;
	return 0;
}

static void hostnode_evict(struct inode *ino)
{
	struct hostnode *hn = ino->priv;

	close(hn->fd);
	free(hn);
}

static const struct inode_ops hostnode_ops = {
    .getattr = hostnode_getattr,
    .setattr = hostnode_setattr,
    .open = hostnode_open,
    .evict = hostnode_evict,
};

/* --- installing --- */

/* A device of memory (null, zero, full, ...) never waits and cannot be polled. */
static bool never_waits(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISBLK(st->st_mode) ||
	       (S_ISCHR(st->st_mode) && major(st->st_rdev) == 1);
}

static int hostnode_create(int fd, struct hostnode **out, struct stat *st)
{
	struct hostnode *hn;
	int flags = host_call(fcntl(fd, F_GETFL));

	if (flags < 0 || fstat(fd, st) < 0)
		return -EBADF;
	hn = calloc(1, sizeof(*hn));
	if (!hn)
		return -ENOMEM;
	hn->fd = host_call(fcntl(fd, F_DUPFD_CLOEXEC, 64));
	if (hn->fd < 0) {
		free(hn);
		return -EMFILE;
	}
	hn->accmode = flags & O_ACCMODE;
	hn->type = st->st_mode & S_IFMT;
	hn->direct = never_waits(st);
	hn->tty = S_ISCHR(st->st_mode) && isatty(fd);
	*out = hn;
	return 0;
}

/* The name that /proc/self/fd/N shows: as on the host. */
static void host_label(int fd, char *buf, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
}

static void inode_from_stat(struct inode *ino, const struct stat *st, struct hostnode *hn)
{
	ino->ops = &hostnode_ops;
	ino->priv = hn;
	ino->mode = st->st_mode;
	ino->uid = st->st_uid;
	ino->gid = st->st_gid;
	ino->rdev = st->st_rdev;
	ino->size = st->st_size;
	ino->ino = st->st_ino;
}

/* The file for host descriptor fd, with one reference in *out. */
static int stdfile_create(struct task *t, int fd, struct file **out)
{
	struct hoststream *s = NULL;
	struct hostnode *hn;
	struct file *f;
	struct stat st;
	char label[256];
	int flags, err = hostnode_create(fd, &hn, &st);

	if (err)
		return err;
	if (!hn->direct)
		err = hoststream_open(fd, hn->accmode, &s);
	host_label(fd, label, sizeof(label));
	flags = fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	f = err ? NULL
		: file_anon(hn->direct ? &direct_ops
			    : hn->tty  ? &hosttty_ops
				       : &hoststream_ops,
			    label, st.st_mode, flags, s);
	if (!f) {
		if (s) {
			close(s->fd);
			free(s);
		}
		close(hn->fd);
		free(hn);
		return err ? err : -ENOMEM;
	}
	inode_from_stat(f->inode, &st, hn);
	f->stream = !hn->direct;
	if (hn->direct) {
		f->host_fd = host_call(fcntl(fd, F_DUPFD_CLOEXEC, 64));
		refresh_position(f);
	}
	if (hn->tty)
		hosttty_adopt(t, hn->fd);
	*out = f;
	return 0;
}

/* Are the two host descriptors one open file (2>&1)?  Then the guest sees one, too. */
static bool same_description(int a, int b)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

static int stdfile_install(struct task *t, int fd, struct file *made[3])
{
	int err, prev;

	for (prev = 0; prev < fd; prev++)
		if (made[prev] && same_description(prev, fd))
			break;
	if (prev < fd) {
		made[fd] = file_get(made[prev]);
	} else {
		err = stdfile_create(t, fd, &made[fd]);
		if (err)
			return err;
	}
	err = fd_replace(t, fd, file_get(made[fd]), false);
	if (err < 0)
		file_put(made[fd]);
	return err < 0 ? err : 0;
}

/* The guest's files hold descriptors of their own.  Letting go of the original input and output
 * lets the other end of a host pipe see the guest's close; errors are still ours to print. */
static void release_originals(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	for (int fd = 0; fd < 2; fd++)
		if (null != fd && fcntl(fd, F_GETFD) >= 0)
			dup2(null, fd);
	if (null > 2)
		close(null);
}

int stdfiles_install(struct task *t)
{
	struct file *made[3] = {NULL};
	int err = 0;

	signal(SIGPIPE, SIG_IGN); /* EPIPE is the guest's business */
	for (int fd = 0; fd < 3 && !err; fd++) {
		if (boot_config->std_closed[fd])
			continue; /* something of ours sits there by now */
		err = stdfile_install(t, fd, made);
		if (err == -EBADF)
			err = 0;
	}
	for (int fd = 0; fd < 3; fd++)
		file_put(made[fd]);
	release_originals();
	if (err)
		log_error(boot, "cannot take over the standard files: %s", strerror(-err));
	return err;
}
