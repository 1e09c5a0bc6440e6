/*
 * fs_context.c - a task's view of the tree: root, working directory, umask.  Shared by CLONE_FS.
 */
#include "fs/inode.h"

#include <stdlib.h>

struct fs_context *fs_context_create(const struct path *root, const struct path *cwd)
{
	struct fs_context *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return NULL;
	fs->refs = 1;
	fs->root = *root;
	fs->cwd = *cwd;
	path_get(&fs->root);
	path_get(&fs->cwd);
	fs->umask = 022;
	return fs;
}

struct fs_context *fs_context_copy(const struct fs_context *from)
{
	struct fs_context *fs = fs_context_create(&from->root, &from->cwd);

	if (fs)
		fs->umask = from->umask;
	return fs;
}

void fs_context_get(struct fs_context *fs)
{
	fs->refs++;
}

void fs_context_put(struct fs_context *fs)
{
	if (!fs || --fs->refs > 0)
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	free(fs);
}
