/*
 * rr.c - round robin: every task gets the same slice in turn, first come first served.
 *
 * For interactive mixes of equal tasks; a short slice gives quick response, a long one fewer
 * switches.  It knows no priorities: nice values are kept and ignored.
 * Options: the slice in milliseconds (default 4).
 */
#include "kern/task.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdlib.h>

#define SLICE_DEFAULT_NS 4000000ULL

static struct list_head queue;
static uint64_t slice_ns;

static int rr_init(struct runq *rq, const char *options)
{
	(void)rq;
	list_init(&queue);
	slice_ns = SLICE_DEFAULT_NS;
	if (options && *options) {
		char *end;
		double ms = strtod(options, &end);

		if (*end || !(ms > 0 && ms <= 1e6))
			return -EINVAL;
		slice_ns = (uint64_t)(ms * 1e6);
	}
	return 0;
}

static void rr_enqueue(struct runq *rq, struct task *t, enum enqueue_why why)
{
	(void)rq;
	(void)why;
	list_add_tail(&t->se.link, &queue);
}

static void rr_remove(struct runq *rq, struct task *t)
{
	(void)rq;
	list_del(&t->se.link);
}

static struct task *rr_pick(struct runq *rq, int vcpu)
{
	struct task *t;

	(void)rq;
	list_for_each (t, &queue, se.link) {
		if (t->se.affinity >> vcpu & 1) {
			list_del(&t->se.link);
			return t;
		}
	}
	return NULL;
}

static uint64_t rr_slice_ns(struct runq *rq, struct task *t)
{
	(void)rq;
	(void)t;
	return slice_ns;
}

const struct sched_policy sched_rr = {
    .name = "rr",
    .summary = "round robin: equal slices in turn (option: the slice in ms, default 4)",
    .init = rr_init,
    .enqueue = rr_enqueue,
    .remove = rr_remove,
    .pick = rr_pick,
    .slice_ns = rr_slice_ns,
};
