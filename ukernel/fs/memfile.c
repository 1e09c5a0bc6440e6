/*
 * memfile.c - open files of a tree in memory.
 */
#include "fs/host.h"
#include "fs/hostfile.h"
#include "fs/memtree.h"
#include "fs/vfs.h"
#include "mm/mm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RELATIME_SECONDS (24 * 3600)

/* Reading moves atime as a Linux mount does by default (mount(8), relatime). */
static void note_access(struct file *f)
{
	struct inode *ino = f->inode;
	struct abi_timespec old = ino->atime;

	if (f->flags & O_NOATIME)
		return;
	inode_touch(ino, ATTR_ATIME);
	if ((old.sec > ino->mtime.sec ||
	     (old.sec == ino->mtime.sec && old.nsec > ino->mtime.nsec)) &&
	    (old.sec > ino->ctime.sec ||
	     (old.sec == ino->ctime.sec && old.nsec > ino->ctime.nsec)) &&
	    ino->atime.sec - old.sec < RELATIME_SECONDS)
		ino->atime = old;
}

static ssize_t mem_file_read(struct file *f, struct uio *to, uint64_t *pos)
{
	ssize_t n = mem_data_read(f->priv, to, *pos);

	if (n > 0) {
		*pos += n;
		note_access(f);
		f->at_end = *pos >= ((struct mem_data *)f->priv)->size;
	}
	return n;
}

static ssize_t mem_file_write(struct file *f, struct uio *from, uint64_t *pos)
{
	struct mem_data *d = f->priv;
	uint64_t at = f->flags & O_APPEND ? d->size : *pos;
	ssize_t n;

	n = mem_data_write(d, from, at);
	if (n > 0) {
		*pos = at + n;
		inode_touch(f->inode, ATTR_MTIME | ATTR_CTIME);
	}
	return n;
}

static int64_t mem_file_llseek(struct file *f, int64_t off, int whence)
{
	struct mem_data *d = f->priv;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		off = off < 0 ? -ENXIO : mem_data_seek(d, off, whence == SEEK_HOLE);
		if (off >= 0)
			f->pos = off;
		return off;
	}
	return file_llseek_generic(f, off, whence);
}

static int mem_file_fsync(struct file *f, bool data_only)
{
	return 0;
}

static int mem_file_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	struct mem_data *d = f->priv;
	int err;

	err = mem_data_allocate(d, mode, off, len);
	if (!err)
		inode_touch(f->inode, ATTR_MTIME | ATTR_CTIME);
	return err;
}

static int mem_file_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	struct mem_data *d = f->priv;
	bool writable = shared && (prot & PROT_WRITE);
	int err;

	err = mem_data_map(d);
	if (err)
		return err == -ENOSPC ? -ENOMEM : err;
	if (writable)
		inode_touch(f->inode, ATTR_MTIME | ATTR_CTIME);
	*host_fd = d->memfd;
	return 0;
}

static void mem_file_release(struct file *f)
{
	mem_data_put(f->priv);
}

static const struct file_ops mem_file_ops = {
    .name = "memory file",
    .read = mem_file_read,
    .write = mem_file_write,
    .llseek = mem_file_llseek,
    .fsync = mem_file_fsync,
    .fallocate = mem_file_fallocate,
    .mmap = mem_file_mmap,
    .release = mem_file_release,
};

int mem_open(struct inode *ino, struct file *f)
{
	struct mem_node *node = mem_node(ino);
	int err;

	if (S_ISDIR(ino->mode))
		return mem_opendir(ino, f);
	if (!S_ISREG(ino->mode))
		return inode_open_special(ino, f);
	if (!node->data && (f->flags & O_ACCMODE) != O_RDONLY) {
		err = mem_data_up(ino, UINT64_MAX);
		if (err)
			return err;
	}
	if (!node->data)
		return hostfile_open(node->lower, f);
	node->data->refs++;
	f->priv = node->data;
	f->ops = &mem_file_ops;
	return 0;
}
