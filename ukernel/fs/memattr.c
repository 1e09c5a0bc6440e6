/*
 * memattr.c - attributes of a tree in memory: stat, chmod and their kin, links' texts, extended
 * attributes.
 */
#include "fs/host.h"
#include "fs/memtree.h"
#include "fs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* A directory's size says little; each entry adds some. */
#define DIR_ENTRY_SIZE 20

static int getattr_lower(struct inode *ino, struct kstat *out)
{
	struct mem_node *node = mem_node(ino);
	struct stat st;
	int err = host_node_stat(node->lower, &st);

	if (err)
		return err;
	host_stat_to_kstat(&st, out);
	host_stat_to_inode(&st, ino);
	out->nlink += node->nlink_delta;
	ino->nlink = out->nlink;
	out->dev = ino->sb->dev;
	out->ino = ino->ino;
	return 0;
}

int mem_getattr(struct inode *ino, struct kstat *out)
{
	struct mem_node *node = mem_node(ino);
	struct stat st;

	if (!node->attr_up)
		return getattr_lower(ino, out);
	*out = (struct kstat){
	    .dev = ino->sb->dev,
	    .ino = ino->ino,
	    .rdev = ino->rdev,
	    .mode = ino->mode,
	    .nlink = ino->nlink,
	    .uid = ino->uid,
	    .gid = ino->gid,
	    .size = ino->size,
	    .blksize = PAGE_SIZE,
	    .atime = ino->atime,
	    .mtime = ino->mtime,
	    .ctime = ino->ctime,
	    .btime = ino->btime,
	};
	if (node->data) {
		out->size = node->data->size;
		out->blocks = mem_data_blocks(node->data);
	} else if (S_ISREG(ino->mode) && host_node_stat(node->lower, &st) == 0) {
		out->size = st.st_size;
		out->blocks = st.st_blocks;
	} else if (node->dir && !node->lower) {
		out->size = (node->dir->count + 2) * DIR_ENTRY_SIZE;
	}
	return 0;
}

static int set_size(struct inode *ino, uint64_t size)
{
	struct mem_node *node = mem_node(ino);
	int err;

	if (!S_ISREG(ino->mode))
		return S_ISDIR(ino->mode) ? -EISDIR : -EINVAL;
	err = mem_data_up(ino, size);
	if (err)
		return err;
	err = mem_data_truncate(node->data, size);
	if (!err)
		inode_touch(ino, ATTR_MTIME | ATTR_CTIME);
	return err;
}

int mem_setattr(struct inode *ino, const struct iattr *a)
{
	int err = mem_attr_up(ino);

	if (!err && (a->valid & ATTR_SIZE))
		err = set_size(ino, a->size);
	if (err)
		return err;
	if (a->valid & ATTR_MODE)
		ino->mode = (ino->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_UID)
		ino->uid = a->uid;
	if (a->valid & ATTR_GID)
		ino->gid = a->gid;
	if (a->valid & ATTR_ATIME)
		ino->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		ino->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		ino->ctime = a->ctime;
	else
		inode_touch(ino, ATTR_CTIME);
	return 0;
}

ssize_t mem_readlink(struct inode *ino, char *buf, size_t size)
{
	struct mem_node *node = mem_node(ino);
	size_t len;

	if (!S_ISLNK(ino->mode))
		return -EINVAL;
	if (!node->target)
		return host_node_readlink(node->lower, buf, size);
	len = strlen(node->target);
	memcpy(buf, node->target, len < size ? len : size);
	return len < size ? len : size;
}

static struct mem_xattr **xattr_find(struct mem_node *node, const char *name)
{
	struct mem_xattr **p = &node->xattrs;

	while (*p && strcmp((*p)->name, name) != 0)
		p = &(*p)->next;
	return p;
}

static void xattr_free(struct mem_node *node, struct mem_xattr **p)
{
	struct mem_xattr *x = *p;

	*p = x->next;
	mem_uncharge(node->counted ? node->ms : NULL, sizeof(*x) + x->size);
	free(x);
}

void mem_xattrs_free(struct mem_node *node)
{
	while (node->xattrs)
		xattr_free(node, &node->xattrs);
}

ssize_t mem_getxattr(struct inode *ino, const char *name, void *buf, size_t size)
{
	struct mem_node *node = mem_node(ino);
	struct mem_xattr *x;

	if (!node->xattr_up) {
		int fd = host_node_fd(node->lower);

		return fd < 0 ? fd : host_fgetxattr(fd, name, buf, size);
	}
	x = *xattr_find(node, name);
	if (!x)
		return -ENODATA;
	if (size == 0)
		return x->size;
	if (x->size > size)
		return -ERANGE;
	memcpy(buf, x->value, x->size);
	return x->size;
}

int mem_setxattr(struct inode *ino, const char *name, const void *val, size_t size, int flags)
{
	struct mem_node *node = mem_node(ino);
	struct mem_xattr **old, *x;
	size_t bytes = sizeof(*x) + size + strlen(name) + 1;
	int err = mem_xattr_up(ino);

	if (err)
		return err;
	old = xattr_find(node, name);
	if (*old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!*old && (flags & XATTR_REPLACE))
		return -ENODATA;
	err = mem_charge(node->counted ? node->ms : NULL, sizeof(*x) + size);
	if (err)
		return err;
	x = malloc(bytes);
	if (!x) {
		mem_uncharge(node->counted ? node->ms : NULL, sizeof(*x) + size);
		return -ENOMEM;
	}
	x->size = size;
	memcpy(x->value, val, size);
	x->name = (char *)x->value + size;
	strcpy(x->name, name);
	if (*old)
		xattr_free(node, old);
	x->next = node->xattrs;
	node->xattrs = x;
	inode_touch(ino, ATTR_CTIME);
	return 0;
}

ssize_t mem_listxattr(struct inode *ino, char *buf, size_t size)
{
	struct mem_node *node = mem_node(ino);
	size_t used = 0;

	if (!node->xattr_up) {
		int fd = host_node_fd(node->lower);

		return fd < 0 ? fd : host_flistxattr(fd, buf, size);
	}
	for (struct mem_xattr *x = node->xattrs; x; x = x->next) {
		size_t len = strlen(x->name) + 1;

		if (size && used + len > size)
			return -ERANGE;
		if (size)
			memcpy(buf + used, x->name, len);
		used += len;
	}
	return used;
}

int mem_removexattr(struct inode *ino, const char *name)
{
	struct mem_xattr **p;
	int err = mem_xattr_up(ino);

	if (err)
		return err;
	p = xattr_find(mem_node(ino), name);
	if (!*p)
		return -ENODATA;
	xattr_free(mem_node(ino), p);
	inode_touch(ino, ATTR_CTIME);
	return 0;
}
