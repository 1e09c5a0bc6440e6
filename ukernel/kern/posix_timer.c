/*
 * posix_timer.c - timer_create(2) and its family.
 *
 * A timer owns one queue entry for its signal, so it can never fail for want of one, and at most
 * one signal of it is pending.  A periodic timer is started again when that signal is taken; the
 * periods that went by until then are its overrun count.
 */
#include "kern/clock.h"
#include "kern/cred.h"
#include "kern/itimer.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define IGNORED_MIN_NS 10000000ULL /* a period whose signal is ignored is not followed closely */

struct posix_timer {
	struct list_head link; /* in process.posix_timers */
	struct process *proc;
	int id, clock, notify;
	struct task *target;   /* SIGEV_THREAD_ID; counted */
	struct task *measured; /* whose thread CPU clock; counted.  NULL: not a thread clock */
	struct sigqueue *entry;
	struct timer timer;  /* clocks that can wake; CPU clocks are looked at */
	uint64_t expires_ns; /* on the timer's clock (kept relative to ticks); 0 disarmed */
	uint64_t interval_ns;
	bool awaiting;	  /* fired; the next period starts when the signal is taken */
	uint64_t overrun; /* periods missed since the signal was queued */
	int overrun_last; /* timer_getoverrun */
};

static bool on_cpu_clock(const struct posix_timer *pt)
{
	return clock_is_cpu(pt->clock);
}

static uint64_t timer_clock_now(const struct posix_timer *pt)
{
	if (on_cpu_clock(pt))
		return cpu_clock_ns(pt->measured, pt->proc);
	return clock_wall_now(pt->clock);
}

static int overrun_clamp(uint64_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

static void timer_start(struct posix_timer *pt)
{
	if (on_cpu_clock(pt))
		cpu_timers_kick(pt->proc);
	else if (pt->notify != SIGEV_NONE)
		timer_arm(&pt->timer, clock_deadline(pt->clock, pt->expires_ns));
}

/* Move expires_ns beyond now; how many periods that took. */
static uint64_t timer_forward(struct posix_timer *pt, uint64_t now)
{
	if (now < pt->expires_ns)
		return 0;
	uint64_t n = (now - pt->expires_ns) / pt->interval_ns + 1;
	pt->expires_ns = time_add_ns(pt->expires_ns, n * pt->interval_ns);
	return n;
}

/* Off its queue, if its signal waits there. */
static void entry_unqueue(struct posix_timer *pt)
{
	struct sigqueue *q = pt->entry;

	if (!q || list_empty(&q->link))
		return;
	struct sigpending *from = pt->target ? &pt->target->pending : &pt->proc->pending;
	const struct sigqueue *other;
	int sig = q->info.signo;

	list_del(&q->link);
	list_for_each (other, &from->queue, link)
		if (other->info.signo == sig)
			return;
	from->set &= ~SIGMASK(sig);
}

static void timer_expire(struct posix_timer *pt)
{
	if (pt->notify == SIGEV_NONE)
		return;
	if (!list_empty(&pt->entry->link)) {
		pt->overrun++;
		return;
	}
	pt->overrun = 0;
	pt->awaiting = true;
	if (signal_send_timer(pt->proc, pt->target, pt->entry))
		return;
	/* Ignored: nobody will take it, but the timer goes on. */
	pt->awaiting = false;
	if (!pt->interval_ns || (pt->target && pt->target->exiting)) {
		pt->expires_ns = 0;
		return;
	}
	uint64_t now = timer_clock_now(pt);
	timer_forward(pt, now);
	if (pt->expires_ns < now + IGNORED_MIN_NS)
		pt->expires_ns = now + IGNORED_MIN_NS;
	timer_start(pt);
}

static void timer_fire(struct timer *tm)
{
	struct posix_timer *pt = container_of(tm, struct posix_timer, timer);

	/* The host's wall clock may have been set back. */
	if (clock_wall_now(pt->clock) < pt->expires_ns)
		timer_start(pt);
	else
		timer_expire(pt);
}

uint64_t posix_cpu_timers_check(struct process *p)
{
	struct posix_timer *pt;
	uint64_t next = 0;

	list_for_each (pt, &p->posix_timers, link) {
		if (!on_cpu_clock(pt) || !pt->expires_ns || pt->awaiting)
			continue;
		uint64_t now = timer_clock_now(pt);
		if (now >= pt->expires_ns)
			timer_expire(pt);
		else if (!next || pt->expires_ns - now < next)
			next = pt->expires_ns - now;
	}
	return next;
}

/* Periods that end while the signal still waits are overruns; then the timer runs on. */
static void timer_next_period(struct posix_timer *pt)
{
	pt->awaiting = false;
	if (!pt->interval_ns) {
		pt->expires_ns = 0;
		return;
	}
	uint64_t n = timer_forward(pt, timer_clock_now(pt));
	if (n)
		pt->overrun += n - 1;
	timer_start(pt);
}

void posix_timer_delivered(struct posix_timer *pt, int32_t *overrun)
{
	if (pt->awaiting)
		timer_next_period(pt);
	pt->overrun_last = overrun_clamp(pt->overrun);
	*overrun = pt->overrun_last;
	pt->overrun = 0;
}

void posix_timer_dropped(struct posix_timer *pt)
{
	if (pt->awaiting)
		timer_next_period(pt);
}

/* --- life --- */

static void timer_free(struct posix_timer *pt)
{
	list_del(&pt->link);
	timer_cancel(&pt->timer);
	entry_unqueue(pt);
	sigqueue_free(pt->entry);
	if (pt->target)
		task_put(pt->target);
	if (pt->measured)
		task_put(pt->measured);
	free(pt);
}

void posix_timers_delete_all(struct process *p)
{
	struct posix_timer *pt, *tmp;

	list_for_each_safe (pt, tmp, &p->posix_timers, link)
		timer_free(pt);
}

static struct posix_timer *timer_find(struct process *p, int id)
{
	struct posix_timer *pt;

	list_for_each (pt, &p->posix_timers, link)
		if (pt->id == id)
			return pt;
	return NULL;
}

static int clock_check(struct task *t, int clock)
{
	struct task *task;
	struct process *process;

	if (clock_has_timers(clock))
		return 0;
	if (clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_BOOTTIME_ALARM)
		return -EOPNOTSUPP;
	int err = cpu_clock_target(t, clock, &task, &process);
	if (err)
		return err;
	/* Another process's CPU time may be read but not waited for. */
	return process && process != t->proc ? -EINVAL : 0;
}

static int event_check(struct task *t, const struct abi_sigevent *ev, struct task **target)
{
	*target = NULL;
	if (ev->notify == SIGEV_NONE)
		return 0;
	if (ev->notify & SIGEV_THREAD_ID) {
		if (ev->notify != SIGEV_THREAD_ID)
			return -EINVAL;
		*target = task_find(ev->tid);
		if (!*target || (*target)->proc != t->proc || (*target)->exiting)
			return -EINVAL;
	} else if (ev->notify != SIGEV_SIGNAL && ev->notify != SIGEV_THREAD) {
		return -EINVAL;
	}
	return ev->signo >= 1 && ev->signo <= NSIG_GUEST ? 0 : -EINVAL;
}

static void timer_setup(struct posix_timer *pt, struct task *t, int clock,
			const struct abi_sigevent *ev, struct task *target)
{
	struct process *ignored;

	pt->proc = t->proc;
	pt->clock = clock;
	pt->notify = ev->notify;
	pt->target = target ? task_get(target) : NULL;
	if (clock_is_cpu(clock) && cpu_clock_target(t, clock, &pt->measured, &ignored) == 0 &&
	    pt->measured)
		task_get(pt->measured);
	timer_init(&pt->timer, timer_fire);
	pt->entry->timer = pt;
	pt->entry->info.signo = ev->signo;
	pt->entry->info.code = SI_TIMER;
	pt->entry->info.timer.tid = pt->id;
	pt->entry->info.timer.value = ev->value;
}

/* A number that no timer of p has; the counter wraps only after 2^31 of them. */
static int timer_number(struct process *p)
{
	int id;

	do {
		id = p->next_timer_id;
		p->next_timer_id = id == INT_MAX ? 0 : id + 1;
	} while (timer_find(p, id));
	return id;
}

long sys_timer_create(struct task *t, int clock, uaddr_t event, uaddr_t id)
{
	struct abi_sigevent ev = {.notify = SIGEV_SIGNAL, .signo = SIGALRM};
	struct task *target = NULL;

	if (event && get_user(t, ev, event))
		return -EFAULT;
	int err = clock_check(t, clock);
	if (err)
		return err;
	err = event_check(t, &ev, &target);
	if (err)
		return err;
	struct posix_timer *pt = calloc(1, sizeof(*pt));
	if (!pt)
		return -EAGAIN;
	pt->entry = sigqueue_alloc(t->cred->uid, t->proc->rlimit[RLIMIT_SIGPENDING].cur, false);
	if (!pt->entry) {
		free(pt);
		return -EAGAIN;
	}
	pt->id = timer_number(t->proc);
	if (!event)
		ev.value.sival_ptr = (uint64_t)pt->id;
	timer_setup(pt, t, clock, &ev, target);
	list_add_tail(&pt->link, &t->proc->posix_timers);
	if (put_user(t, pt->id, id)) {
		timer_free(pt);
		return -EFAULT;
	}
	return 0;
}

long sys_timer_delete(struct task *t, int id)
{
	struct posix_timer *pt = timer_find(t->proc, id);

	if (!pt)
		return -EINVAL;
	timer_free(pt);
	return 0;
}

/* --- setting and asking --- */

static void timer_get(struct posix_timer *pt, struct abi_itimerspec *out)
{
	uint64_t left = 0;

	out->interval = ns_to_timespec(pt->interval_ns);
	if (pt->expires_ns) {
		uint64_t now = timer_clock_now(pt);

		/* A period that is over but not started anew shows as the one that now runs. */
		if (pt->interval_ns && (pt->awaiting || pt->notify == SIGEV_NONE))
			pt->overrun += timer_forward(pt, now);
		if (now < pt->expires_ns)
			left = pt->expires_ns - now;
		else if (pt->notify != SIGEV_NONE && !pt->awaiting)
			left = 1; /* armed: never 0 */
	}
	out->value = ns_to_timespec(left);
}

static void timer_set(struct posix_timer *pt, bool absolute, uint64_t value_ns,
		      uint64_t interval_ns)
{
	timer_cancel(&pt->timer);
	entry_unqueue(pt);
	pt->awaiting = false;
	pt->overrun = 0;
	pt->overrun_last = 0;
	pt->expires_ns = 0;
	pt->interval_ns = 0;
	if (!value_ns)
		return;
	pt->interval_ns = interval_ns;
	pt->expires_ns = absolute ? value_ns : time_add_ns(timer_clock_now(pt), value_ns);
	timer_start(pt);
}

long sys_timer_settime(struct task *t, int id, unsigned long flags, uaddr_t value, uaddr_t old)
{
	struct abi_itimerspec new, was;

	if (!value)
		return -EINVAL;
	if (get_user(t, new, value))
		return -EFAULT;
	if (!timespec_valid(&new.value) || !timespec_valid(&new.interval))
		return -EINVAL;
	struct posix_timer *pt = timer_find(t->proc, id);
	if (!pt)
		return -EINVAL;
	timer_get(pt, &was);
	timer_set(pt, flags & TIMER_ABSTIME, timespec_to_ns(&new.value),
		  timespec_to_ns(&new.interval));
	return old && put_user(t, was, old) ? -EFAULT : 0;
}

long sys_timer_gettime(struct task *t, int id, uaddr_t value)
{
	struct posix_timer *pt = timer_find(t->proc, id);
	struct abi_itimerspec now;

	if (!pt)
		return -EINVAL;
	timer_get(pt, &now);
	return put_user(t, now, value);
}

long sys_timer_getoverrun(struct task *t, int id)
{
	const struct posix_timer *pt = timer_find(t->proc, id);

	return pt ? pt->overrun_last : -EINVAL;
}
