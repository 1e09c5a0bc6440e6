/*
 * boot.c - mounts for the first process, as the command line asks for them.
 *
 * The default view is the host's root under an overlay in memory; over it come proc, dev, a tmpfs
 * for /dev/shm, and what the user binds.  Mount points that are missing are made in the overlay.
 */
#include "fs/boot.h"

#include "fs/host.h"
#include "fs/hostnode.h"
#include "fs/inode.h"
#include "fs/vfs.h"
#include "kern/boot.h"
#include "kern/task.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Options for a file system in memory under --memory: half of it, so that files cannot take what
 * processes need to remove them (Linux's default for a tmpfs, too). */
static void limit_option(const struct boot_config *config, char *out, size_t size)
{
	if (config->memory_max)
		snprintf(out, size, ",size=%" PRIu64, config->memory_max / 2);
}

/* To the options of a mount of host files. */
static void trust_option(const struct boot_config *config, bool bound, char *out, size_t size)
{
	uint64_t ns = bound ? HOST_TRUST_NONE : HOST_TRUST_SECOND;

	if (config->files == FILES_SHARED)
		ns = HOST_TRUST_NONE;
	if (config->files == FILES_EXCLUSIVE)
		ns = HOST_TRUST_FOREVER;
	snprintf(out, size, ",trust=%" PRIu64, ns);
}

static int boot_root(const struct boot_config *config)
{
	const struct fs_type *type = config->root_read_only ? &fs_hostdir : &fs_overlay;
	char options[96] = "ro";
	struct super *sb;
	int err;

	if (!config->root_read_only)
		limit_option(config, options, sizeof(options));
	trust_option(config, false, options + strlen(options), sizeof(options) - strlen(options));
	err = type->mount(config->root_dir, options, &sb);
	if (!err && !S_ISDIR(sb->root->mode))
		err = -ENOTDIR;
	if (!err)
		err = mount_root(sb, config->root_dir);
	if (err)
		log_error(boot, "cannot use %s as the root: %s", config->root_dir, strerror(-err));
	return err;
}

/* Something that can walk paths, with every right: there is no process yet. */
static struct task *walker_create(void)
{
	struct task *t = calloc(1, sizeof(*t));
	struct cred *c = cred_alloc(0);

	if (!t || !c) {
		free(t);
		return NULL;
	}
	c->cap_effective = c->cap_permitted = CAP_ALL;
	t->cred = c;
	t->fs = fs_context_create(&root_path, &root_path);
	if (!t->fs) {
		cred_put(c);
		free(t);
		return NULL;
	}
	return t;
}

static void walker_destroy(struct task *t)
{
	fs_context_put(t->fs);
	cred_put(t->cred);
	free(t);
}

/* An entry that is missing in dir: a directory, or an empty file. */
static int make_entry(struct task *t, struct path *dir, const char *name, mode_t type)
{
	struct inode *d = dir->dentry->inode, *ino;
	struct dentry *entry;
	int err;

	if (mount_want_write(dir->mnt))
		return -EROFS;
	err = dentry_lookup(dir->dentry, name, strlen(name), &entry);
	if (err)
		return err;
	if (entry->inode)
		err = -EEXIST; /* a symlink that leads nowhere */
	else if (type == S_IFDIR)
		err =
		    d->ops->mkdir ? d->ops->mkdir(d, name, S_IFDIR | 0755, t->cred, &ino) : -EROFS;
	else
		err = d->ops->create ? d->ops->create(d, name, S_IFREG | 0644, t->cred, &ino)
				     : -EROFS;
	if (!err)
		dentry_instantiate(entry, ino);
	dentry_put(entry);
	return err;
}

/* Make what is missing of name, an absolute path, and find it. */
static int make_point(struct task *t, const char *name, mode_t type, struct path *out)
{
	char *text = strdup(name), *end = text;
	int err = -ENOMEM;

	while (text) {
		char last[NAME_LIMIT + 1], saved;
		struct path dir;
		bool trailing;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		saved = *end;
		*end = '\0';
		err = path_lookup(t, AT_FDCWD, text, LOOKUP_FOLLOW, out);
		if (err == -ENOENT) {
			err = path_lookup_parent(t, AT_FDCWD, text, &dir, last, &trailing);
			if (err)
				break;
			err = make_entry(t, &dir, last, saved ? S_IFDIR : type);
			path_put(&dir);
			if (!err)
				err = path_lookup(t, AT_FDCWD, text, LOOKUP_FOLLOW, out);
		}
		*end = saved;
		if (err || !end[strspn(end, "/")])
			break;
		path_put(out);
	}
	free(text);
	return err;
}

/* Mount a fresh file system of type on dst.  What is said on failure is left to the caller. */
static int mount_on(struct task *t, const struct fs_type *type, const char *source,
		    const char *options, const char *dst, bool read_only)
{
	struct super *sb;
	struct path p;
	int err = type->mount(source, options, &sb);

	if (err)
		return err;
	err = make_point(t, dst, sb->root->mode & S_IFMT, &p);
	if (!err) {
		err = mount_at(&p, sb, read_only, source);
		path_put(&p);
	}
	super_put(sb);
	return err;
}

static const struct system_mount {
	const struct fs_type *type;
	const char *source, *options, *dst;
} system_mounts[] = {
    {&fs_proc, "proc", "", "/proc"},
    {&fs_dev, "dev", "", "/dev"},
    {&fs_tmpfs, "tmpfs", "mode=1777", "/dev/shm"},
};

static int boot_binds(struct task *t, const struct boot_config *config)
{
	for (unsigned i = 0; i < config->nr_binds; i++) {
		const struct bind_spec *b = &config->binds[i];
		char options[64];
		int err;

		strcpy(options, b->read_only ? "ro" : "rw");
		trust_option(config, true, options + 2, sizeof(options) - 2);
		err = mount_on(t, &fs_hostdir, b->src, options, b->dst, b->read_only);
		if (err) {
			log_error(boot, "cannot bind %s to %s: %s", b->src, b->dst, strerror(-err));
			return err;
		}
	}
	return 0;
}

int vfs_boot(const struct boot_config *config)
{
	struct task *t;
	int err;

	host_raise_nofile();
	err = boot_root(config);
	if (err)
		return err;
	t = walker_create();
	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(system_mounts) / sizeof(system_mounts[0]); i++) {
		const struct system_mount *m = &system_mounts[i];
		char options[64];

		snprintf(options, sizeof(options), "%s", m->options);
		if (m->type == &fs_tmpfs)
			limit_option(config, options + strlen(options),
				     sizeof(options) - strlen(options));
		err = mount_on(t, m->type, m->source, options, m->dst, false);
		if (err) /* a bare or read-only root may do without */
			log_warn(boot, "no %s: %s", m->dst, strerror(-err));
	}
	err = boot_binds(t, config);
	walker_destroy(t);
	return err;
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
