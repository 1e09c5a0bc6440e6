/*
 * epoll_item.h - the inside of an epoll, for epoll.c and epoll_wait.c only.
 */
#ifndef FS_EPOLL_ITEM_H
#define FS_EPOLL_ITEM_H

#include "kern/waitq.h"
#include "lib/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct file;
struct poll_table;

#define MODE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
	struct list_head items;
	struct list_head ready; /* of struct epoll_item */
	struct waitq waiters;	/* tasks in epoll_wait */
	struct waitq pollers;	/* who polls the epoll file itself */
	struct file *file;	/* its own, not counted */
	uint64_t mark;		/* nest_walk: visited in that walk ... */
	int mark_depth;		/* ... at that depth */
};

struct epoll_hook;

struct epoll_item {
	struct epoll *ep;
	struct file *file; /* not counted: epoll_file_gone() comes first */
	int fd;
	uint32_t events;
	uint64_t data;
	struct epoll_hook *hooks;
	bool failed;		   /* a hook could not be made */
	struct list_head in_epoll; /* ep->items */
	struct list_head in_ready; /* ep->ready */
	struct list_head in_file;  /* file->epoll_links */
};

/* The epoll behind f, or NULL when f is something else. */
struct epoll *epoll_of(struct file *f);
/* Onto the ready list, if it is not there.  Wakes nobody. */
void item_make_ready(struct epoll_item *it);
/* What of the wanted events holds now; with pt, listen too. */
uint32_t item_ask(struct epoll_item *it, struct poll_table *pt);
#endif
