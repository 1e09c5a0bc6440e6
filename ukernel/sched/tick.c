/*
 * tick.c - how a running task's slice ends: by the periodic tick, or by a timer of its own when it
 * is shorter than the tick.
 *
 * Both run only while there is a choice: somebody waits, and somebody who runs could be taken off.
 * They are stopped by their own next expiry, not by whoever makes the choice go away: two tasks
 * that wake each other through a pipe then arm nothing.
 */
#include "kern/timer.h"
#include "machine.h"
#include "sched/core.h"

static bool tick_armed;
static struct timer slice_timer;

/* The task on vc was just charged: does it go on? */
static void slice_check(struct vcpu *vc, bool at_tick)
{
	struct sched_entity *se = &vc->task->se;
	uint64_t end_ns = se->slice_end_ns, now_ns = rq.now_ns;

	if (vc->resched)
		return;
	if (end_ns != SCHED_FOREVER) {
		/* A long slice ends at the tick that is nearest: half a tick may be missing. */
		bool over = vc->short_slice ? now_ns >= end_ns
					    : at_tick && now_ns + rq.tick_ns / 2 >= end_ns;
		if (over) {
			uint64_t more = rq.policy->renew ? rq.policy->renew(&rq, se) : 0;

			if (!more) {
				vcpu_preempt(vc, true);
				return;
			}
			se->slice_end_ns =
			    more >= SCHED_FOREVER - now_ns ? SCHED_FOREVER : now_ns + more;
			vc->short_slice = more < rq.tick_ns;
		}
	}
	if (at_tick && rq.policy->tick && rq.policy->tick(&rq, se))
		vcpu_preempt(vc, false);
}

static void slices_check(bool at_tick)
{
	for (int i = 0; i < nr_cpus; i++) {
		struct vcpu *vc = &vcpus[i];

		if (!vc->task || vc->task->se.slice_end_ns == SCHED_FOREVER) {
			if (!vc->task || !rq.policy->tick)
				continue;
		}
		vcpu_charge(vc, CHARGE_RUNS);
		slice_check(vc, at_tick);
	}
}

static void slice_timer_fire(struct timer *tm)
{
	(void)tm;
	if (!rq.nr_queued)
		return;
	rq_clock();
	slices_check(false);
	tick_update();
}

void tick_init(void)
{
	tick_armed = false;
	timer_init(&slice_timer, slice_timer_fire);
}

void tick_fini(void)
{
	if (tick_armed)
		machine->tick_arm(false);
	tick_armed = false;
	timer_cancel(&slice_timer);
}

void tick_update(void)
{
	uint64_t first_ns = SCHED_FOREVER;
	bool need_tick = false;

	if (!rq.nr_queued)
		return;
	for (int i = 0; i < nr_cpus; i++) {
		const struct vcpu *vc = &vcpus[i];

		if (!vc->task || vc->resched)
			continue;
		uint64_t end_ns = vc->task->se.slice_end_ns;
		if (rq.policy->tick || (end_ns != SCHED_FOREVER && !vc->short_slice))
			need_tick = true;
		if (vc->short_slice && end_ns < first_ns)
			first_ns = end_ns;
	}
	if (need_tick && !tick_armed) {
		tick_armed = true;
		machine->tick_arm(true);
	}
	if (first_ns != SCHED_FOREVER &&
	    (!timer_armed(&slice_timer) || slice_timer.deadline_ns > first_ns))
		timer_arm(&slice_timer, first_ns);
}

void sched_tick(uint64_t ticks)
{
	rq_clock();
	record(SREC_TICK, NULL, -1, ticks);
	if (!rq.nr_queued) {
		machine->tick_arm(false);
		tick_armed = false;
		return;
	}
	slices_check(true);
}
