/*
 * hostfile.c - open files on host files.  See hostfile.h.
 *
 * All opens of one file share a host descriptor per access mode, so nothing here uses the host's
 * file position, but for SEEK_DATA and SEEK_HOLE, where it is scratch.
 */
#include "fs/hostfile.h"

#include "fs/host.h"
#include "fs/vfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool opened_for_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static ssize_t hostfile_read(struct file *f, struct uio *to, uint64_t *pos)
{
	ssize_t done = 0;

	if (host_node_at_end(f->priv, *pos))
		return 0;
	while (to->left > 0) {
		size_t chunk = to->left < IO_BUFFER_SIZE ? to->left : IO_BUFFER_SIZE;
		ssize_t n = host_pread(f->host_fd, io_buffer, chunk, *pos), moved;

		if (n <= 0)
			return done ? done : n;
		moved = uio_put(to, io_buffer, n);
		if (moved < 0)
			return done ? done : moved;
		done += moved;
		*pos += moved;
		f->at_end = moved == n && (size_t)n < chunk;
		if (moved < n || (size_t)n < chunk)
			break;
	}
	return done;
}

static bool wants_sync(const struct file *f)
{
	return f->flags & (O_SYNC | O_DSYNC);
}

static ssize_t hostfile_write(struct file *f, struct uio *from, uint64_t *pos)
{
	ssize_t done = 0;

	host_node_changed(f->priv);
	while (from->left > 0) {
		size_t chunk = from->left < IO_BUFFER_SIZE ? from->left : IO_BUFFER_SIZE;
		ssize_t got = uio_get(from, io_buffer, chunk), n;
		uint64_t end;

		if (got < 0)
			return done ? done : got;
		if (f->flags & O_APPEND) {
			n = host_append(f->host_fd, io_buffer, got, &end);
		} else {
			n = host_pwrite(f->host_fd, io_buffer, got, *pos);
			end = *pos + n;
		}
		if (n < 0) {
			uio_revert(from, got);
			return done ? done : n;
		}
		*pos = end;
		done += n;
		if (n < got) {
			uio_revert(from, got - n);
			break;
		}
		if ((size_t)got < chunk)
			break;
	}
	if (done > 0 && wants_sync(f)) {
		int err = host_fsync(f->host_fd, !(f->flags & (O_SYNC & ~O_DSYNC)));

		if (err)
			return err;
	}
	return done;
}

static int64_t hostfile_llseek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		off = host_lseek(f->host_fd, off, whence);
		if (off >= 0)
			f->pos = off;
		return off;
	}
	return file_llseek_generic(f, off, whence);
}

static int hostfile_fsync(struct file *f, bool data_only)
{
	return host_fsync(f->host_fd, data_only);
}

static int hostfile_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	host_node_changed(f->priv);
	return host_fallocate(f->host_fd, mode, off, len);
}

static int hostfile_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	struct host_node *n = f->priv;

	n->mapped |= shared && opened_for_write(f);
	*host_fd = f->host_fd;
	return 0;
}

static void hostfile_release(struct file *f)
{
	host_node_close(f->priv, opened_for_write(f));
	host_node_put(f->priv);
}

static const struct file_ops hostfile_ops = {
    .name = "host file",
    .read = hostfile_read,
    .write = hostfile_write,
    .llseek = hostfile_llseek,
    .fsync = hostfile_fsync,
    .fallocate = hostfile_fallocate,
    .mmap = hostfile_mmap,
    .release = hostfile_release,
};

int hostfile_open(struct host_node *node, struct file *f)
{
	int fd = host_node_open(node, opened_for_write(f));

	if (fd < 0)
		return fd;
	f->host_fd = fd;
	f->priv = host_node_get(node);
	f->ops = &hostfile_ops;
	return 0;
}

/* struct linux_dirent64 */
struct host_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int hostfile_readdir(struct host_node *dir, struct dir_sink *s, uint64_t *pos, bool all)
{
	static char buf[32 << 10] __attribute__((aligned(8)));
	uint64_t ino_tag = host_node_ino(dir) ^ dir->st.st_ino;
	const int fd = dir->data_fd[0];

	if (dir->dir_at != (int64_t)*pos) {
		dir->dir_at = host_lseek(fd, *pos, SEEK_SET);
		if (dir->dir_at < 0)
			return dir->dir_at;
	}
	do {
		ssize_t n = host_getdents(fd, buf, sizeof(buf));

		if (n <= 0)
			return n;
		dir->dir_at = -1;
		for (ssize_t i = 0; i < n;) {
			struct host_dirent *e = (void *)(buf + i);

			if (!s->emit(s, e->name, strlen(e->name), e->ino ^ ino_tag, e->type,
				     e->off))
				return 0;
			*pos = e->off;
			i += e->reclen;
		}
		dir->dir_at = *pos;
	} while (all);
	return 0;
}

static int hostdir_readdir(struct file *f, struct dir_sink *s)
{
	return hostfile_readdir(f->priv, s, &f->pos, false);
}

static int64_t hostdir_llseek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static void hostdir_release(struct file *f)
{
	host_node_closedir(f->priv);
	host_node_put(f->priv);
}

static const struct file_ops hostdir_file_ops = {
    .name = "host directory",
    .llseek = hostdir_llseek,
    .readdir = hostdir_readdir,
    .fsync = hostfile_fsync,
    .release = hostdir_release,
};

int hostfile_opendir(struct host_node *node, struct file *f)
{
	int fd = host_node_opendir(node);

	if (fd < 0)
		return fd;
	f->host_fd = fd;
	f->priv = host_node_get(node);
	f->ops = &hostdir_file_ops;
	return 0;
}
