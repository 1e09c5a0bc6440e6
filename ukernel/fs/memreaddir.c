/*
 * memreaddir.c - reading directories of a tree in memory.
 *
 * Where the host's names show through and no name is our own, the host's entries are passed on as
 * they come.  Otherwise a list is made when reading starts and again at each rewind, so that a
 * position in it stays what it was while names come and go.
 */
#include "fs/host.h"
#include "fs/hostfile.h"
#include "fs/memtree.h"
#include "fs/vfs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct listed {
	uint64_t ino;
	unsigned type;
	char *name;
};

struct mem_dirfile {
	struct host_node *lower; /* counted; NULL: none */
	bool lower_open;	 /* host_node_opendir() was called for it */
	bool stream;		 /* the host's entries are passed on */
	struct listed *list;
	size_t count, cap;
};

static void list_clear(struct mem_dirfile *df)
{
	for (size_t i = 0; i < df->count; i++)
		free(df->list[i].name);
	free(df->list);
	df->list = NULL;
	df->count = df->cap = 0;
}

static int list_append(struct mem_dirfile *df, const char *name, uint64_t ino, unsigned type)
{
	struct listed *l;

	if (df->count == df->cap) {
		size_t cap = df->cap ? df->cap * 2 : 64;

		l = realloc(df->list, cap * sizeof(*l));
		if (!l)
			return -ENOMEM;
		df->list = l;
		df->cap = cap;
	}
	l = &df->list[df->count];
	l->name = strdup(name);
	if (!l->name)
		return -ENOMEM;
	l->ino = ino;
	l->type = type;
	df->count++;
	return 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* A sink between the host's entries and ours. */
struct filter {
	struct dir_sink sink;
	const struct inode *dir;
	struct mem_dirfile *df; /* collect here ... */
	struct dir_sink *next;	/* ... or pass on */
	int err;
	bool found;
	bool passed; /* something was */
};

static bool collect_lower(struct dir_sink *s, const char *name, size_t len, uint64_t ino,
			  unsigned type, uint64_t next_pos)
{
	struct filter *flt = container_of(s, struct filter, sink);

	if (is_dots(name) || mem_dir_find(flt->dir, name))
		return true;
	flt->err = list_append(flt->df, name, ino, type);
	return flt->err == 0;
}

static bool pass_lower(struct dir_sink *s, const char *name, size_t len, uint64_t ino,
		       unsigned type, uint64_t next_pos)
{
	struct filter *flt = container_of(s, struct filter, sink);
	struct mem_entry *e = mem_dir_find(flt->dir, name);

	if (e && !e->inode)
		return true; /* removed since the start */
	flt->passed = true;
	return flt->next->emit(flt->next, name, len, ino, type, next_pos);
}

static bool find_any(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
		     uint64_t next_pos)
{
	struct filter *flt = container_of(s, struct filter, sink);

	if (is_dots(name) || mem_dir_find(flt->dir, name))
		return true;
	flt->found = true;
	return false;
}

static int open_lower(struct mem_dirfile *df)
{
	int fd;

	if (!df->lower || df->lower_open)
		return 0;
	fd = host_node_opendir(df->lower);
	df->lower_open = fd >= 0;
	return fd < 0 ? fd : 0;
}

static int list_build(struct file *f, struct mem_dirfile *df)
{
	struct mem_dir *d = mem_node(f->inode)->dir;
	struct filter flt = {.sink.emit = collect_lower, .dir = f->inode, .df = df};
	struct inode *up = f->path.dentry->parent->inode;
	struct mem_entry *e;
	uint64_t pos = 0;
	int err;

	list_clear(df);
	err = list_append(df, ".", f->inode->ino, DT_DIR);
	if (!err)
		err = list_append(df, "..", up ? up->ino : f->inode->ino, DT_DIR);
	list_for_each (e, &d->order, order)
		if (!err && e->inode)
			err = list_append(df, e->name, e->inode->ino, IFTODT(e->inode->mode));
	if (err || !df->lower)
		return err;
	err = hostfile_readdir(df->lower, &flt.sink, &pos, true);
	return err ? err : flt.err;
}

/* Is an entry of the list still there?  What the host removed is shown: it may be, readdir(3). */
static bool still_there(const struct inode *dir, const struct listed *l)
{
	struct mem_entry *e;

	if (is_dots(l->name))
		return true;
	e = mem_dir_find(dir, l->name);
	return e ? e->inode != NULL : mem_dir_has_lower(dir);
}

static int mem_readdir(struct file *f, struct dir_sink *s)
{
	struct mem_dirfile *df = f->priv;
	uint64_t start;
	int err;

	if (f->pos == 0) {
		err = open_lower(df);
		if (err)
			return err;
		df->stream = df->lower && mem_node(f->inode)->dir->count == 0;
		if (df->stream)
			list_clear(df);
		else
			err = list_build(f, df);
		if (err)
			return err;
	}
	if (df->stream) {
		struct filter flt = {.sink.emit = pass_lower, .dir = f->inode, .next = s};

		do {
			start = f->pos;
			err = hostfile_readdir(df->lower, &flt.sink, &f->pos, false);
		} while (!err && f->pos != start && !flt.passed);
		return err;
	}
	for (; f->pos < df->count; f->pos++) {
		struct listed *l = &df->list[f->pos];

		if (still_there(f->inode, l) &&
		    !s->emit(s, l->name, strlen(l->name), l->ino, l->type, f->pos + 1))
			break;
	}
	return 0;
}

static int64_t mem_dir_llseek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static int mem_dir_fsync(struct file *f, bool data_only)
{
	return 0;
}

static void mem_dir_release(struct file *f)
{
	struct mem_dirfile *df = f->priv;

	list_clear(df);
	if (df->lower_open)
		host_node_closedir(df->lower);
	host_node_put(df->lower);
	free(df);
}

static const struct file_ops mem_dir_ops = {
    .name = "directory",
    .llseek = mem_dir_llseek,
    .readdir = mem_readdir,
    .fsync = mem_dir_fsync,
    .release = mem_dir_release,
};

int mem_opendir(struct inode *dir, struct file *f)
{
	struct mem_dirfile *df = calloc(1, sizeof(*df));
	struct host_node *lower = mem_node(dir)->lower;
	int err;

	if (!df)
		return -ENOMEM;
	df->lower = lower ? host_node_get(lower) : NULL;
	err = open_lower(df); /* now, so that open(2) says what the host says */
	if (err) {
		host_node_put(df->lower);
		free(df);
		return err;
	}
	f->priv = df;
	f->ops = &mem_dir_ops;
	return 0;
}

int mem_dir_empty(struct inode *dir)
{
	struct mem_node *node = mem_node(dir);
	struct filter flt = {.sink.emit = find_any, .dir = dir};
	uint64_t pos = 0;
	int fd, err;

	if (node->dir->count > node->dir->whiteouts)
		return -ENOTEMPTY;
	if (!node->lower)
		return 0;
	fd = host_node_opendir(node->lower);
	if (fd < 0)
		return fd;
	err = hostfile_readdir(node->lower, &flt.sink, &pos, true);
	host_node_closedir(node->lower);
	return err ? err : flt.found ? -ENOTEMPTY : 0;
}
