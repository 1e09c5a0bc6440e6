/*
 * sim_services.c - what the simulated machine does for a policy, and what it tells its listeners.
 */
#include "lab/sim_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct sim *sim_of(struct runq *rq)
{
	return (struct sim *)rq;
}

/* The numbers are those of the real core for the same seed. */
static uint64_t service_random(struct runq *rq)
{
	return random_next(&sim_of(rq)->random);
}

static void service_why(struct runq *rq, struct sched_entity *se, const char *fmt, ...)
{
	struct sim *s = sim_of(rq);
	struct sched_listener *l = s->config->listener;
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->initialising)
		snprintf(s->error, s->error_size, "policy %s does not start: %s", rq->policy->name,
			 text);
	else if (l && l->why)
		l->why(l, rq->now_ns, se, text);
}

static void service_timer(struct runq *rq, uint64_t at_ns)
{
	struct sim *s = sim_of(rq);

	s->timer_gen++;
	if (!at_ns || !rq->policy->timer)
		return;
	heap_push(s, &(struct sim_event){
			 .kind = EV_TIMER,
			 .ns = at_ns > rq->now_ns ? at_ns : rq->now_ns,
			 .order = (uint64_t)EV_TIMER << 56 | s->seq,
			 .gen = s->timer_gen,
		     });
}

static void service_resched(struct runq *rq, int cpu)
{
	if (cpu >= 0 && cpu < rq->cpus && rq->curr[cpu])
		sim_of(rq)->resched |= 1ULL << cpu;
}

static void *service_alloc(size_t size)
{
	return calloc(1, size);
}

const struct sched_services sim_services = {
    .random = service_random,
    .why = service_why,
    .timer = service_timer,
    .resched = service_resched,
    .alloc = service_alloc,
    .free = free,
};

void sim_record(struct sim *s, enum sched_record_what what, const struct sched_entity *se, int cpu,
		uint64_t arg)
{
	struct sched_listener *l = s->config->listener;
	struct sched_record r = {
	    .ns = s->rq.now_ns,
	    .id = se ? se->id : 0,
	    .arg = arg,
	    .cpu = (int16_t)cpu,
	    .what = (uint8_t)what,
	};

	if (l)
		l->record(l, &r, se);
	if (s->config->metrics)
		metrics_feed(s->config->metrics, &r, se);
}
