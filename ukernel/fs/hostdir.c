/*
 * hostdir.c - a directory of the host as a file system (--ro, --bind, --rw).
 *
 * Names are looked up by us, one component at a time; the host's symlinks are only texts.  Of the
 * host's devices and sockets one sees the attributes, but opening one gives ENXIO: what a guest may
 * have of the host's devices comes from the dev file system.
 */
#include "fs/host.h"
#include "fs/hostfile.h"
#include "fs/hostnode.h"
#include "fs/hostops.h"
#include "fs/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct inode_ops hostdir_ops;

static int inode_for(struct super *sb, struct host_node *n, struct inode **out)
{
	struct inode *ino = n->owner;

	if (ino) {
		inode_get(ino);
		host_node_put(n);
	} else {
		ino = inode_create(sb, n->st.st_mode);
		if (!ino) {
			host_node_put(n);
			return -ENOMEM;
		}
		ino->ops = &hostdir_ops;
		ino->ino = host_node_ino(n);
		ino->priv = n;
		n->owner = ino;
	}
	host_stat_to_inode(&n->st, ino);
	*out = ino;
	return 0;
}

int hostdir_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct host_node *n;
	int err = host_node_lookup(dir->priv, name, &n);

	return err ? err : inode_for(dir->sb, n, out);
}

static ssize_t hostdir_readlink(struct inode *ino, char *buf, size_t size)
{
	return S_ISLNK(ino->mode) ? host_node_readlink(ino->priv, buf, size) : -EINVAL;
}

static int hostdir_getattr(struct inode *ino, struct kstat *out)
{
	struct stat st;
	int err = host_node_stat(ino->priv, &st);

	if (err)
		return err;
	host_stat_to_inode(&st, ino);
	host_stat_to_kstat(&st, out);
	out->dev = ino->sb->dev;
	out->ino = ino->ino;
	return 0;
}

static int hostdir_open(struct inode *ino, struct file *f)
{
	if (S_ISREG(ino->mode))
		return hostfile_open(ino->priv, f);
	if (S_ISFIFO(ino->mode)) /* a pipe of ours between guests; the host's is not touched */
		return inode_open_special(ino, f);
	return S_ISDIR(ino->mode) ? hostfile_opendir(ino->priv, f) : -ENXIO;
}

static void hostdir_evict(struct inode *ino)
{
	struct host_node *n = ino->priv;

	n->owner = NULL;
	host_node_put(n);
}

static const struct inode_ops hostdir_ops = {
    .lookup = hostdir_lookup,
    .create = hostdir_create,
    .mkdir = hostdir_mkdir,
    .mknod = hostdir_mknod,
    .symlink = hostdir_symlink,
    .link = hostdir_link,
    .unlink = hostdir_unlink,
    .rmdir = hostdir_rmdir,
    .rename = hostdir_rename,
    .setattr = hostdir_setattr,
    .getxattr = hostdir_getxattr,
    .setxattr = hostdir_setxattr,
    .listxattr = hostdir_listxattr,
    .removexattr = hostdir_removexattr,
    .readlink = hostdir_readlink,
    .getattr = hostdir_getattr,
    .open = hostdir_open,
    .evict = hostdir_evict,
};

static bool hostdir_revalidate(struct dentry *d)
{
	struct host_node *n = d->inode ? d->inode->priv : NULL;

	if (!host_node_check(d->parent->inode->priv, d->name, n, &d->checked_ns))
		return false;
	if (n)
		host_stat_to_inode(&n->st, d->inode);
	return true;
}

static bool hostdir_steady(struct inode *ino)
{
	return host_node_steady(ino->priv);
}

/* options: "ro" or "rw", then perhaps ",trust=NS". */
static int hostdir_mount(const char *source, const char *options, struct super **out)
{
	struct super *sb = super_create(&fs_hostdir, NULL);
	struct host_tree *tree;
	struct host_node *root;
	int err;

	if (!sb)
		return -ENOMEM;
	err = host_tree_open(source, options, &tree, &root);
	if (!err) {
		sb->priv = tree;
		sb->read_only = !options || strncmp(options, "rw", 2) != 0;
		err = inode_for(sb, root, &sb->root);
	}
	if (err) {
		free(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static int hostdir_statfs(struct super *sb, struct abi_statfs *out)
{
	return host_node_statfs(sb->root->priv, out);
}

const struct fs_type fs_hostdir = {
    .name = "hostdir",
    .mount = hostdir_mount,
    .statfs = hostdir_statfs,
    .revalidate = hostdir_revalidate,
    .steady = hostdir_steady,
};
