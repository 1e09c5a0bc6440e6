/*
 * list.h - intrusive circular doubly linked lists.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_entry(ptr, type, member)	container_of(ptr, type, member)

static inline void list_init(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_insert(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	prev->next = n;
}

static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert(n, h, h->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert(n, h->prev, h);
}

/* Leaves n empty, so that deleting twice and asking list_empty(n) are both fine. */
static inline void list_del(struct list_head *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

#define list_first(h, type, member) list_entry((h)->next, type, member)
#define list_last(h, type, member)  list_entry((h)->prev, type, member)

#define list_for_each(pos, h, member)                                                              \
	for (pos = list_entry((h)->next, __typeof__(*pos), member); &pos->member != (h);           \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* pos may be deleted in the body. */
#define list_for_each_safe(pos, tmp, h, member)                                                    \
	for (pos = list_entry((h)->next, __typeof__(*pos), member),                                \
	    tmp = list_entry(pos->member.next, __typeof__(*pos), member);                          \
	     &pos->member != (h);                                                                  \
	     pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))
#endif
