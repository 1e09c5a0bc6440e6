/*
 * boot.c - mounts for the first process, as the command line asks for them.
 */
#include "fs/boot.h"

#include "fs/host.h"
#include "fs/inode.h"
#include "fs/vfs.h"
#include "kern/boot.h"
#include "kern/task.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int boot_root(const struct boot_config *config)
{
	struct super *sb;
	int err = fs_hostdir.mount(config->root_dir, "ro", &sb);

	if (!err)
		err = mount_root(sb, config->root_dir);
	if (err)
		log_error(boot, "cannot use %s as the root: %s", config->root_dir, strerror(-err));
	return err;
}

int vfs_boot(const struct boot_config *config)
{
	host_raise_nofile();
	return boot_root(config);
}

int vfs_boot_context(struct task *t, const struct boot_config *config)
{
	char *text = name_buf_get();
	struct path cwd = root_path;
	ssize_t len = -ENOENT;
	int err;

	if (!text)
		return -ENOMEM;
	path_get(&cwd);
	t->fs = fs_context_create(&root_path, &cwd);
	path_put(&cwd);
	if (!t->fs) {
		name_buf_put(text);
		return -ENOMEM;
	}
	if (!config->workdir)
		len = host_getcwd(text, PATH_LIMIT);
	err = config->workdir ? path_lookup(t, AT_FDCWD, config->workdir,
					    LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &cwd)
	    : len > 0	      ? path_lookup(t, AT_FDCWD, text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY,
					    &cwd)
			      : -ENOENT;
	name_buf_put(text);
	if (!err) {
		path_put(&t->fs->cwd);
		t->fs->cwd = cwd;
	} else if (config->workdir) {
		log_error(boot, "cannot enter %s: %s", config->workdir, strerror(-err));
		return err;
	}
	return 0;
}
