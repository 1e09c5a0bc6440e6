/*
 * workload_task.c - one task line of a workload file, and the tasks that it stands for.
 */
#include "lab/workload_parse.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum key_type { KEY_SPAN, KEY_TIME, KEY_NUMBER, KEY_CPUS, KEY_TEXT, KEY_CLASS };

struct key {
	const char *name;
	enum key_type type;
	size_t offset; /* in struct task_fields */
	int64_t min, max;
};

#define KEY(name, type, field, ...)                                                                \
	{                                                                                          \
		name, type, offsetof(struct task_fields, field), __VA_ARGS__                       \
	}
#define NR_COMMON 12

static const struct key keys[] = {
    /* every shape has these */
    KEY("at", KEY_SPAN, at, 0, 0),
    KEY("every", KEY_SPAN, every, 0, 0),
    KEY("count", KEY_NUMBER, count, 1, WORKLOAD_TASKS_MAX),
    KEY("nice", KEY_NUMBER, nice, -20, 19),
    KEY("latency-nice", KEY_NUMBER, latency_nice, -20, 19),
    KEY("tickets", KEY_NUMBER, tickets, 1, 1000000),
    KEY("deadline", KEY_TIME, deadline, 0, 0),
    KEY("length", KEY_TIME, length, 0, 0),
    KEY("cpus", KEY_CPUS, cpus, 0, 0),
    KEY("class", KEY_CLASS, class, 0, 0),
    KEY("prio", KEY_NUMBER, prio, 1, 99),
    KEY("wset", KEY_NUMBER, wset, 0, 1000000000),
    /* some have those: workload_shape.c says which */
    KEY("burst", KEY_SPAN, burst, 0, 0),
    KEY("sleep", KEY_SPAN, sleep, 0, 0),
    KEY("think", KEY_SPAN, think, 0, 0),
    KEY("hold", KEY_SPAN, hold, 0, 0),
    KEY("before", KEY_SPAN, before, 0, 0),
    KEY("after", KEY_SPAN, after, 0, 0),
    KEY("cpu", KEY_SPAN, cpu, 0, 0),
    KEY("C", KEY_TIME, runtime, 0, 0),
    KEY("T", KEY_TIME, period, 0, 0),
    KEY("D", KEY_TIME, rel_deadline, 0, 0),
    KEY("total", KEY_TIME, total, 0, 0),
    KEY("for", KEY_TIME, for_, 0, 0),
    KEY("times", KEY_NUMBER, times, 1, INT64_MAX),
    KEY("depth", KEY_NUMBER, depth, 1, 20),
    KEY("width", KEY_NUMBER, width, 1, 1000),
    KEY("lock", KEY_TEXT, lock, 0, 0),
};
#define NR_KEYS (sizeof(keys) / sizeof(*keys))

static const struct {
	const char *name;
	int number;
} class_names[] = {{"other", SCHED_OTHER}, {"batch", SCHED_BATCH}, {"idle", SCHED_IDLE},
		   {"fifo", SCHED_FIFO},   {"rr", SCHED_RR},	   {"deadline", 6}};

static bool is_one_of(const char *word, size_t len, const char *list)
{
	for (const char *s = list; *s; s += strcspn(s, " "), s += *s == ' ')
		if (strcspn(s, " ") == len && strncmp(s, word, len) == 0)
			return true;
	return false;
}

static const struct key *find_key(const char *word, size_t len, const char *more)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		if (strlen(keys[i].name) == len && strncmp(keys[i].name, word, len) == 0)
			return i < NR_COMMON || is_one_of(word, len, more) ? &keys[i] : NULL;
	return NULL;
}

static bool take_value(struct parser *p, const struct key *k, const char *text,
		       struct task_fields *f)
{
	void *field = (char *)f + k->offset;

	switch (k->type) {
	case KEY_SPAN:
		if (parse_span(text, field) && ((struct span *)field)->ns != WORKLOAD_FOREVER)
			return true;
		return parser_fail(p, "%s=%s is not a time such as 5ms, 1ms..9ms or ~20ms", k->name,
				   text);
	case KEY_TIME:
		if (parse_time(text, field) && *(uint64_t *)field && *(uint64_t *)field < 1e18)
			return true;
		return parser_fail(p, "%s=%s is not a time such as 5ms", k->name, text);
	case KEY_NUMBER:
		if (parse_number(text, k->min, k->max, field))
			return true;
		return parser_fail(p, "%s=%s is not a number from %" PRId64 " to %" PRId64, k->name,
				   text, k->min, k->max);
	case KEY_CPUS:
		if (parse_cpus(text, field))
			return true;
		return parser_fail(p, "%s=%s is not a list such as 0,2-3", k->name, text);
	case KEY_TEXT:
		*(const char **)field = text;
		return *text ? true : parser_fail(p, "%s= is empty", k->name);
	case KEY_CLASS:
		for (size_t i = 0; i < sizeof(class_names) / sizeof(*class_names); i++)
			if (strcmp(class_names[i].name, text) == 0) {
				*(int64_t *)field = class_names[i].number;
				return true;
			}
		return parser_fail(p, "class=%s is none of other, batch, idle, fifo, rr, deadline",
				   text);
	}
	return false;
}

static bool parse_fields(struct parser *p, const char *shape, char **words, struct task_fields *f)
{
	*f = (struct task_fields){
	    .count = 1,
	    .cpus = UINT64_MAX,
	    .total = WORKLOAD_FOREVER,
	    .for_ = WORKLOAD_FOREVER,
	    .depth = 1,
	    .width = 2,
	};
	for (; *words; words++) {
		char *value = strchr(*words, '=');

		if (!value)
			return parser_fail(p, "'%s' is not KEY=VALUE", *words);
		size_t len = (size_t)(value++ - *words);
		const struct key *k = find_key(*words, len, shape_keys(shape));
		if (!k)
			return parser_fail(p, "%s has no key '%.*s'%s%s", shape, (int)len, *words,
					   *shape_keys(shape) ? "; it has " : "",
					   shape_keys(shape));
		if (f->seen >> (k - keys) & 1)
			return parser_fail(p, "%s= stands twice", k->name);
		f->seen |= 1ULL << (k - keys);
		if (!take_value(p, k, value, f))
			return false;
	}
	if ((f->class == SCHED_FIFO || f->class == SCHED_RR) != (f->prio != 0))
		return parser_fail(p, "class fifo or rr and prio=1 to 99 need one another");
	if (f->class == 6 && !f->period)
		return parser_fail(p, "class=deadline is for the shape periodic");
	return true;
}

static bool is_taken(const struct workload *w, const char *group)
{
	for (unsigned i = 0; i < w->nr_tasks; i++)
		if (strcmp(w->tasks[i].group, group) == 0)
			return true;
	return false;
}

/* How long an instance will compute, where the line says it without being asked. */
static uint64_t known_length(const struct shape *s, uint64_t seed)
{
	if (s->total_ns != WORKLOAD_FOREVER)
		return s->total_ns;
	if (s->nr_steps == 1 && s->steps[0].kind == STEP_RUN && s->rounds == 1) {
		uint64_t ns = span_draw(&s->steps[0].span, &seed);
		return ns == WORKLOAD_FOREVER ? 0 : ns;
	}
	return 0;
}

static const char *instance_name(struct workload *w, const char *group, int64_t count, int64_t i)
{
	size_t size = strlen(group) + 24;
	char *name;

	if (count == 1)
		return group;
	name = workload_alloc(w, size);
	if (name)
		snprintf(name, size, "%s.%" PRId64, group, i);
	return name;
}

static bool add_instances(struct parser *p, const char *group, const struct shape *shape,
			  const struct task_fields *f)
{
	struct workload *w = p->w;
	uint64_t rng = random_seed(w->seed, p->line), offset = 0;

	if (w->nr_tasks + (uint64_t)f->count > WORKLOAD_TASKS_MAX)
		return parser_fail(p, "more than %d tasks", WORKLOAD_TASKS_MAX);
	struct workload_task *more =
	    reallocarray(w->tasks, w->nr_tasks + (size_t)f->count, sizeof(*more));
	if (!more)
		return parser_fail(p, "out of memory");
	w->tasks = more;
	for (int64_t i = 0; i < f->count; i++) {
		struct workload_task *t = &w->tasks[w->nr_tasks];

		*t = (struct workload_task){
		    .name = instance_name(w, group, f->count, i),
		    .group = group,
		    .line = p->line,
		    .shape = shape,
		    .arrival_ns = span_draw(&f->at, &rng) + offset,
		    .deadline_ns = f->deadline,
		    .length_ns = f->length,
		    .affinity = f->cpus,
		    .seed = random_seed(rng, (uint64_t)i),
		    .tickets = (unsigned)f->tickets,
		    .nice = (int)f->nice,
		    .latency_nice = (int)f->latency_nice,
		    .class = (int)f->class,
		    .rt_priority = (int)f->prio,
		    .wset = (unsigned)f->wset,
		};
		if (!t->name)
			return parser_fail(p, "out of memory");
		if (!t->length_ns)
			t->length_ns = known_length(shape, t->seed);
		if (t->arrival_ns > WORKLOAD_TIME_MAX)
			return parser_fail(p, "task %s would arrive in more than a century",
					   t->name);
		offset += span_draw(&f->every, &rng);
		w->nr_tasks++;
	}
	return true;
}

bool parse_task(struct parser *p)
{
	struct task_fields f;
	struct shape *shape = workload_alloc(p->w, sizeof(*shape));
	const char *name = p->words[1], *kind, *operand = NULL;
	char **words = p->words + 3;

	if (!shape)
		return parser_fail(p, "out of memory");
	if (p->nr_words < 3)
		return parser_fail(p, "a task line is: task NAME SHAPE [KEY=VALUE...]");
	kind = p->words[2];
	if (!*name || name[strcspn(name, "=./\"'<>&")])
		return parser_fail(p, "'%s' is no name for a task", name);
	if (is_taken(p->w, name))
		return parser_fail(p, "there is a task '%s' already", name);
	if (!shape_keys(kind))
		return parser_fail(p,
				   "no shape '%s'; there are cpu, io, interactive, periodic, "
				   "fork, lock, steps, run",
				   kind);
	if (shape_has_operand(kind)) {
		if (!*words)
			return parser_fail(p, "%s wants a word after it", kind);
		operand = *words++;
	}
	return parse_fields(p, kind, words, &f) && shape_build(p, kind, operand, &f, shape) &&
	       add_instances(p, name, shape, &f);
}

bool parse_cache(struct parser *p)
{
	struct workload *w = p->w;
	int64_t size = 100, rate = 2;

	w->cache_warmup_ns = 10000000;
	for (unsigned i = 1; i < p->nr_words; i++) {
		const char *word = p->words[i], *value = strchr(word, '=');
		bool good = false;

		if (value++) {
			if (strncmp(word, "size=", 5) == 0)
				good = parse_number(value, 1, 1000000000, &size);
			else if (strncmp(word, "rate=", 5) == 0)
				good = parse_number(value, 1, 1000, &rate);
			else if (strncmp(word, "warmup=", 7) == 0)
				good = parse_time(value, &w->cache_warmup_ns);
			else if (strncmp(word, "unit=", 5) == 0)
				good = parse_time(value, &w->cache_unit_ns);
		}
		if (!good)
			return parser_fail(p,
					   "cache: '%s' is none of size=N, rate=N, warmup=TIME, "
					   "unit=TIME",
					   word);
	}
	w->cache_size = (unsigned)size;
	w->cache_rate = (unsigned)rate;
	return true;
}
