/*
 * itimer.c - interval timers (setitimer(2), alarm(2)), and the watch over a process's CPU time that
 * they, CPU-clock POSIX timers, RLIMIT_CPU and RLIMIT_RTTIME share.
 *
 * CPU time cannot pass faster than the wall clock times the CPUs in use.  So nothing needs to be
 * done on each tick: one kernel timer per process looks again when the next expiry could have
 * come at the earliest.
 */
#include "kern/itimer.h"

#include "kern/clock.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#define CPU_LOOK_MIN_NS 1000000ULL /* no finer than this: Linux looks on ticks only */
#define USEC_PER_SEC	1000000ULL
#define RT_LOOK_MAX_US	1000000ULL  /* while it does nothing that counts */
#define ITIMER_MIN_NS	20000ULL    /* the shortest period that is honoured */
#define ITIMER_IDLE_NS	10000000ULL /* ... while SIGALRM is ignored */

/* --- ITIMER_REAL --- */

static void itimer_real_fire(struct timer *tm)
{
	struct process *p = container_of(tm, struct process, itimer_real);

	signal_send_process(p, SIGALRM, NULL);
	if (!p->itimer_real_interval_ns || p->state == PROC_ZOMBIE)
		return;
	/* The next period starts when the signal is taken (itimer_real_delivered); a period that
	 * nobody can keep up with then costs no more than the process itself.  An ignored signal
	 * is never taken. */
	if (p->pending.set & SIGMASK(SIGALRM))
		return;
	uint64_t period = p->itimer_real_interval_ns;
	timer_arm(tm,
		  time_add_ns(time_now_ns(), period < ITIMER_IDLE_NS ? ITIMER_IDLE_NS : period));
}

void itimer_real_delivered(struct process *p)
{
	uint64_t period = p->itimer_real_interval_ns, now = time_now_ns();

	if (!period || timer_armed(&p->itimer_real))
		return;
	if (period < ITIMER_MIN_NS)
		period = ITIMER_MIN_NS;
	uint64_t next = p->itimer_real.deadline_ns;
	if (next <= now)
		next += ((now - next) / period + 1) * period;
	timer_arm(&p->itimer_real, next);
}

static void itimer_real_get(const struct process *p, struct abi_itimerval *out)
{
	uint64_t now = time_now_ns(), left = 0;

	if (timer_armed(&p->itimer_real)) {
		left = p->itimer_real.deadline_ns;
		left = left > now + NSEC_PER_USEC ? left - now : NSEC_PER_USEC;
	}
	out->value = ns_to_timeval(left);
	out->interval = ns_to_timeval(p->itimer_real_interval_ns);
}

static void itimer_real_set(struct process *p, uint64_t value_ns, uint64_t interval_ns)
{
	timer_cancel(&p->itimer_real);
	p->itimer_real_interval_ns = value_ns ? interval_ns : 0;
	if (value_ns)
		timer_arm(&p->itimer_real, time_add_ns(time_now_ns(), value_ns));
}

/* --- CPU time --- */

/* ITIMER_VIRTUAL counts user mode only. */
static uint64_t itimer_cpu_now(struct process *p, int i)
{
	return i == 0 ? process_cpu_ns(p) : cpu_clock_ns(NULL, p);
}

static uint64_t itimers_cpu_check(struct process *p)
{
	static const int sig[2] = {SIGVTALRM, SIGPROF};
	uint64_t next = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t at = p->itimer_cpu[i].expires_ns;

		if (!at)
			continue;
		uint64_t cpu_ns = itimer_cpu_now(p, i);
		if (cpu_ns >= at) {
			uint64_t period = p->itimer_cpu[i].interval_ns;

			at = period ? at + ((cpu_ns - at) / period + 1) * period : 0;
			p->itimer_cpu[i].expires_ns = at;
			signal_send_process(p, sig[i], NULL);
		}
		if (at && (!next || at - cpu_ns < next))
			next = at - cpu_ns;
	}
	return next;
}

/* RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one. */
static uint64_t cpu_limit_check(struct process *p, uint64_t cpu_ns)
{
	struct rlimit_pair *limit = &p->rlimit[RLIMIT_CPU];
	uint64_t sec = cpu_ns / NSEC_PER_SEC;

	if (limit->cur == RLIM_INFINITY)
		return 0;
	if (sec >= limit->max) {
		signal_send_process(p, SIGKILL, NULL);
		return 0;
	}
	if (sec >= limit->cur) {
		signal_send_process(p, SIGXCPU, NULL);
		limit->cur = sec + 1;
	}
	return (limit->cur < limit->max ? limit->cur : limit->max) * NSEC_PER_SEC - cpu_ns;
}

/* How many real-time threads p has; *most_ns: what the one computed that has not slept for longest.
 */
static int rt_threads(const struct process *p, uint64_t *most_ns)
{
	const struct task *t;
	int n = 0;

	*most_ns = 0;
	list_for_each (t, &p->threads, in_process) {
		if (t->se.class != SCLASS_FIFO && t->se.class != SCLASS_RR)
			continue;
		n++;
		if (t->vcpu < 0 && !t->se.queued)
			continue; /* it sleeps */
		uint64_t ns = sched_ran_ns(t) - t->sched.awake_ran_ns;
		*most_ns = ns > *most_ns ? ns : *most_ns;
	}
	return n;
}

/* RLIMIT_RTTIME, in microseconds, as RLIMIT_CPU: setrlimit(2).  While all its threads sleep they
 * are looked at from time to time. */
static uint64_t rt_limit_check(struct process *p)
{
	struct rlimit_pair *limit = &p->rlimit[RLIMIT_RTTIME];
	uint64_t ns, us, until;

	if (limit->cur == RLIM_INFINITY || !rt_threads(p, &ns))
		return 0;
	us = ns / NSEC_PER_USEC;
	if (us >= limit->max) {
		signal_send_process(p, SIGKILL, NULL);
		return 0;
	}
	if (us >= limit->cur) {
		signal_send_process(p, SIGXCPU, NULL);
		limit->cur += USEC_PER_SEC;
	}
	until = (limit->cur < limit->max ? limit->cur : limit->max) - us;
	return until < RT_LOOK_MAX_US ? until * NSEC_PER_USEC : RT_LOOK_MAX_US * NSEC_PER_USEC;
}

static uint64_t nearer(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void cpu_look(struct process *p)
{
	uint64_t next = itimers_cpu_check(p);

	next = nearer(next, cpu_limit_check(p, cpu_clock_ns(NULL, p)));
	next = nearer(next, rt_limit_check(p));
	next = nearer(next, posix_cpu_timers_check(p));
	if (!next || p->state == PROC_ZOMBIE)
		return;
	int parallel = p->nr_threads < sched_cpus() ? p->nr_threads : sched_cpus();
	if (parallel > 1)
		next /= (uint64_t)parallel;
	if (next < CPU_LOOK_MIN_NS)
		next = CPU_LOOK_MIN_NS;
	timer_arm(&p->cpu_timer, time_add_ns(time_now_ns(), next));
}

static void cpu_timer_fire(struct timer *tm)
{
	cpu_look(container_of(tm, struct process, cpu_timer));
}

void cpu_timers_kick(struct process *p)
{
	timer_arm(&p->cpu_timer, time_now_ns());
}

void cpu_limit_changed(struct process *p)
{
	cpu_timers_kick(p);
}

static void itimer_cpu_get(struct process *p, int i, struct abi_itimerval *out)
{
	uint64_t at = p->itimer_cpu[i].expires_ns, left = 0;

	if (at) {
		uint64_t cpu_ns = itimer_cpu_now(p, i);
		left = at > cpu_ns + NSEC_PER_USEC ? at - cpu_ns : NSEC_PER_USEC;
	}
	out->value = ns_to_timeval(left);
	out->interval = ns_to_timeval(p->itimer_cpu[i].interval_ns);
}

static void itimer_cpu_set(struct process *p, int i, uint64_t value_ns, uint64_t interval_ns)
{
	p->itimer_cpu[i].interval_ns = interval_ns;
	p->itimer_cpu[i].expires_ns = 0;
	if (!value_ns)
		return;
	p->itimer_cpu[i].expires_ns = time_add_ns(itimer_cpu_now(p, i), value_ns);
	cpu_timers_kick(p);
}

/* --- life --- */

void process_timers_init(struct process *p)
{
	timer_init(&p->itimer_real, itimer_real_fire);
	timer_init(&p->cpu_timer, cpu_timer_fire);
	p->itimer_real_interval_ns = 0;
	memset(p->itimer_cpu, 0, sizeof(p->itimer_cpu));
	list_init(&p->posix_timers);
	p->next_timer_id = 0;
}

void process_timers_exit(struct process *p)
{
	timer_cancel(&p->itimer_real);
	timer_cancel(&p->cpu_timer);
	posix_timers_delete_all(p);
}

/* --- the calls --- */

static void itimer_get(struct process *p, int which, struct abi_itimerval *out)
{
	if (which == ITIMER_REAL)
		itimer_real_get(p, out);
	else
		itimer_cpu_get(p, which - ITIMER_VIRTUAL, out);
}

long sys_getitimer(struct task *t, int which, uaddr_t value)
{
	struct abi_itimerval v;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(t->proc, which, &v);
	return put_user(t, v, value);
}

long sys_setitimer(struct task *t, int which, uaddr_t value, uaddr_t old)
{
	struct abi_itimerval new = {0}, was;

	/* A null value means zero here (setitimer(2), "BUGS"). */
	if (value && get_user(t, new, value))
		return -EFAULT;
	if (!timeval_valid(&new.value) || !timeval_valid(&new.interval))
		return -EINVAL;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(t->proc, which, &was);
	uint64_t value_ns = timeval_to_ns(&new.value), interval_ns = timeval_to_ns(&new.interval);
	if (which == ITIMER_REAL)
		itimer_real_set(t->proc, value_ns, interval_ns);
	else
		itimer_cpu_set(t->proc, which - ITIMER_VIRTUAL, value_ns, interval_ns);
	return old && put_user(t, was, old) ? -EFAULT : 0;
}

long sys_alarm(struct task *t, unsigned seconds)
{
	struct abi_itimerval was;

	itimer_real_get(t->proc, &was);
	itimer_real_set(t->proc, seconds * NSEC_PER_SEC, 0);
	/* Half a second and more rounds up, and what is left of a set alarm is never 0. */
	if (was.value.usec >= 500000 || (was.value.sec == 0 && was.value.usec))
		was.value.sec++;
	return was.value.sec;
}
