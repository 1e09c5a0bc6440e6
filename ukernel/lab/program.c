/*
 * program.c - walks a task's steps.
 */
#include "lab/program.h"

#include <string.h>

void program_start(struct program *p, const struct workload_task *t, uint64_t now_ns)
{
	*p = (struct program){
	    .shape = t->shape,
	    .rng = t->seed,
	    .began_ns = now_ns,
	    .release_ns = now_ns,
	    .rounds = t->shape->rounds,
	};
}

void program_fork(struct program *child, const struct program *parent, unsigned nth,
		  uint64_t now_ns)
{
	*child = (struct program){
	    .shape = parent->shape,
	    .rng = random_seed(parent->rng, nth),
	    .began_ns = now_ns,
	    .release_ns = now_ns,
	    .rounds = parent->shape->rounds,
	    .level = parent->level + 1,
	};
}

uint64_t program_deadline_ns(const struct program *p)
{
	return p->shape->period_ns ? p->release_ns + p->shape->deadline_ns : 0;
}

static bool is_over(const struct program *p, uint64_t now_ns)
{
	const struct shape *s = p->shape;

	return (s->total_ns != WORKLOAD_FOREVER && p->ran_ns >= s->total_ns) ||
	       (s->for_ns != WORKLOAD_FOREVER && now_ns - p->began_ns >= s->for_ns);
}

/* The job is reported first; the next call sleeps to the next release. */
static struct program_op job_step(struct program *p, uint64_t now_ns)
{
	const struct shape *s = p->shape;

	if (!p->job_done) {
		p->job_done = true;
		return (struct program_op){
		    .kind = OP_JOB,
		    .late_ns = (int64_t)(now_ns - (p->release_ns + s->deadline_ns)),
		};
	}
	p->job_done = false;
	p->at++;
	p->release_ns += s->period_ns;
	return (struct program_op){.kind = OP_SLEEP_UNTIL, .ns = p->release_ns};
}

static bool run_step(struct program *p, const struct step *step, struct program_op *op)
{
	uint64_t ns = span_draw(&step->span, &p->rng);
	uint64_t left = p->shape->total_ns - p->ran_ns;

	if (p->shape->total_ns != WORKLOAD_FOREVER && ns > left)
		ns = left;
	p->at++;
	if (ns != WORKLOAD_FOREVER)
		p->ran_ns += ns;
	*op = (struct program_op){.kind = OP_RUN, .ns = ns};
	return ns > 0;
}

/* False: the step asks for nothing. */
static bool take_step(struct program *p, const struct step *step, uint64_t now_ns,
		      struct program_op *op)
{
	*op = (struct program_op){.arg = step->arg};
	switch (step->kind) {
	case STEP_RUN:
		return run_step(p, step, op);
	case STEP_SLEEP:
		op->kind = OP_SLEEP_UNTIL;
		op->ns = now_ns + span_draw(&step->span, &p->rng);
		break;
	case STEP_FORK:
		if (p->level < p->shape->depth && p->forked < step->arg) {
			p->forked++;
			op->kind = OP_FORK;
			return true; /* and come back to this step */
		}
		p->forked = 0;
		p->at++;
		return false;
	case STEP_JOB:
		*op = job_step(p, now_ns);
		return true;
	case STEP_LOCK:
		op->kind = OP_LOCK;
		break;
	case STEP_UNLOCK:
		op->kind = OP_UNLOCK;
		break;
	case STEP_YIELD:
		op->kind = OP_YIELD;
		break;
	case STEP_WAIT:
		op->kind = OP_WAIT;
		break;
	}
	p->at++;
	return true;
}

struct program_op program_next(struct program *p, uint64_t now_ns)
{
	const struct shape *s = p->shape;
	struct program_op op;

	/* Its end comes at the end of the list, or when it has computed its total (such a list
	 * holds no lock: workload_shape.c). */
	for (;;) {
		if (p->at == s->nr_steps) {
			p->at = 0;
			if (p->rounds != UINT64_MAX)
				p->rounds--;
		}
		if (p->at == 0 && (p->rounds == 0 || is_over(p, now_ns)))
			return (struct program_op){.kind = OP_EXIT};
		if (s->total_ns != WORKLOAD_FOREVER && p->ran_ns >= s->total_ns)
			return (struct program_op){.kind = OP_EXIT};
		if (take_step(p, &s->steps[p->at], now_ns, &op))
			return op;
	}
}
