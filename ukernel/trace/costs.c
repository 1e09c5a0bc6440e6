/*
 * costs.c - --costs: the time line is cut at every change of what the supervisor does.
 *
 * It must change nothing but the time that things take.
 */
#include "trace/costs.h"

#include "kern/task.h"
#include "lib/host.h"
#include "machine.h"
#include "sched/sched.h"

#include <sys/syscall.h>
#include <time.h>

#define NO_CALL SYSCALL_MAX
/* Cycles: stamps older than this were none, or somebody else had the CPU in between. */
#define PROBE_MAX 300000

bool costs_on, host_watch_on;

static struct costs costs;
static struct machine_sleep asleep;
static const struct machine_ops *real; /* the machine itself */
static struct machine_ops watched;
static FILE *out;
static bool as_json, started;
static uint64_t began_ns, began, mark; /* cycles, but for the first */
static unsigned now_call = NO_CALL;
static enum cost now_kind = COST_HANDLER;
static uint64_t answered; /* when the last answer was begun */

static inline uint64_t cycles(void)
{
	return __builtin_ia32_rdtsc();
}

/* What has passed goes to what was being done; from now on it is something else. */
static inline void change(unsigned call, enum cost kind)
{
	uint64_t now = cycles();

	costs.spent[now_call][now_kind] += now - mark;
	mark = now;
	now_call = call;
	now_kind = kind;
}

static inline unsigned row_of(uint64_t nr)
{
	return nr < SYSCALL_MAX && syscall_table[nr].name ? (unsigned)nr : NO_CALL;
}

void costs_task(const struct task *t)
{
	change(t->trap.type == EVENT_SYSCALL ? row_of(t->trap.syscall.nr) : NO_CALL, COST_HANDLER);
}

void costs_loop(void)
{
	change(NO_CALL, COST_HANDLER);
}

void host_watch(bool inside)
{
	change(now_call, inside ? COST_HOST : COST_HANDLER);
}

/* --- the machine, watched --- */

#define DURING(kind, type, expr)                                                                   \
	({                                                                                         \
		enum cost before_ = now_kind;                                                      \
		change(now_call, kind);                                                            \
		type ret_ = (expr);                                                                \
		change(now_call, before_);                                                         \
		ret_;                                                                              \
	})

static size_t watched_mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	return DURING(COST_COPY_IN, size_t, real->mem_read(th, from, to, len));
}

static size_t watched_mem_have(struct vthread *th, uaddr_t from, void *to, size_t max)
{
	return DURING(COST_COPY_IN, size_t, real->mem_have(th, from, to, max));
}

static size_t watched_mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	return DURING(COST_COPY_OUT, size_t, real->mem_write(th, to, from, len));
}

static int watched_mem_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
			       uint32_t *seen)
{
	return DURING(COST_COPY_OUT, int, real->mem_cmpxchg(th, addr, expect, desire, seen));
}

static int watched_vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	return DURING(COST_SPACE, int, real->vm_apply(th, ops, n, done));
}

static int watched_space_create(void *cookie, struct vthread **th)
{
	return DURING(COST_SPACE, int, real->space_create(cookie, th));
}

static int watched_space_clone(struct vthread *from, void *cookie, struct vthread **th)
{
	return DURING(COST_SPACE, int, real->space_clone(from, cookie, th));
}

static int watched_thread_clone(struct vthread *from, void *cookie, struct vthread **th)
{
	return DURING(COST_SPACE, int, real->thread_clone(from, cookie, th));
}

static void watched_thread_destroy(struct vthread *th)
{
	enum cost before = now_kind;

	change(now_call, COST_SPACE);
	costs.guest_ns += real->cpu_ns(th);
	real->thread_destroy(th);
	change(now_call, before);
}

static int watched_regs_get(struct vthread *th, struct regs *regs)
{
	return DURING(COST_REGISTERS, int, real->regs_get(th, regs));
}

static int watched_regs_set(struct vthread *th, const struct regs *regs)
{
	return DURING(COST_REGISTERS, int, real->regs_set(th, regs));
}

static int watched_xstate_get(struct vthread *th, void *buf, size_t *len)
{
	return DURING(COST_REGISTERS, int, real->xstate_get(th, buf, len));
}

static int watched_xstate_set(struct vthread *th, const void *buf, size_t len)
{
	return DURING(COST_REGISTERS, int, real->xstate_set(th, buf, len));
}

/* All that came before the first guest instruction is the start. */
static void end_start(void)
{
	change(NO_CALL, COST_HANDLER);
	for (int i = 0; i <= NO_CALL; i++)
		for (int k = 0; k < COST_KINDS; k++) {
			costs.start += costs.spent[i][k];
			costs.spent[i][k] = 0;
		}
	started = true;
}

static int watched_resume(struct vthread *th, int vcpu)
{
	if (!started)
		end_start();
	answered = cycles();
	return DURING(COST_ANSWER, int, real->resume(th, vcpu));
}

static void watched_stop(struct vthread *th)
{
	enum cost before = now_kind;

	change(now_call, COST_ANSWER);
	real->stop(th);
	change(now_call, before);
}

/*
 * A program that wants to know how long a trap takes to arrive and to return puts the cycle counter
 * before the call into the fifth argument, and that after the call before into the sixth, of an
 * rt_sigprocmask(), which has four.
 */
static void take_probe(const struct event *ev)
{
	uint64_t arrive = asleep.woke - ev->syscall.arg[4];
	uint64_t give_back = ev->syscall.arg[5] - answered;

	if (ev->syscall.nr != SYS_rt_sigprocmask || arrive > PROBE_MAX || give_back > PROBE_MAX)
		return;
	costs.probe.calls++;
	costs.probe.arrive += arrive;
	costs.probe.give_back += give_back;
}

static int watched_wait(struct event *ev, bool block)
{
	change(NO_CALL, COST_TAKE);
	uint64_t slept = asleep.cycles;
	asleep.woke = mark; /* if it need not sleep */
	bool anybody = sched_users() > 0;
	int err = real->wait(ev, block);
	slept = asleep.cycles - slept;
	unsigned call = NO_CALL;
	if (err == 0 && ev->type == EVENT_SYSCALL) {
		call = row_of(ev->syscall.nr);
		costs.calls[call]++;
		take_probe(ev);
	}
	now_call = call;
	mark += slept;
	*(anybody ? &costs.with_run : &costs.idle) += slept;
	change(call, COST_HANDLER);
	return err;
}

static void watched_fini(void)
{
	uint64_t before;

	change(NO_CALL, COST_HANDLER);
	before = mark;
	real->fini();
	mark = cycles();
	costs.end += mark - before;
}

void costs_begin(FILE *to, bool json)
{
	out = to;
	as_json = json;
	costs_on = true;
	began = mark = cycles();
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	began_ns = (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct machine_sleep *costs_sleep(void)
{
	return costs_on ? &asleep : NULL;
}

void costs_watch_machine(void)
{
	if (!costs_on)
		return;
	real = machine;
	watched = *real;
	watched.fini = watched_fini;
	watched.space_create = watched_space_create;
	watched.space_clone = watched_space_clone;
	watched.thread_clone = watched_thread_clone;
	watched.thread_destroy = watched_thread_destroy;
	watched.vm_apply = watched_vm_apply;
	watched.mem_read = watched_mem_read;
	watched.mem_write = watched_mem_write;
	if (real->mem_have)
		watched.mem_have = watched_mem_have;
	watched.mem_cmpxchg = watched_mem_cmpxchg;
	watched.regs_get = watched_regs_get;
	watched.regs_set = watched_regs_set;
	watched.xstate_get = watched_xstate_get;
	watched.xstate_set = watched_xstate_set;
	watched.resume = watched_resume;
	watched.stop = watched_stop;
	watched.wait = watched_wait;
	machine = &watched;
	host_watch_on = true;
}

void costs_finish(void)
{
	if (!costs_on)
		return;
	change(NO_CALL, COST_HANDLER);
	costs_on = host_watch_on = false;
	costs.wall = mark - began;
	costs.ns_per_cycle =
	    (double)(real->clock_ns(CLOCK_OF_TICKS) - began_ns) / (double)costs.wall;
	(as_json ? costs_print_json : costs_print)(out, &costs);
	fflush(out);
}
