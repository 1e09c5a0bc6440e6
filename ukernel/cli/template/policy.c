/*
 * @NAME@.c - a scheduling policy for ukernel.
 *
 * make && ukernel run --sched ./@NAME@.so -- PROGRAM
 * ukernel sched sim --sched ./@NAME@.so WORKLOAD       the same code in virtual time
 *
 * As it stands it is round robin in which tasks of lower nice value get longer turns.  The header says
 * what each op may count on; a policy that breaks its rules is named, and round robin takes over.
 */
#include <ukernel/policy.h>

/* Parameters, as in --sched ./@NAME@.so:slice=10ms */
enum { P_SLICE };
static const struct policy_param params[] = {
    {"slice", PARAM_TIME, false, "4ms", 100000, 1000000000, "turn of a task of nice 0"},
    {.key = NULL},
};

/* The state of the policy, rq->priv, and of one task, se->priv: no static variables. */
struct @NAME@ {
	struct sched_list queue; /* who waits for a CPU */
};

struct @NAME@_task {
	uint64_t turns;
};

static struct @NAME@_task *task_of(struct sched_entity *se)
{
	return (struct @NAME@_task *)se->priv;
}

static int @NAME@_init(struct runq *rq)
{
	struct @NAME@ *p = rq->priv;

	sched_list_init(&p->queue);
	return 0;
}

/* se waits from now on; why says where it comes from. */
static void @NAME@_enqueue(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why)
{
	struct @NAME@ *p = rq->priv;

	/* Who was taken off before its turn was over goes on first. */
	sched_list_insert(&se->link, why == ENQ_PREEMPTED ? p->queue.next : &p->queue);
}

/* se does not wait any more, though nobody picked it. */
static void @NAME@_remove(struct runq *rq, struct sched_entity *se)
{
	(void)rq;
	sched_list_del(&se->link);
}

/* Who runs on cpu? */
static struct sched_entity *@NAME@_pick(struct runq *rq, int cpu)
{
	struct @NAME@ *p = rq->priv;
	struct sched_entity *se = sched_list_take(&p->queue, cpu);

	if (se) {
		task_of(se)->turns++;
		rq_why(rq, se, "first in the queue, turn %llu",
		       (unsigned long long)task_of(se)->turns);
	}
	return se;
}

/* And for how long? */
static uint64_t @NAME@_slice_ns(struct runq *rq, struct sched_entity *se)
{
	uint64_t slice_ns = (uint64_t)rq_param(rq, P_SLICE);

	return slice_ns * (uint64_t)(20 - se->nice) / 20 + 1;
}

static const struct sched_policy policy = {
    .abi = SCHED_POLICY_ABI,
    /* what it promises */
    .flags = POLICY_WORK_CONSERVING | POLICY_PREEMPTIVE | POLICY_NO_STARVATION,
    .name = "@NAME@",
    .summary = "round robin, longer turns for lower nice values",
    .about = "Source: where the algorithm comes from.\n"
	     "For: which work it is good for.\n"
	     "Limits: and for which it is not.",
    .params = params,
    .priv_size = sizeof(struct @NAME@),
    .task_size = sizeof(struct @NAME@_task),
    .init = @NAME@_init,
    .enqueue = @NAME@_enqueue,
    .remove = @NAME@_remove,
    .pick = @NAME@_pick,
    .slice_ns = @NAME@_slice_ns,
    /* There is more: charge, preempts, tick, renew, changed, admit, inherit, timer. */
};

SCHED_POLICY_EXPORT(policy);
