/*
 * costs.h - --costs: where a run's time went.
 *
 * The supervisor has one thread, so its time line is the run's: at each moment it does one kind of
 * thing, for one system call or for none.  Every change of kind reads the cycle counter and charges
 * what has passed, so that the parts sum up to the whole by construction.
 *
 * When off it costs one test where a task's kernel side is entered, and one for each host call: the
 * machine is watched by putting another table of operations in its place.
 */
#ifndef TRACE_COSTS_H
#define TRACE_COSTS_H

#include "syscall.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct task;

extern bool costs_on;

/* From here on the time counts; before the machine starts.  out: where costs_finish prints. */
void costs_begin(FILE *out, bool json);
/* Where the machine is to say how long it sleeps. */
struct machine_sleep *costs_sleep(void);
/* The machine has started: watch what the kernel asks of it. */
void costs_watch_machine(void);
/* Everything has ended, the machine too. */
void costs_finish(void);

/* A task's kernel side goes on / has given the CPU back to the loop. */
void costs_task(const struct task *t);
void costs_loop(void);

/* --- between costs.c and costs_print.c --- */

enum cost {
	COST_HANDLER,	/* the kernel's own work */
	COST_COPY_IN,	/* from guest memory */
	COST_COPY_OUT,	/* to guest memory */
	COST_HOST,	/* host calls, on files mostly */
	COST_SPACE,	/* address spaces and threads: made, changed, ended */
	COST_REGISTERS, /* read and written */
	COST_TAKE,	/* from waking up to having the event */
	COST_ANSWER,	/* results given, guests resumed */
	COST_KINDS,
};

/* Of calls that carry stamps of the cycle counter (see costs.c). */
struct cost_probe {
	uint64_t calls, arrive, give_back;
};

/* In cycles.  The row SYSCALL_MAX is for what belongs to no call. */
struct costs {
	uint64_t spent[SYSCALL_MAX + 1][COST_KINDS];
	uint64_t calls[SYSCALL_MAX + 1];
	uint64_t start;	   /* until the first guest instruction */
	uint64_t with_run; /* asleep while a guest runs */
	uint64_t idle;	   /* asleep while none does */
	uint64_t end;	   /* the machine's */
	uint64_t guest_ns; /* CPU time of guests */
	uint64_t wall;
	double ns_per_cycle;
	struct cost_probe probe;
};

void costs_print(FILE *out, const struct costs *c);
void costs_print_json(FILE *out, const struct costs *c);
#endif
