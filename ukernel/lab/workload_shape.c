/*
 * workload_shape.c - the built-in shapes: what steps each is made of.
 */
#include "lab/workload_parse.h"

#include <string.h>

static const struct {
	const char *name, *keys;
	bool has_operand;
} shapes[] = {
    {"cpu", "", true},
    {"io", "burst sleep times total for", false},
    {"interactive", "think burst times total for", false},
    {"periodic", "C T D times for", false},
    {"fork", "depth width cpu", false},
    {"lock", "lock before hold after sleep times for", false},
    {"steps", "times for", true},
    {"run", "", true},
};

const char *shape_keys(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return shapes[i].keys;
	return NULL;
}

bool shape_has_operand(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return shapes[i].has_operand;
	return false;
}

int parser_lock(struct parser *p, const char *name)
{
	struct workload *w = p->w;

	for (unsigned i = 0; i < w->nr_locks; i++)
		if (strcmp(w->locks[i], name) == 0)
			return (int)i;
	if (w->nr_locks == WORKLOAD_LOCKS_MAX)
		return -1;
	w->locks[w->nr_locks] = name;
	return (int)w->nr_locks++;
}

static void add_step(struct shape *s, enum step_kind kind, unsigned arg, const struct span *span)
{
	if (span && span->kind == SPAN_FIXED && span->ns == 0)
		return;
	s->steps[s->nr_steps++] =
	    (struct step){.kind = kind, .arg = arg, .span = span ? *span : (struct span){0}};
}

static bool build_cpu(struct parser *p, const char *operand, struct shape *s)
{
	struct span span;

	if (!parse_span(operand, &span) || span.ns == 0)
		return parser_fail(p, "cpu '%s' is not a time such as 5ms, nor 'forever'", operand);
	add_step(s, STEP_RUN, 0, &span);
	s->rounds = 1;
	return true;
}

static bool build_periodic(struct parser *p, const struct task_fields *f, struct shape *s)
{
	struct span runtime = {.ns = f->runtime};

	if (!f->runtime || !f->period)
		return parser_fail(p, "periodic wants C=TIME and T=TIME");
	s->runtime_ns = f->runtime;
	s->period_ns = f->period;
	s->deadline_ns = f->rel_deadline ? f->rel_deadline : f->period;
	if (s->deadline_ns > s->period_ns || s->runtime_ns > s->deadline_ns)
		return parser_fail(p, "periodic needs C <= D <= T");
	add_step(s, STEP_RUN, 0, &runtime);
	add_step(s, STEP_JOB, 0, NULL);
	return true;
}

static bool build_fork(struct parser *p, const struct task_fields *f, struct shape *s)
{
	uint64_t tasks = 1;

	if (!f->cpu.ns)
		return parser_fail(p, "fork wants cpu=TIME, the work of each task");
	for (int64_t i = 0; i < f->depth && tasks <= WORKLOAD_TASKS_MAX; i++)
		tasks = tasks * (uint64_t)f->width + 1;
	if (tasks > WORKLOAD_TASKS_MAX)
		return parser_fail(p, "that fork tree has more than %d tasks", WORKLOAD_TASKS_MAX);
	s->depth = (unsigned)f->depth;
	s->rounds = 1;
	add_step(s, STEP_FORK, (unsigned)f->width, NULL);
	add_step(s, STEP_RUN, 0, &f->cpu);
	add_step(s, STEP_WAIT, 0, NULL);
	return true;
}

static bool build_lock(struct parser *p, const struct task_fields *f, struct shape *s)
{
	int lock = parser_lock(p, f->lock ? f->lock : "lock");

	if (lock < 0)
		return parser_fail(p, "more than %d locks", WORKLOAD_LOCKS_MAX);
	if (!f->hold.ns)
		return parser_fail(p, "lock wants hold=TIME");
	add_step(s, STEP_RUN, 0, &f->before);
	add_step(s, STEP_LOCK, (unsigned)lock, NULL);
	add_step(s, STEP_RUN, 0, &f->hold);
	add_step(s, STEP_UNLOCK, (unsigned)lock, NULL);
	add_step(s, STEP_RUN, 0, &f->after);
	add_step(s, STEP_SLEEP, 0, &f->sleep);
	return true;
}

/* Locks are taken and given back within one round, and none twice: checked here so that nobody
 * who carries the steps out has to think of it. */
static bool check_locks(struct parser *p, const struct shape *s)
{
	uint64_t held = 0;
	bool asks = false;

	for (unsigned i = 0; i < s->nr_steps; i++) {
		const struct step *step = &s->steps[i];
		uint64_t bit = 1ULL << (step->arg % 64);

		asks |= step->kind == STEP_RUN || step->kind == STEP_SLEEP;
		if (step->kind == STEP_LOCK && held & bit)
			return parser_fail(p, "lock '%s' is taken twice", p->w->locks[step->arg]);
		if (step->kind == STEP_UNLOCK && !(held & bit))
			return parser_fail(p, "lock '%s' is not held there",
					   p->w->locks[step->arg]);
		if (step->kind == STEP_LOCK)
			held |= bit;
		else if (step->kind == STEP_UNLOCK)
			held &= ~bit;
	}
	if (held)
		return parser_fail(p, "a lock is not given back");
	return asks ? true : parser_fail(p, "the steps never run and never sleep");
}

static bool build_step(struct parser *p, const char *word, const char *arg, struct shape *s)
{
	static const struct {
		const char *name;
		enum step_kind kind;
	} names[] = {{"run", STEP_RUN},
		     {"sleep", STEP_SLEEP},
		     {"lock", STEP_LOCK},
		     {"unlock", STEP_UNLOCK},
		     {"yield", STEP_YIELD}};
	struct span span = {0};
	int lock = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		enum step_kind kind = names[i].kind;

		if (strcmp(names[i].name, word) != 0)
			continue;
		if ((arg == NULL) != (kind == STEP_YIELD))
			return parser_fail(p, "step '%s' %s", word,
					   arg ? "wants nothing after it"
					       : "wants a word after it");
		if (kind == STEP_LOCK || kind == STEP_UNLOCK) {
			lock = parser_lock(p, arg);
			if (lock < 0)
				return parser_fail(p, "more than %d locks", WORKLOAD_LOCKS_MAX);
		} else if (arg && (!parse_span(arg, &span) || !span.ns)) {
			return parser_fail(p, "step '%s %s': not a time such as 5ms", word, arg);
		}
		add_step(s, kind, (unsigned)lock, arg && !lock && span.ns ? &span : NULL);
		return true;
	}
	return parser_fail(p, "no step '%s'; there are run, sleep, lock, unlock, yield", word);
}

/* "run 5ms; lock L; run 1ms; unlock L" */
static bool build_steps(struct parser *p, const char *operand, struct shape *s)
{
	char *text = workload_alloc(p->w, strlen(operand) + 1), *outer = NULL, *inner;

	if (!text)
		return parser_fail(p, "out of memory");
	strcpy(text, operand);
	for (char *one = strtok_r(text, ";", &outer); one; one = strtok_r(NULL, ";", &outer)) {
		char *word = strtok_r(one, " \t", &inner);
		char *arg = word ? strtok_r(NULL, " \t", &inner) : NULL;

		if (!word)
			continue;
		if (arg && strtok_r(NULL, " \t", &inner))
			return parser_fail(p, "step '%s %s' has words after it; ; parts steps",
					   word, arg);
		if (s->nr_steps == WORKLOAD_STEPS_MAX)
			return parser_fail(p, "more than %d steps", WORKLOAD_STEPS_MAX);
		if (!build_step(p, word, arg, s))
			return false;
	}
	return true;
}

bool shape_build(struct parser *p, const char *name, const char *operand,
		 const struct task_fields *f, struct shape *s)
{
	struct span length = {.ns = f->length};
	bool good = true;

	s->name = name;
	s->total_ns = f->total;
	s->for_ns = f->for_;
	s->rounds = f->times ? (uint64_t)f->times
		    : f->total != WORKLOAD_FOREVER || f->for_ != WORKLOAD_FOREVER ? UINT64_MAX
										  : 0;
	if (strcmp(name, "run") == 0) {
		s->command = operand;
		s->rounds = 1;
		add_step(s, STEP_RUN, 0, &length);
		return true;
	}
	if (strcmp(name, "cpu") == 0) {
		good = build_cpu(p, operand, s);
	} else if (strcmp(name, "io") == 0) {
		add_step(s, STEP_RUN, 0, &f->burst);
		add_step(s, STEP_SLEEP, 0, &f->sleep);
	} else if (strcmp(name, "interactive") == 0) {
		add_step(s, STEP_SLEEP, 0, &f->think);
		add_step(s, STEP_RUN, 0, &f->burst);
	} else if (strcmp(name, "periodic") == 0) {
		good = build_periodic(p, f, s);
	} else if (strcmp(name, "fork") == 0) {
		good = build_fork(p, f, s);
	} else if (strcmp(name, "lock") == 0) {
		good = build_lock(p, f, s);
	} else {
		good = build_steps(p, operand, s);
	}
	if (!good)
		return false;
	/* Without an end of its own a shape goes on until the workload's stop. */
	if (!s->rounds)
		s->rounds =
		    strcmp(name, "lock") == 0 || strcmp(name, "steps") == 0 ? 1 : UINT64_MAX;
	if (s->total_ns != WORKLOAD_FOREVER && !f->burst.ns)
		return parser_fail(p, "%s with total= wants burst=TIME", name);
	return check_locks(p, s);
}
