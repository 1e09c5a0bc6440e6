/*
 * permission.c - who may do what: mode bits, owners, groups and capabilities (path_resolution(7),
 * capabilities(7)).  It judges by the guest's credentials only; what the host lets the supervisor
 * do is the host's affair.
 */
#include "fs/vfs.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int inode_permission_generic(struct inode *ino, const struct cred *c, int mask)
{
	unsigned bits = ino->mode;

	if (c->fsuid == ino->uid)
		bits >>= 6;
	else if (cred_in_group(c, ino->gid))
		bits >>= 3;
	if ((bits & mask) == (unsigned)mask)
		return 0;
	if (S_ISDIR(ino->mode)) {
		if (!(mask & W_OK) && cred_capable(c, CAP_DAC_READ_SEARCH_BIT))
			return 0;
		return cred_capable(c, CAP_DAC_OVERRIDE_BIT) ? 0 : -EACCES;
	}
	if (mask == R_OK && cred_capable(c, CAP_DAC_READ_SEARCH_BIT))
		return 0;
	/* Even root executes only what somebody may execute. */
	if ((!(mask & X_OK) || (ino->mode & 0111)) && cred_capable(c, CAP_DAC_OVERRIDE_BIT))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *ino, const struct cred *c, int mask)
{
	mask &= R_OK | W_OK | X_OK;
	if ((mask & W_OK) && ino->sb->read_only &&
	    (S_ISREG(ino->mode) || S_ISDIR(ino->mode) || S_ISLNK(ino->mode)))
		return -EROFS;
	if (ino->ops && ino->ops->permission)
		return ino->ops->permission(ino, c, mask);
	return inode_permission_generic(ino, c, mask);
}

int path_permission(const struct path *p, const struct cred *c, int mask)
{
	struct inode *ino = p->dentry->inode;

	if ((mask & W_OK) && mount_want_write(p->mnt) &&
	    (S_ISREG(ino->mode) || S_ISDIR(ino->mode) || S_ISLNK(ino->mode)))
		return -EROFS;
	return inode_permission(ino, c, mask);
}

bool inode_owner_or_capable(const struct inode *ino, const struct cred *c)
{
	return c->fsuid == ino->uid || cred_capable(c, CAP_FOWNER_BIT);
}

int may_create(const struct path *dir, const struct cred *c)
{
	int err = mount_want_write(dir->mnt);

	if (err)
		return err;
	if (dir->dentry->unlinked)
		return -ENOENT;
	return path_permission(dir, c, W_OK | X_OK);
}

int may_delete(const struct path *dir, struct dentry *victim, const struct cred *c, bool isdir)
{
	const struct inode *d = dir->dentry->inode;
	const struct inode *v = victim->inode;
	int err;

	if (!v)
		return -ENOENT;
	err = mount_want_write(dir->mnt);
	if (err)
		return err;
	err = path_permission(dir, c, W_OK | X_OK);
	if (err)
		return err;
	if ((d->mode & S_ISVTX) && v->uid != c->fsuid && d->uid != c->fsuid &&
	    !cred_capable(c, CAP_FOWNER_BIT))
		return -EPERM;
	if (isdir && !S_ISDIR(v->mode))
		return -ENOTDIR;
	if (!isdir && S_ISDIR(v->mode))
		return -EISDIR;
	if (victim->mounted || victim == dir->mnt->root)
		return -EBUSY;
	return dir->dentry->unlinked ? -ENOENT : 0;
}
