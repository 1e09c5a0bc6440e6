/*
 * namei.c - from a name to a place in the tree (path_resolution(7)).
 *
 * Every component is looked up by us, symlinks included, so the host never walks a path that a
 * guest wrote.  A symlink's text is pushed as a new level of the walk; when a level is used up the
 * walk goes on in the one below.
 */
#include "fs/vfs.h"
#include "kern/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL_LIMIT 16
static char *pool[POOL_LIMIT];
static int pool_count;

char *name_buf_get(void)
{
	return pool_count > 0 ? pool[--pool_count] : malloc(PATH_LIMIT);
}

void name_buf_put(char *buf)
{
	if (!buf)
		return;
	if (pool_count < POOL_LIMIT)
		pool[pool_count++] = buf;
	else
		free(buf);
}

int name_from_user(struct task *t, uaddr_t uname, bool allow_empty, char **out)
{
	char *buf = name_buf_get();
	ssize_t len;

	if (!buf)
		return -ENOMEM;
	len = string_from_user(t, buf, uname, PATH_LIMIT);
	if (len == 0 && !allow_empty)
		len = -ENOENT;
	if (len < 0) {
		name_buf_put(buf);
		return len;
	}
	*out = buf;
	return 0;
}

static int walk_base(struct walk *w, int dirfd, const char *name)
{
	struct fs_context *fs = w->task->fs;
	struct file *f;

	if (name[0] == '/' && !(w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))) {
		w->cur = fs->root;
		path_get(&w->cur);
		return 0;
	}
	if (name[0] == '/' && (w->flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (dirfd == AT_FDCWD) {
		w->cur = fs->cwd;
		path_get(&w->cur);
		return 0;
	}
	f = fd_get_path(w->task, dirfd);
	if (!f)
		return -EBADF;
	if ((name[0] || !(w->flags & LOOKUP_EMPTY)) && !S_ISDIR(f->inode->mode)) {
		file_put(f);
		return -ENOTDIR;
	}
	w->cur = f->path;
	path_get(&w->cur);
	file_put(f);
	return 0;
}

int walk_init(struct walk *w, struct task *t, int dirfd, const char *name, unsigned flags)
{
	int err;

	vfs_tick++;
	w->task = t;
	w->flags = flags;
	w->rest = name;
	w->links = w->depth = 0;
	w->trailing = w->last_dots = false;
	w->last[0] = '\0';
	w->root.dentry = w->cur.dentry = NULL;
	w->root.mnt = w->cur.mnt = NULL;
	if (!name[0] && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	err = walk_base(w, dirfd, name);
	if (err)
		return err;
	w->root = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT) ? w->cur : t->fs->root;
	path_get(&w->root);
	return 0;
}

void walk_end(struct walk *w)
{
	while (w->depth > 0)
		free(w->level[--w->depth].text);
	path_put(&w->cur);
	path_put(&w->root);
}

/* Continue through text (owned by the walk from here on, even on failure). */
static int walk_push(struct walk *w, char *text)
{
	if (text[0] == '/') {
		struct path root = w->root;

		if (w->flags & LOOKUP_BENEATH) {
			free(text);
			return -EXDEV;
		}
		if ((w->flags & LOOKUP_NO_XDEV) && w->cur.mnt != root.mnt) {
			free(text);
			return -EXDEV;
		}
		path_get(&root);
		path_put(&w->cur);
		w->cur = root;
	}
	w->level[w->depth].text = text;
	w->level[w->depth++].resume = w->rest;
	w->rest = text;
	return 0;
}

/* A magic link (proc's) leads somewhere without a text. */
static int walk_jump(struct walk *w, struct inode *ino)
{
	struct path to;
	int err;

	if (w->flags & LOOKUP_NO_MAGIC)
		return -ELOOP;
	if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -EXDEV;
	err = ino->ops->follow(ino, w->task, &to);
	if (err)
		return err;
	if ((w->flags & LOOKUP_NO_XDEV) && w->cur.mnt != to.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	path_put(&w->cur);
	w->cur = to;
	return WALK_JUMPED;
}

int walk_follow(struct walk *w, struct dentry *link)
{
	struct inode *ino = link->inode;
	char *buf, *text;
	ssize_t len;

	if (++w->links > SYMLINK_LIMIT || (w->flags & LOOKUP_NO_SYMLINKS))
		return -ELOOP;
	if (ino->ops->follow)
		return walk_jump(w, ino);
	buf = name_buf_get();
	if (!buf)
		return -ENOMEM;
	len = ino->ops->readlink ? ino->ops->readlink(ino, buf, PATH_LIMIT - 1) : -EINVAL;
	text = len > 0 ? strndup(buf, len) : NULL;
	name_buf_put(buf);
	if (len < 0)
		return len;
	if (len == 0)
		return -ENOENT;
	return text ? walk_push(w, text) : -ENOMEM;
}

static int walk_dotdot(struct walk *w)
{
	struct dentry *up;

	for (;;) {
		if (path_equal(&w->cur, &w->root))
			return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
		if (!w->cur.mnt || w->cur.dentry != w->cur.mnt->root)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return w->cur.mnt->parent ? -EXDEV : 0;
		if (!mount_ascend(&w->cur))
			return 0;
	}
	up = dentry_get(w->cur.dentry->parent);
	dentry_put(w->cur.dentry);
	w->cur.dentry = up;
	mount_descend(&w->cur);
	return 0;
}

/* Cut the next component off; its length, 0 when the walk is at its end. */
static int next_component(struct walk *w, const char **name)
{
	for (;;) {
		while (*w->rest == '/')
			w->rest++;
		if (*w->rest)
			break;
		if (w->depth == 0)
			return 0;
		w->rest = w->level[--w->depth].resume;
		free(w->level[w->depth].text);
	}
	*name = w->rest;
	w->rest = strchrnul(w->rest, '/');
	return w->rest - *name > NAME_LIMIT ? -ENAMETOOLONG : w->rest - *name;
}

/* Is nothing left to walk?  Notes whether a slash follows. */
static bool at_last(struct walk *w)
{
	const char *p = w->rest;
	bool slash = false;

	for (int i = w->depth;; i--) {
		for (; *p == '/'; p++)
			slash = true;
		if (*p)
			return false;
		if (i == 0)
			break;
		p = w->level[i - 1].resume;
	}
	w->trailing = slash;
	return true;
}

static int may_search(struct walk *w)
{
	struct inode *dir = w->cur.dentry->inode;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	return inode_permission(dir, w->task->cred, X_OK);
}

/* One component down; last: it is the last one. */
static int walk_step(struct walk *w, const char *name, int len, bool last)
{
	struct dentry *d;
	int err;

	if (name[0] == '.' && len == 1)
		return 0;
	if (name[0] == '.' && name[1] == '.' && len == 2)
		return walk_dotdot(w);
	err = dentry_lookup(w->cur.dentry, name, len, &d);
	if (err)
		return err;
	if (!d->inode) {
		dentry_put(d);
		return -ENOENT;
	}
	if (S_ISLNK(d->inode->mode) && (!last || w->trailing || (w->flags & LOOKUP_FOLLOW))) {
		err = walk_follow(w, d);
		dentry_put(d);
		return err == WALK_JUMPED ? 0 : err;
	}
	dentry_put(w->cur.dentry);
	w->cur.dentry = d;
	if (d->mounted) {
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		mount_descend(&w->cur);
	}
	return 0;
}

static int walk(struct walk *w, bool stop_at_parent)
{
	const char *name;
	int err, len;

	for (;;) {
		bool last;

		len = next_component(w, &name);
		if (len <= 0)
			break;
		err = may_search(w);
		if (err)
			return err;
		last = at_last(w);
		w->last_dots = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
		if (last && stop_at_parent) {
			memcpy(w->last, name, len);
			w->last[len] = '\0';
			return 0;
		}
		err = walk_step(w, name, len, last);
		if (err)
			return err;
	}
	if (len < 0)
		return len;
	if (stop_at_parent) { /* "/" or nothing but slashes */
		w->last_dots = true;
		strcpy(w->last, ".");
	}
	return 0;
}

int walk_parent(struct walk *w)
{
	return walk(w, true);
}

int walk_all(struct walk *w)
{
	int err = walk(w, false);

	if (err)
		return err;
	if ((w->trailing || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(w->cur.dentry->inode->mode))
		return -ENOTDIR;
	return 0;
}

int path_lookup(struct task *t, int dirfd, const char *name, unsigned flags, struct path *out)
{
	struct walk w;
	int err = walk_init(&w, t, dirfd, name, flags);

	if (!err)
		err = walk_all(&w);
	if (!err) {
		*out = w.cur;
		w.cur.dentry = NULL;
		w.cur.mnt = NULL;
	}
	walk_end(&w);
	return err;
}

int path_lookup_parent(struct task *t, int dirfd, const char *name, struct path *parent,
		       char last[256], bool *trailing)
{
	struct walk w;
	int err = walk_init(&w, t, dirfd, name, 0);

	if (!err)
		err = walk_parent(&w);
	if (!err) {
		*parent = w.cur;
		w.cur.dentry = NULL;
		w.cur.mnt = NULL;
		memcpy(last, w.last, sizeof(w.last));
		*trailing = w.trailing;
	}
	walk_end(&w);
	return err;
}

int path_from_user(struct task *t, int dirfd, uaddr_t uname, unsigned flags, struct path *out)
{
	char *name;
	int err = name_from_user(t, uname, flags & LOOKUP_EMPTY, &name);

	if (err)
		return err;
	err = path_lookup(t, dirfd, name, flags, out);
	name_buf_put(name);
	return err;
}
