/*
 * hostnode.h - objects in a host directory tree, reached only through held descriptors and single
 * components, so that nothing a guest does can redirect the supervisor.
 *
 * A node is known by the host's device and inode numbers and by the last parent and name it was
 * seen under.  Its descriptors are opened on demand and closed again when too many are idle; before
 * a reopened one is used, its numbers are compared.
 */
#ifndef FS_HOSTNODE_H
#define FS_HOSTNODE_H

#include "fs/inode.h"
#include "lib/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct host_tree;

struct host_node {
	int refs;
	struct host_tree *tree;
	struct host_node *parent; /* counted; NULL for the root */
	char *name;
	struct host_node *hash_next;
	struct stat st;		    /* as last seen; numbers and type never change */
	uint64_t st_tick;	    /* vfs_tick when st was read; 0: not to be trusted */
	uint64_t st_ns;		    /* when st was read */
	uint64_t seen_ns;	    /* when the name was last found right; 0: it was found wrong */
	char *link;		    /* a symlink's text, or NULL ... */
	struct timespec link_ctime; /* ... when its ctime was this */
	bool mapped;	      /* guests may write to it behind our back: st is never believed */
	int path_fd;	      /* O_PATH, or -1 */
	int data_fd[2];	      /* for reading (directories, too), for reading and writing; or -1 */
	unsigned opens[2];    /* open files that borrow data_fd */
	int64_t dir_at;	      /* a directory's: where data_fd[0] stands, -1 when not known */
	struct list_head lru; /* of nodes that hold a descriptor */
	bool closed;	      /* in a procfs of the host: what is below stays out of sight */
	void *owner;	      /* the inode that stands for this node, uncounted */
};

/*
 * For how long what the host said about a name or a file (that it is missing, too) is believed
 * without asking again.  What guests change through this tree is known at once in any case.
 */
#define HOST_TRUST_NONE 0UL /* ask at every use: others share these files */
/* A second, as network file systems do, but for what foretold answers may be told later. */
#define HOST_TRUST_SECOND  980000000UL
#define HOST_TRUST_FOREVER UINT64_MAX /* nobody else changes them while we run */

/* path: an absolute host path of a directory, or of a file when a single file is bound.  options:
 * "trust=NS" is taken from it, the rest ignored; without it nothing is trusted. */
int host_tree_open(const char *path, const char *options, struct host_tree **out,
		   struct host_node **root);
/* st_ino for a guest: the host's, told apart if from another device than the root's. */
uint64_t host_node_ino(const struct host_node *n);

struct host_node *host_node_get(struct host_node *n);
void host_node_put(struct host_node *n);

/* name in dir (an O_NOFOLLOW look), counted. -ENOENT, -ENOTDIR, -EACCES (below a procfs of the
 * host: it would show the supervisor, and through it everything), ... */
int host_node_lookup(struct host_node *dir, const char *name, struct host_node **out);
/* Is name in dir still node (NULL: still missing)?  Asks only if the last answer is too old.
 * *checked_ns: when a missing name was last found missing, updated. */
bool host_node_check(struct host_node *dir, const char *name, struct host_node *node,
		     uint64_t *checked_ns);
/* Now on the clock of these times; the same during one call of a guest's. */
uint64_t host_now_ns(void);
/* How often something believed proved wrong: whoever failed may try once more when it moved. */
extern unsigned host_misbeliefs;

/* Fresh attributes, unless st was read during this very call. */
int host_node_stat(struct host_node *n, struct stat *st);
/* Is pos at the end of the file or behind it, and nobody else changes the file?  Asks nothing. */
bool host_node_at_end(const struct host_node *n, uint64_t pos);
/* Will host_node_stat() say the same for the next 20 ms, and the name still be believed? */
bool host_node_steady(const struct host_node *n);
void host_node_changed(struct host_node *n); /* we change it: st is stale */
/* n now has this name (rename, link). */
void host_node_moved(struct host_node *n, struct host_node *parent, const char *name);

/* A borrowed O_PATH descriptor, good until the next call in here; or -errno. */
int host_node_fd(struct host_node *n);
/* A regular file's data: the descriptor is kept until host_node_close(). -errno. */
int host_node_open(struct host_node *n, bool write);
void host_node_close(struct host_node *n, bool write);
/* The same for reading a directory.  All who read it share the host's position. */
int host_node_opendir(struct host_node *n);
void host_node_closedir(struct host_node *n);
/* A descriptor that is at hand and good for names below, or -1. */
int host_node_held_dir(const struct host_node *n);
ssize_t host_node_readlink(struct host_node *n, char *buf, size_t size);
int host_node_statfs(struct host_node *n, struct abi_statfs *out);

/* Copy attributes to an inode. */
void host_stat_to_inode(const struct stat *st, struct inode *ino);
void host_stat_to_kstat(const struct stat *st, struct kstat *out);
#endif
