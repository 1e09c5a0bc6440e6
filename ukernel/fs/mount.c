/*
 * mount.c - the tree of mounts.
 *
 * At most one mount covers an entry; a later one on the same place covers the root of the first.
 * Mounts are made at boot and stay.
 */
#include "fs/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct list_head mount_list = LIST_INIT(mount_list);
struct path root_path;

struct path *path_get(struct path *p)
{
	if (p->mnt) /* files without a place in the tree have no mount */
		p->mnt->refs++;
	dentry_get(p->dentry);
	return p;
}

void path_put(struct path *p)
{
	if (!p->dentry)
		return;
	dentry_put(p->dentry);
	if (p->mnt)
		p->mnt->refs--; /* never the last: mount_list holds one */
	p->dentry = NULL;
	p->mnt = NULL;
}

bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

static struct mount *mount_create(struct super *sb, const char *source)
{
	static int next_id = 20;
	struct mount *mnt = calloc(1, sizeof(*mnt));

	if (!mnt)
		return NULL;
	mnt->source = strdup(source ? source : sb->type->name);
	mnt->root = dentry_root(sb);
	if (!mnt->source || !mnt->root) {
		free(mnt->source);
		free(mnt);
		return NULL;
	}
	mnt->refs = 1;
	mnt->id = next_id++;
	mnt->sb = sb;
	sb->refs++;
	list_add_tail(&mnt->all, &mount_list);
	return mnt;
}

int mount_root(struct super *sb, const char *source)
{
	struct mount *mnt = mount_create(sb, source);

	if (!mnt)
		return -ENOMEM;
	mnt->read_only = sb->read_only;
	root_path = (struct path){.mnt = mnt, .dentry = mnt->root};
	path_get(&root_path);
	return 0;
}

int mount_at(const struct path *at, struct super *sb, bool read_only, const char *source)
{
	struct path p = *at;
	struct mount *mnt;

	path_get(&p);
	mount_descend(&p);
	if (S_ISDIR(p.dentry->inode->mode) != S_ISDIR(sb->root->mode)) {
		path_put(&p);
		return -ENOTDIR;
	}
	mnt = mount_create(sb, source);
	if (!mnt) {
		path_put(&p);
		return -ENOMEM;
	}
	mnt->read_only = read_only;
	mnt->parent = p.mnt;
	mnt->mountpoint = p.dentry;
	p.dentry->mounted = mnt;
	return 0;
}

int mount_want_write(const struct mount *mnt)
{
	return mnt && (mnt->read_only || mnt->sb->read_only) ? -EROFS : 0;
}

bool mount_descend(struct path *p)
{
	bool moved = false;

	while (p->dentry->mounted) {
		struct mount *mnt = p->dentry->mounted;
		struct path down = {.mnt = mnt, .dentry = mnt->root};

		path_get(&down);
		path_put(p);
		*p = down;
		moved = true;
	}
	return moved;
}

bool mount_ascend(struct path *p)
{
	struct path up = {.mnt = p->mnt->parent, .dentry = p->mnt->mountpoint};

	if (!up.mnt)
		return false;
	path_get(&up);
	path_put(p);
	*p = up;
	return true;
}
