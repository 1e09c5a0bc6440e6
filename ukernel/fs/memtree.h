/*
 * memtree.h - a tree of files in memory, alone (tmpfs) or spread over a host directory (overlay).
 *
 * A node is an inode's private part.  In a tmpfs everything is its own.  In an overlay a node may
 * have a host object below it (lower), and then takes from it what it does not hold itself:
 * attributes until attr_up, a file's data until data is set, a directory's names where its own
 * table says nothing.  The table of a directory has names with inodes and whiteouts (no inode:
 * the name below is hidden).
 *
 * What must not be forgotten is entered in its directory's table, which holds it, and that
 * directory in its own parent's, up to the root.  What is in no table may be dropped from the
 * cache at any time and is read from the host again.  A directory of the host that was renamed
 * keeps its lower object and so its contents: nothing has to be copied.
 */
#ifndef FS_MEMTREE_H
#define FS_MEMTREE_H

#include "fs/file.h"
#include "fs/hostnode.h"
#include "fs/inode.h"
#include "kern/cred.h"
#include "lib/list.h"

#include <stdbool.h>
#include <stdint.h>

/* What a node is charged for, roughly what it takes. */
#define MEM_NODE_BYTES 512

struct mem_super {
	uint64_t max_bytes, used_bytes;
	uint64_t max_inodes, used_inodes;
	bool strict; /* the user gave the limit: mappings are charged for what they could touch */
	struct host_tree *lower; /* NULL: tmpfs */
};

struct mem_entry {
	struct mem_entry *hash_next;
	struct list_head order; /* in the order of entering */
	struct inode *inode;	/* counted; NULL: a whiteout */
	uint32_t hash;
	char name[];
};

struct mem_dir {
	struct mem_entry **bucket; /* size a power of two; NULL while empty */
	unsigned size, count, whiteouts;
	struct list_head order;
};

/* A regular file's bytes: in ordinary memory while they are few, so that a small file costs no
 * host descriptor, in a memfd when they are many or are to be mapped. */
struct mem_data {
	int refs;	      /* the node, open files */
	struct mem_super *ms; /* charged for it; NULL: nobody */
	uint8_t *buf;
	size_t cap;
	int memfd;   /* -1: buf */
	bool mapped; /* has been */
	uint64_t size, charged;
};

struct mem_xattr {
	struct mem_xattr *next;
	size_t size;
	char *name; /* points behind value */
	uint8_t value[];
};

struct mem_node {
	struct inode *inode; /* whose private part this is */
	struct mem_super *ms;
	struct host_node *lower; /* counted; NULL: all is ours */
	bool attr_up;		 /* the inode's fields are true, not lower's */
	bool xattr_up;		 /* the same for extended attributes */
	bool counted;		 /* in ms->used_inodes */
	bool held;	       /* by itself, while it has links: the host has other names for it */
	int nlink_delta;       /* links made less links removed while !attr_up */
	struct mem_data *data; /* regular files; NULL: lower's */
	struct mem_dir *dir;   /* directories */
	char *target;	       /* symlinks; NULL: lower's */
	struct mem_xattr *xattrs;
};

extern const struct inode_ops memtree_ops;

static inline struct mem_node *mem_node(const struct inode *ino)
{
	return ino->priv;
}

/* --- memtree.c: nodes --- */
/* A fresh inode with everything its own; nlink 1 (2 for a directory).  NULL and *err. */
struct inode *mem_inode_create(struct super *sb, mode_t mode, int *err);
/* The inode for a host object (reference taken over). */
int mem_inode_for_lower(struct super *sb, struct host_node *n, struct inode **out);
/* Account for len bytes more: 0 or -ENOSPC.  ms may be NULL. */
int mem_charge(struct mem_super *ms, uint64_t len);
void mem_charge_force(struct mem_super *ms, uint64_t len); /* no limit; ms is not NULL */
uint64_t mem_room(const struct mem_super *ms); /* bytes that mem_charge() would still take */
void mem_uncharge(struct mem_super *ms, uint64_t len);
bool memtree_steady(struct inode *ino);
int memtree_statfs(struct super *sb, struct abi_statfs *out);
uint64_t mem_default_limit(void); /* bytes: half of the host's memory */

/* --- memdir.c: names --- */
struct mem_entry *mem_dir_find(const struct inode *dir, const char *name);
bool mem_dir_has_lower(const struct inode *dir); /* names of the host show through */
int mem_lookup(struct inode *dir, const char *name, struct inode **out);
int mem_create(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
	       struct inode **out);
int mem_tmpfile(struct inode *dir, mode_t mode, const struct cred *c, struct inode **out);
int mem_mkdir(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
	      struct inode **out);
int mem_mknod(struct inode *dir, const char *name, mode_t mode, uint64_t rdev, const struct cred *c,
	      struct inode **out);
int mem_symlink(struct inode *dir, const char *name, const char *target, const struct cred *c,
		struct inode **out);
int mem_link(struct inode *dir, const char *name, struct inode *target);
int mem_unlink(struct inode *dir, const char *name, struct inode *victim);
int mem_rmdir(struct inode *dir, const char *name, struct inode *victim);
int mem_rename(struct inode *olddir, const char *oldname, struct inode *newdir, const char *newname,
	       unsigned flags);
void mem_dir_free(struct mem_dir *d, struct mem_super *ms);
/* Enter ino, and the directories above it, in their parents' tables. */
int mem_pin(struct inode *ino);

/* --- memreaddir.c --- */
int mem_opendir(struct inode *dir, struct file *f);
/* No name but "." and ".."? 0, -ENOTEMPTY, or another -errno from the host. */
int mem_dir_empty(struct inode *dir);

/* --- memdata.c: bytes --- */
struct mem_data *mem_data_create(struct mem_super *ms);
void mem_data_put(struct mem_data *d);
int mem_data_truncate(struct mem_data *d, uint64_t size);
int mem_data_to_memfd(struct mem_data *d);
/* A guest is going to map it: make it a memfd, and charge for all of it if that is the rule. */
int mem_data_map(struct mem_data *d);
/* Append to a file being copied up. */
int mem_data_fill(struct mem_data *d, uint64_t off, const void *buf, size_t len);
uint64_t mem_data_blocks(const struct mem_data *d); /* of 512 bytes */
int mem_data_reserve(struct mem_data *d, uint64_t end);
/* SEEK_HOLE or SEEK_DATA; a page of zeros counts as a hole. -ENXIO */
int64_t mem_data_seek(struct mem_data *d, uint64_t off, bool hole);
ssize_t mem_data_read(struct mem_data *d, struct uio *to, uint64_t pos);
ssize_t mem_data_write(struct mem_data *d, struct uio *from, uint64_t pos);
int mem_data_allocate(struct mem_data *d, int mode, uint64_t off, uint64_t len);

/* --- memfile.c: open files --- */
int mem_open(struct inode *ino, struct file *f);

/* --- memattr.c --- */
int mem_getattr(struct inode *ino, struct kstat *out);
int mem_setattr(struct inode *ino, const struct iattr *attr);
ssize_t mem_readlink(struct inode *ino, char *buf, size_t size);
ssize_t mem_getxattr(struct inode *ino, const char *name, void *buf, size_t size);
int mem_setxattr(struct inode *ino, const char *name, const void *val, size_t size, int flags);
ssize_t mem_listxattr(struct inode *ino, char *buf, size_t size);
int mem_removexattr(struct inode *ino, const char *name);
void mem_xattrs_free(struct mem_node *node);

/* --- copyup.c --- */
/* Make ino's attributes its own (nothing happens when they are). */
int mem_attr_up(struct inode *ino);
/* Its data too; only the first keep bytes are wanted. */
int mem_data_up(struct inode *ino, uint64_t keep);
int mem_xattr_up(struct inode *ino);
#endif
