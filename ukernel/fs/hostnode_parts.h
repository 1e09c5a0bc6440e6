/*
 * hostnode_parts.h - what hostnode.c and hostfd.c have between them.
 */
#ifndef FS_HOSTNODE_PARTS_H
#define FS_HOSTNODE_PARTS_H

#include "fs/hostnode.h"

#define HASH_SIZE 4096

struct host_tree {
	struct host_node *root; /* uncounted */
	int root_fd;
	dev_t dev[64]; /* [0] the root's; position tells inode numbers apart */
	unsigned nr_devs;
	uint64_t trust_ns;
	struct host_node *hash[HASH_SIZE];
};

/* Is what was learnt then still good? */
bool host_still_good(const struct host_tree *tree, uint64_t learnt_ns);
/* The host has just said st about n. */
void host_st_learnt(struct host_node *n, const struct stat *st);
/* The name that n has is not its own any more. */
void host_node_misbelieved(struct host_node *n);
bool host_same_object(const struct stat *a, const struct stat *b);

/* n has one more descriptor. */
void host_fd_added(struct host_node *n);
/* n is no more. */
void host_fds_close(struct host_node *n);

#endif
