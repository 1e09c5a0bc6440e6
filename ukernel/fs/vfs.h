/*
 * vfs.h - what the files of the VFS core share among themselves; file systems and other parts of
 * the kernel need only inode.h and file.h.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include "fs/file.h"
#include "fs/inode.h"
#include "kern/cred.h"

#include <stdbool.h>

#define NAME_LIMIT    255
#define PATH_LIMIT    4096 /* with the NUL */
#define SYMLINK_LIMIT 40
#define RW_LIMIT      0x7ffff000UL /* bytes that one read or write moves at most */

/* Path texts live in pooled buffers, not on the small kernel stacks. */
char *name_buf_get(void); /* PATH_LIMIT bytes; NULL: no memory */
void name_buf_put(char *buf);
/* A path argument into a fresh buffer: -EFAULT, -ENAMETOOLONG, -ENOENT (empty, unless allowed). */
int name_from_user(struct task *t, uaddr_t uname, bool allow_empty, char **out);

/* --- dentry.c --- */
/* name's entry below parent, counted; it may be negative.  -errno from the file system. */
int dentry_lookup(struct dentry *parent, const char *name, size_t len, struct dentry **out);
/* The entry has got an inode (taken over); it was negative. */
void dentry_instantiate(struct dentry *d, struct inode *inode);
/* The name is gone from the file system; holders keep a deleted entry. */
void dentry_delete(struct dentry *d);
/* Forget a cached name. */
void dentry_drop(struct dentry *d);
void dentry_move(struct dentry *d, struct dentry *new_parent, const char *new_name);
bool dentry_is_below(const struct dentry *d, const struct dentry *top); /* or is top itself */

/* --- mount.c --- */
/* -EROFS when nothing may be written there. */
int mount_want_write(const struct mount *mnt);
/* Go down through what is mounted on p->dentry; true if anything was. */
bool mount_descend(struct path *p);
/* From the root of a mount up to what it covers; false at the top. */
bool mount_ascend(struct path *p);
bool path_equal(const struct path *a, const struct path *b);

/* --- namei.c --- */
struct walk {
	struct task *task;
	unsigned flags;	  /* LOOKUP_* */
	struct path root; /* counted: where ".." ends and "/" begins */
	struct path cur;  /* counted */
	const char *rest; /* still to walk at this level */
	int links, depth;
	bool trailing;	/* the last component was followed by a slash */
	bool last_dots; /* the last component was "." or ".." or there was none */
	char last[NAME_LIMIT + 1];
	struct {
		char *text;	    /* owned */
		const char *resume; /* in the level below */
	} level[SYMLINK_LIMIT + 1];
};
/* name must stay valid until walk_end.  walk_init: -EBADF, -ENOTDIR, -ENOENT. */
int walk_init(struct walk *w, struct task *t, int dirfd, const char *name, unsigned flags);
/* Everything but the last component, which goes to w->last. */
int walk_parent(struct walk *w);
/* The whole way. */
int walk_all(struct walk *w);
/* Push the symlink at link (in directory w->cur) so that the walk continues through it; or
 * WALK_JUMPED: it was a magic one and w->cur is its target. */
#define WALK_JUMPED 2
int walk_follow(struct walk *w, struct dentry *link);
void walk_end(struct walk *w);

/* --- permission.c --- */
int path_permission(const struct path *p, const struct cred *c, int mask); /* with -EROFS of mnt */
/* May an entry be made in dir?  0, -EACCES, -EROFS, -ENOENT (dir was removed). */
int may_create(const struct path *dir, const struct cred *c);
/* May victim be removed from dir?  isdir: by rmdir. */
int may_delete(const struct path *dir, struct dentry *victim, const struct cred *c, bool isdir);
bool inode_owner_or_capable(const struct inode *ino, const struct cred *c);

/* --- attr.c --- */
int inode_setattr(struct inode *ino, struct iattr *attr);
int inode_truncate(struct task *t, struct inode *ino, uint64_t size); /* RLIMIT_FSIZE checked */

/* --- open.c --- */
int open_flags_check(int *flags, mode_t mode);

/* What passes between a guest and a host descriptor goes through here, within one call that does
 * not sleep: there is one kernel thread. */
#define IO_BUFFER_SIZE (256u << 10)
extern char io_buffer[IO_BUFFER_SIZE];

uint64_t task_rlimit(const struct task *t, int which);

/* Counts path walks and descriptor calls: what the host said during the same one need not be asked
 * again (hostnode.c). */
extern uint64_t vfs_tick;
#endif
