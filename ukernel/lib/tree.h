/*
 * tree.h - intrusive ordered trees: insert, remove and first in O(log n), equal keys in the order
 * of their coming.
 *
 * A treap: a binary search tree by less(), a heap by a rank that is a hash of a counter.  The
 * counter is the tree's own, so that the same calls make the same tree in every run.  A tree may be
 * augmented: what update() computes of a node and its two children is kept right along the
 * way to the root, for searches that a plain order cannot answer (earliest deadline among those
 * whose time has come; the owner of the nth ticket).
 *
 * Allocates nothing and owns nothing.  A node that is in no tree has a NULL owner.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
	struct tree_node *left, *right, *parent;
	struct tree *owner; /* NULL: in none */
	uint64_t rank;
};

struct tree {
	struct tree_node *root;
	bool (*less)(const struct tree_node *a, const struct tree_node *b);
	void (*update)(struct tree_node *n); /* may be NULL; children are n->left, n->right */
	unsigned nr;
	uint64_t counter;
};

static inline void tree_init(struct tree *t,
			     bool (*less)(const struct tree_node *a, const struct tree_node *b),
			     void (*update)(struct tree_node *n))
{
	*t = (struct tree){.less = less, .update = update};
}

/* n must be in no tree (zeroed memory will do). */
void tree_insert(struct tree *t, struct tree_node *n);
/* Harmless on a node that is in no tree. */
void tree_remove(struct tree_node *n);
/* Least node, next in order; NULL: none. */
struct tree_node *tree_first(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *n);
/* What update() reads of n has changed, its key has not. */
void tree_changed(struct tree_node *n);

#define tree_for_each(n, t) for (n = tree_first(t); n; n = tree_next(n))
#endif
