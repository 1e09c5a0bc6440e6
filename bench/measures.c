/*
 * measures.c - the table of what is measured, and the small things about a report.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

const struct bench_measure bench_measures[] = {
#define MEASURE(name, group, unit, goal, options, what)                                            \
	{#name, #group, #unit, goal, what, options, NULL, false},
#define START(name, group, unit, goal, command, what)                                              \
	{#name, #group, #unit, goal, what, "", command, false},
#define FLOOR(name, group, unit, what) {#name, #group, #unit, "", what, "", NULL, true},
#include "measures.def"
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, false},
};

double bench_unit_ns(const char *unit)
{
	if (strcmp(unit, "us") == 0)
		return 1e3;
	return strcmp(unit, "ms") == 0 ? 1e6 : 1;
}

struct bench_cell *bench_cell_of(const struct bench_report *r, unsigned measure,
				 enum bench_cores cores, unsigned way)
{
	return &r->cells[(measure * CORES_COUNT + cores) * r->nr_ways + way];
}

void bench_cell_add(struct bench_cell *cell, double value)
{
	cell->value = bench_alloc(cell->value, cell->n + 1, sizeof(double));
	cell->value[cell->n++] = value;
}

const char *bench_cores_name(enum bench_cores cores)
{
	return cores == CORES_ONE ? "one core" : "all cores";
}

void *bench_alloc(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size);

	if (!p && n) {
		fputs("ukernel: out of memory\n", stderr);
		exit(125);
	}
	return p;
}
