/*
 * memtree.c - inodes of a tree in memory: birth, death, accounting.  See memtree.h.
 */
#include "fs/memtree.h"

#include "fs/vfs.h"
#include "mm/mm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

int mem_charge(struct mem_super *ms, uint64_t len)
{
	if (!ms)
		return 0;
	if (ms->max_bytes && (len > ms->max_bytes || ms->used_bytes > ms->max_bytes - len))
		return -ENOSPC;
	if (memory_charge(len))
		return -ENOSPC;
	ms->used_bytes += len;
	return 0;
}

void mem_charge_force(struct mem_super *ms, uint64_t len)
{
	ms->used_bytes += len;
	memory_charge_force(len);
}

uint64_t mem_room(const struct mem_super *ms)
{
	uint64_t room = UINT64_MAX, box = UINT64_MAX;

	if (ms->max_bytes)
		room = ms->used_bytes < ms->max_bytes ? ms->max_bytes - ms->used_bytes : 0;
	if (memory_max)
		box = memory_charged < memory_max ? memory_max - memory_charged : 0;
	return room < box ? room : box;
}

void mem_uncharge(struct mem_super *ms, uint64_t len)
{
	if (!ms)
		return;
	if (len > ms->used_bytes)
		len = ms->used_bytes;
	ms->used_bytes -= len;
	memory_uncharge(len);
}

uint64_t mem_default_limit(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 ? (uint64_t)si.totalram * si.mem_unit / 2 : 1ULL << 30;
}

static struct inode *node_create(struct super *sb, mode_t mode)
{
	struct mem_node *node = calloc(1, sizeof(*node));
	struct inode *ino = node ? inode_create(sb, mode) : NULL;

	if (ino && S_ISDIR(mode)) {
		node->dir = calloc(1, sizeof(*node->dir));
		if (node->dir) {
			list_init(&node->dir->order);
		} else {
			inode_put(ino);
			ino = NULL;
		}
	}
	if (!ino) {
		free(node);
		return NULL;
	}
	node->inode = ino;
	node->ms = sb->priv;
	ino->priv = node;
	ino->ops = &memtree_ops;
	return ino;
}

struct inode *mem_inode_create(struct super *sb, mode_t mode, int *err)
{
	struct mem_super *ms = sb->priv;
	struct inode *ino;

	*err = -ENOSPC;
	if (ms->max_inodes && ms->used_inodes >= ms->max_inodes)
		return NULL;
	if (mem_charge(ms, MEM_NODE_BYTES))
		return NULL;
	*err = -ENOMEM;
	ino = node_create(sb, mode);
	if (!ino) {
		mem_uncharge(ms, MEM_NODE_BYTES);
		return NULL;
	}
	ms->used_inodes++;
	mem_node(ino)->counted = true;
	mem_node(ino)->attr_up = mem_node(ino)->xattr_up = true;
	if (S_ISREG(mode)) {
		mem_node(ino)->data = mem_data_create(ms);
		if (!mem_node(ino)->data) {
			inode_put(ino);
			return NULL;
		}
	}
	if (S_ISDIR(mode))
		ino->nlink = 2;
	*err = 0;
	return ino;
}

static void sync_lower(struct inode *ino, const struct stat *st)
{
	host_stat_to_inode(st, ino);
	if (st->st_nlink > 1 || !S_ISDIR(st->st_mode))
		ino->nlink += mem_node(ino)->nlink_delta;
}

int mem_inode_for_lower(struct super *sb, struct host_node *n, struct inode **out)
{
	struct inode *ino = n->owner;

	if (ino) {
		inode_get(ino);
		if (!mem_node(ino)->attr_up)
			sync_lower(ino, &n->st);
		host_node_put(n);
		*out = ino;
		return 0;
	}
	ino = node_create(sb, n->st.st_mode);
	if (!ino) {
		host_node_put(n);
		return -ENOMEM;
	}
	ino->ino = host_node_ino(n);
	mem_node(ino)->lower = n;
	n->owner = ino;
	sync_lower(ino, &n->st);
	*out = ino;
	return 0;
}

static void mem_evict(struct inode *ino)
{
	struct mem_node *node = ino->priv;

	if (!node)
		return;
	if (node->dir)
		mem_dir_free(node->dir, node->ms);
	mem_data_put(node->data);
	mem_xattrs_free(node);
	free(node->target);
	if (node->lower) {
		node->lower->owner = NULL;
		host_node_put(node->lower);
	}
	if (node->counted) {
		node->ms->used_inodes--;
		mem_uncharge(node->ms, MEM_NODE_BYTES);
	}
	free(node);
}

/* What is our own changes by guests only. */
bool memtree_steady(struct inode *ino)
{
	const struct mem_node *node = mem_node(ino);

	if (node->attr_up && (node->data || !S_ISREG(ino->mode)))
		return true;
	return node->lower && host_node_steady(node->lower);
}

int memtree_statfs(struct super *sb, struct abi_statfs *out)
{
	struct mem_super *ms = sb->priv;
	uint64_t used = ms->used_bytes / PAGE_SIZE, max = ms->max_bytes / PAGE_SIZE;

	*out = (struct abi_statfs){
	    .type = sb->type->magic,
	    .bsize = PAGE_SIZE,
	    .frsize = PAGE_SIZE,
	    .namelen = NAME_LIMIT,
	    .blocks = max,
	    .bfree = max > used ? max - used : 0,
	    .files = ms->max_inodes,
	    .ffree = ms->max_inodes > ms->used_inodes ? ms->max_inodes - ms->used_inodes : 0,
	};
	out->bavail = out->bfree;
	return 0;
}

const struct inode_ops memtree_ops = {
    .lookup = mem_lookup,
    .create = mem_create,
    .tmpfile = mem_tmpfile,
    .mkdir = mem_mkdir,
    .mknod = mem_mknod,
    .symlink = mem_symlink,
    .link = mem_link,
    .unlink = mem_unlink,
    .rmdir = mem_rmdir,
    .rename = mem_rename,
    .readlink = mem_readlink,
    .getattr = mem_getattr,
    .setattr = mem_setattr,
    .open = mem_open,
    .getxattr = mem_getxattr,
    .setxattr = mem_setxattr,
    .listxattr = mem_listxattr,
    .removexattr = mem_removexattr,
    .evict = mem_evict,
};
