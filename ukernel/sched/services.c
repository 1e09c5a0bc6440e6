/*
 * services.c - what the core does for a policy: chance, reasons, timer, memory; and what it tells
 * those who listen.
 */
#include "kern/timer.h"
#include "lib/log.h"
#include "sched/core.h"
#include "sched/params.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sched_listener *sched_listener;

static struct sched_settings settings;
static uint64_t random_state;
static struct timer policy_timer;
static char init_error[160]; /* the policy's reason for not starting */
static bool initialising;

/* splitmix64: each state gives one number, and the next state is known. */
static uint64_t service_random(struct runq *q)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	(void)q;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void service_why(struct runq *q, struct sched_entity *se, const char *fmt, ...)
{
	char text[sizeof(init_error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (initialising)
		memcpy(init_error, text, sizeof(text));
	else if (sched_listener && sched_listener->why)
		sched_listener->why(sched_listener, q->now_ns, se, text);
}

static void service_timer(struct runq *q, uint64_t at_ns)
{
	if (!q->policy->timer)
		return;
	if (at_ns)
		timer_arm(&policy_timer, at_ns);
	else
		timer_cancel(&policy_timer);
}

static void policy_timer_fire(struct timer *tm)
{
	(void)tm;
	rq_clock();
	for (int i = 0; i < nr_cpus; i++)
		if (vcpus[i].task)
			vcpu_charge(&vcpus[i], CHARGE_RUNS);
	rq.policy->timer(&rq);
}

static void service_resched(struct runq *q, int cpu)
{
	(void)q;
	if (cpu >= 0 && cpu < nr_cpus && vcpus[cpu].task)
		vcpu_preempt(&vcpus[cpu], false);
}

static void *service_alloc(size_t size)
{
	return calloc(1, size);
}

static const struct sched_services services = {
    .random = service_random,
    .why = service_why,
    .timer = service_timer,
    .resched = service_resched,
    .alloc = service_alloc,
    .free = free,
};

int services_init(const char *options)
{
	const struct sched_policy *p = rq.policy;
	char error[160];
	int err;

	if (p->abi != SCHED_POLICY_ABI || p->task_size > sizeof(((struct sched_entity *)0)->priv)) {
		log_error(sched, "policy %s was built for another version", p->name);
		return -EINVAL;
	}
	err = sched_params_parse(p, options, &settings, error, sizeof(error));
	if (err < 0) {
		log_error(sched, "%s", error);
		return err;
	}
	rq.services = &services;
	rq.params = settings.values;
	rq.seed = random_state = settings.seed;
	rq.priv = calloc(1, p->priv_size ? p->priv_size : 1);
	if (!rq.priv)
		return -ENOMEM;
	timer_init(&policy_timer, policy_timer_fire);
	strcpy(init_error, "it does not say why");
	rq.explain = initialising = true;
	err = p->init ? p->init(&rq) : 0;
	initialising = false;
	rq.explain = sched_listener && sched_listener->why;
	if (err < 0) {
		log_error(sched, "policy %s does not start: %s", p->name, init_error);
		free(rq.priv);
		rq.priv = NULL;
	}
	return err;
}

void services_fini(void)
{
	if (rq.policy->exit)
		rq.policy->exit(&rq);
	timer_cancel(&policy_timer);
	free(rq.priv);
	rq.priv = NULL;
}

void record_emit(enum sched_record_what what, const struct sched_entity *se, int cpu, uint64_t arg)
{
	struct sched_record r = {
	    .ns = rq.now_ns,
	    .id = se ? se->id : 0,
	    .arg = arg,
	    .cpu = (int16_t)cpu,
	    .what = (uint8_t)what,
	};

	sched_listener->record(sched_listener, &r, se);
}
