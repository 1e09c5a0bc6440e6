/*
 * workload.c - reads a workload file: lines into words, directives, and the memory of it all.
 *
 * Task lines are workload_task.c's business, their shapes workload_shape.c's.
 */
#include "lab/workload.h"

#include "lab/workload_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (16 << 20)
#define CHUNK_LEN 65536

struct workload_memory {
	struct workload_memory *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

void *workload_alloc(struct workload *w, size_t size)
{
	struct workload_memory *m = w->memory;

	size = (size + 15) & ~(size_t)15;
	if (!m || m->size - m->used < size) {
		size_t want = size > CHUNK_LEN ? size : CHUNK_LEN;

		m = malloc(sizeof(*m) + want);
		if (!m)
			return NULL;
		m->next = w->memory;
		m->used = 0;
		m->size = want;
		w->memory = m;
	}
	void *p = m->bytes + m->used;
	m->used += size;
	return memset(p, 0, size);
}

void workload_free(struct workload *w)
{
	if (!w)
		return;
	for (struct workload_memory *m = w->memory, *next; m; m = next) {
		next = m->next;
		free(m);
	}
	free(w->tasks);
	free(w->scheds);
	free(w);
}

bool parser_fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(p->error, p->error_size, "%s:%u: ", p->file, p->line);

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < p->error_size)
		vsnprintf(p->error + n, p->error_size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

/* Cut the line into words, in place.  Quotes keep blanks together; \" and \\ are what they say
 * between them; # begins a comment. */
static bool split_words(struct parser *p, char *s)
{
	p->nr_words = 0;
	for (;;) {
		char *to;
		bool quoted = false;

		s += strspn(s, " \t\r");
		if (!*s || *s == '#')
			break;
		if (p->nr_words == WORDS_MAX)
			return parser_fail(p, "more than %d words", WORDS_MAX);
		p->words[p->nr_words++] = to = s;
		for (; *s && (quoted || !strchr(" \t\r", *s)); s++) {
			if (*s == '"') {
				quoted = !quoted;
				continue;
			}
			if (quoted && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
				s++;
			*to++ = *s;
		}
		if (quoted)
			return parser_fail(p, "a quote is not closed");
		bool more = *s;
		*to = '\0';
		if (!more)
			break;
		s++;
	}
	p->words[p->nr_words] = NULL;
	return true;
}

static bool take_sched(struct parser *p, const char *text)
{
	struct workload *w = p->w;
	const char **more = realloc(w->scheds, (w->nr_scheds + 1) * sizeof(*more));

	if (!more)
		return parser_fail(p, "out of memory");
	w->scheds = more;
	w->scheds[w->nr_scheds++] = text;
	return true;
}

static bool take_time(struct parser *p, const char *text, uint64_t least, uint64_t *out)
{
	if (parse_time(text, out) && *out >= least && *out != WORKLOAD_FOREVER)
		return true;
	return parser_fail(p, "%s '%s' is not a time such as 5ms", p->words[0], text);
}

/* Every directive but task has one operand. */
static bool parse_directive(struct parser *p)
{
	struct workload *w = p->w;
	const char *key = p->words[0], *text = p->words[1];
	int64_t n = 0;

	if (strcmp(key, "task") == 0)
		return parse_task(p);
	if (strcmp(key, "cache") == 0)
		return parse_cache(p);
	if (p->nr_words != 2)
		return parser_fail(p, "'%s' wants one word after it%s", key,
				   p->nr_words > 2 ? "; put it in quotes" : "");
	if (strcmp(key, "name") == 0)
		w->name = text;
	else if (strcmp(key, "about") == 0)
		w->about = text;
	else if (strcmp(key, "sched") == 0)
		return take_sched(p, text);
	else if (strcmp(key, "tick") == 0)
		return take_time(p, text, 1, &w->tick_ns);
	else if (strcmp(key, "stop") == 0)
		return take_time(p, text, 1, &w->stop_ns);
	else if (strcmp(key, "switch") == 0)
		return take_time(p, text, 0, &w->switch_ns);
	else if (strcmp(key, "window") == 0)
		return take_time(p, text, 1000, &w->window_ns);
	else if (strcmp(key, "cpus") == 0) {
		if (!parse_number(text, 1, 64, &n))
			return parser_fail(p, "cpus '%s' is not a number from 1 to 64", text);
		w->cpus = (int)n;
	} else if (strcmp(key, "seed") == 0) {
		if (!parse_number(text, 0, INT64_MAX, &n))
			return parser_fail(p, "seed '%s' is not a number", text);
		/* Taken by find_seed, which has gone through the file before. */
	} else {
		return parser_fail(p,
				   "no directive '%s'; there are task, name, about, sched, cache, "
				   "seed, cpus, tick, stop, switch, window",
				   key);
	}
	return true;
}

/* The seed counts for every line, wherever it stands. */
static void find_seed(struct workload *w, const char *text)
{
	while (text) {
		text += strspn(text, " \t\n\r");
		if (strncmp(text, "seed", 4) == 0 && (text[4] == ' ' || text[4] == '\t'))
			w->seed = strtoull(text + 4, NULL, 10);
		text = strchr(text, '\n');
	}
}

static bool parse_lines(struct parser *p, const char *text)
{
	char *copy = workload_alloc(p->w, strlen(text) + 1);

	if (!copy)
		return parser_fail(p, "out of memory");
	strcpy(copy, text);
	for (char *s = copy, *next; s; s = next) {
		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		p->line++;
		if (!split_words(p, s) || (p->nr_words && !parse_directive(p)))
			return false;
	}
	if (!p->w->nr_tasks)
		return parser_fail(p, "there is no task");
	return true;
}

struct workload *workload_parse(const char *text, const char *file, const uint64_t *seed,
				char *error, size_t size)
{
	struct workload *w = calloc(1, sizeof(*w));
	struct parser p = {.w = w, .file = file, .error = error, .error_size = size};

	if (!w) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	const char *slash = strrchr(file, '/');
	size_t len = strlen(slash ? slash + 1 : file);
	char *name = workload_alloc(w, len + 1);
	if (name)
		w->name = strcpy(name, slash ? slash + 1 : file);
	if (len > 3 && name && strcmp(name + len - 3, ".wl") == 0)
		name[len - 3] = '\0';
	w->about = "";
	w->stop_ns = WORKLOAD_FOREVER;
	find_seed(w, text);
	if (seed)
		w->seed = *seed;
	if (!name || !parse_lines(&p, text)) {
		workload_free(w);
		return NULL;
	}
	return w;
}

struct workload *workload_load(const char *path, const uint64_t *seed, char *error, size_t size)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;

	if (!f || !(text = malloc(FILE_MAX + 1)) ||
	    (len = fread(text, 1, FILE_MAX, f), ferror(f)) || len == FILE_MAX) {
		snprintf(error, size, "%s: %s", path,
			 len == FILE_MAX ? "is too long" : strerror(errno));
		free(text);
		if (f)
			fclose(f);
		return NULL;
	}
	fclose(f);
	text[len] = '\0';
	if (strlen(text) != len) {
		snprintf(error, size, "%s: is not a text file", path);
		free(text);
		return NULL;
	}
	struct workload *w = workload_parse(text, path, seed, error, size);
	free(text);
	return w;
}
