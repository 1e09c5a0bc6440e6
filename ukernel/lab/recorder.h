/*
 * recorder.h - keeps the scheduler's records of a run, to be looked at when it is over.
 *
 * It listens to the core; if somebody else does already, that one goes on hearing everything.  What
 * it keeps is bounded: after RECORDS_MAX records it only counts.
 */
#ifndef LAB_RECORDER_H
#define LAB_RECORDER_H

#include "sched/record.h"

#include <stdio.h>

#define RECORDS_MAX	(8u << 20)
#define RECORD_NAME_LEN 16

/* What a record alone does not say: what a task was called from then on, and its weight. */
struct record_name {
	uint64_t at; /* index of the record */
	uint32_t weight;
	int32_t nice;
	char name[RECORD_NAME_LEN];
};

struct recording {
	struct sched_record *records;
	size_t nr_records, size;
	struct record_name *names;
	size_t nr_names, names_size;
	uint64_t dropped;
};

/* Before sched_init().  The recording grows while the kernel runs. */
struct recording *recorder_start(void);
void recording_free(struct recording *rec);

/* From one process to another: 0, or -EIO. */
int recording_save(const struct recording *rec, FILE *to);
/* NULL: it is not one, or there is no memory. */
struct recording *recording_load(FILE *from);

/* Call f for each record in order.  se is filled in (id, name, weight, nice) where a record has a
 * name with it, else NULL. */
void recording_replay(const struct recording *rec,
		      void (*f)(void *arg, const struct sched_record *r,
				const struct sched_entity *se),
		      void *arg);
#endif
