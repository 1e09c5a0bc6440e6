/*
 * tmpfs.c - file systems in memory: tmpfs, and overlay, the same over a host directory.
 */
#include "fs/memtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OVERLAY_FIRST_INO (1ULL << 40) /* our own, apart from the host's */

/* "size=BYTES,nr_inodes=N,mode=OCTAL", each optional, as tmpfs(5) has them. */
static void parse_options(const char *options, struct mem_super *ms, mode_t *mode)
{
	const char *p = options;

	while (p && *p) {
		if (strncmp(p, "size=", 5) == 0) {
			ms->max_bytes = strtoull(p + 5, NULL, 10);
			ms->strict = true;
		}
		if (strncmp(p, "nr_inodes=", 10) == 0)
			ms->max_inodes = strtoull(p + 10, NULL, 10);
		if (strncmp(p, "mode=", 5) == 0)
			*mode = strtoul(p + 5, NULL, 8) & 07777;
		p = strchr(p, ',');
		p = p ? p + 1 : NULL;
	}
}

static struct super *mem_super_create(const struct fs_type *type, const char *options, mode_t *mode)
{
	struct mem_super *ms = calloc(1, sizeof(*ms));
	struct super *sb = ms ? super_create(type, ms) : NULL;

	if (!sb) {
		free(ms);
		return NULL;
	}
	ms->max_bytes = mem_default_limit();
	ms->max_inodes = ms->max_bytes / 1024;
	parse_options(options, ms, mode);
	return sb;
}

static void mem_kill(struct super *sb)
{
	free(sb->priv);
}

static int tmpfs_mount(const char *source, const char *options, struct super **out)
{
	mode_t mode = 01777;
	struct super *sb = mem_super_create(&fs_tmpfs, options, &mode);
	int err = -ENOMEM;

	if (!sb)
		return -ENOMEM;
	sb->root = mem_inode_create(sb, S_IFDIR | mode, &err);
	if (!sb->root) {
		super_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static int overlay_mount(const char *source, const char *options, struct super **out)
{
	mode_t mode = 0;
	struct super *sb = mem_super_create(&fs_overlay, options, &mode);
	struct host_node *root;
	int err;

	if (!sb)
		return -ENOMEM;
	sb->next_ino = OVERLAY_FIRST_INO;
	err = host_tree_open(source, options, &((struct mem_super *)sb->priv)->lower, &root);
	if (!err)
		err = mem_inode_for_lower(sb, root, &sb->root);
	if (err) {
		super_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

/* A name in the table is ours; any other is the host's, who may have changed it. */
static bool overlay_revalidate(struct dentry *d)
{
	struct inode *dir = d->parent->inode;
	struct mem_entry *e = mem_dir_find(dir, d->name);
	struct host_node *n;

	if (e)
		return e->inode == d->inode;
	if (!mem_dir_has_lower(dir))
		return !d->inode;
	n = d->inode ? mem_node(d->inode)->lower : NULL;
	if (d->inode && !n)
		return false;
	if (!host_node_check(mem_node(dir)->lower, d->name, n, &d->checked_ns))
		return false;
	if (d->inode && !mem_node(d->inode)->attr_up) {
		uint64_t delta = mem_node(d->inode)->nlink_delta;

		host_stat_to_inode(&n->st, d->inode);
		d->inode->nlink += delta;
	}
	return true;
}

const struct fs_type fs_tmpfs = {
    .name = "tmpfs",
    .magic = 0x01021994,
    .mount = tmpfs_mount,
    .kill = mem_kill,
    .statfs = memtree_statfs,
    .steady = memtree_steady,
};

const struct fs_type fs_overlay = {
    .name = "overlay",
    .magic = 0x794c7630,
    .mount = overlay_mount,
    .kill = mem_kill,
    .statfs = memtree_statfs,
    .revalidate = overlay_revalidate,
    .steady = memtree_steady,
};
