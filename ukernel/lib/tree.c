/*
 * tree.c - treaps (Aragon and Seidel, Randomized search trees, FOCS 1989), see tree.h.
 */
#include "lib/tree.h"

#include <assert.h>

/* splitmix64's finalizer: ranks that look random and are not. */
static uint64_t rank_of(uint64_t n)
{
	n += 0x9e3779b97f4a7c15ULL;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9ULL;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebULL;
	return n ^ (n >> 31);
}

static struct tree_node **link_to(struct tree *t, const struct tree_node *n)
{
	if (!n->parent)
		return &t->root;
	return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

/* child of n goes up to n's place, n below it. */
static void rotate_up(struct tree *t, struct tree_node *n, struct tree_node *child)
{
	struct tree_node *inner;

	*link_to(t, n) = child;
	child->parent = n->parent;
	n->parent = child;
	if (n->left == child) {
		inner = child->right;
		n->left = inner;
		child->right = n;
	} else {
		inner = child->left;
		n->right = inner;
		child->left = n;
	}
	if (inner)
		inner->parent = n;
	if (t->update) {
		t->update(n);
		t->update(child);
	}
}

static void update_upwards(struct tree *t, struct tree_node *n)
{
	if (!t->update)
		return;
	for (; n; n = n->parent)
		t->update(n);
}

void tree_insert(struct tree *t, struct tree_node *n)
{
	struct tree_node **at = &t->root, *parent = NULL;

	assert(!n->owner);
	while (*at) {
		parent = *at;
		at = t->less(n, parent) ? &parent->left : &parent->right;
	}
	*n = (struct tree_node){.parent = parent, .owner = t, .rank = rank_of(t->counter++)};
	*at = n;
	t->nr++;
	update_upwards(t, n);
	while (n->parent && n->parent->rank < n->rank)
		rotate_up(t, n->parent, n);
}

void tree_remove(struct tree_node *n)
{
	struct tree *t = n->owner;

	if (!t)
		return;
	/* Down until it has one child at most. */
	while (n->left && n->right)
		rotate_up(t, n, n->left->rank > n->right->rank ? n->left : n->right);
	struct tree_node *child = n->left ? n->left : n->right, *parent = n->parent;
	*link_to(t, n) = child;
	if (child)
		child->parent = parent;
	t->nr--;
	update_upwards(t, parent);
	n->owner = NULL;
}

struct tree_node *tree_first(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct tree_node *tree_next(const struct tree_node *n)
{
	if (n->right) {
		n = n->right;
		while (n->left)
			n = n->left;
		return (struct tree_node *)n;
	}
	while (n->parent && n->parent->right == n)
		n = n->parent;
	return n->parent;
}

void tree_changed(struct tree_node *n)
{
	if (n->owner)
		update_upwards(n->owner, n);
}
