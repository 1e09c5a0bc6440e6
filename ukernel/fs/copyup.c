/*
 * copyup.c - an overlay's nodes take over what they had from the host: attributes when these are
 * about to change, a file's data at the first open for writing.
 */
#include "fs/host.h"
#include "fs/memtree.h"
#include "fs/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mem_attr_up(struct inode *ino)
{
	struct mem_node *node = mem_node(ino);
	struct stat st;
	int err;

	if (node->attr_up)
		return 0;
	err = host_node_stat(node->lower, &st);
	if (err)
		return err;
	err = mem_pin(ino);
	if (err)
		return err;
	host_stat_to_inode(&st, ino);
	if (st.st_nlink > 1 || !S_ISDIR(st.st_mode))
		ino->nlink += node->nlink_delta;
	if (st.st_nlink > 1 && !S_ISDIR(st.st_mode) && ino->nlink > 0) {
		/* Entered under one name, it must be found by the others too. */
		inode_get(ino);
		node->held = true;
	}
	node->attr_up = true;
	node->counted = true; /* not refused at the limit: there are only so many host files */
	node->ms->used_inodes++;
	mem_charge_force(node->ms, MEM_NODE_BYTES);
	return 0;
}

/* Copy [off, end) of the host file, leaving out its holes. */
static int copy_data(struct mem_data *d, int host_fd, uint64_t end)
{
	uint64_t off = 0;

	while (off < end) {
		int64_t data = host_lseek(host_fd, off, SEEK_DATA);
		size_t chunk;
		ssize_t n;
		int err;

		if (data == -ENXIO)
			break; /* only a hole is left */
		if (data > (int64_t)off)
			off = data; /* and a host that knows no holes says -EINVAL: all is data */
		if (off >= end)
			break;
		chunk = end - off < IO_BUFFER_SIZE ? end - off : IO_BUFFER_SIZE;
		n = host_pread(host_fd, io_buffer, chunk, off);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		err = mem_data_fill(d, off, io_buffer, n);
		if (err)
			return err;
		off += n;
	}
	return d->size < end ? mem_data_truncate(d, end) : 0;
}

int mem_data_up(struct inode *ino, uint64_t keep)
{
	struct mem_node *node = mem_node(ino);
	struct mem_data *d;
	struct stat st;
	int fd, err;

	if (node->data)
		return 0;
	err = mem_attr_up(ino);
	if (err)
		return err;
	fd = host_node_open(node->lower, false);
	if (fd < 0)
		return fd;
	d = mem_data_create(node->ms);
	err = d ? host_fstat(fd, &st) : -ENOMEM;
	if (!err)
		err = copy_data(d, fd, (uint64_t)st.st_size < keep ? (uint64_t)st.st_size : keep);
	host_node_close(node->lower, false);
	if (err)
		mem_data_put(d);
	else
		node->data = d;
	return err;
}

/* Names that describe the host's own protection, not ours. */
static bool is_host_only(const char *name)
{
	return strncmp(name, "system.", 7) == 0 || strcmp(name, "security.selinux") == 0;
}

static int copy_xattr(struct inode *ino, int fd, const char *name)
{
	ssize_t n = host_fgetxattr(fd, name, io_buffer, IO_BUFFER_SIZE);

	return n < 0 ? 0 : mem_setxattr(ino, name, io_buffer, n, 0);
}

int mem_xattr_up(struct inode *ino)
{
	struct mem_node *node = mem_node(ino);
	char *names;
	ssize_t len;
	int fd, err = mem_attr_up(ino);

	if (err || node->xattr_up)
		return err;
	fd = host_node_fd(node->lower);
	if (fd < 0)
		return fd;
	len = host_flistxattr(fd, io_buffer, IO_BUFFER_SIZE);
	names = len > 0 ? malloc(len) : NULL;
	if (len > 0 && !names)
		return -ENOMEM;
	if (len > 0)
		memcpy(names, io_buffer, len);
	node->xattr_up = true; /* first: mem_setxattr asks */
	for (ssize_t i = 0; i < len && !err; i += strlen(names + i) + 1)
		if (!is_host_only(names + i))
			err = copy_xattr(ino, fd, names + i);
	free(names);
	if (err) {
		mem_xattrs_free(node);
		node->xattr_up = false;
	}
	return err;
}
