/*
 * peak.c - the most memory that a process ever had resident (ru_maxrss).
 *
 * The host knows it best when an address space ends, and tells a while after: when the process that
 * held it is collected.  Asking while it still lives would cost a tenth of a fork.  So what is
 * expected is noted, and whoever wants to see a maximum has everything collected first.
 */
#include "kern/task.h"
#include "lib/list.h"

#include <stdlib.h>

struct peak {
	struct list_head expected;
	uint64_t ticket;
	struct process *process; /* counted */
};

static struct list_head expected = LIST_INIT(expected);

static void raise(struct rusage_sum *sum, uint64_t kb)
{
	if (kb > sum->maxrss_kb)
		sum->maxrss_kb = kb;
}

static void peak_learn(uint64_t ticket, uint64_t kb)
{
	struct peak *k;

	list_for_each (k, &expected, expected) {
		if (k->ticket != ticket)
			continue;
		raise(&k->process->dead_threads, kb);
		/* Whoever has waited for it meanwhile has counted it without this. */
		for (struct process *p = k->process->heir; p; p = p->heir)
			raise(&p->dead_children, kb);
		list_del(&k->expected);
		process_put(k->process);
		free(k);
		return;
	}
}

void peaks_collect(bool all)
{
	uint64_t ticket, bytes;

	while (machine->peak_take && machine->peak_take(&ticket, &bytes, all))
		peak_learn(ticket, bytes / 1024);
}

void peak_expect(struct task *t)
{
	struct peak *k;

	if (!machine->peak_ticket)
		return;
	peaks_collect(false);
	k = malloc(sizeof(*k));
	if (!k)
		return; /* the maximum is of the others */
	k->ticket = machine->peak_ticket(t->thread);
	k->process = process_get(t->proc);
	list_add(&k->expected, &expected);
}
