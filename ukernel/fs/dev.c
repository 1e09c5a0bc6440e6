/*
 * dev.c - the memory devices and /dev.
 *
 * devfs is a fixed little tree: one row a node.  Nodes made with mknod on other file systems
 * reach the same devices through dev_open(), by number.
 */
#include "fs/dev.h"

#include "fs/random.h"
#include "fs/stdfile.h"
#include "kern/signal.h"
#include "kern/task.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* --- null, zero, full --- */

static ssize_t null_read(struct file *f, struct uio *to, uint64_t *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct uio *from, uint64_t *pos)
{
	size_t n = from->left;

	uio_advance(from, n);
	return n;
}

static int64_t null_llseek(struct file *f, int64_t off, int whence)
{
	f->pos = 0;
	return 0;
}

static ssize_t zero_read(struct file *f, struct uio *to, uint64_t *pos)
{
	ssize_t done = 0;

	/* A bounded step at a time, so that a signal ends an absurd length. */
	while (to->left) {
		ssize_t n = uio_zero(to, to->left < (1u << 20) ? to->left : (1u << 20));

		if (n <= 0)
			return done ? done : n;
		done += n;
		if (signal_pending(current))
			break;
	}
	return done;
}

static int zero_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	*host_fd = -1;
	return 0;
}

static ssize_t full_write(struct file *f, struct uio *from, uint64_t *pos)
{
	return from->left ? -ENOSPC : 0;
}

static const struct file_ops null_ops = {
    .name = "null",
    .read = null_read,
    .write = null_write,
    .llseek = null_llseek,
};
static const struct file_ops zero_ops = {
    .name = "zero",
    .read = zero_read,
    .write = null_write,
    .llseek = null_llseek,
    .mmap = zero_mmap,
};
static const struct file_ops full_ops = {
    .name = "full",
    .read = zero_read,
    .write = full_write,
    .llseek = null_llseek,
};

/* --- random, urandom --- */

static ssize_t random_read(struct file *f, struct uio *to, uint64_t *pos)
{
	return random_to_uio(to);
}

/* Writes would stir the pool; ours is the host's, which needs no help. */
static ssize_t random_write(struct file *f, struct uio *from, uint64_t *pos)
{
	return null_write(f, from, pos);
}

#define RNDGETENTCNT 0x80045200u

static long random_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	int32_t bits = 256;

	return cmd == RNDGETENTCNT ? put_user(t, bits, arg) : -EINVAL;
}

static uint32_t random_poll(struct file *f, struct poll_table *pt)
{
	return 0x001 | 0x004 | 0x040 | 0x100; /* IN OUT RDNORM WRNORM */
}

static const struct file_ops random_ops = {
    .name = "random",
    .read = random_read,
    .write = random_write,
    .llseek = null_llseek,
    .ioctl = random_ioctl,
    .poll = random_poll,
};

/* --- by number --- */

static const struct {
	unsigned major, minor;
	const struct file_ops *ops;
} devices[] = {
    {1, 3, &null_ops},	 {1, 5, &zero_ops},   {1, 7, &full_ops},
    {1, 8, &random_ops}, {1, 9, &random_ops},
};

int dev_open(struct inode *ino, struct file *f)
{
	unsigned maj = major(ino->rdev), min = minor(ino->rdev);

	if (!S_ISCHR(ino->mode))
		return -ENXIO;
	if (maj == 5 && min == 0)
		return stdfiles_open_tty(current, f);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (devices[i].major != maj || devices[i].minor != min)
			continue;
		f->ops = devices[i].ops;
		return 0;
	}
	return -ENXIO;
}

/* --- the tree --- */

struct dev_node {
	const char *name;
	mode_t mode; /* with type */
	unsigned major, minor;
	const char *target; /* of a symlink */
};

/* ptmx and pts come with pseudo-terminals; shm and pts are places to mount on. */
static const struct dev_node dev_nodes[] = {
    {"null", S_IFCHR | 0666, 1, 3, NULL},
    {"zero", S_IFCHR | 0666, 1, 5, NULL},
    {"full", S_IFCHR | 0666, 1, 7, NULL},
    {"random", S_IFCHR | 0666, 1, 8, NULL},
    {"urandom", S_IFCHR | 0666, 1, 9, NULL},
    {"tty", S_IFCHR | 0666, 5, 0, NULL},
    {"fd", S_IFLNK | 0777, 0, 0, "/proc/self/fd"},
    {"stdin", S_IFLNK | 0777, 0, 0, "/proc/self/fd/0"},
    {"stdout", S_IFLNK | 0777, 0, 0, "/proc/self/fd/1"},
    {"stderr", S_IFLNK | 0777, 0, 0, "/proc/self/fd/2"},
    {"pts", S_IFDIR | 0755, 0, 0, NULL},
    {"shm", S_IFDIR | 01777, 0, 0, NULL},
};
#define DEV_NODES (sizeof(dev_nodes) / sizeof(dev_nodes[0]))

/* Inodes are made once at mount and live as long: sb->priv is an array of them. */
static int dev_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct inode **nodes = dir->sb->priv;

	if (dir != dir->sb->root)
		return -ENOENT;
	for (size_t i = 0; i < DEV_NODES; i++) {
		if (strcmp(dev_nodes[i].name, name) == 0) {
			*out = inode_get(nodes[i]);
			return 0;
		}
	}
	return -ENOENT;
}

static ssize_t dev_readlink(struct inode *ino, char *buf, size_t size)
{
	const struct dev_node *n = ino->priv;
	size_t len = strlen(n->target);

	memcpy(buf, n->target, len < size ? len : size);
	return len < size ? len : size;
}

static int dev_readdir(struct file *f, struct dir_sink *s)
{
	bool top = f->inode == f->inode->sb->root;
	struct inode **nodes = f->inode->sb->priv;

	for (;; f->pos++) {
		const char *name = f->pos == 0 ? "." : "..";
		uint64_t ino = f->inode->ino;
		unsigned type = DT_DIR;

		if (f->pos >= 2) {
			if (!top || f->pos - 2 >= DEV_NODES)
				return 0;
			name = dev_nodes[f->pos - 2].name;
			ino = nodes[f->pos - 2]->ino;
			type = IFTODT(dev_nodes[f->pos - 2].mode);
		}
		if (!s->emit(s, name, strlen(name), ino, type, f->pos + 1))
			return 0;
	}
}

static const struct file_ops dev_dir_fops = {
    .name = "dev",
    .readdir = dev_readdir,
    .llseek = file_llseek_generic,
};
static const struct inode_ops dev_dir_ops = {
    .lookup = dev_lookup,
    .setattr = inode_setattr_simple,
};
static const struct inode_ops dev_node_ops = {
    .open = dev_open,
    .setattr = inode_setattr_simple,
};
static const struct inode_ops dev_link_ops = {
    .readlink = dev_readlink,
};

static struct inode *dev_inode(struct super *sb, const struct dev_node *n)
{
	struct inode *ino = inode_create(sb, n->mode);

	if (!ino)
		return NULL;
	ino->priv = (void *)n;
	ino->nlink = S_ISDIR(n->mode) ? 2 : 1;
	ino->rdev = makedev(n->major, n->minor);
	ino->ops = S_ISDIR(n->mode)   ? &dev_dir_ops
		   : S_ISLNK(n->mode) ? &dev_link_ops
				      : &dev_node_ops;
	if (S_ISDIR(n->mode))
		ino->fops = &dev_dir_fops;
	if (S_ISLNK(n->mode))
		ino->size = strlen(n->target);
	return ino;
}

static void dev_kill(struct super *sb)
{
	struct inode **nodes = sb->priv;

	for (size_t i = 0; nodes && i < DEV_NODES; i++)
		inode_put(nodes[i]);
	free(nodes);
	sb->priv = NULL;
}

static int dev_mount(const char *source, const char *options, struct super **out)
{
	static const struct dev_node root = {"", S_IFDIR | 0755, 0, 0, NULL};
	struct inode **nodes = calloc(DEV_NODES, sizeof(*nodes));
	struct super *sb = nodes ? super_create(&fs_dev, nodes) : NULL;

	if (!sb) {
		free(nodes);
		return -ENOMEM;
	}
	sb->root = dev_inode(sb, &root);
	for (size_t i = 0; i < DEV_NODES; i++) {
		nodes[i] = dev_inode(sb, &dev_nodes[i]);
		if (!nodes[i] || !sb->root) {
			super_put(sb);
			return -ENOMEM;
		}
	}
	sb->root->nlink = 4;
	*out = sb;
	return 0;
}

static int dev_statfs(struct super *sb, struct abi_statfs *out)
{
	out->type = fs_dev.magic;
	out->bsize = out->frsize = 4096;
	out->namelen = 255;
	return 0;
}

/* On Linux a devtmpfs; its magic is tmpfs's. */
const struct fs_type fs_dev = {
    .name = "devtmpfs",
    .magic = 0x01021994,
    .mount = dev_mount,
    .kill = dev_kill,
    .statfs = dev_statfs,
};
