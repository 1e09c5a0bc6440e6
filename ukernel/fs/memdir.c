/*
 * memdir.c - names in a tree in memory: tables, whiteouts, and the calls that change them.
 *
 * Order of work in each change: first everything that can fail (memory, the host), then the change.
 */
#include "fs/host.h"
#include "fs/memtree.h"
#include "fs/vfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_BUCKETS 8

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h ^ h >> 15;
}

static uint64_t entry_bytes(const char *name)
{
	return sizeof(struct mem_entry) + strlen(name) + 1;
}

struct mem_entry *mem_dir_find(const struct inode *dir, const char *name)
{
	const struct mem_dir *d = mem_node(dir)->dir;
	uint32_t hash = hash_name(name);

	if (d->count == 0)
		return NULL;
	for (struct mem_entry *e = d->bucket[hash & (d->size - 1)]; e; e = e->hash_next)
		if (e->hash == hash && strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

bool mem_dir_has_lower(const struct inode *dir)
{
	return mem_node(dir)->lower != NULL;
}

static int dir_grow(struct mem_dir *d)
{
	unsigned size = d->size ? d->size * 2 : FIRST_BUCKETS;
	struct mem_entry **bucket, *e;

	if (d->count < d->size)
		return 0;
	bucket = calloc(size, sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	list_for_each (e, &d->order, order) {
		struct mem_entry **head = &bucket[e->hash & (size - 1)];

		e->hash_next = *head;
		*head = e;
	}
	free(d->bucket);
	d->bucket = bucket;
	d->size = size;
	return 0;
}

/* Enter name; ino (a reference is taken) or NULL for a whiteout.  The name is not there yet. */
static int entry_add(struct inode *dir, const char *name, struct inode *ino)
{
	struct mem_node *node = mem_node(dir);
	struct mem_dir *d = node->dir;
	struct mem_entry *e, **head;
	int err = mem_charge(node->ms, entry_bytes(name));

	if (err && ino && !mem_node(ino)->lower)
		return err;
	if (err) /* what stands for the host's is bounded by the host, and removing must work */
		mem_charge_force(node->ms, entry_bytes(name));
	e = malloc(entry_bytes(name));
	if (!e || dir_grow(d)) {
		free(e);
		mem_uncharge(node->ms, entry_bytes(name));
		return -ENOMEM;
	}
	strcpy(e->name, name);
	e->hash = hash_name(name);
	e->inode = ino ? inode_get(ino) : NULL;
	head = &d->bucket[e->hash & (d->size - 1)];
	e->hash_next = *head;
	*head = e;
	list_add_tail(&e->order, &d->order);
	d->count++;
	d->whiteouts += !ino;
	return 0;
}

static void entry_remove(struct inode *dir, struct mem_entry *e)
{
	struct mem_dir *d = mem_node(dir)->dir;
	struct mem_entry **p = &d->bucket[e->hash & (d->size - 1)];

	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
	list_del(&e->order);
	d->count--;
	d->whiteouts -= !e->inode;
	mem_uncharge(mem_node(dir)->ms, entry_bytes(e->name));
	inode_put(e->inode);
	free(e);
}

static void entry_set(struct inode *dir, struct mem_entry *e, struct inode *ino)
{
	struct mem_dir *d = mem_node(dir)->dir;
	struct inode *old = e->inode;

	d->whiteouts += !ino - !old;
	e->inode = ino ? inode_get(ino) : NULL;
	inode_put(old);
}

/*
 * Free a table with all that hangs below it.  Not by recursion: a tree may be deeper than the
 * kernel stack.  An inode that would go with its entry has its own table emptied first, into d.
 */
void mem_dir_free(struct mem_dir *d, struct mem_super *ms)
{
	while (d->count > 0) {
		struct mem_entry *e = list_first(&d->order, struct mem_entry, order);
		struct mem_dir *below =
		    e->inode && e->inode->refs == 1 ? mem_node(e->inode)->dir : NULL;

		while (below && below->count > 0) {
			struct mem_entry *b = list_first(&below->order, struct mem_entry, order);

			list_del(&b->order);
			list_add_tail(&b->order, &d->order);
			below->count--;
			d->count++;
		}
		list_del(&e->order);
		d->count--;
		mem_uncharge(ms, entry_bytes(e->name));
		inode_put(e->inode);
		free(e);
	}
	free(d->bucket);
	free(d);
}

/* Does the host directory below dir have that name? */
static bool lower_has(const struct inode *dir, const char *name)
{
	struct host_node *lower = mem_node(dir)->lower;
	struct stat st;
	int fd;

	if (!lower)
		return false;
	fd = host_node_fd(lower);
	return fd >= 0 && host_fstatat(fd, name, &st) == 0;
}

int mem_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct mem_entry *e = mem_dir_find(dir, name);
	struct host_node *n;
	int err;

	if (e) {
		*out = e->inode ? inode_get(e->inode) : NULL;
		return e->inode ? 0 : -ENOENT;
	}
	if (!mem_dir_has_lower(dir))
		return -ENOENT;
	err = host_node_lookup(mem_node(dir)->lower, name, &n);
	return err ? err : mem_inode_for_lower(dir->sb, n, out);
}

/*
 * Each step enters a node under the name that the host has for it, in the node of the host's
 * directory.  A whiteout or another inode in that place means that it has been moved or removed:
 * then whoever moved it has entered it.
 */
int mem_pin(struct inode *ino)
{
	while (ino != ino->sb->root && mem_node(ino)->lower) {
		struct host_node *n = mem_node(ino)->lower;
		struct inode *dir = n->parent ? n->parent->owner : NULL;
		int err;

		if (!dir || mem_dir_find(dir, n->name))
			return 0;
		err = entry_add(dir, n->name, ino);
		if (err)
			return err;
		ino = dir;
	}
	return 0;
}

/* dir's own times and the way to it are to be remembered from now on. */
static int dir_changing(struct inode *dir)
{
	return mem_attr_up(dir);
}

static void dir_changed(struct inode *dir)
{
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

/* Put ino under name, where there may be a whiteout. */
static int name_set(struct inode *dir, const char *name, struct inode *ino)
{
	struct mem_entry *e = mem_dir_find(dir, name);

	if (!e)
		return entry_add(dir, name, ino);
	entry_set(dir, e, ino);
	return 0;
}

/* Take name away; hide it if the host has it. */
static int name_clear(struct inode *dir, const char *name)
{
	struct mem_entry *e = mem_dir_find(dir, name);

	if (lower_has(dir, name))
		return name_set(dir, name, NULL);
	if (e)
		entry_remove(dir, e);
	return 0;
}

static int add_new(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
		   struct inode **out)
{
	struct inode *ino;
	int err = dir_changing(dir);

	if (err)
		return err;
	ino = mem_inode_create(dir->sb, mode, &err);
	if (!ino)
		return err;
	inode_init_owner(ino, dir, mode, c);
	*out = ino;
	if (!name)
		return 0;
	err = name_set(dir, name, ino);
	if (err) {
		inode_put(ino);
		return err;
	}
	if (S_ISDIR(mode))
		dir->nlink++;
	dir_changed(dir);
	return 0;
}

int mem_create(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
	       struct inode **out)
{
	return add_new(dir, name, mode, c, out);
}

int mem_tmpfile(struct inode *dir, mode_t mode, const struct cred *c, struct inode **out)
{
	int err = add_new(dir, NULL, mode, c, out);

	if (!err)
		(*out)->nlink = 0;
	return err;
}

int mem_mkdir(struct inode *dir, const char *name, mode_t mode, const struct cred *c,
	      struct inode **out)
{
	return add_new(dir, name, mode | S_IFDIR, c, out);
}

int mem_mknod(struct inode *dir, const char *name, mode_t mode, uint64_t rdev, const struct cred *c,
	      struct inode **out)
{
	int err = add_new(dir, name, mode, c, out);

	if (!err)
		(*out)->rdev = rdev;
	return err;
}

int mem_symlink(struct inode *dir, const char *name, const char *target, const struct cred *c,
		struct inode **out)
{
	char *text = strdup(target);
	int err = text ? add_new(dir, name, S_IFLNK | 0777, c, out) : -ENOMEM;

	if (err) {
		free(text);
		return err;
	}
	mem_node(*out)->target = text;
	(*out)->size = strlen(text);
	return 0;
}

static void nlink_add(struct inode *ino, int n)
{
	ino->nlink += n;
	if (!mem_node(ino)->attr_up)
		mem_node(ino)->nlink_delta += n;
}

int mem_link(struct inode *dir, const char *name, struct inode *target)
{
	int err = dir_changing(dir);

	if (!err)
		err = mem_attr_up(target); /* ctime changes */
	if (!err)
		err = name_set(dir, name, target);
	if (err)
		return err;
	nlink_add(target, 1);
	inode_touch(target, ATTR_CTIME);
	dir_changed(dir);
	return 0;
}

/* One name of victim will go: what can fail of that. */
static int prepare_forget(struct inode *victim)
{
	/* The other names of a host file must go on showing one link less. */
	return victim->nlink > 1 && !S_ISDIR(victim->mode) ? mem_attr_up(victim) : 0;
}

static void forget_link(struct inode *victim)
{
	nlink_add(victim, S_ISDIR(victim->mode) ? -(int)victim->nlink : -1);
	if (mem_node(victim)->attr_up)
		inode_touch(victim, ATTR_CTIME);
	if (victim->nlink == 0 && mem_node(victim)->held) {
		mem_node(victim)->held = false;
		inode_put(victim); /* the caller has it too */
	}
}

static int remove_name(struct inode *dir, const char *name, struct inode *victim)
{
	int err = dir_changing(dir);

	inode_get(victim); /* its entry may be the last holder */
	if (!err)
		err = prepare_forget(victim);
	if (!err)
		err = name_clear(dir, name);
	if (!err) {
		forget_link(victim);
		if (S_ISDIR(victim->mode) && dir->nlink > 2)
			dir->nlink--;
		dir_changed(dir);
	}
	inode_put(victim);
	return err;
}

int mem_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	return remove_name(dir, name, victim);
}

int mem_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	int err = mem_dir_empty(victim);

	return err ? err : remove_name(dir, name, victim);
}

static int exchange(struct inode *olddir, const char *oldname, struct inode *a,
		    struct inode *newdir, const char *newname, struct inode *b)
{
	int err = name_set(olddir, oldname, b);

	if (!err) {
		err = name_set(newdir, newname, a);
		if (err)
			(void)name_set(olddir, oldname, a); /* its entry exists: cannot fail */
	}
	if (err)
		return err;
	if (S_ISDIR(a->mode) && !S_ISDIR(b->mode)) {
		olddir->nlink--;
		newdir->nlink++;
	} else if (S_ISDIR(b->mode) && !S_ISDIR(a->mode)) {
		olddir->nlink++;
		newdir->nlink--;
	}
	return 0;
}

/* The caller (rename.c) has made sure that old exists and that new may be replaced. */
static int move(struct inode *olddir, const char *oldname, struct inode *ino, struct inode *newdir,
		const char *newname, struct inode *victim)
{
	int err;

	if (victim && S_ISDIR(victim->mode)) {
		err = mem_dir_empty(victim);
		if (err)
			return err;
	}
	if (victim) {
		err = prepare_forget(victim);
		if (err)
			return err;
	}
	err = name_set(newdir, newname, ino);
	if (err)
		return err;
	err = name_clear(olddir, oldname);
	if (err)
		return err;
	if (victim)
		forget_link(victim);
	if (S_ISDIR(ino->mode)) {
		olddir->nlink--;
		if (!victim)
			newdir->nlink++;
	}
	return 0;
}

int mem_rename(struct inode *olddir, const char *oldname, struct inode *newdir, const char *newname,
	       unsigned flags)
{
	struct inode *ino, *victim = NULL;
	int err = mem_lookup(olddir, oldname, &ino);

	if (err)
		return err;
	err = mem_lookup(newdir, newname, &victim);
	if (err == -ENOENT)
		err = 0;
	if (!err)
		err = dir_changing(olddir);
	if (!err)
		err = dir_changing(newdir);
	if (!err)
		err = mem_attr_up(ino); /* ctime changes, and the entry must be pinned anyway */
	if (!err && (flags & RENAME_EXCHANGE) && victim)
		err = mem_attr_up(victim);
	if (!err)
		err = flags & RENAME_EXCHANGE
			  ? exchange(olddir, oldname, ino, newdir, newname, victim)
			  : move(olddir, oldname, ino, newdir, newname, victim);
	if (!err) {
		inode_touch(ino, ATTR_CTIME);
		dir_changed(olddir);
		dir_changed(newdir);
	}
	inode_put(victim);
	inode_put(ino);
	return err;
}
