/*
 * count.c - --count: how often each call was made, failed, and how long it took.
 *
 * The time is what passed between the call's arrival in the kernel and its answer, sleep
 * included; what the trap itself costs is not in it.
 */
#include "trace/decode.h"

#include <stdio.h>
#include <stdlib.h>

struct counter {
	uint64_t calls, errors, ns;
};

static struct counter counters[SYSCALL_MAX + 1]; /* the last: numbers without a row */

void count_call(uint64_t nr, bool failed, uint64_t spent_ns)
{
	struct counter *c =
	    &counters[nr < SYSCALL_MAX && syscall_table[nr].name ? nr : SYSCALL_MAX];

	c->calls++;
	c->errors += failed;
	c->ns += spent_ns;
}

static int by_time(const void *a, const void *b)
{
	const struct counter *x = &counters[*(const int *)a], *y = &counters[*(const int *)b];

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->calls < y->calls ? 1 : x->calls > y->calls ? -1 : 0;
}

static void add_row(struct text *x, const struct counter *c, uint64_t all_ns, const char *name)
{
	char errors[24] = "";

	if (c->errors)
		snprintf(errors, sizeof(errors), "%llu", (unsigned long long)c->errors);
	text_add(x, "%6.2f %11.6f %11llu %9llu %9s %s\n",
		 all_ns ? 100.0 * (double)c->ns / (double)all_ns : 0.0, (double)c->ns / 1e9,
		 (unsigned long long)(c->calls ? c->ns / c->calls / 1000 : 0),
		 (unsigned long long)c->calls, errors, name);
}

#define RULE "------ ----------- ----------- --------- --------- ----------------\n"

void count_print(struct text *x)
{
	static int order[SYSCALL_MAX + 1];
	struct counter all = {0};
	int n = 0;

	for (int i = 0; i <= SYSCALL_MAX; i++) {
		if (!counters[i].calls)
			continue;
		order[n++] = i;
		all.calls += counters[i].calls;
		all.errors += counters[i].errors;
		all.ns += counters[i].ns;
	}
	qsort(order, (size_t)n, sizeof(*order), by_time);
	text_add(x, "%% time     seconds  usecs/call     calls    errors syscall\n" RULE);
	for (int i = 0; i < n; i++)
		add_row(x, &counters[order[i]], all.ns,
			order[i] < SYSCALL_MAX ? syscall_table[order[i]].name : "(unknown)");
	text_add(x, RULE);
	add_row(x, &all, all.ns, "total");
}
