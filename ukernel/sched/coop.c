/*
 * coop.c - cooperative: a task keeps its virtual CPU until it makes a call that waits, yields or
 * exits.  The textbook's first approach, with its flaw: an endless loop never lets go.
 *
 * For measuring what preemption costs, and for seeing why it is needed.
 */
#include "kern/task.h"
#include "sched/sched.h"

static struct list_head queue;

static int coop_init(struct runq *rq, const char *options)
{
	(void)rq;
	(void)options;
	list_init(&queue);
	return 0;
}

static void coop_enqueue(struct runq *rq, struct task *t, enum enqueue_why why)
{
	(void)rq;
	(void)why;
	list_add_tail(&t->se.link, &queue);
}

static void coop_remove(struct runq *rq, struct task *t)
{
	(void)rq;
	list_del(&t->se.link);
}

static struct task *coop_pick(struct runq *rq, int vcpu)
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

static uint64_t coop_slice_ns(struct runq *rq, struct task *t)
{
	(void)rq;
	(void)t;
	return UINT64_MAX;
}

const struct sched_policy sched_coop = {
    .name = "coop",
    .summary = "cooperative: a task runs until it waits, yields or exits",
    .init = coop_init,
    .enqueue = coop_enqueue,
    .remove = coop_remove,
    .pick = coop_pick,
    .slice_ns = coop_slice_ns,
};
