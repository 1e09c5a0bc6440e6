/*
 * order.h - a run queue in an order of the policy's own: a tree of waiting entities whose node is
 * the first thing in se->priv.
 */
#ifndef SCHED_ORDER_H
#define SCHED_ORDER_H

#include "lib/tree.h"
#include "sched/policy.h"

static inline struct tree_node *order_node(struct sched_entity *se)
{
	return (struct tree_node *)se->priv;
}

static inline struct sched_entity *order_entity(const struct tree_node *n)
{
	return (struct sched_entity *)((char *)n - offsetof(struct sched_entity, priv));
}

static inline void order_insert(struct tree *t, struct sched_entity *se)
{
	tree_insert(t, order_node(se));
}

static inline void order_remove(struct sched_entity *se)
{
	tree_remove(order_node(se));
}

/* The least one that may run on cpu, left where it is; NULL: none. */
static inline struct sched_entity *order_first(const struct tree *t, int cpu)
{
	struct tree_node *n;

	tree_for_each(n, t) if (sched_allowed(order_entity(n), cpu)) return order_entity(n);
	return NULL;
}

/* The same, taken off. */
static inline struct sched_entity *order_take(struct tree *t, int cpu)
{
	struct sched_entity *se = order_first(t, cpu);

	if (se)
		order_remove(se);
	return se;
}
#endif
