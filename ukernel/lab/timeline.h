/*
 * timeline.h - a schedule as intervals: who ran where, who waited, from when to when.
 *
 * Made from the same records as the metrics; the charts are drawn from it.  It does not care
 * whether time is virtual.
 */
#ifndef LAB_TIMELINE_H
#define LAB_TIMELINE_H

#include "sched/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_SPANS_MAX (1u << 20) /* of more, the rest is not drawn */
#define TIMELINE_MARKS_MAX 10000
#define TIMELINE_WAITS	   (-1) /* as a span's cpu: it could have run and did not */

struct timeline_task {
	uint64_t id, parent;
	char name[32], group[32];
	uint64_t arrival_ns, end_ns; /* end_ns: of its last span, or when it was over */
	uint64_t cpu_ns, waiting_ns;
	uint64_t order; /* of its first record: for sorting */
	bool done;
	int colour; /* the report's own */

	/* Where it is now. */
	enum { TASK_IS_ASLEEP, TASK_IS_WAITING, TASK_IS_RUNNING } doing;
	int16_t cpu;
	uint64_t since_ns;
};

struct timeline_span {
	uint64_t from_ns, to_ns;
	uint32_t task; /* index */
	int16_t cpu;   /* or TIMELINE_WAITS */
	uint8_t why;   /* it ended: enum sched_charge_why */
};

/* A moment worth a mark: a deadline missed. */
struct timeline_mark {
	uint64_t ns, late_ns;
	uint64_t host_ns; /* what the host took in that period; 0: nothing, or not known */
	uint32_t task;
};

struct timeline {
	int cpus;
	struct timeline_task *tasks; /* in order of their first record */
	size_t nr_tasks, tasks_size;
	struct timeline_span *spans; /* in order of their end */
	size_t nr_spans, spans_size;
	struct timeline_mark *marks;
	size_t nr_marks, marks_size;
	uint64_t start_ns, end_ns;
	uint64_t cut_ns; /* spans that end later are missing; 0: none is */
	bool started;
	uint32_t *by_id; /* index + 1, 0: none */
	size_t nr_ids;
};

struct timeline *timeline_create(int cpus); /* NULL: no memory */
void timeline_destroy(struct timeline *tl);
/* se may be NULL. */
void timeline_feed(struct timeline *tl, const struct sched_record *r,
		   const struct sched_entity *se);
/* What the records do not tell; copied; either may be NULL.  The task must have had a record. */
void timeline_label(struct timeline *tl, uint64_t id, const char *name, const char *group);
/* A deadline was missed.  The mark is there until the next one is made; NULL: there is none. */
struct timeline_mark *timeline_mark(struct timeline *tl, uint64_t id, uint64_t ns,
				    uint64_t late_ns);
/* After the last record. */
void timeline_finish(struct timeline *tl, uint64_t end_ns);
#endif
