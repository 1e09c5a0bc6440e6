/*
 * hostfd.c - the host's descriptors of nodes: opened when they are needed, shared by all opens of a
 * file, and closed again when too many are idle.
 */
#include "fs/hostnode_parts.h"

#include "fs/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Nodes that hold a descriptor, least recently used first. */
static struct list_head fd_lru = LIST_INIT(fd_lru);
static unsigned fd_count;
static unsigned fd_budget; /* set from RLIMIT_NOFILE at the first use */

static unsigned node_fds(const struct host_node *n)
{
	return (n->path_fd >= 0) + (n->data_fd[0] >= 0) + (n->data_fd[1] >= 0);
}

static void close_idle(struct host_node *n, int *fd)
{
	if (*fd < 0)
		return;
	host_close(*fd);
	*fd = -1;
	fd_count--;
}

/* Close what nobody borrows, the longest unused first, until the budget is kept.  keep has just
 * been used. */
static void fds_trim(struct host_node *keep)
{
	struct host_node *n, *tmp;

	if (!fd_budget) {
		uint64_t limit = host_raise_nofile();

		fd_budget = limit / 4 < 4096 ? limit / 4 : 4096;
	}
	if (fd_count <= fd_budget)
		return;
	list_for_each_safe (n, tmp, &fd_lru, lru) {
		if (fd_count <= fd_budget * 7 / 8)
			return;
		if (n == keep)
			continue;
		if (n->parent || n->path_fd != n->tree->root_fd)
			close_idle(n, &n->path_fd);
		for (int w = 0; w < 2; w++)
			if (n->opens[w] == 0)
				close_idle(n, &n->data_fd[w]);
		if (node_fds(n) == 0)
			list_del(&n->lru);
	}
}

static void fd_used(struct host_node *n)
{
	list_del(&n->lru);
	list_add_tail(&n->lru, &fd_lru);
	fds_trim(n);
}

void host_fd_added(struct host_node *n)
{
	fd_count++;
	fd_used(n);
}

void host_fds_close(struct host_node *n)
{
	close_idle(n, &n->path_fd);
	close_idle(n, &n->data_fd[0]);
	close_idle(n, &n->data_fd[1]);
	list_del(&n->lru);
}

/* A descriptor of n that is at hand; -1: none. */
static int node_held(const struct host_node *n)
{
	if (n->path_fd >= 0)
		return n->path_fd;
	return n->data_fd[0] >= 0 ? n->data_fd[0] : n->data_fd[1];
}

int host_node_held_dir(const struct host_node *n)
{
	return n->path_fd < 0 && S_ISDIR(n->st.st_mode) ? n->data_fd[0] : n->path_fd;
}

/* Open n again: by a descriptor that is held (it may have no name any more), or through its parent,
 * and then make sure that it still is n. */
static int node_reopen(struct host_node *n, int flags)
{
	struct stat st;
	int dirfd, fd, err;

	if (!n->parent)
		return host_reopen(n->tree->root_fd, flags);
	if (node_held(n) >= 0)
		return host_reopen(node_held(n), flags);
	dirfd = host_node_fd(n->parent);
	if (dirfd < 0)
		return dirfd;
	fd = host_openat(dirfd, n->name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR)
		host_node_misbelieved(n);
	if (fd < 0 || host_still_good(n->tree, n->seen_ns))
		return fd;
	err = host_fstat(fd, &st);
	if (!err && !host_same_object(&st, &n->st))
		err = -ENOENT;
	if (err) {
		host_close(fd);
		host_node_misbelieved(n);
		return err;
	}
	host_st_learnt(n, &st);
	return fd;
}

/*
 * Nodes from the first that has a descriptor down to n are opened in turn.  Not by recursion: a
 * guest may have gone down very deep.
 */
int host_node_fd(struct host_node *n)
{
	while (host_node_held_dir(n) < 0) {
		struct host_node *top = n;
		int fd;

		while (top->parent && host_node_held_dir(top->parent) < 0)
			top = top->parent;
		fd = node_reopen(top, O_PATH);
		if (fd < 0)
			return fd;
		top->path_fd = fd;
		host_fd_added(top);
	}
	fd_used(n);
	return host_node_held_dir(n);
}

int host_node_open(struct host_node *n, bool write)
{
	int fd;

	if (!S_ISREG(n->st.st_mode))
		return -ENXIO;
	if (n->closed)
		return -EACCES;
	if (n->data_fd[write] < 0) {
		fd = node_reopen(n, write ? O_RDWR : O_RDONLY);
		if (fd == -EACCES && write)
			fd = node_reopen(n, O_WRONLY);
		if (fd < 0)
			return fd;
		n->data_fd[write] = fd;
		fd_count++;
	}
	n->opens[write]++;
	fd_used(n);
	return n->data_fd[write];
}

void host_node_close(struct host_node *n, bool write)
{
	n->opens[write]--;
	/* A descriptor for writing is not kept: ETXTBSY for the host's programs, O_TRUNC races. */
	if (write && n->opens[write] == 0)
		close_idle(n, &n->data_fd[write]);
}

int host_node_opendir(struct host_node *n)
{
	int fd;

	if (n->closed)
		return -EACCES;
	if (n->data_fd[0] < 0) {
		fd = node_reopen(n, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		n->data_fd[0] = fd;
		n->dir_at = 0;
		fd_count++;
	}
	n->opens[0]++;
	fd_used(n);
	return n->data_fd[0];
}

void host_node_closedir(struct host_node *n)
{
	n->opens[0]--;
	/* Kept for names below it, but not where others change what it is. */
	if (n->opens[0] == 0 && n->tree->trust_ns == HOST_TRUST_NONE)
		close_idle(n, &n->data_fd[0]);
}
