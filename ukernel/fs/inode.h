/*
 * inode.h - inodes, dentries, mounts, and the operations of a file system.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "abi.h"
#include "lib/list.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task;
struct cred;
struct file;
struct file_ops;
struct inode;
struct dentry;
struct mount;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* Attributes, as stat shows them. */
struct kstat {
	uint64_t dev, ino, rdev;
	mode_t mode;
	uint64_t nlink;
	uid_t uid;
	gid_t gid;
	uint64_t size, blocks;
	uint32_t blksize;
	struct abi_timespec atime, mtime, ctime, btime;
	int mnt_id; /* 0: none; not the file system's to say, as the next */
	bool mount_root;
};

/* What setattr is to change. */
#define ATTR_MODE  1u
#define ATTR_UID   2u
#define ATTR_GID   4u
#define ATTR_SIZE  8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_CTIME 64u
struct iattr {
	unsigned valid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct abi_timespec atime, mtime, ctime;
};

/*
 * Operations on an inode.  dir ops get the directory's inode; *out gets a counted inode.
 * Permission has been checked by the caller (namei.c).  A NULL op means the errno in brackets.
 * name is NUL-terminated, no slash, not "." or "..".
 */
struct inode_ops {
	int (*lookup)(struct inode *dir, const char *name,
		      struct inode **out); /* -ENOENT [-ENOTDIR] */
	int (*create)(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		      struct inode **out); /* a regular file [-EROFS] */
	/* A regular file without a name (nlink 0), for O_TMPFILE. [-EOPNOTSUPP] */
	int (*tmpfile)(struct inode *dir, mode_t mode, const struct cred *c, struct inode **out);
	int (*mkdir)(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		     struct inode **out); /* [-EROFS] */
	int (*mknod)(struct inode *dir, const char *name, mode_t mode, uint64_t rdev,
		     const struct cred *c, struct inode **out); /* fifo, socket, device [-EROFS] */
	int (*symlink)(struct inode *dir, const char *name, const char *target,
		       const struct cred *c, struct inode **out);		  /* [-EROFS] */
	int (*link)(struct inode *dir, const char *name, struct inode *target);	  /* [-EPERM] */
	int (*unlink)(struct inode *dir, const char *name, struct inode *victim); /* [-EROFS] */
	int (*rmdir)(struct inode *dir, const char *name, struct inode *victim);  /* [-EROFS] */
	int (*rename)(struct inode *olddir, const char *oldname, struct inode *newdir,
		      const char *newname, unsigned flags); /* RENAME_* [-EROFS] */
	/* Text without NUL; returns its length. [-EINVAL] */
	ssize_t (*readlink)(struct inode *ino, char *buf, size_t size);
	/* proc's magic links: jump to a counted path instead of walking text. [walk readlink's
	 * text] */
	int (*follow)(struct inode *ino, struct task *t, struct path *out);
	int (*getattr)(struct inode *ino, struct kstat *out);	     /* [from the inode's fields] */
	int (*setattr)(struct inode *ino, const struct iattr *attr); /* [-EROFS] */
	/* [mode bits, owner, groups, capabilities: inode_permission_generic] */
	int (*permission)(struct inode *ino, const struct cred *c, int mask);
	/* Fill f (ops, priv, host_fd) for an open; path and flags are set, O_TRUNC has been done.
	 * [f->ops = ino->fops] */
	int (*open)(struct inode *ino, struct file *f);
	ssize_t (*getxattr)(struct inode *ino, const char *name, void *buf,
			    size_t size); /* [-EOPNOTSUPP] */
	int (*setxattr)(struct inode *ino, const char *name, const void *val, size_t size,
			int flags);
	ssize_t (*listxattr)(struct inode *ino, char *buf, size_t size);
	int (*removexattr)(struct inode *ino, const char *name);
	/* The last reference went: free priv. */
	void (*evict)(struct inode *ino);
};

struct inode {
	int refs;
	const struct inode_ops *ops;
	const struct file_ops *fops;
	struct super *sb;
	uint64_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t nlink, rdev, size;
	struct abi_timespec atime, mtime, ctime, btime;
	void *priv;
	bool listed;	   /* foretell.c knows its names */
	int write_count;   /* open files that write; below 0: running programs, which deny it */
	struct pipe *pipe; /* a fifo that is open */
	struct file_locks *locks;   /* lock.c; NULL when none */
	struct watch_list *watches; /* inotify.c; NULL when none */
	void *sock;		    /* a bound AF_UNIX socket */
	unsigned read_count;	    /* open files, by path, that only read */
	unsigned nr_leases;	    /* lease.c */
};

/* A file system instance. */
struct super {
	const struct fs_type *type;
	int refs;
	uint64_t dev; /* st_dev */
	struct inode *root;
	bool read_only;
	uint64_t next_ino; /* for inode_create */
	void *priv;
};

struct fs_type {
	const char *name; /* as in /proc/mounts */
	uint64_t magic;	  /* statfs f_type */
	/* source and options as mount(8) has them. *out has one reference. */
	int (*mount)(const char *source, const char *options, struct super **out);
	void (*kill)(struct super *sb); /* free priv; root has been put */
	int (*statfs)(struct super *sb, struct abi_statfs *out);
	/* Is a cached lookup still right?  false drops it. [always right] */
	bool (*revalidate)(struct dentry *d);
	/* Will stat say the same for the next 20 ms unless a guest changes it?  [no] */
	bool (*steady)(struct inode *ino);
	/* Never cache names that were looked up here (proc). */
	bool uncached;
};

/* A name in a directory; inode NULL is a negative entry. */
struct dentry {
	int refs;
	struct dentry *parent; /* counted; itself for a root */
	char *name;
	uint32_t hash;	     /* of name and parent */
	struct inode *inode; /* counted */
	struct super *sb;
	struct list_head children, sibling;
	struct dentry *hash_next;
	struct list_head lru;
	struct mount *mounted; /* covers this entry; NULL */
	uint64_t checked_ns;   /* for revalidate(): when a missing name was last asked for */
	int watchers;	       /* those of refs that are inotify watches' */
	bool unlinked;	       /* shows as "NAME (deleted)" */
	bool hashed;
};

struct mount {
	int refs, id;
	struct mount *parent;	   /* counted; NULL for the root of the tree */
	struct dentry *mountpoint; /* in parent, counted */
	struct dentry *root;	   /* counted */
	struct super *sb;	   /* counted */
	bool read_only;
	char *source;
	struct list_head all; /* mount_list, in mount order */
};
extern struct list_head mount_list;

/* --- inodes (inode.c) --- */
struct super *super_create(const struct fs_type *type, void *priv); /* refs 1, a fresh dev number */
void super_put(struct super *sb);
struct inode *inode_create(struct super *sb, mode_t mode); /* refs 1, times now, fresh ino */
struct inode *inode_get(struct inode *ino);
void inode_put(struct inode *ino);		     /* NULL is fine */
void inode_touch(struct inode *ino, unsigned which); /* ATTR_ATIME|... := now */
int inode_getattr(struct inode *ino, struct kstat *out);
/* A setattr op for what lives in the inode alone; a size means nothing. */
int inode_setattr_simple(struct inode *ino, const struct iattr *attr);
/* MAY_* as access(2): R_OK 4, W_OK 2, X_OK 1. 0 or -EACCES/-EROFS. */
int inode_permission(struct inode *ino, const struct cred *c, int mask);
int inode_permission_generic(struct inode *ino, const struct cred *c, int mask);
/* Owner, group and mode of something new in dir, by the rules of set-group-ID directories. */
void inode_init_owner(struct inode *ino, const struct inode *dir, mode_t mode,
		      const struct cred *c);

/* May be opened with O_DIRECT (open(2)). */
bool inode_can_direct(const struct inode *ino);

/* What a file system's ops->open calls for a fifo, a socket or a device node: finds the driver
 * (pipe.h, dev.h), which fills f->ops and f->priv.  May sleep.  -ENXIO: there is none. */
int inode_open_special(struct inode *ino, struct file *f);

/* --- dentries (dentry.c) --- */
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
struct dentry *dentry_root(struct super *sb);			  /* a counted root dentry for sb */
struct dentry *dentry_anon(struct inode *ino, const char *label); /* "pipe:[7]"; counted */
struct super *anon_super(void); /* of inodes without a place in the tree */

/* --- mounts (mount.c) --- */
struct path *path_get(struct path *p);
void path_put(struct path *p);
/* Mount type on the path at (which must resolve to a directory or, for a bind, the same kind). */
int mount_at(const struct path *at, struct super *sb, bool read_only, const char *source);
int mount_root(struct super *sb, const char *source); /* the first */
extern struct path root_path;

/* --- walking (namei.c) --- */
#define LOOKUP_FOLLOW	   1u /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY   2u /* it must be one */
#define LOOKUP_EMPTY	   4u /* "" means the base itself (AT_EMPTY_PATH) */
#define LOOKUP_NO_XDEV	   8u /* openat2's RESOLVE_* */
#define LOOKUP_NO_MAGIC	   16u
#define LOOKUP_NO_SYMLINKS 32u
#define LOOKUP_BENEATH	   64u
#define LOOKUP_IN_ROOT	   128u
/* Resolve name from dirfd (AT_FDCWD: cwd).  *out is counted.  May sleep. */
int path_lookup(struct task *t, int dirfd, const char *name, unsigned flags, struct path *out);
/* Up to the last component: *parent counted, last points into name or is "." / ".." handled as
 * Linux does (-EBUSY/-EINVAL/-EEXIST by the caller). last[256]. *trailing: name ended in a slash */
int path_lookup_parent(struct task *t, int dirfd, const char *name, struct path *parent,
		       char last[256], bool *trailing);
/* The same with the name still in the guest. */
int path_from_user(struct task *t, int dirfd, uaddr_t name, unsigned flags, struct path *out);
/* Open as open(2) would; *out counted. */
int path_open(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
	      struct file **out);
int path_open_resolved(struct task *t, struct path *path, int flags, struct file **out);
/* Make a fifo, socket or device as mknod(2) would; *out counted. */
int path_mknod(struct task *t, int dirfd, const char *name, mode_t mode, uint64_t rdev,
	       struct inode **out);
/* For reading, as execve does: it takes execute permission, and no read permission. */
int path_open_exec(struct task *t, struct path *path, struct file **out);
/* As getcwd shows it, relative to root; into buf[size]; returns length or -ERANGE / -ENOENT
 * (unlinked: text gets " (deleted)" if mark). */
ssize_t path_name(const struct path *p, const struct path *root, char *buf, size_t size, bool mark);

/* --- a task's view (fs_context.c) --- */
struct fs_context {
	int refs;
	struct path root, cwd; /* counted */
	mode_t umask;
};
struct fs_context *fs_context_create(const struct path *root, const struct path *cwd);
struct fs_context *fs_context_copy(const struct fs_context *from);
void fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);

/* The file systems, in one visible list (fs_types.c). */
extern const struct fs_type fs_hostdir, fs_overlay, fs_tmpfs, fs_proc, fs_dev;
extern const struct fs_type *const fs_types[]; /* NULL-ended */
#endif
