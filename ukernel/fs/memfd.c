/*
 * memfd.c - memfd_create(2): anonymous files of memory, with seals.
 *
 * Behind each stands a memfd of the host, private to us: guests map it, and the host enforces the
 * seals against mappings and changes alike, because it is the one that maps.
 */
#include "fs/memfd.h"

#include "kern/cred.h"
#include "kern/task.h"
#include "lib/host.h"
#include "mm/mm.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC	16U
#endif
#define NAME_MAX_LEN 249 /* with the NUL it follows "memfd:" in 255 bytes */

static uint64_t page_align(uint64_t n)
{
	return (n + PAGE_SIZE - 1) & PAGE_MASK;
}

static char bounce[65536]; /* no sleep between fill and drain */

/* inode->priv: the host's descriptor. */
static int memfd_host(const struct inode *ino)
{
	return (int)(intptr_t)ino->priv;
}

/* inode->size is what has been charged against the memory of the box: never less than the file's
 * size, holes included, because a guest that maps the file fills them without asking. */
static int memfd_charge(struct inode *ino, uint64_t size)
{
	uint64_t now = page_align(ino->size), then = page_align(size);

	if (then > now && memory_charge(then - now))
		return -ENOMEM;
	if (then < now)
		memory_uncharge(now - then);
	ino->size = size;
	return 0;
}

/* Before a change that may make the file end at end; -ENOMEM. */
static int memfd_grow(struct inode *ino, uint64_t end)
{
	return end > ino->size ? memfd_charge(ino, end) : 0;
}

/* After a change: what it really came to. */
static void memfd_settle(struct inode *ino)
{
	struct stat st;

	if (!host_call(fstat(memfd_host(ino), &st)) && (uint64_t)st.st_size < ino->size)
		(void)memfd_charge(ino, st.st_size);
}

static ssize_t memfd_read(struct file *f, struct uio *to, uint64_t *pos)
{
	ssize_t done = 0;

	while (to->left) {
		size_t want = to->left < sizeof(bounce) ? to->left : sizeof(bounce);
		ssize_t n = host_call(pread(memfd_host(f->inode), bounce, want, *pos));

		if (n > 0)
			n = uio_put(to, bounce, n);
		if (n <= 0)
			return done ? done : n;
		done += n;
		*pos += n;
		if ((size_t)n < want)
			break;
	}
	return done;
}

static ssize_t memfd_write(struct file *f, struct uio *from, uint64_t *pos)
{
	int fd = memfd_host(f->inode);
	ssize_t done = 0;

	if (f->flags & O_APPEND)
		*pos = lseek(fd, 0, SEEK_END);
	while (from->left) {
		size_t want = from->left < sizeof(bounce) ? from->left : sizeof(bounce);
		struct uio ahead = *from;
		ssize_t n = uio_get(&ahead, bounce, want);

		if (n > 0 && memfd_grow(f->inode, *pos + n))
			n = -ENOMEM;
		if (n > 0)
			n = host_call(pwrite(fd, bounce, n, *pos));
		if (n <= 0) {
			memfd_settle(f->inode);
			return done ? done : n;
		}
		uio_advance(from, n);
		done += n;
		*pos += n;
	}
	return done;
}

static int64_t memfd_llseek(struct file *f, int64_t off, int whence)
{
	long at;

	/* The host's own position is never used: one that is shared by all openings. */
	if (whence == SEEK_SET || whence == SEEK_CUR)
		return file_llseek_generic(f, off, whence);
	at = host_call(lseek(memfd_host(f->inode), off, whence));
	if (at >= 0)
		f->pos = at;
	return at;
}

static int memfd_fsync(struct file *f, bool data_only)
{
	return 0;
}

static int memfd_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	int err = 0;

	if (off + len > off && off + len <= INT64_MAX)
		err = memfd_grow(f->inode, off + len);
	if (!err)
		err = host_call(fallocate(memfd_host(f->inode), mode, off, len));
	memfd_settle(f->inode);
	return err;
}

/* The seals are asked for here, not left to the host: the machine takes what we map for granted. */
static int memfd_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	*host_fd = memfd_host(f->inode);
	if (shared && (prot & PROT_WRITE)) {
		int seals = host_call(fcntl(*host_fd, F_GET_SEALS));

		if (seals > 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
			return -EPERM;
	}
	return 0;
}

static int memfd_getattr(struct inode *ino, struct kstat *out)
{
	struct stat st;
	int err = host_call(fstat(memfd_host(ino), &st));

	if (err)
		return err;
	*out = (struct kstat){
	    .dev = 1, /* as of Linux's internal tmpfs */
	    .ino = ino->ino,
	    .mode = ino->mode,
	    .nlink = 0,
	    .uid = ino->uid,
	    .gid = ino->gid,
	    .size = st.st_size,
	    .blocks = st.st_blocks,
	    .blksize = 4096,
	    .atime = ino->atime,
	    .mtime = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec},
	    .ctime = ino->ctime,
	    .btime = ino->btime,
	};
	return 0;
}

static int memfd_setattr(struct inode *ino, const struct iattr *attr)
{
	if (attr->valid & ATTR_SIZE) {
		int err = memfd_grow(ino, attr->size);

		if (!err)
			err = host_call(ftruncate(memfd_host(ino), attr->size));
		memfd_settle(ino);
		if (err)
			return err;
	}
	if (attr->valid & ATTR_MODE) {
		int seals = host_call(fcntl(memfd_host(ino), F_GET_SEALS));

		/* F_SEAL_EXEC: the execute bits are fixed. */
		if (seals > 0 && (seals & 0x20) && ((attr->mode ^ ino->mode) & 0111))
			return -EPERM;
		ino->mode = (ino->mode & S_IFMT) | (attr->mode & 07777);
	}
	if (attr->valid & ATTR_UID)
		ino->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		ino->gid = attr->gid;
	if (attr->valid & ATTR_ATIME)
		ino->atime = attr->atime;
	inode_touch(ino, ATTR_CTIME);
	return 0;
}

static void memfd_evict(struct inode *ino)
{
	memory_uncharge(page_align(ino->size));
	close(memfd_host(ino));
}

static const struct file_ops memfd_ops = {
    .name = "memfd",
    .read = memfd_read,
    .write = memfd_write,
    .llseek = memfd_llseek,
    .fsync = memfd_fsync,
    .fallocate = memfd_fallocate,
    .mmap = memfd_mmap,
};

/* open("/proc/self/fd/N"): a new position, perhaps other rights. */
static int memfd_open(struct inode *ino, struct file *f)
{
	f->ops = &memfd_ops;
	return 0;
}

static const struct inode_ops memfd_inode_ops = {
    .getattr = memfd_getattr,
    .setattr = memfd_setattr,
    .open = memfd_open,
    .evict = memfd_evict,
};

long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	if (f->ops != &memfd_ops)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return host_call(fcntl(memfd_host(f->inode), F_GET_SEALS));
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	return host_call(fcntl(memfd_host(f->inode), F_ADD_SEALS, (int)arg));
}

/* host_fd is taken over on success. */
static struct file *memfd_file(struct task *t, int host_fd, const char *label, mode_t mode)
{
	struct file *f = file_anon(&memfd_ops, label, S_IFREG | mode, O_RDWR | 0100000, NULL);

	if (!f)
		return NULL;
	f->stream = false;
	f->path.dentry->unlinked = true; /* "(deleted)", as Linux shows them */
	f->inode->ops = &memfd_inode_ops;
	f->inode->fops = &memfd_ops;
	f->inode->priv = (void *)(intptr_t)host_fd;
	f->inode->uid = t->cred->fsuid;
	f->inode->gid = t->cred->fsgid;
	return f;
}

int memfd_open_fresh(struct task *t, const char *label, uint64_t size, mode_t mode,
		     struct file **out)
{
	int host_fd = host_call(memfd_create("shm", MFD_CLOEXEC)), err;
	struct file *f;

	if (host_fd < 0)
		return host_fd;
	f = memfd_file(t, host_fd, label, mode);
	if (!f) {
		close(host_fd);
		return -ENOMEM;
	}
	err = memfd_grow(f->inode, size);
	if (!err)
		err = host_call(ftruncate(host_fd, (off_t)size));
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

long sys_memfd_create(struct task *t, uaddr_t name, unsigned long flags)
{
	char label[300] = "/memfd:";
	unsigned host_flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	mode_t mode = 0777;
	struct file *f;
	int host_fd, fd;
	ssize_t len;

	if ((unsigned)flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL; /* huge pages are not offered */
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	len = string_from_user(t, label + 7, name, NAME_MAX_LEN + 1);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	if (flags & MFD_NOEXEC_SEAL)
		mode = 0666;
	host_fd = host_call(memfd_create(label + 7, host_flags));
	if (host_fd < 0)
		return host_fd;
	if (flags & MFD_NOEXEC_SEAL)
		host_call(fcntl(host_fd, F_ADD_SEALS, 0x20 /* F_SEAL_EXEC */));
	else if (!(flags & MFD_ALLOW_SEALING))
		host_call(fcntl(host_fd, F_ADD_SEALS, F_SEAL_SEAL));
	f = memfd_file(t, host_fd, label, mode);
	if (!f) {
		close(host_fd);
		return -ENOMEM;
	}
	fd = fd_install(t, f, 0, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
