/*
 * timeline.c - from the scheduler's records to intervals.
 */
#include "lab/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MAX (1u << 24)

struct timeline *timeline_create(int cpus)
{
	struct timeline *tl = calloc(1, sizeof(*tl));

	if (tl)
		tl->cpus = cpus;
	return tl;
}

void timeline_destroy(struct timeline *tl)
{
	if (!tl)
		return;
	free(tl->tasks);
	free(tl->spans);
	free(tl->marks);
	free(tl->by_id);
	free(tl);
}

static bool room(void **array, size_t *size, size_t n, size_t item)
{
	size_t want = *size ? 2 * *size : 64;

	if (n < *size)
		return true;
	void *more = reallocarray(*array, want, item);
	if (!more)
		return false;
	*array = more;
	*size = want;
	return true;
}

static struct timeline_task *task_find_id(const struct timeline *tl, uint64_t id)
{
	return id < tl->nr_ids && tl->by_id[id] ? &tl->tasks[tl->by_id[id] - 1] : NULL;
}

static void text_set(char *to, size_t size, const char *text)
{
	if (!text)
		return;
	size_t len = strnlen(text, size - 1);
	memmove(to, text, len);
	to[len] = '\0';
}

static bool id_room(struct timeline *tl, uint64_t id)
{
	size_t want = tl->nr_ids ? tl->nr_ids : 256;

	if (id >= IDS_MAX)
		return false;
	while (want <= id)
		want *= 2;
	if (want == tl->nr_ids)
		return true;
	uint32_t *more = reallocarray(tl->by_id, want, sizeof(*more));
	if (!more)
		return false;
	memset(more + tl->nr_ids, 0, (want - tl->nr_ids) * sizeof(*more));
	tl->by_id = more;
	tl->nr_ids = want;
	return true;
}

/* An id that was used before belongs to a new task from now on. */
static struct timeline_task *task_add(struct timeline *tl, uint64_t id, uint64_t parent,
				      uint64_t ns)
{
	if (!id_room(tl, id) ||
	    !room((void **)&tl->tasks, &tl->tasks_size, tl->nr_tasks, sizeof(*tl->tasks)))
		return NULL;
	struct timeline_task *t = &tl->tasks[tl->nr_tasks];
	struct timeline_task *from = task_find_id(tl, parent);
	*t = (struct timeline_task){
	    .id = id, .parent = parent, .arrival_ns = ns, .since_ns = ns, .order = tl->nr_tasks};
	if (from) {
		text_set(t->name, sizeof(t->name), from->name);
		text_set(t->group, sizeof(t->group), from->group);
	}
	tl->by_id[id] = (uint32_t)++tl->nr_tasks;
	return t;
}

static void span_add(struct timeline *tl, struct timeline_task *t, int cpu, uint64_t to_ns,
		     uint8_t why)
{
	if (to_ns <= t->since_ns)
		return;
	if (tl->nr_spans == TIMELINE_SPANS_MAX ||
	    !room((void **)&tl->spans, &tl->spans_size, tl->nr_spans, sizeof(*tl->spans))) {
		if (!tl->cut_ns)
			tl->cut_ns = t->since_ns;
		return;
	}
	tl->spans[tl->nr_spans++] = (struct timeline_span){
	    .from_ns = t->since_ns,
	    .to_ns = to_ns,
	    .task = (uint32_t)(t - tl->tasks),
	    .cpu = (int16_t)cpu,
	    .why = why,
	};
}

/* What t has been doing so far is over. */
static void task_until(struct timeline *tl, struct timeline_task *t, uint64_t ns, uint8_t why)
{
	if (t->doing == TASK_IS_RUNNING) {
		span_add(tl, t, t->cpu, ns, why);
		t->cpu_ns += ns - t->since_ns;
	} else if (t->doing == TASK_IS_WAITING) {
		span_add(tl, t, TIMELINE_WAITS, ns, why);
		t->waiting_ns += ns - t->since_ns;
	}
	if (t->doing != TASK_IS_ASLEEP)
		t->end_ns = ns;
	t->since_ns = ns;
}

void timeline_feed(struct timeline *tl, const struct sched_record *r, const struct sched_entity *se)
{
	struct timeline_task *t = r->what == SREC_NEW ? NULL : task_find_id(tl, r->id);

	if (!tl->started) {
		tl->started = true;
		tl->start_ns = r->ns;
	}
	if (r->ns > tl->end_ns)
		tl->end_ns = r->ns;
	if (!r->id)
		return;
	if (!t)
		t = task_add(tl, r->id, r->what == SREC_NEW ? r->arg : 0, r->ns);
	if (!t)
		return;
	if (se && se->name && (r->what == SREC_NEW || r->what == SREC_NAME)) {
		text_set(t->name, sizeof(t->name), se->name);
		text_set(t->group, sizeof(t->group), se->name);
	}
	switch (r->what) {
	case SREC_WAKE:
		task_until(tl, t, r->ns, CHARGE_RUNS);
		t->doing = TASK_IS_WAITING;
		break;
	case SREC_IN:
		task_until(tl, t, r->ns, CHARGE_RUNS);
		t->doing = TASK_IS_RUNNING;
		t->cpu = r->cpu;
		break;
	case SREC_OUT:
		task_until(tl, t, r->ns, (uint8_t)r->arg);
		t->doing = TASK_IS_ASLEEP;
		break;
	case SREC_DEADLINE:
		timeline_mark(tl, r->id, r->ns, r->arg);
		break;
	case SREC_EXIT:
		task_until(tl, t, r->ns, CHARGE_EXIT);
		t->doing = TASK_IS_ASLEEP;
		t->done = true;
		t->end_ns = r->ns;
		break;
	}
}

void timeline_label(struct timeline *tl, uint64_t id, const char *name, const char *group)
{
	struct timeline_task *t = task_find_id(tl, id);

	if (!t)
		return;
	text_set(t->name, sizeof(t->name), name);
	text_set(t->group, sizeof(t->group), group);
}

struct timeline_mark *timeline_mark(struct timeline *tl, uint64_t id, uint64_t ns, uint64_t late_ns)
{
	struct timeline_task *t = task_find_id(tl, id);

	if (!t || tl->nr_marks == TIMELINE_MARKS_MAX ||
	    !room((void **)&tl->marks, &tl->marks_size, tl->nr_marks, sizeof(*tl->marks)))
		return NULL;
	struct timeline_mark *mark = &tl->marks[tl->nr_marks++];
	*mark =
	    (struct timeline_mark){.ns = ns, .late_ns = late_ns, .task = (uint32_t)(t - tl->tasks)};
	return mark;
}

void timeline_finish(struct timeline *tl, uint64_t end_ns)
{
	if (end_ns > tl->end_ns)
		tl->end_ns = end_ns;
	for (size_t i = 0; i < tl->nr_tasks; i++) {
		struct timeline_task *t = &tl->tasks[i];

		task_until(tl, t, tl->end_ns, CHARGE_RUNS);
		t->doing = TASK_IS_ASLEEP;
	}
}
