/*
 * dentry.c - the cache of names: which inode (or none) a name in a directory leads to.
 *
 * An entry that nobody uses stays in the cache until it is the oldest of too many.  A cached entry
 * holds its parent, so a path never loses its upper end.  What the file system behind it says
 * about an entry's truth (fs_type.revalidate) is asked at each use: the host may change its
 * directories at any time.
 */
#include "fs/hostnode.h"
#include "fs/inotify.h"
#include "fs/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BITS 14
#define HASH_SIZE (1u << HASH_BITS)
#define LRU_LIMIT 8192 /* unused entries kept */

static struct dentry *hash_table[HASH_SIZE];
static struct list_head lru = LIST_INIT(lru); /* oldest first */
static unsigned lru_count;

static uint32_t hash_name(const struct dentry *parent, const char *name, size_t len)
{
	uint64_t h = (uintptr_t)parent * 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3ULL;
	return (h >> 24) ^ h;
}

static void hash_insert(struct dentry *d)
{
	struct dentry **head = &hash_table[d->hash % HASH_SIZE];

	d->hash_next = *head;
	*head = d;
	d->hashed = true;
}

static void hash_remove(struct dentry *d)
{
	struct dentry **p = &hash_table[d->hash % HASH_SIZE];

	if (!d->hashed)
		return;
	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	d->hashed = false;
}

static struct dentry *dentry_alloc(struct super *sb, struct dentry *parent, const char *name,
				   size_t len)
{
	struct dentry *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->name = strndup(name, len);
	if (!d->name) {
		free(d);
		return NULL;
	}
	d->refs = 1;
	d->sb = sb;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->lru);
	if (parent) {
		d->parent = dentry_get(parent);
		list_add(&d->sibling, &parent->children);
	} else {
		d->parent = d;
	}
	return d;
}

static void lru_remove(struct dentry *d)
{
	if (list_empty(&d->lru))
		return;
	list_del(&d->lru);
	lru_count--;
}

/* Free an unused entry; returns its parent, whose reference is now the caller's. */
static struct dentry *dentry_free(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;

	hash_remove(d);
	lru_remove(d);
	list_del(&d->sibling);
	inotify_unlinked(d, 0);
	inode_put(d->inode);
	free(d->name);
	free(d);
	return parent;
}

struct dentry *dentry_get(struct dentry *d)
{
	if (d->refs++ == 0)
		lru_remove(d);
	return d;
}

void dentry_put(struct dentry *d)
{
	while (d && --d->refs == 0) {
		if (d->hashed) {
			list_add_tail(&d->lru, &lru);
			if (++lru_count <= LRU_LIMIT)
				return;
			d = list_first(&lru, struct dentry, lru);
		}
		d = dentry_free(d);
	}
	if (d && d->unlinked)
		inotify_unlinked(d, 0);
}

struct dentry *dentry_root(struct super *sb)
{
	struct dentry *d = dentry_alloc(sb, NULL, "/", 1);

	if (d)
		d->inode = inode_get(sb->root);
	return d;
}

struct dentry *dentry_anon(struct inode *ino, const char *label)
{
	struct dentry *d = dentry_alloc(ino->sb, NULL, label, strlen(label));

	if (d)
		d->inode = inode_get(ino);
	return d;
}

void dentry_drop(struct dentry *d)
{
	/* What is cached below it can no longer be reached by name and ages out of the cache; who
	 * holds a directory there may go on using it. */
	dentry_get(d);
	hash_remove(d);
	dentry_put(d);
}

static struct dentry *hash_find(struct dentry *parent, const char *name, size_t len, uint32_t hash)
{
	for (struct dentry *d = hash_table[hash % HASH_SIZE]; d; d = d->hash_next)
		if (d->hash == hash && d->parent == parent && strncmp(d->name, name, len) == 0 &&
		    d->name[len] == '\0')
			return d;
	return NULL;
}

int dentry_lookup(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	uint32_t hash = hash_name(parent, name, len);
	const struct fs_type *type = parent->sb->type;
	struct inode *dir = parent->inode;
	struct dentry *d = hash_find(parent, name, len, hash);
	int err;

	if (d) {
		dentry_get(d);
		if (d->mounted || !type->revalidate || type->revalidate(d)) {
			*out = d;
			return 0;
		}
		dentry_drop(d);
		dentry_put(d);
	}
	if (!dir->ops->lookup)
		return -ENOTDIR;
	d = dentry_alloc(parent->sb, parent, name, len);
	if (!d)
		return -ENOMEM;
	d->hash = hash;
	err = dir->ops->lookup(dir, d->name, &d->inode);
	d->checked_ns = host_now_ns();
	if (err && err != -ENOENT) {
		dentry_put(d);
		return err;
	}
	if (err)
		d->inode = NULL;
	if (!type->uncached && !parent->unlinked)
		hash_insert(d);
	*out = d;
	return 0;
}

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
	d->inode = inode;
}

void dentry_delete(struct dentry *d)
{
	struct dentry *child, *tmp;

	/* Names that were looked for in a directory: nobody will ask again, and they hold it. */
	list_for_each_safe (child, tmp, &d->children, sibling)
		if (child->refs == 0)
			dentry_free(child)->refs--;
	d->unlinked = true;
	dentry_drop(d);
}

void dentry_move(struct dentry *d, struct dentry *new_parent, const char *new_name)
{
	struct dentry *old_parent = d->parent;
	char *name = strdup(new_name);

	hash_remove(d);
	if (!name) /* the cache forgets it; the file system knows */
		return;
	free(d->name);
	d->name = name;
	d->parent = dentry_get(new_parent);
	list_del(&d->sibling);
	list_add(&d->sibling, &new_parent->children);
	dentry_put(old_parent);
	d->hash = hash_name(new_parent, name, strlen(name));
	if (!d->sb->type->uncached)
		hash_insert(d);
}

bool dentry_is_below(const struct dentry *d, const struct dentry *top)
{
	for (;; d = d->parent) {
		if (d == top)
			return true;
		if (d->parent == d)
			return false;
	}
}
