/*
 * fake_machine.c - the machine contract in plain memory and virtual time.
 *
 * A discrete-event simulation.  Each guest thread has a host thread to run its C function on, but
 * control is handed over with semaphores, so exactly one of the kernel and the guests runs.
 * wait() lets every resumed thread run until it traps or computes, then moves the clock to
 * whatever comes first.  The machine checks the kernel's side of the contract as it goes: a thread
 * resumed twice, or two threads on one virtual CPU, abort the test.
 */
#include "fake_machine.h"

#include "lib/list.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define START_NS   1000000000ULL
#define WALL_BASE  1700000000000000000ULL
#define XSTATE_LEN 832 /* x87, SSE and AVX */
#define VCPU_MAX   64
#define WATCH_MAX  64
#define POLLS_MAX  10000000 /* answers of "nothing" in a row before we call it a hang */

enum doing {
	DO_RUN,	    /* its C function is to be given control */
	DO_COMPUTE, /* uses the CPU until left_ns is used up */
	DO_TRAPPED, /* has an event for the kernel */
};

struct vthread {
	struct list_head link;
	struct space *space;
	void *cookie;
	struct regs regs;
	uint8_t xstate[XSTATE_LEN];
	bool held, stopping, dying;
	int vcpu;
	enum doing doing;
	uint64_t left_ns, since_ns, cpu_ns;
	struct event event;

	pthread_t host;
	bool host_started;
	sem_t go;
	guest_fn child_fn; /* what a clone of this one runs, or what this one begins with */
	uint64_t child_arg;
};

static struct {
	struct machine_config config;
	struct list_head threads;
	struct vthread *on_vcpu[VCPU_MAX];
	sem_t kernel; /* posted when a guest hands control back */
	uint64_t now_ns, alarm_ns, tick_ns;
	bool ticking;
	unsigned polls;
	struct {
		int fd;
		uint32_t events;
		void *cookie;
	} watch[WATCH_MAX];
	unsigned nr_watches;
} fake;

unsigned fake_resumes, fake_stops;

/* Strong where the kernel's archive defines them. */
__attribute__((weak)) const struct machine_ops *machine;
__attribute__((weak)) struct machine_info machine_info;

static __thread struct vthread *self;

static _Noreturn void broken(const char *why)
{
	fprintf(stderr, "fake machine: %s\n", why);
	abort();
}

/* --- the guest's side --- */

struct vthread *fake_self(void)
{
	return self;
}

struct regs *fake_regs(struct vthread *th)
{
	return &th->regs;
}

struct space *fake_space(struct vthread *th)
{
	return th->space;
}

uint64_t fake_now_ns(void)
{
	return fake.now_ns;
}

void fake_set_child(guest_fn fn, uint64_t arg)
{
	self->child_fn = fn;
	self->child_arg = arg;
}

bool fake_take_child(struct vthread *th, guest_fn *fn, uint64_t *arg)
{
	*fn = th->child_fn;
	*arg = th->child_arg;
	th->child_fn = NULL;
	return *fn != NULL;
}

/* Give control to the kernel; returns when resumed. */
static void hand_over(struct vthread *th)
{
	sem_post(&fake.kernel);
	while (sem_wait(&th->go) != 0)
		;
	if (th->dying)
		pthread_exit(NULL);
}

void fake_trap_syscall(struct vthread *th, uint64_t nr)
{
	const struct regs *r = &th->regs;

	th->event = (struct event){.type = EVENT_SYSCALL, .thread = th, .cookie = th->cookie};
	th->event.syscall.nr = nr;
	th->event.syscall.ip = r->rip;
	th->event.syscall.abi = SYSCALL_ABI_64;
	th->event.syscall.arg[0] = r->rdi;
	th->event.syscall.arg[1] = r->rsi;
	th->event.syscall.arg[2] = r->rdx;
	th->event.syscall.arg[3] = r->r10;
	th->event.syscall.arg[4] = r->r8;
	th->event.syscall.arg[5] = r->r9;
	th->doing = DO_TRAPPED;
	hand_over(th);
}

void fake_trap_fault(struct vthread *th, int signo, int code, uaddr_t addr)
{
	th->event = (struct event){.type = EVENT_FAULT, .thread = th, .cookie = th->cookie};
	th->event.fault.signo = signo;
	th->event.fault.code = code;
	th->event.fault.addr = addr;
	th->event.fault.trapno = 14;
	th->doing = DO_TRAPPED;
	hand_over(th);
}

void fake_trap_compute(struct vthread *th, uint64_t *left)
{
	th->doing = DO_COMPUTE;
	th->left_ns = *left;
	th->since_ns = fake.now_ns;
	hand_over(th);
	*left = th->left_ns;
}

static void *host_main(void *arg)
{
	self = arg;
	while (sem_wait(&self->go) != 0)
		;
	if (!self->dying)
		guest_start(self);
	broken("a guest function returned to the machine");
}

/* --- threads --- */

static struct vthread *thread_new(struct space *space, void *cookie)
{
	struct vthread *th = calloc(1, sizeof(*th));
	static const uint32_t mxcsr = 0x1f80;

	th->space = space;
	th->cookie = cookie;
	th->held = true;
	th->vcpu = -1;
	th->doing = DO_RUN;
	th->regs.eflags = 0x202;
	th->regs.cs = 0x33;
	th->regs.ss = 0x2b;
	memcpy(th->xstate + 24, &mxcsr, sizeof(mxcsr));
	sem_init(&th->go, 0, 0);
	list_add_tail(&th->link, &fake.threads);
	return th;
}

static int op_space_create(void *cookie, struct vthread **out)
{
	*out = thread_new(space_new(), cookie);
	return 0;
}

static struct vthread *thread_copy(struct vthread *from, struct space *space, void *cookie)
{
	struct vthread *th = thread_new(space, cookie);

	if (!from->held)
		broken("clone of a running thread");
	th->regs = from->regs;
	memcpy(th->xstate, from->xstate, XSTATE_LEN);
	th->child_fn = from->child_fn;
	th->child_arg = from->child_arg;
	return th;
}

static int op_space_clone(struct vthread *from, void *cookie, struct vthread **out)
{
	*out = thread_copy(from, space_copy(from->space), cookie);
	return 0;
}

static int op_thread_clone(struct vthread *from, void *cookie, struct vthread **out)
{
	space_hold(from->space);
	*out = thread_copy(from, from->space, cookie);
	return 0;
}

static void vcpu_leave(struct vthread *th)
{
	if (th->vcpu >= 0)
		fake.on_vcpu[th->vcpu] = NULL;
	th->vcpu = -1;
	th->held = true;
}

static void op_thread_destroy(struct vthread *th)
{
	if (th->host_started) {
		th->dying = true;
		sem_post(&th->go);
		pthread_join(th->host, NULL);
	}
	vcpu_leave(th);
	list_del(&th->link);
	sem_destroy(&th->go);
	space_drop(th->space);
	free(th);
}

static int op_resume(struct vthread *th, int vcpu)
{
	if (!th->held)
		broken("a running thread was resumed");
	if (vcpu < 0 || vcpu >= fake.config.cpus)
		broken("resumed on a virtual CPU that does not exist");
	if (fake.on_vcpu[vcpu])
		broken("two threads on one virtual CPU");
	if (!th->host_started) {
		if (pthread_create(&th->host, NULL, host_main, th) != 0)
			broken("no host thread");
		th->host_started = true;
	}
	fake.on_vcpu[vcpu] = th;
	th->vcpu = vcpu;
	th->held = false;
	th->stopping = false;
	th->since_ns = fake.now_ns;
	if (th->doing == DO_TRAPPED)
		th->doing = DO_RUN;
	fake_resumes++;
	fake.polls = 0;
	return 0;
}

static void op_stop(struct vthread *th)
{
	fake_stops++;
	if (!th->held)
		th->stopping = true;
}

static int op_vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	int err = 0;
	size_t i;

	if (!th->held)
		broken("vm_apply on a running thread");
	for (i = 0; i < n && !err; i++)
		err = space_change(th->space, &ops[i]);
	if (done)
		*done = err ? i - 1 : i;
	return err;
}

static size_t op_mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	return space_read(th->space, from, to, len);
}

static size_t op_mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	return space_write(th->space, to, from, len);
}

static int op_mem_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
			  uint32_t *seen)
{
	if (addr & 3)
		broken("cmpxchg on an unaligned address");
	if (space_read(th->space, addr, seen, 4) != 4)
		return -EFAULT;
	/* An exchange is a write even when it stores nothing. */
	if (space_write(th->space, addr, *seen == expect ? &desire : seen, 4) != 4)
		return -EFAULT;
	return 0;
}

static int op_regs_get(struct vthread *th, struct regs *out)
{
	if (!th->held)
		broken("registers of a running thread were read");
	*out = th->regs;
	return 0;
}

/* A compute that was interrupted ends early only if the kernel sends it elsewhere. */
static int op_regs_set(struct vthread *th, const struct regs *in)
{
	if (!th->held)
		broken("registers of a running thread were written");
	if (th->doing == DO_COMPUTE && in->rip != th->regs.rip)
		th->doing = DO_RUN;
	th->regs = *in;
	return 0;
}

static int op_xstate_get(struct vthread *th, void *buf, size_t *len)
{
	memcpy(buf, th->xstate, XSTATE_LEN);
	*len = XSTATE_LEN;
	return 0;
}

static int op_xstate_set(struct vthread *th, const void *buf, size_t len)
{
	static const uint8_t zero[48];

	/* The XSAVE header: only known features, standard form, the rest reserved. */
	if (len > XSTATE_LEN || len < 576 || (((const uint8_t *)buf)[512] & ~7) ||
	    memcmp((const uint8_t *)buf + 520, zero, sizeof(zero)))
		return -EINVAL;
	memcpy(th->xstate, buf, len);
	return 0;
}

static void op_set_result(struct vthread *th, int64_t result)
{
	th->regs.rax = result;
}

/* --- time and events --- */

static void account(struct vthread *th)
{
	uint64_t ran = fake.now_ns - th->since_ns;

	th->cpu_ns += ran;
	th->since_ns = fake.now_ns;
	if (th->doing == DO_COMPUTE)
		th->left_ns -= ran < th->left_ns ? ran : th->left_ns;
}

static void deliver(struct vthread *th, struct event *out, enum event_type type)
{
	account(th);
	vcpu_leave(th);
	if (type == EVENT_STOPPED)
		*out = (struct event){.type = type, .thread = th, .cookie = th->cookie};
	else
		*out = th->event;
	th->stopping = false;
	fake.polls = 0;
}

/* Let th run until it traps or computes. */
static void run_guest(struct vthread *th)
{
	sem_post(&th->go);
	while (sem_wait(&fake.kernel) != 0)
		;
	if (th->doing == DO_TRAPPED)
		fake.now_ns += FAKE_SYSCALL_NS;
}

static bool event_of_threads(struct event *out)
{
	struct vthread *th;

	list_for_each (th, &fake.threads, link) {
		if (th->held)
			continue;
		if (th->doing == DO_COMPUTE) {
			account(th);
			if (th->left_ns == 0)
				th->doing = DO_RUN;
		}
		if (th->doing == DO_RUN && !th->stopping)
			run_guest(th);
		if (th->doing == DO_TRAPPED) {
			deliver(th, out, th->event.type);
			return true;
		}
		if (th->stopping) {
			deliver(th, out, EVENT_STOPPED);
			return true;
		}
	}
	return false;
}

static bool event_of_time(struct event *out)
{
	if (fake.alarm_ns && fake.alarm_ns <= fake.now_ns) {
		fake.alarm_ns = 0;
		*out = (struct event){.type = EVENT_ALARM};
		return true;
	}
	if (fake.ticking && fake.tick_ns <= fake.now_ns) {
		uint64_t n = 1 + (fake.now_ns - fake.tick_ns) / fake.config.tick_ns;

		fake.tick_ns += n * fake.config.tick_ns;
		*out = (struct event){.type = EVENT_TICK, .ticks = n};
		return true;
	}
	return false;
}

static bool event_of_host(struct event *out, int timeout_ms)
{
	struct pollfd p[WATCH_MAX];

	for (unsigned i = 0; i < fake.nr_watches; i++)
		p[i] = (struct pollfd){.fd = fake.watch[i].events ? fake.watch[i].fd : -1,
				       .events = fake.watch[i].events};
	if (fake.nr_watches == 0 || poll(p, fake.nr_watches, timeout_ms) <= 0)
		return false;
	for (unsigned i = 0; i < fake.nr_watches; i++) {
		if (!p[i].revents)
			continue;
		*out = (struct event){.type = EVENT_HOST_FD, .cookie = fake.watch[i].cookie};
		out->host_fd.fd = p[i].fd;
		out->host_fd.ready = p[i].revents;
		return true;
	}
	return false;
}

/* Moves the clock to what comes next; false when nothing ever will. */
static bool pass_time(void)
{
	uint64_t next = UINT64_MAX;
	struct vthread *th;

	list_for_each (th, &fake.threads, link)
		if (!th->held && th->doing == DO_COMPUTE && th->since_ns + th->left_ns < next)
			next = th->since_ns + th->left_ns;
	if (fake.alarm_ns && fake.alarm_ns < next)
		next = fake.alarm_ns;
	if (fake.ticking && fake.tick_ns < next)
		next = fake.tick_ns;
	if (next == UINT64_MAX)
		return false;
	if (next > fake.now_ns)
		fake.now_ns = next;
	return true;
}

static int op_wait(struct event *out, bool block)
{
	for (;;) {
		if (event_of_time(out) || event_of_threads(out) || event_of_host(out, 0)) {
			fake.polls = 0;
			return 0;
		}
		if (!block) {
			if (++fake.polls > POLLS_MAX)
				broken("the kernel polls for ever");
			*out = (struct event){.type = EVENT_NONE};
			return 0;
		}
		if (pass_time())
			continue;
		if (event_of_host(out, 5000))
			return 0;
		broken("deadlock: every task sleeps and nothing is to come");
	}
}

static uint64_t op_clock_ns(enum machine_clock clock)
{
	return clock == CLOCK_OF_WALL || clock == CLOCK_OF_WALL_COARSE ? WALL_BASE + fake.now_ns
								       : fake.now_ns;
}

static uint64_t op_cpu_ns(struct vthread *th)
{
	return th->cpu_ns + (th->held ? 0 : fake.now_ns - th->since_ns);
}

static void op_tick_arm(bool on)
{
	if (on && !fake.ticking)
		fake.tick_ns = fake.now_ns + fake.config.tick_ns;
	fake.ticking = on;
}

static void op_alarm_set(uint64_t deadline_ns)
{
	fake.alarm_ns = deadline_ns;
}

static int op_fd_watch(int host_fd, uint32_t events, void *cookie)
{
	unsigned i;

	for (i = 0; i < fake.nr_watches && fake.watch[i].fd != host_fd; i++)
		;
	if (i == WATCH_MAX)
		return -ENOSPC;
	if (i == fake.nr_watches)
		fake.nr_watches++;
	fake.watch[i].fd = host_fd;
	fake.watch[i].events = events;
	fake.watch[i].cookie = cookie;
	return 0;
}

static void op_fd_unwatch(int host_fd)
{
	for (unsigned i = 0; i < fake.nr_watches; i++)
		if (fake.watch[i].fd == host_fd)
			fake.watch[i--] = fake.watch[--fake.nr_watches];
}

static int op_init(const struct machine_config *config, struct machine_info *info)
{
	fake.config = *config;
	fake.now_ns = START_NS;
	list_init(&fake.threads);
	sem_init(&fake.kernel, 0, 0);
	*info = (struct machine_info){.user_lo = 0x10000,
				      .user_hi = 0x7ffff0000000,
				      .stub_lo = 0x7fffe0000000,
				      .stub_hi = 0x7fffe0002000,
				      .xstate_size = XSTATE_LEN,
				      .xstate_features = 7,
				      .host_cpus = 2};
	return 0;
}

static void op_fini(void)
{
	struct vthread *th, *next;

	list_for_each_safe (th, next, &fake.threads, link)
		op_thread_destroy(th);
	sem_destroy(&fake.kernel);
}

const struct machine_ops fake_machine = {
    .name = "fake",
    .init = op_init,
    .fini = op_fini,
    .space_create = op_space_create,
    .space_clone = op_space_clone,
    .thread_clone = op_thread_clone,
    .thread_destroy = op_thread_destroy,
    .vm_apply = op_vm_apply,
    .mem_read = op_mem_read,
    .mem_write = op_mem_write,
    .mem_cmpxchg = op_mem_cmpxchg,
    .regs_get = op_regs_get,
    .regs_set = op_regs_set,
    .xstate_get = op_xstate_get,
    .xstate_set = op_xstate_set,
    .set_result = op_set_result,
    .resume = op_resume,
    .stop = op_stop,
    .wait = op_wait,
    .clock_ns = op_clock_ns,
    .cpu_ns = op_cpu_ns,
    .tick_arm = op_tick_arm,
    .alarm_set = op_alarm_set,
    .fd_watch = op_fd_watch,
    .fd_unwatch = op_fd_unwatch,
};
