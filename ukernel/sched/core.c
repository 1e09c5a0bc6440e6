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
#include "sched/sched.h"

#include "kern/kstack.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "lib/log.h"
#include "machine.h"
#include "trace/explain.h"

#include <assert.h>
#include <string.h>

struct vcpu {
	struct task *task; /* NULL: idle */
	bool in_user;	   /* task's thread is running */
	bool resched;	   /* task is to give way at its next trap */
	uint64_t traps;	   /* how often a guest has come in here */
	uint64_t since_ns; /* up to here task's time has been charged */
};

#define RATE_WINDOW_NS 1000000 /* long enough to know the cycle counter's rate to 0.1 per mille */

static struct vcpu vcpus[CPUS_MAX];
static int nr_cpus, nr_busy;
static struct runq rq;
static bool tick_armed;
static struct kstack loop_stack;
static struct waitq barrier_wait = {LIST_INIT(barrier_wait.entries)}; /* wants to see traps */
static struct task *dead; /* left its stack for good: to be put by the loop */

struct task *current;

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
	uint64_t cycles = t->se.kernel_cycles;

	if (t == current)
		cycles += cycles_now() - entered_cycles;
	return cycles_to_ns(cycles);
}

int sched_init(int cpus, const struct sched_policy *policy, const char *options, uint64_t tick_ns)
{
	(void)tick_ns;
	memset(vcpus, 0, sizeof(vcpus));
	memset(&loop_stack, 0, sizeof(loop_stack));
	nr_cpus = cpus;
	nr_busy = 0;
	tick_armed = false;
	current = NULL;
	start_cycles = cycles_now();
	start_ns = time_now_ns();
	rq = (struct runq){.policy = policy};
	return policy->init ? policy->init(&rq, options) : 0;
}

void sched_fini(void)
{
	if (tick_armed)
		machine->tick_arm(false);
	tick_armed = false;
	if (rq.policy && rq.policy->exit)
		rq.policy->exit(&rq);
	rq.policy = NULL;
}

int sched_cpus(void)
{
	return nr_cpus;
}

bool sched_idle(void)
{
	return nr_busy == 0 && rq.nr_queued == 0;
}

void sched_task_init(struct task *t, const struct task *parent)
{
	struct sched_entity *se = &t->se;

	memset(se, 0, sizeof(*se));
	list_init(&se->link);
	t->vcpu = -1;
	se->last_cpu = -1;
	se->affinity = nr_cpus == CPUS_MAX ? UINT64_MAX : (1ULL << nr_cpus) - 1;
	if (parent) {
		se->affinity = parent->se.affinity;
		se->nice = parent->se.nice;
		if (!parent->se.reset_on_fork) {
			se->policy_abi = parent->se.policy_abi;
			se->rt_priority = parent->se.rt_priority;
		} else if (se->nice < 0) {
			se->nice = 0;
		}
		memcpy(se->priv, parent->se.priv, sizeof(se->priv));
	}
	if (rq.policy->task_init)
		rq.policy->task_init(&rq, t);
}

void sched_task_exit(struct task *t)
{
	if (t->se.queued) {
		rq.policy->remove(&rq, t);
		t->se.queued = false;
		rq.nr_queued--;
	}
	if (rq.policy->task_exit)
		rq.policy->task_exit(&rq, t);
}

/* --- the run queue --- */

static void task_enqueue(struct task *t, enum enqueue_why why)
{
	assert(!t->se.queued && t->vcpu < 0);
	t->state = TASK_RUNNABLE;
	t->se.queued = true;
	t->se.wait_since_ns = time_now_ns();
	rq.nr_queued++;
	rq.policy->enqueue(&rq, t, why);
}

static struct task *task_pick(int cpu)
{
	if (!rq.nr_queued)
		return NULL;
	struct task *t = rq.policy->pick(&rq, cpu);
	if (t) {
		t->se.queued = false;
		rq.nr_queued--;
	}
	return t;
}

/* The tick runs only while somebody waits and somebody who runs has a slice that ends. */
static void tick_update(void)
{
	if (tick_armed || !rq.nr_queued)
		return;
	for (int i = 0; i < nr_cpus; i++) {
		if (vcpus[i].task && vcpus[i].task->se.slice_end_ns != UINT64_MAX) {
			tick_armed = true;
			machine->tick_arm(true);
			return;
		}
	}
}

static void vcpu_charge(struct vcpu *vc, uint64_t now_ns, bool still_runnable)
{
	struct task *t = vc->task;
	uint64_t ran_ns = now_ns - vc->since_ns;

	vc->since_ns = now_ns;
	t->se.ran_ns += ran_ns;
	if (rq.policy->charge)
		rq.policy->charge(&rq, t, ran_ns, still_runnable);
}

static void vcpu_assign(int cpu, struct task *t)
{
	struct vcpu *vc = &vcpus[cpu];
	uint64_t now_ns = time_now_ns();
	uint64_t slice_ns = rq.policy->slice_ns(&rq, t);

	if (t->se.last_cpu != cpu) {
		if (t->se.last_cpu >= 0)
			t->se.migrations++;
		t->se.last_cpu = cpu;
	}
	t->se.waited_ns += now_ns - t->se.wait_since_ns;
	t->se.slice_end_ns = slice_ns == UINT64_MAX ? UINT64_MAX : now_ns + slice_ns;
	t->vcpu = cpu;
	vc->task = t;
	vc->in_user = false;
	vc->resched = false;
	vc->since_ns = now_ns;
	nr_busy++;
	log_debug(sched, "cpu %d: task %d runs", cpu, t->tid);
}

/* current leaves its virtual CPU. */
static void vcpu_release(struct task *t, bool still_runnable)
{
	struct vcpu *vc = &vcpus[t->vcpu];

	vcpu_charge(vc, time_now_ns(), still_runnable);
	vc->task = NULL;
	t->vcpu = -1;
	nr_busy--;
}

/* Ask the guest on cpu to come in and give way. */
static void vcpu_preempt(struct vcpu *vc)
{
	if (vc->resched)
		return;
	vc->resched = true;
	if (vc->in_user)
		machine->stop(vc->task->thread);
}

/* Should woken have a virtual CPU that another task is using? */
static void preempt_for(struct task *woken)
{
	if (!rq.policy->preempts || nr_busy < nr_cpus)
		return;
	for (int i = 0; i < nr_cpus; i++) {
		struct vcpu *vc = &vcpus[i];

		if (vc->task && !vc->resched && (woken->se.affinity >> i & 1) &&
		    rq.policy->preempts(&rq, woken, vc->task)) {
			vcpu_preempt(vc);
			return;
		}
	}
}

void sched_wake(struct task *t)
{
	/* No stack: process 1, which never runs. */
	if (!t->kstack.base || t->se.queued || t->vcpu >= 0 || t->state == TASK_DEAD)
		return;
	task_enqueue(t, t->se.started ? ENQ_WAKEUP : ENQ_NEW);
	t->se.started = true;
	preempt_for(t);
}

/* --- between the loop and the tasks --- */

/* On the loop's stack: let t's kernel side run until it gives the CPU back. */
static void task_enter(struct task *t)
{
	current = t;
	if (__builtin_expect(explain_on, 0))
		explain_kernel_stack(t);
	entered_cycles = cycles_now();
	kstack_switch(&loop_stack, &t->kstack, false);
	t->se.kernel_cycles += cycles_now() - entered_cycles;
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
	while (rq.nr_queued && nr_busy < nr_cpus) {
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

	t->se.switches_voluntary++;
	vcpu_release(t, false);
	task_leave(t);
}

/* Queue current and return when it is picked again. */
static void give_way(enum enqueue_why why)
{
	struct task *t = current;

	vcpu_release(t, true);
	task_enqueue(t, why);
	task_leave(t);
}

void sched_yield_current(void)
{
	if (!rq.nr_queued)
		return;
	current->se.switches_voluntary++;
	give_way(ENQ_YIELD);
}

void sched_run_user(void)
{
	struct task *t = current;

	if (vcpus[t->vcpu].resched || !(t->se.affinity >> t->vcpu & 1)) {
		t->se.switches_involuntary++;
		give_way(ENQ_PREEMPTED);
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
	vcpus[t->vcpu].in_user = true;
	task_leave(t);
}

_Noreturn void sched_exit(void)
{
	struct task *t = current;

	t->state = TASK_DEAD;
	vcpu_release(t, false);
	sched_task_exit(t);
	dead = t;
	kstack_switch(&t->kstack, &loop_stack, true);
	__builtin_unreachable();
}

void sched_tick(uint64_t ticks)
{
	uint64_t now_ns = time_now_ns();

	(void)ticks;
	if (!rq.nr_queued) {
		machine->tick_arm(false);
		tick_armed = false;
		return;
	}
	for (int i = 0; i < nr_cpus; i++) {
		struct vcpu *vc = &vcpus[i];

		if (!vc->task)
			continue;
		vcpu_charge(vc, now_ns, true);
		if (now_ns >= vc->task->se.slice_end_ns)
			vcpu_preempt(vc);
	}
}

void sched_kick(struct task *t)
{
	if (t->vcpu >= 0 && vcpus[t->vcpu].in_user)
		machine->stop(t->thread);
}

void sched_resched(struct task *t)
{
	if (t->vcpu >= 0)
		vcpu_preempt(&vcpus[t->vcpu]);
}

uint64_t sched_slice_ns(struct task *t)
{
	return rq.policy->slice_ns(&rq, t);
}

void sched_set_affinity(struct task *t, uint64_t mask)
{
	t->se.affinity = mask;
	if (t->se.queued) {
		/* The policy may keep its queues by virtual CPU. */
		rq.policy->remove(&rq, t);
		rq.policy->enqueue(&rq, t, ENQ_WAKEUP);
	} else if (t == current) {
		while (!(mask >> t->vcpu & 1))
			give_way(ENQ_PREEMPTED);
	} else {
		sched_resched(t);
	}
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
