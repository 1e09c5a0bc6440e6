/*
 * costs_print.c - --costs: the parts in seconds and per cent, and the calls that took most.
 */
#include "sched/sched.h"
#include "trace/costs.h"

#include <stdlib.h>

static const char *const kind_keys[COST_KINDS] = {"handlers", "copy_in",   "copy_out", "host_calls",
						  "spaces",   "registers", "take",     "answer"};
static const char *const kind_names[COST_KINDS] = {
    "handlers, by call below",
    "copies from guest memory",
    "copies to guest memory",
    "host calls",
    "address spaces and threads: made, changed, ended",
    "registers: read, written",
    NULL,
    NULL,
};

static const struct costs *shown; /* for by_total */

static uint64_t row_total(const struct costs *c, int row)
{
	uint64_t all = 0;

	for (int k = 0; k < COST_KINDS; k++)
		all += c->spent[row][k];
	return all;
}

static uint64_t kind_total(const struct costs *c, int kind)
{
	uint64_t all = 0;

	for (int i = 0; i < SYSCALL_MAX; i++)
		all += c->spent[i][kind];
	/* What the kernel does for no call has a line of its own. */
	return kind == COST_HANDLER ? all : all + c->spent[SYSCALL_MAX][kind];
}

static double seconds(const struct costs *c, uint64_t cycles)
{
	return (double)cycles * c->ns_per_cycle / 1e9;
}

/* Between an answer's beginning and the next event's end there is nothing but the guest, and the
 * way there and back.  On the core that both share the guest goes on before the host call by which
 * it was resumed returns, so that only the sum can be told apart, by the guest's own CPU time. */
static uint64_t away_cycles(const struct costs *c)
{
	return c->with_run + kind_total(c, COST_TAKE) + kind_total(c, COST_ANSWER);
}

/* On several virtual CPUs guests may have had more. */
static uint64_t guests_cycles(const struct costs *c)
{
	uint64_t had = (uint64_t)((double)c->guest_ns / c->ns_per_cycle), away = away_cycles(c);

	return had < away ? had : away;
}

static void put_line(FILE *out, const struct costs *c, uint64_t cycles, const char *what)
{
	fprintf(out, "%12.6f %6.2f  %s\n", seconds(c, cycles),
		c->wall ? 100 * (double)cycles / (double)c->wall : 0, what);
}

/* What a call costs apart from the trap. */
static uint64_t handling(const struct costs *c, int row)
{
	return row_total(c, row) - c->spent[row][COST_TAKE] - c->spent[row][COST_ANSWER];
}

static int by_total(const void *a, const void *b)
{
	uint64_t x = handling(shown, *(const int *)a), y = handling(shown, *(const int *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The calls in order of what they cost; returns how many. */
static int sort_calls(const struct costs *c, int order[SYSCALL_MAX])
{
	int n = 0;

	for (int i = 0; i < SYSCALL_MAX; i++)
		if (c->calls[i] || handling(c, i))
			order[n++] = i;
	shown = c;
	qsort(order, (size_t)n, sizeof(*order), by_total);
	return n;
}

static void put_calls(FILE *out, const struct costs *c)
{
	static int order[SYSCALL_MAX];
	int n = sort_calls(c, order);

	fputs("\nus a call:   all handler copy-in copy-out   host  space   regs     calls\n", out);
	for (int i = 0; i < n; i++) {
		const uint64_t *spent = c->spent[order[i]];
		double calls = c->calls[order[i]] ? (double)c->calls[order[i]] : 1;
		double us = c->ns_per_cycle / 1e3 / calls;

		fprintf(out, "%16.2f %7.2f %7.2f %8.2f %6.2f %6.2f %6.2f %9llu %s\n",
			(double)handling(c, order[i]) * us, (double)spent[COST_HANDLER] * us,
			(double)spent[COST_COPY_IN] * us, (double)spent[COST_COPY_OUT] * us,
			(double)spent[COST_HOST] * us, (double)spent[COST_SPACE] * us,
			(double)spent[COST_REGISTERS] * us, (unsigned long long)c->calls[order[i]],
			syscall_table[order[i]].name);
	}
}

static uint64_t sum_of_parts(const struct costs *c)
{
	uint64_t sum = c->start + c->with_run + c->idle + c->end;

	for (int i = 0; i <= SYSCALL_MAX; i++)
		sum += row_total(c, i);
	return sum;
}

void costs_print(FILE *out, const struct costs *c)
{
	uint64_t guests = guests_cycles(c), sum = sum_of_parts(c);

	fputs("     seconds      %  where the time went\n", out);
	put_line(out, c, guests,
		 "guests on a CPU: their code, their page faults, the host's part of their calls");
	put_line(
	    out, c, away_cycles(c) - guests,
	    "trap entry and exit: wake-ups, events taken, results given, waits for a host CPU");
	for (int k = 0; k < COST_TAKE; k++)
		put_line(out, c, kind_total(c, k), kind_names[k]);
	put_line(out, c, c->spent[SYSCALL_MAX][COST_HANDLER],
		 "the kernel for no call: scheduling, signals, exceptions, timers");
	put_line(out, c, c->idle, "idle: nobody could run");
	put_line(out, c, c->start, "start of the machine and the first program");
	put_line(out, c, c->end, "end of the machine");
	put_line(out, c, sum, "sum");
	put_line(out, c, c->wall - sum, "left over");
	fprintf(
	    out,
	    "Besides, tasks waited %.6f s in all for a virtual CPU, and guests had %.6f s of CPU "
	    "time.\n",
	    (double)sched_waited_ns() / 1e9, (double)c->guest_ns / 1e9);
	put_calls(out, c);
}

void costs_print_json(FILE *out, const struct costs *c)
{
	static int order[SYSCALL_MAX];
	int n = sort_calls(c, order);
	double unit = c->ns_per_cycle;

	fprintf(
	    out,
	    "{\"format\":\"ukernel-costs\",\"version\":1,\"wall_ns\":%.0f,\"left_over_ns\":%.0f,\n",
	    (double)c->wall * unit, ((double)c->wall - (double)sum_of_parts(c)) * unit);
	fprintf(out, "\"parts_ns\":{\"guests\":%.0f,\"traps\":%.0f,",
		(double)guests_cycles(c) * unit,
		(double)(away_cycles(c) - guests_cycles(c)) * unit);
	for (int k = 0; k < COST_TAKE; k++)
		fprintf(out, "\"%s\":%.0f,", kind_keys[k], (double)kind_total(c, k) * unit);
	fprintf(out, "\"kernel\":%.0f,\"idle\":%.0f,\"start\":%.0f,\"end\":%.0f},\n",
		(double)c->spent[SYSCALL_MAX][COST_HANDLER] * unit, (double)c->idle * unit,
		(double)c->start * unit, (double)c->end * unit);
	fprintf(out, "\"guest_cpu_ns\":%llu,\"waited_for_cpu_ns\":%llu,\n",
		(unsigned long long)c->guest_ns, (unsigned long long)sched_waited_ns());
	if (c->probe.calls)
		fprintf(out, "\"probe\":{\"calls\":%llu,\"arrive_ns\":%.1f,\"return_ns\":%.1f},\n",
			(unsigned long long)c->probe.calls,
			(double)c->probe.arrive * unit / (double)c->probe.calls,
			(double)c->probe.give_back * unit / (double)c->probe.calls);
	fputs("\"calls\":[", out);
	for (int i = 0; i < n; i++) {
		fprintf(out, "%s{\"name\":\"%s\",\"calls\":%llu", i ? ",\n  " : "\n  ",
			syscall_table[order[i]].name, (unsigned long long)c->calls[order[i]]);
		for (int k = 0; k < COST_KINDS; k++)
			fprintf(out, ",\"%s_ns\":%.0f", kind_keys[k],
				(double)c->spent[order[i]][k] * unit);
		fputs("}", out);
	}
	fputs("]}\n", out);
}
