/*
 * json_read.c - a report that an earlier run wrote, for compare.  Nothing in the file is trusted.
 */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void read_ways(struct bench_report *r, const json_t *ways)
{
	size_t i;
	json_t *way;

	json_array_foreach(ways, i, way)
	{
		r->ways = bench_alloc(r->ways, r->nr_ways + 1, sizeof(*r->ways));
		struct bench_way *w = &r->ways[r->nr_ways++];
		const char *kind = text_of(way, "kind");

		memset(w, 0, sizeof(*w));
		snprintf(w->name, sizeof(w->name), "%s", text_of(way, "name"));
		snprintf(w->version, sizeof(w->version), "%s", text_of(way, "version"));
		snprintf(w->skipped, sizeof(w->skipped), "%s", text_of(way, "skipped"));
		w->kind = strcmp(kind, "native") == 0	 ? WAY_NATIVE
			  : strcmp(kind, "backend") == 0 ? WAY_BACKEND
							 : WAY_PEER;
	}
}

static void read_measures(struct bench_report *r, const json_t *measures)
{
	size_t i;
	json_t *measure;

	json_array_foreach(measures, i, measure)
	{
		r->measures = bench_alloc(r->measures, r->nr_measures + 1, sizeof(*r->measures));
		r->measures[r->nr_measures++] = (struct bench_measure){
		    .name = text_of(measure, "name"),
		    .group = text_of(measure, "group"),
		    .unit = text_of(measure, "unit"),
		    .goal = text_of(measure, "goal"),
		    .what = text_of(measure, "what"),
		    .options = "",
		};
	}
}

static void read_cell(struct bench_report *r, const json_t *result)
{
	unsigned m, w;
	size_t i;
	json_t *value;
	enum bench_cores cores =
	    strcmp(text_of(result, "cores"), "one") == 0 ? CORES_ONE : CORES_ALL;

	for (m = 0; m < r->nr_measures; m++)
		if (strcmp(r->measures[m].name, text_of(result, "measure")) == 0)
			break;
	for (w = 0; w < r->nr_ways; w++)
		if (strcmp(r->ways[w].name, text_of(result, "way")) == 0)
			break;
	if (m == r->nr_measures || w == r->nr_ways)
		return;
	r->cores[cores] = true;
	struct bench_cell *cell = bench_cell_of(r, m, cores, w);
	const char *skipped = text_of(result, "skipped"), *failed = text_of(result, "failed");
	cell->skipped = *skipped != '\0';
	snprintf(cell->reason, sizeof(cell->reason), "%s", *skipped ? skipped : failed);
	json_array_foreach(json_object_get(result, "rounds"), i, value)
	    bench_cell_add(cell, json_number_value(value));
}

struct bench_report *bench_json_read(const char *path, char *why, size_t len)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error), *result;
	size_t i;

	if (!root) {
		if (error.line > 0)
			snprintf(why, len, "%s: line %d: %s", path, error.line, error.text);
		else
			snprintf(why, len, "%s", error.text); /* it names the file */
		return NULL;
	}
	if (strcmp(text_of(root, "format"), "ukernel-bench") != 0 ||
	    json_integer_value(json_object_get(root, "version")) != 1) {
		snprintf(why, len,
			 "%s is no report of ukernel bench --json that this version knows", path);
		return NULL;
	}
	struct bench_report *r = bench_alloc(NULL, 1, sizeof(*r));
	memset(r, 0, sizeof(*r));
	r->rounds = (unsigned)json_integer_value(json_object_get(root, "rounds"));
	r->quick = json_is_true(json_object_get(root, "quick"));
	read_ways(r, json_object_get(root, "ways"));
	read_measures(r, json_object_get(root, "measures"));
	size_t cells = (size_t)r->nr_measures * CORES_COUNT * r->nr_ways;
	r->cells = bench_alloc(NULL, cells + 1, sizeof(*r->cells));
	memset(r->cells, 0, (cells + 1) * sizeof(*r->cells));
	json_array_foreach(json_object_get(root, "results"), i, result) read_cell(r, result);
	return r;
}
