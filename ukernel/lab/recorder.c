/*
 * recorder.c - keeps the scheduler's records of a run in memory.
 */
#include "lab/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING_MAGIC 0x31636572686373ULL /* "schrec1" */

struct recorder {
	struct sched_listener listener; /* first: the listener is the recorder */
	struct sched_listener *next;	/* heard before us; NULL: none */
	struct recording rec;
};

static struct recorder recorder;

/* Twice as much room; false when there is none. */
static bool grow(void **array, size_t *size, size_t item)
{
	size_t want = *size ? 2 * *size : 4096;
	void *more = reallocarray(*array, want, item);

	if (!more)
		return false;
	*array = more;
	*size = want;
	return true;
}

static void name_add(struct recording *rec, const struct sched_entity *se)
{
	if (rec->nr_names == rec->names_size &&
	    !grow((void **)&rec->names, &rec->names_size, sizeof(*rec->names)))
		return;
	struct record_name *n = &rec->names[rec->nr_names++];
	*n = (struct record_name){.at = rec->nr_records, .weight = se->weight, .nice = se->nice};
	if (se->name)
		strncpy(n->name, se->name, sizeof(n->name) - 1);
}

static void recorder_record(struct sched_listener *l, const struct sched_record *r,
			    const struct sched_entity *se)
{
	struct recorder *self = (struct recorder *)l;
	struct recording *rec = &self->rec;

	if (self->next)
		self->next->record(self->next, r, se);
	if (rec->nr_records == RECORDS_MAX ||
	    (rec->nr_records == rec->size &&
	     !grow((void **)&rec->records, &rec->size, sizeof(*rec->records)))) {
		rec->dropped++;
		return;
	}
	if (se && (r->what == SREC_NEW || r->what == SREC_NAME || r->what == SREC_CHANGED))
		name_add(rec, se);
	rec->records[rec->nr_records++] = *r;
}

static void recorder_why(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
			 const char *text)
{
	struct recorder *self = (struct recorder *)l;

	self->next->why(self->next, ns, se, text);
}

struct recording *recorder_start(void)
{
	recorder.next = sched_listener;
	recorder.listener.record = recorder_record;
	if (recorder.next && recorder.next->why)
		recorder.listener.why = recorder_why;
	sched_listener = &recorder.listener;
	return &recorder.rec;
}

void recording_free(struct recording *rec)
{
	if (!rec)
		return;
	free(rec->records);
	free(rec->names);
	if (rec != &recorder.rec)
		free(rec);
}

struct recording_head {
	uint64_t magic, nr_records, nr_names, dropped;
};

int recording_save(const struct recording *rec, FILE *to)
{
	struct recording_head head = {RECORDING_MAGIC, rec->nr_records, rec->nr_names,
				      rec->dropped};

	if (fwrite(&head, sizeof(head), 1, to) != 1 ||
	    fwrite(rec->records, sizeof(*rec->records), rec->nr_records, to) != rec->nr_records ||
	    fwrite(rec->names, sizeof(*rec->names), rec->nr_names, to) != rec->nr_names ||
	    fflush(to) != 0)
		return -EIO;
	return 0;
}

struct recording *recording_load(FILE *from)
{
	struct recording_head head;
	struct recording *rec = calloc(1, sizeof(*rec));

	if (!rec || fread(&head, sizeof(head), 1, from) != 1 || head.magic != RECORDING_MAGIC ||
	    head.nr_records > RECORDS_MAX || head.nr_names > RECORDS_MAX)
		goto fail;
	rec->records = calloc(head.nr_records + 1, sizeof(*rec->records));
	rec->names = calloc(head.nr_names + 1, sizeof(*rec->names));
	rec->nr_records = head.nr_records;
	rec->nr_names = head.nr_names;
	rec->dropped = head.dropped;
	if (!rec->records || !rec->names ||
	    fread(rec->records, sizeof(*rec->records), rec->nr_records, from) != rec->nr_records ||
	    fread(rec->names, sizeof(*rec->names), rec->nr_names, from) != rec->nr_names)
		goto fail;
	return rec;
fail:
	recording_free(rec);
	return NULL;
}

void recording_replay(const struct recording *rec,
		      void (*f)(void *arg, const struct sched_record *r,
				const struct sched_entity *se),
		      void *arg)
{
	size_t name = 0;

	for (size_t i = 0; i < rec->nr_records; i++) {
		const struct sched_record *r = &rec->records[i];

		if (name < rec->nr_names && rec->names[name].at == i) {
			const struct record_name *n = &rec->names[name++];
			struct sched_entity se = {
			    .id = r->id, .name = n->name, .weight = n->weight, .nice = n->nice};

			f(arg, r, &se);
		} else {
			f(arg, r, NULL);
		}
	}
}
