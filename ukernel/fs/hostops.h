/*
 * hostops.h - the operations that change a host directory (hostops.c), for the table in hostdir.c.
 */
#ifndef FS_HOSTOPS_H
#define FS_HOSTOPS_H

#include "fs/inode.h"

/* hostdir.c: the inode behind a name; counted. */
int hostdir_lookup(struct inode *dir, const char *name, struct inode **out);

int hostdir_create(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		   struct inode **out);
int hostdir_mkdir(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		  struct inode **out);
int hostdir_mknod(struct inode *dir, const char *name, mode_t mode, uint64_t rdev,
		  const struct cred *c, struct inode **out);
int hostdir_symlink(struct inode *dir, const char *name, const char *target, const struct cred *c,
		    struct inode **out);
int hostdir_link(struct inode *dir, const char *name, struct inode *target);
int hostdir_unlink(struct inode *dir, const char *name, struct inode *victim);
int hostdir_rmdir(struct inode *dir, const char *name, struct inode *victim);
int hostdir_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
		   const char *newname, unsigned flags);
int hostdir_setattr(struct inode *ino, const struct iattr *attr);
ssize_t hostdir_getxattr(struct inode *ino, const char *name, void *buf, size_t size);
int hostdir_setxattr(struct inode *ino, const char *name, const void *val, size_t size, int flags);
ssize_t hostdir_listxattr(struct inode *ino, char *buf, size_t size);
int hostdir_removexattr(struct inode *ino, const char *name);
#endif
