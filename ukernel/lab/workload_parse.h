/*
 * workload_parse.h - what the files of the workload parser share.
 */
#ifndef LAB_WORKLOAD_PARSE_H
#define LAB_WORKLOAD_PARSE_H

#include "lab/workload.h"

#define WORDS_MAX 64

struct parser {
	struct workload *w;
	const char *file;
	unsigned line;
	char *error;
	size_t error_size;
	char *words[WORDS_MAX + 1]; /* of this line; ended by NULL */
	unsigned nr_words;
};

/* What the keys of one task line said. */
struct task_fields {
	struct span first; /* the word after the shape's name: cpu's time */
	struct span at, every, burst, sleep, think, hold, before, after, cpu;
	uint64_t runtime, period, rel_deadline, deadline, total, for_, length;
	int64_t wset, count, nice, tickets, times, depth, width, prio, latency_nice, class;
	uint64_t cpus;
	const char *lock;
	uint64_t seen; /* bit i: key i was given */
};

/* Print the error; always false. */
bool parser_fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Memory that lives as long as the workload; NULL when there is none left. */
void *workload_alloc(struct workload *w, size_t size);
/* task NAME SHAPE ...: the words of the line are p->words. */
bool parse_task(struct parser *p);
/* cache KEY=VALUE... */
bool parse_cache(struct parser *p);
/* The steps that fields mean for the shape named name (workload_shape.c). */
bool shape_build(struct parser *p, const char *name, const char *operand,
		 const struct task_fields *f, struct shape *out);
/* Number of the lock named name, made if it is new; -1: too many. */
int parser_lock(struct parser *p, const char *name);
/* Which of the file's keys a shape knows: a list of words, NULL when there is no such shape. */
const char *shape_keys(const char *name);
bool shape_has_operand(const char *name);
#endif
