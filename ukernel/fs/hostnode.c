/*
 * hostnode.c - objects in a host directory tree, and for how long what the host said about them is
 * believed.  See hostnode.h; the descriptors are in hostfd.c.
 */
#include "fs/hostnode_parts.h"

#include "fs/host.h"
#include "fs/vfs.h"
#include "kern/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#define HOT_SECONDS 3 /* what changed since then is not believed */

unsigned host_misbeliefs;

uint64_t host_now_ns(void)
{
	static uint64_t now_ns, tick = UINT64_MAX;

	if (tick != vfs_tick) {
		tick = vfs_tick;
		now_ns = time_now_ns();
	}
	return now_ns;
}

bool host_still_good(const struct host_tree *tree, uint64_t learnt_ns)
{
	return learnt_ns != 0 &&
	       (tree->trust_ns == HOST_TRUST_FOREVER ||
		(tree->trust_ns != HOST_TRUST_NONE && host_now_ns() - learnt_ns < tree->trust_ns));
}

void host_st_learnt(struct host_node *n, const struct stat *st)
{
	n->st = *st;
	n->st_tick = vfs_tick;
	n->st_ns = host_now_ns();
	/* What has just changed is likely to change again, for instance because it is what the box
	 * prints to: that is not believed. */
	if (n->tree->trust_ns != HOST_TRUST_FOREVER &&
	    (uint64_t)st->st_ctim.tv_sec + HOT_SECONDS > time_wall_ns() / 1000000000)
		n->st_ns = 0;
}

void host_node_misbelieved(struct host_node *n)
{
	n->seen_ns = 0;
	n->st_tick = 0;
	host_misbeliefs++;
}

static struct host_node **hash_head(struct host_tree *tree, dev_t dev, ino_t ino)
{
	return &tree->hash[(ino * 0x9e3779b97f4a7c15ULL >> 40 ^ dev) % HASH_SIZE];
}

static struct host_node *node_create(struct host_tree *tree, struct host_node *parent,
				     const char *name, const struct stat *st)
{
	struct host_node *n = calloc(1, sizeof(*n));
	struct host_node **head = hash_head(tree, st->st_dev, st->st_ino);

	if (!n)
		return NULL;
	n->name = strdup(name);
	if (!n->name) {
		free(n);
		return NULL;
	}
	n->refs = 1;
	n->tree = tree;
	n->parent = parent ? host_node_get(parent) : NULL;
	host_st_learnt(n, st);
	n->path_fd = n->data_fd[0] = n->data_fd[1] = -1;
	list_init(&n->lru);
	n->hash_next = *head;
	*head = n;
	return n;
}

struct host_node *host_node_get(struct host_node *n)
{
	n->refs++;
	return n;
}

void host_node_put(struct host_node *n)
{
	while (n && --n->refs == 0) {
		struct host_node *parent = n->parent;
		struct host_node **p = hash_head(n->tree, n->st.st_dev, n->st.st_ino);

		while (*p != n)
			p = &(*p)->hash_next;
		*p = n->hash_next;
		host_fds_close(n);
		free(n->name);
		free(n->link);
		free(n);
		n = parent;
	}
}

static uint64_t trust_option(const char *options)
{
	const char *at = options ? strstr(options, "trust=") : NULL;

	return at ? strtoull(at + strlen("trust="), NULL, 10) : HOST_TRUST_NONE;
}

/* Through the host's proc a guest would reach our own memory and descriptors. */
static bool fd_is_proc(int fd)
{
	struct statfs s;

	return host_fstatfs(fd, &s) < 0 || s.f_type == PROC_SUPER_MAGIC;
}

int host_tree_open(const char *path, const char *options, struct host_tree **out,
		   struct host_node **root)
{
	struct host_tree *tree = calloc(1, sizeof(*tree));
	struct stat st;
	int fd, err;

	if (!tree)
		return -ENOMEM;
	fd = host_openat(AT_FDCWD, path, O_PATH, 0);
	err = fd < 0 ? fd : host_fstat(fd, &st);
	if (!err && fd_is_proc(fd))
		err = -EACCES;
	if (err)
		goto fail;
	err = -ENOMEM;
	tree->root_fd = fd;
	tree->dev[0] = st.st_dev;
	tree->nr_devs = 1;
	tree->trust_ns = trust_option(options);
	tree->root = node_create(tree, NULL, "/", &st);
	if (!tree->root)
		goto fail;
	tree->root->path_fd = fd;
	host_fd_added(tree->root);
	*out = tree;
	*root = tree->root;
	return 0;
fail:
	if (fd >= 0)
		host_close(fd);
	free(tree);
	return err;
}

uint64_t host_node_ino(const struct host_node *n)
{
	struct host_tree *tree = n->tree;
	unsigned i;

	for (i = 0; i < tree->nr_devs; i++)
		if (tree->dev[i] == n->st.st_dev)
			break;
	if (i == tree->nr_devs && i < 64)
		tree->dev[tree->nr_devs++] = n->st.st_dev;
	return n->st.st_ino ^ (uint64_t)i << 52;
}

bool host_same_object(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT);
}

static void node_seen(struct host_node *n, struct host_node *dir, const char *name,
		      const struct stat *st)
{
	host_st_learnt(n, st);
	n->seen_ns = host_now_ns();
	if (n->parent != dir || strcmp(n->name, name) != 0)
		host_node_moved(n, dir, name);
}

/* A file system of the host is entered at n: may guests see it? */
static bool is_closed(struct host_node *n)
{
	int fd = host_node_fd(n);

	return fd < 0 || fd_is_proc(fd);
}

int host_node_lookup(struct host_node *dir, const char *name, struct host_node **out)
{
	struct host_node *n;
	struct stat st;
	int fd, err;

	if (dir->closed)
		return -EACCES;
	fd = host_node_fd(dir);
	err = fd < 0 ? fd : host_fstatat(fd, name, &st);
	if (err)
		return err;
	for (n = *hash_head(dir->tree, st.st_dev, st.st_ino); n; n = n->hash_next)
		if (host_same_object(&n->st, &st))
			break;
	if (n)
		host_node_get(n);
	else
		n = node_create(dir->tree, dir, name, &st);
	if (!n)
		return -ENOMEM;
	if (st.st_dev != dir->st.st_dev && S_ISDIR(st.st_mode) && !n->closed)
		n->closed = is_closed(n);
	if (n->parent) /* the root keeps its place even if it is seen again below itself */
		node_seen(n, dir, name, &st);
	*out = n;
	return 0;
}

static bool name_trusted(const struct host_node *dir, const char *name,
			 const struct host_node *node, uint64_t checked_ns)
{
	if (!node)
		return host_still_good(dir->tree, checked_ns);
	return node->parent == dir && host_still_good(dir->tree, node->seen_ns) &&
	       strcmp(node->name, name) == 0;
}

bool host_node_check(struct host_node *dir, const char *name, struct host_node *node,
		     uint64_t *checked_ns)
{
	struct stat st;
	int fd, err;

	if (name_trusted(dir, name, node, *checked_ns))
		return true;
	fd = host_node_fd(dir);
	err = fd < 0 ? fd : host_fstatat(fd, name, &st);
	*checked_ns = host_now_ns();
	if (err || !node)
		return err == -ENOENT && !node;
	if (!host_same_object(&st, &node->st))
		return false;
	if (node->parent)
		node_seen(node, dir, name, &st);
	return true;
}

static int node_any_fd(const struct host_node *n)
{
	if (n->data_fd[0] >= 0)
		return n->data_fd[0];
	return n->data_fd[1] >= 0 ? n->data_fd[1] : n->path_fd;
}

/* Nobody writes to it, and what we know is not old. */
static bool st_trusted(const struct host_node *n)
{
	return n->st_tick != 0 && n->data_fd[1] < 0 && !n->mapped &&
	       host_still_good(n->tree, n->st_ns);
}

int host_node_stat(struct host_node *n, struct stat *st)
{
	struct stat now;
	int fd, err;

	if (n->st_tick != vfs_tick && !st_trusted(n)) {
		fd = node_any_fd(n);
		if (fd >= 0) {
			err = host_fstat(fd, &now);
		} else {
			fd = host_node_fd(n->parent);
			err = fd < 0 ? fd : host_fstatat(fd, n->name, &now);
			if (!err && !host_same_object(&now, &n->st))
				err = -ENOENT;
			if (err == -ENOENT)
				host_node_misbelieved(n);
		}
		if (err)
			return err;
		host_st_learnt(n, &now);
	}
	*st = n->st;
	return 0;
}

bool host_node_at_end(const struct host_node *n, uint64_t pos)
{
	return n->tree->trust_ns == HOST_TRUST_FOREVER && st_trusted(n) && S_ISREG(n->st.st_mode) &&
	       n->st.st_size > 0 && pos >= (uint64_t)n->st.st_size;
}

bool host_node_steady(const struct host_node *n)
{
	return st_trusted(n) && (!n->parent || host_still_good(n->tree, n->seen_ns));
}

void host_node_changed(struct host_node *n)
{
	n->st_tick = 0;
}

void host_node_moved(struct host_node *n, struct host_node *parent, const char *name)
{
	struct host_node *old = n->parent;
	char *copy = strdup(name);

	if (!copy)
		return; /* the old name is tried, and found wrong */
	free(n->name);
	n->name = copy;
	n->parent = host_node_get(parent);
	host_node_put(old);
}

/* A symlink's text never changes: it takes another one in its place, which the ctime tells. */
static bool link_known(const struct host_node *n)
{
	return n->link && n->link_ctime.tv_sec == n->st.st_ctim.tv_sec &&
	       n->link_ctime.tv_nsec == n->st.st_ctim.tv_nsec;
}

ssize_t host_node_readlink(struct host_node *n, char *buf, size_t size)
{
	ssize_t len;
	int fd;

	if (link_known(n)) {
		len = strlen(n->link);
		len = len < (ssize_t)size ? len : (ssize_t)size;
		memcpy(buf, n->link, len);
		return len;
	}
	fd = n->parent ? host_node_fd(n->parent) : -EINVAL;
	len = fd < 0 ? fd : host_readlinkat(fd, n->name, buf, size);
	if (len > 0 && len < (ssize_t)size) {
		free(n->link);
		n->link = strndup(buf, len);
		n->link_ctime = n->st.st_ctim;
	}
	return len;
}

int host_node_statfs(struct host_node *n, struct abi_statfs *out)
{
	struct statfs s;
	int fd = host_node_fd(n), err;

	err = fd < 0 ? fd : host_fstatfs(fd, &s);
	if (err)
		return err;
	_Static_assert(sizeof(s) == sizeof(*out), "the guest's ABI is the host's");
	memcpy(out, &s, sizeof(*out));
	return 0;
}

static struct abi_timespec timespec_of(const struct timespec *ts)
{
	return (struct abi_timespec){.sec = ts->tv_sec, .nsec = ts->tv_nsec};
}

void host_stat_to_inode(const struct stat *st, struct inode *ino)
{
	ino->mode = st->st_mode;
	ino->uid = st->st_uid;
	ino->gid = st->st_gid;
	ino->nlink = st->st_nlink;
	ino->rdev = st->st_rdev;
	ino->size = st->st_size;
	ino->atime = timespec_of(&st->st_atim);
	ino->mtime = timespec_of(&st->st_mtim);
	ino->ctime = timespec_of(&st->st_ctim);
	ino->btime = (struct abi_timespec){0};
}

void host_stat_to_kstat(const struct stat *st, struct kstat *out)
{
	*out = (struct kstat){
	    .mode = st->st_mode,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .nlink = st->st_nlink,
	    .rdev = st->st_rdev,
	    .size = st->st_size,
	    .blocks = st->st_blocks,
	    .blksize = st->st_blksize,
	    .atime = timespec_of(&st->st_atim),
	    .mtime = timespec_of(&st->st_mtim),
	    .ctime = timespec_of(&st->st_ctim),
	};
}
