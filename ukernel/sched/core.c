/*
 * core.c - the scheduler's mechanism: which task is on which virtual CPU, and how it gets there and
 * leaves.  Which one is next, and for how long, is the policy's business.
 *
 * The event loop runs on the supervisor's first stack.  It gives the CPU to a task's kernel stack
 * when the task's thread trapped (sched_trap) or when the policy picked it for an idle virtual CPU
 * (sched_dispatch); it comes back when the task enters user mode, sleeps, or dies.  A task woken
 * is only queued: its kernel side goes on when it is picked.
 *
 * The clock is read when a task gets or leaves a virtual CPU and at ticks, never in between: a
 * trivial system call costs two stack switches here and nothing else.
 */
#include "sched/core.h"

#include "kern/kstack.h"
#include "kern/timer.h"
#include "lib/log.h"
#include "machine.h"
#include "trace/costs.h"
#include "trace/explain.h"

#include <assert.h>
#include <string.h>

#define HOST_LEAST_NS  50000
#define RATE_WINDOW_NS 1000000 /* long enough to know the cycle counter's rate to 0.1 per mille */

struct vcpu vcpus[CPUS_MAX];
struct runq rq;
int nr_cpus;
static struct sched_entity *running[CPUS_MAX]; /* the policy's view of vcpus */
static uint64_t waited_ns;		       /* for a virtual CPU, all tasks */
static struct kstack loop_stack;
static struct waitq barrier_wait = {LIST_INIT(barrier_wait.entries)}; /* wants to see traps */
static struct task *dead; /* left its stack for good: to be put by the loop */

struct task *current;

void rq_clock(void)
{
	rq.now_ns = time_now_ns();
}

/* --- system time --- */

/* Reading the clock at each entry and exit would cost several per cent of a trivial call, the
 * cycle counter does not.  Its rate is measured once, against the clock. */
static uint64_t entered_cycles, start_cycles, start_ns;

static inline uint64_t cycles_now(void)
{
	return __builtin_ia32_rdtsc();
}

static uint64_t cycles_to_ns(uint64_t cycles)
{
	static double ns_per_cycle;

	if (!machine_info.cycles_are_time)
		return 0;
	if (ns_per_cycle == 0) {
		uint64_t ns = time_now_ns() - start_ns;

		if (ns < RATE_WINDOW_NS)
			return 0;
		ns_per_cycle = (double)ns / (double)(cycles_now() - start_cycles);
	}
	return (uint64_t)((double)cycles * ns_per_cycle);
}

uint64_t sched_kernel_ns(const struct task *t)
{
	uint64_t cycles = t->sched.kernel_cycles;

	if (t == current)
		cycles += cycles_now() - entered_cycles;
	return cycles_to_ns(cycles);
}

int sched_init(int cpus, const struct sched_policy *policy, const char *options, uint64_t tick_ns)
{
	memset(vcpus, 0, sizeof(vcpus));
	memset(running, 0, sizeof(running));
	memset(&loop_stack, 0, sizeof(loop_stack));
	nr_cpus = cpus;
	current = NULL;
	start_cycles = cycles_now();
	start_ns = time_now_ns();
	rq = (struct runq){.policy = policy,
			   .cpus = cpus,
			   .tick_ns = tick_ns,
			   .now_ns = start_ns,
			   .curr = running};
	tick_init();
	int err = services_init(options);
	if (err < 0)
		rq.policy = NULL;
	return err;
}

void sched_fini(void)
{
	if (!rq.policy)
		return;
	tick_fini();
	services_fini();
	rq.policy = NULL;
}

uint64_t sched_ran_ns(const struct task *t)
{
	int cpu = t->se.cpu;

	return t->se.ran_ns + (cpu >= 0 ? time_now_ns() - vcpus[cpu].since_ns : 0);
}

int sched_cpus(void)
{
	return nr_cpus;
}

int sched_users(void)
{
	int n = 0;

	for (int i = 0; i < nr_cpus; i++)
		n += vcpus[i].in_user;
	return n;
}

uint64_t sched_waited_ns(void)
{
	return waited_ns;
}

bool sched_idle(void)
{
	return rq.nr_running == 0 && rq.nr_queued == 0;
}

/* --- the run queue --- */

void task_enqueue(struct task *t, enum sched_enqueue_why why)
{
	assert(!t->se.queued && t->vcpu < 0);
	t->state = TASK_RUNNABLE;
	t->se.queued = true;
	t->se.wait_since_ns = rq.now_ns;
	rq.nr_queued++;
	record(SREC_WAKE, &t->se, -1, why);
	rq.policy->enqueue(&rq, &t->se, why);
}

static struct task *task_pick(int cpu)
{
	if (!rq.nr_queued)
		return NULL;
	struct sched_entity *se = rq.policy->pick(&rq, cpu);
	if (!se)
		return NULL;
	se->queued = false;
	rq.nr_queued--;
	return task_of(se);
}

void vcpu_charge(struct vcpu *vc, enum sched_charge_why why)
{
	struct sched_entity *se = &vc->task->se;
	uint64_t ran_ns = rq.now_ns - vc->since_ns;

	if (!ran_ns && why == CHARGE_RUNS)
		return;
	vc->since_ns = rq.now_ns;
	se->ran_ns += ran_ns;
	if (rq.policy->charge)
		rq.policy->charge(&rq, se, ran_ns, why);
}

/* The host's CPU time that t has used, in its own code and in ours. */
static uint64_t host_ns(const struct task *t)
{
	return task_cpu_ns((struct task *)t) + sched_kernel_ns(t);
}

/* t, which had vc to itself, may have had no CPU of the host's meanwhile: for whoever listens.
 * What is less than a switch costs is nobody's fault. */
static void host_record(const struct vcpu *vc, const struct task *t)
{
	uint64_t used_ns = host_ns(t) - t->sched.host_ns, ns = rq.now_ns - vc->in_ns;

	if (ns > used_ns + HOST_LEAST_NS)
		record(SREC_HOST, &t->se, t->vcpu, ns - used_ns);
}

static void vcpu_assign(int cpu, struct task *t)
{
	struct vcpu *vc = &vcpus[cpu];
	struct sched_entity *se = &t->se;
	int before = se->last_cpu;

	rq_clock();
	t->sched.waited_ns += rq.now_ns - se->wait_since_ns;
	waited_ns += rq.now_ns - se->wait_since_ns;
	se->cpu = se->last_cpu = cpu;
	t->vcpu = cpu;
	running[cpu] = se;
	rq.nr_running++;
	uint64_t slice_ns = rq.policy->slice_ns(&rq, se);
	se->slice_end_ns =
	    slice_ns >= SCHED_FOREVER - rq.now_ns ? SCHED_FOREVER : rq.now_ns + slice_ns;
	*vc = (struct vcpu){
	    .task = t,
	    .short_slice = slice_ns < rq.tick_ns,
	    .traps = vc->traps,
	    .since_ns = rq.now_ns,
	    .in_ns = rq.now_ns,
	};
	t->sched.last_slice_ns = slice_ns;
	record(SREC_IN, se, cpu, slice_ns);
	if (__builtin_expect(sched_listener != NULL, 0))
		t->sched.host_ns = host_ns(t);
	if (before != cpu && before >= 0) {
		t->sched.migrations++;
		record(SREC_MIGRATE, se, cpu, (uint64_t)before);
	}
	log_debug(sched, "cpu %d: task %d runs", cpu, t->tid);
}

/* current leaves its virtual CPU. */
static void vcpu_release(struct task *t, enum sched_charge_why why)
{
	struct vcpu *vc = &vcpus[t->vcpu];

	rq_clock();
	vcpu_charge(vc, why);
	if (__builtin_expect(sched_listener != NULL, 0))
		host_record(vc, t);
	record(SREC_OUT, &t->se, t->vcpu, why);
	vc->task = NULL;
	running[t->vcpu] = NULL;
	t->vcpu = -1;
	t->se.cpu = -1;
	rq.nr_running--;
}

/* Ask the guest on vc to come in and give way. */
void vcpu_preempt(struct vcpu *vc, bool expired)
{
	if (vc->resched)
		return;
	vc->resched = true;
	vc->expired = expired;
	record(SREC_PREEMPT, &vc->task->se, vc->task->vcpu,
	       expired ? CHARGE_EXPIRED : CHARGE_PREEMPTED);
	if (vc->in_user)
		machine->stop(vc->task->thread);
}

/* Should woken have a virtual CPU that another task is using?  The least urgent one goes. */
void preempt_for(struct task *woken)
{
	struct vcpu *victim = NULL;

	if (!rq.policy->preempts)
		return;
	for (int i = 0; i < nr_cpus; i++)
		if (!vcpus[i].task && sched_allowed(&woken->se, i))
			return; /* an idle one will take it */
	for (int i = 0; i < nr_cpus; i++) {
		struct vcpu *vc = &vcpus[i];

		if (vc->resched || !sched_allowed(&woken->se, i))
			continue;
		vcpu_charge(vc, CHARGE_RUNS);
		if (rq.policy->preempts(&rq, &woken->se, &vc->task->se) &&
		    (!victim || rq.policy->preempts(&rq, &victim->task->se, &vc->task->se)))
			victim = vc;
	}
	if (victim)
		vcpu_preempt(victim, false);
}

void sched_wake(struct task *t)
{
	/* No stack: process 1, which never runs. */
	if (!t->kstack.base || t->se.queued || t->vcpu >= 0 || t->state == TASK_DEAD)
		return;
	rq_clock();
	/* Where nobody waits nobody is charged either, for as long as it may take: before somebody
	 * is given a place among them they pay. */
	for (int i = 0; i < nr_cpus; i++)
		if (vcpus[i].task && rq.now_ns - vcpus[i].since_ns > rq.tick_ns)
			vcpu_charge(&vcpus[i], CHARGE_RUNS);
	t->sched.awake_ran_ns = t->se.ran_ns;
	task_enqueue(t, t->sched.started ? ENQ_WAKEUP : ENQ_NEW);
	t->sched.started = true;
	preempt_for(t);
}

/* --- between the loop and the tasks --- */

/* On the loop's stack: let t's kernel side run until it gives the CPU back. */
static void task_enter(struct task *t)
{
	current = t;
	if (__builtin_expect(explain_on, 0))
		explain_kernel_stack(t);
	if (__builtin_expect(costs_on, 0))
		costs_task(t);
	entered_cycles = cycles_now();
	kstack_switch(&loop_stack, &t->kstack, false);
	if (__builtin_expect(costs_on, 0))
		costs_loop();
	t->sched.kernel_cycles += cycles_now() - entered_cycles;
	current = NULL;
	if (dead) {
		t = dead;
		dead = NULL;
		kstack_finish(&t->kstack);
		task_put(t);
	}
}

/* On a task's stack: back to the loop. */
static inline void task_leave(struct task *t)
{
	kstack_switch(&t->kstack, &loop_stack, false);
}

void sched_dispatch(void)
{
	while (rq.nr_queued && rq.nr_running < nr_cpus) {
		bool any = false;

		for (int i = 0; i < nr_cpus && rq.nr_queued; i++) {
			if (vcpus[i].task)
				continue;
			struct task *t = task_pick(i);
			if (!t)
				continue;
			any = true;
			vcpu_assign(i, t);
			task_enter(t);
		}
		if (!any)
			break;
	}
	tick_update();
}

void sched_trap(struct task *t)
{
	struct vcpu *vc = &vcpus[t->vcpu];

	assert(vc->task == t && vc->in_user);
	vc->in_user = false;
	vc->traps++;
	if (__builtin_expect(waitq_active(&barrier_wait), 0))
		waitq_wake(&barrier_wait, 0);
	task_enter(t);
}

void sched_block(void)
{
	struct task *t = current;

	t->sched.switches_voluntary++;
	vcpu_release(t, CHARGE_SLEEP);
	task_leave(t);
}

/* Queue current and return when it is picked again. */
static void give_way(enum sched_enqueue_why why)
{
	struct task *t = current;

	vcpu_release(t, why == ENQ_YIELD     ? CHARGE_YIELD
			: why == ENQ_EXPIRED ? CHARGE_EXPIRED
					     : CHARGE_PREEMPTED);
	task_enqueue(t, why);
	task_leave(t);
}

void sched_move_current(void)
{
	give_way(ENQ_PREEMPTED);
}

void sched_yield_current(void)
{
	/* With DEADLINE it says that this period's work is done. */
	if (!rq.nr_queued && current->se.class != SCLASS_DEADLINE)
		return;
	current->sched.switches_voluntary++;
	give_way(ENQ_YIELD);
}

void sched_run_user(void)
{
	struct task *t = current;
	struct vcpu *vc = &vcpus[t->vcpu];

	if (vc->resched || !sched_allowed(&t->se, t->vcpu)) {
		t->sched.switches_involuntary++;
		give_way(vc->expired ? ENQ_EXPIRED : ENQ_PREEMPTED);
		/* Signals may have come while it was queued: let the caller look. */
		t->trap.type = EVENT_STOPPED;
		return;
	}
	if (__builtin_expect(explain_on, 0))
		explain_return(t, t->vcpu);
	if (machine->resume(t->thread, t->vcpu) < 0) {
		t->trap.type = EVENT_DEAD;
		return;
	}
	vc->in_user = true;
	task_leave(t);
}

_Noreturn void sched_exit(void)
{
	struct task *t = current;

	t->state = TASK_DEAD;
	vcpu_release(t, CHARGE_EXIT);
	sched_task_exit(t);
	dead = t;
	kstack_switch(&t->kstack, &loop_stack, true);
	__builtin_unreachable();
}

bool sched_in_user(const struct task *t)
{
	return t->vcpu >= 0 && vcpus[t->vcpu].in_user;
}

void sched_kick(struct task *t)
{
	if (sched_in_user(t))
		machine->stop(t->thread);
}

void sched_barrier(struct task *t)
{
	for (int i = 0; i < nr_cpus; i++) {
		struct vcpu *vc = &vcpus[i];
		uint64_t traps = vc->traps;

		if (!vc->task || vc->task == t || !vc->in_user)
			continue;
		machine->stop(vc->task->thread);
		while (vc->traps == traps && vc->in_user)
			if (wait_on_killable(&barrier_wait) < 0)
				return;
	}
}
