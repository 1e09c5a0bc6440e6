/*
 * poll.c - whether and how to look at mailboxes instead of sleeping.
 *
 * Two ways.  On one core the two sides hand it to each other by sched_yield(): two switches a call
 * and no wake-up.  With a second core idle, one guest that calls all the time, the far one, is put
 * there, and both sides spin: no switch at all.
 *
 * Polling must not cost what others could use.  We look only for guests whose calls have lately
 * come soon after each other, and no longer than a sleep would take to pay off.  A yield that took
 * long says that the core has other work: then all sleep for a while, as they would without
 * mailboxes. When the far guest waits for its core, or another one wants to run there, it comes
 * home.
 */
#include "poll.h"

#include <sched.h>
#include <x86intrin.h>

#include "events.h"
#include "host_cpu.h"
#include "mailbox.h"
#include "thread.h"
#include "turbo.h"
#include "vthread.h"

#define CYCLES_US 2500U /* roughly; nothing here depends on more */

#define GAP_NEVER	(100 * CYCLES_US) /* the largest that counts */
#define GAP_POLL	(15 * CYCLES_US)  /* who calls less often is not polled for */
#define WINDOW		(40 * CYCLES_US)  /* looking for so long without a call is enough */
#define VAIN_YIELDS	2 /* so many in a row that bring nothing: it is not about to call */
#define SLOW_YIELD	(200 * CYCLES_US)
#define PENALTY_MIN	256   /* sleeps after a slow one ... */
#define PENALTY_MAX	16384 /* ... and after a series of them */
#define YIELDS_FORGIVE	4096  /* good ones that end a series */
#define SPINS		1000  /* pauses of the far guest, then it parks */
#define YIELDS		64    /* of a guest at home */
#define FAR_AFTER	64    /* calls in a row by the same guest, all of them quick */
#define FAR_CALLS	64
#define FAR_PARKS_SHARE 8 /* of these so many parked: no use */
#define FAR_REVIEW	(50000 * CYCLES_US)
#define FAR_BAN_MIN	(500000UL * CYCLES_US) /* no far guest for so long after it was crowded */
#define FAR_BAN_MAX	(16 * FAR_BAN_MIN)

static struct vthread *far, *latest;
static unsigned in_a_row, no_yields, penalty, good_yields;
static unsigned far_calls, far_parks;
static uint64_t reviewed_tsc, banned_until, ban, home_used_ns;

void poll_init(void)
{
	far = latest = NULL;
	in_a_row = no_yields = good_yields = 0;
	penalty = PENALTY_MIN;
	reviewed_tsc = banned_until = home_used_ns = 0;
	ban = FAR_BAN_MIN;
}

static void far_set(struct vthread *th)
{
	struct vthread *old = far;

	far = th;
	if (old != NULL) {
		old->box->spins = 0;
		old->box->yields = YIELDS;
		host_cpu_far(old, false);
	}
	if (th != NULL) {
		th->box->spins = SPINS;
		th->box->yields = 0;
		host_cpu_far(th, true);
		reviewed_tsc = __rdtsc();
		far_calls = far_parks = 0;
	}
	in_a_row = 0;
}

/* th has called, quickly. */
static void far_consider(struct vthread *th, uint64_t now)
{
	if (th == latest) {
		in_a_row++;
	} else {
		in_a_row = 0;
		latest = th;
	}
	if (far == NULL) {
		if (in_a_row >= FAR_AFTER && now > banned_until && host_cpu_far_possible())
			far_set(th);
		return;
	}
	if (th != far && in_a_row >= FAR_AFTER && now > banned_until)
		far_set(th); /* the other one has gone quiet */
}

/* The far guest does not go well: its calls come late, or our answers do, or it waits for its core.
 */
static void far_review(struct vthread *th, uint64_t now)
{
	bool ill = false;

	if (th->gap > GAP_POLL) { /* it has other things to do */
		far_set(NULL);
		return;
	}
	if (++far_calls >= FAR_CALLS) {
		ill = far_parks > FAR_CALLS / FAR_PARKS_SHARE;
		far_calls = far_parks = 0;
	}
	if (!ill && now - reviewed_tsc > FAR_REVIEW) {
		reviewed_tsc = now;
		ill = host_cpu_far_crowded(th);
	}
	if (!ill)
		return;
	ban = ban < FAR_BAN_MAX ? 2 * ban : ban;
	banned_until = now + ban;
	far_set(NULL);
}

void poll_parked(struct vthread *th)
{
	far_parks += th == far;
}

void poll_called(struct vthread *th)
{
	uint64_t now = __rdtsc(), gap = now - th->given_tsc;

	th->gap += ((int32_t)(gap < GAP_NEVER ? gap : GAP_NEVER) - (int32_t)th->gap) / 8;
	if (gap < GAP_POLL)
		far_consider(th, now);
	if (th == far)
		far_review(th, now);
}

void poll_elsewhere(struct vthread *th)
{
	th->gap += (int32_t)(GAP_NEVER - th->gap) / 8;
}

static bool take(struct vthread *th, struct event *out)
{
	if (!box_take(th, out))
		return false;
	poll_called(th);
	return true;
}

bool poll_look(struct event *out)
{
	for (struct vthread *th = box_first_running(); th != NULL; th = th->box_next) {
		if (take(th, out))
			return true;
	}
	return false;
}

/* The CPU time of the guests that the core was given to. */
static uint64_t home_cpu_ns(void)
{
	uint64_t ns = 0;

	for (struct vthread *th = box_first_running(); th != NULL; th = th->box_next)
		ns += th->far ? 0 : thread_cpu_ns(th);
	return ns;
}

/* A yield took so long: because a guest used the time, or because others have work for the core? */
static void yield_was_slow(uint64_t took)
{
	uint64_t used_ns = home_cpu_ns(), before_ns = home_used_ns;

	home_used_ns = used_ns;
	if (used_ns > before_ns && (used_ns - before_ns) * CYCLES_US / 1000 > took / 2)
		return;
	good_yields = 0;
	no_yields = penalty;
	penalty = penalty < PENALTY_MAX ? 2 * penalty : penalty;
}

/* Give the core to the guests at home, until one of them calls. */
static bool look_home(struct event *out)
{
	host_cpu_trade(true);
	for (int vain = 0; vain < VAIN_YIELDS; vain++) {
		uint64_t before = __rdtsc(), took;

		sched_yield();
		took = __rdtsc() - before;
		if (took > SLOW_YIELD)
			yield_was_slow(took);
		else if (++good_yields > YIELDS_FORGIVE)
			penalty = PENALTY_MIN;
		if (poll_look(out))
			return true;
		if (no_yields > 0)
			break;
	}
	return false;
}

static bool look_far(struct event *out)
{
	uint64_t until = __rdtsc() + WINDOW;

	do {
		if (poll_look(out))
			return true;
		_mm_pause();
	} while (__rdtsc() < until);
	return false;
}

/* Is anyone worth polling for, and must the core be given to one of them? */
static bool worth_it(bool *home)
{
	bool worth = false;

	*home = threads_running > (far != NULL && far->hold == HOLD_RUNNING);
	for (struct vthread *th = box_first_running(); th != NULL; th = th->box_next)
		worth |= th->gap < GAP_POLL;
	if (worth && *home && no_yields > 0) {
		no_yields--;
		return false;
	}
	return worth;
}

bool poll_wait(struct event *out)
{
	bool home, found;

	if (worth_it(&home)) {
		uint64_t began = sleep_begin();

		__atomic_store_n(&turbo.control->polling, 1, __ATOMIC_RELAXED);
		found = home ? look_home(out) : look_far(out);
		sleep_end(began);
		if (found)
			return true;
	}
	__atomic_store_n(&turbo.control->polling, 0, __ATOMIC_SEQ_CST);
	if (poll_look(out))
		return true;
	host_cpu_trade(false);
	return false;
}

void poll_begin(struct vthread *th)
{
	th->box->yields = YIELDS;
	th->gap = 0;
	poll_given(th);
}

void poll_given(struct vthread *th)
{
	th->given_tsc = __rdtsc();
}

void poll_forget(struct vthread *th)
{
	if (th == far)
		far = NULL;
	if (th == latest)
		latest = NULL;
}
