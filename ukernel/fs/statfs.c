/*
 * statfs.c - statfs(2), fstatfs(2).
 */
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#define ABI_ST_VALID 0x20 /* f_flags are set: the kernel's own mark */

static int statfs_path(const struct path *p, struct abi_statfs *out)
{
	struct super *sb = p->dentry->inode->sb;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = NAME_LIMIT;
	out->type = sb->type->magic;
	if (sb->type->statfs)
		err = sb->type->statfs(sb, out);
	out->fsid[0] = sb->dev;
	out->flags = ABI_ST_VALID | ST_RELATIME;
	if (sb->read_only || (p->mnt && p->mnt->read_only))
		out->flags |= ST_RDONLY;
	return err;
}

long sys_statfs(struct task *t, uaddr_t path, uaddr_t buf)
{
	struct abi_statfs st;
	struct path p;
	int err = path_from_user(t, AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_path(&p, &st);
	path_put(&p);
	return err ? err : put_user(t, st, buf);
}

long sys_fstatfs(struct task *t, int fd, uaddr_t buf)
{
	struct file *f = fd_get_path(t, fd);
	struct abi_statfs st;
	int err;

	if (!f)
		return -EBADF;
	err = statfs_path(&f->path, &st);
	file_put(f);
	return err ? err : put_user(t, st, buf);
}
