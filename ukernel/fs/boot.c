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

int vfs_boot_workdir(struct task *t, const struct boot_config *config)
{
	char *text = name_buf_get();
	const char *dir = config->workdir;
	struct path cwd;
	int err = 0;

	if (!text)
		return -ENOMEM;
	if (!dir)
		dir = host_getcwd(text, PATH_LIMIT) > 0 ? text : "/";
	err = path_lookup(t, AT_FDCWD, dir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &cwd);
	name_buf_put(text);
	if (err && config->workdir) {
		log_error(boot, "cannot enter %s: %s", config->workdir, strerror(-err));
		return err;
	}
	if (!err) {
		path_put(&t->fs->cwd);
		t->fs->cwd = cwd;
	}
	return 0;
}
