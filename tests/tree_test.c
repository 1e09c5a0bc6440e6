/*
 * tree_test.c - ordered trees against a sorted array, and the Mersenne twister against Python's.
 */
#include "lib/list.h"
#include "lib/mt19937.h"
#include "lib/tree.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct item {
	struct tree_node node;
	int key, order, least; /* least: of the subtree, kept by update() */
};

#define ITEMS 400

static struct item items[ITEMS];

static struct item *item_of(const struct tree_node *n)
{
	return list_entry(n, struct item, node);
}

static bool item_less(const struct tree_node *a, const struct tree_node *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static void item_update(struct tree_node *n)
{
	struct item *i = item_of(n);

	i->least = i->order;
	if (n->left && item_of(n->left)->least < i->least)
		i->least = item_of(n->left)->least;
	if (n->right && item_of(n->right)->least < i->least)
		i->least = item_of(n->right)->least;
}

/* Depth of the subtree; checks heap order, parents and the augmented value on the way. */
static int check_subtree(struct tree_node *n)
{
	int left, right, least;

	if (!n)
		return 0;
	least = item_of(n)->least;
	item_update(n);
	cr_assert_eq(item_of(n)->least, least, "an augmented value is stale");
	cr_assert(!n->left || (n->left->parent == n && n->left->rank <= n->rank));
	cr_assert(!n->right || (n->right->parent == n && n->right->rank <= n->rank));
	left = check_subtree(n->left);
	right = check_subtree(n->right);
	return 1 + (left > right ? left : right);
}

static void check_tree(struct tree *t, unsigned nr)
{
	struct tree_node *n, *last = NULL;
	unsigned seen = 0;

	cr_assert_eq(t->nr, nr);
	cr_assert_leq(check_subtree(t->root), 40, "it has grown into a list");
	tree_for_each(n, t)
	{
		if (last) {
			cr_assert_leq(item_of(last)->key, item_of(n)->key);
			/* equal keys: first come, first served */
			cr_assert(item_of(last)->key < item_of(n)->key ||
				  item_of(last)->order < item_of(n)->order);
		}
		last = n;
		seen++;
	}
	cr_assert_eq(seen, nr);
}

Test(tree, random_inserts_and_removes)
{
	struct mt19937 mt;
	struct tree t;
	unsigned nr = 0;
	int order = 0;

	mt_seed(&mt, 7);
	tree_init(&t, item_less, item_update);
	cr_assert_null(tree_first(&t));
	for (int i = 0; i < 20000; i++) {
		struct item *it = &items[mt_next(&mt) % ITEMS];

		if (it->node.owner) {
			tree_remove(&it->node);
			nr--;
		} else {
			it->key = (int)(mt_next(&mt) % 50);
			it->order = order++;
			tree_insert(&t, &it->node);
			nr++;
		}
		if (i % 100 == 0)
			check_tree(&t, nr);
	}
	check_tree(&t, nr);
	while (t.nr)
		tree_remove(tree_first(&t));
	cr_assert_null(t.root);
}

Test(tree, stays_shallow_on_sorted_input)
{
	struct tree t;

	tree_init(&t, item_less, item_update);
	for (int i = 0; i < ITEMS; i++) {
		items[i].key = items[i].order = i;
		tree_insert(&t, &items[i].node);
	}
	cr_assert_leq(check_subtree(t.root), 30);
	items[ITEMS / 2].order = -5;
	tree_changed(&items[ITEMS / 2].node);
	cr_assert_eq(item_of(t.root)->least, -5);
	check_subtree(t.root);
	tree_remove(&items[3].node);
	tree_remove(&items[3].node);
	cr_assert_eq(t.nr, ITEMS - 1);
}

/* random.seed(0): 0.8444218515250481, 0.7579544029403025; seed(2**40+5): 0.5043802970418443 */
Test(tree, twister_is_pythons)
{
	struct mt19937 mt;

	mt_seed(&mt, 0);
	cr_assert_eq(mt_real(&mt), 0.8444218515250481);
	cr_assert_eq(mt_real(&mt), 0.7579544029403025);
	mt_seed(&mt, (1ULL << 40) + 5);
	cr_assert_eq(mt_real(&mt), 0.5043802970418443);
}
