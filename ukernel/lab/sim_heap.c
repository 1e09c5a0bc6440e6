/*
 * sim_heap.c - the events to come: a binary heap by time, then by order.
 */
#include "lab/sim_internal.h"

#include <stdlib.h>

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

void heap_push(struct sim *s, const struct sim_event *e)
{
	if (s->nr_events == s->size_heap) {
		size_t size = s->size_heap ? 2 * s->size_heap : 1024;
		struct sim_event *more = reallocarray(s->heap, size, sizeof(*more));

		if (!more) {
			sim_fail(s, "out of memory");
			return;
		}
		s->heap = more;
		s->size_heap = size;
	}
	size_t i = s->nr_events++;
	for (; i && before(e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = *e;
	s->to_wake += e->kind == EV_TASK;
	/* Ends of computing and of slices go by CPU, the others by who came first. */
	if (e->kind > EV_SLICE)
		s->seq++;
}

bool heap_pop(struct sim *s, struct sim_event *e)
{
	if (!s->nr_events)
		return false;
	*e = s->heap[0];
	s->to_wake -= e->kind == EV_TASK;
	struct sim_event *last = &s->heap[--s->nr_events];
	size_t i = 0, n = s->nr_events;
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && before(&s->heap[child + 1], &s->heap[child]);
		if (!before(&s->heap[child], last))
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = *last;
	return true;
}
