/*
 * machine_test.c - both machines against the contract of machine.h, with no kernel at all.
 *
 *	machine_test [-b BACKEND] [-c CPUS] [TEST...]	run the tests (each in its own process)
 *	machine_test -p [-b BACKEND] [-c CPUS]		print what the operations cost
 *
 * The guests are a few instructions each (machine_guest.S).  Not Criterion: its worker has a second
 * thread, which would swallow the signals that the machine waits for.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "sandbox.h"

#define CODE  0x400000UL
#define DATA  0x600000UL
#define STACK 0x700000UL

const struct machine_ops *machine;
struct machine_info machine_info;
static int cpus = 1;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		long got_ = (long)(got), want_ = (long)(want);                                     \
		if (got_ != want_) {                                                               \
			fprintf(stderr, "%s:%d: %s is %ld (0x%lx), not %ld (0x%lx)\n", __FILE__,   \
				__LINE__, #got, got_, got_, want_, want_);                         \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#define GUEST(name) extern const char guest_##name[], guest_##name##_end[]
GUEST(getppid);
GUEST(args);
GUEST(mmap);
GUEST(spin);
GUEST(faults);
GUEST(int80);
GUEST(far);
GUEST(anything);
GUEST(add);
GUEST(avx);
GUEST(vsyscall);

static const char *const event_names[] = {"none", "syscall", "fault",	"stopped",    "dead",
					  "tick", "alarm",   "host fd", "host signal"};

/* ---- helpers ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000UL + (uint64_t)ts.tv_nsec;
}

static void boot(void)
{
	struct machine_config config = {.cpus = cpus, .tick_ns = 4000000};
	int ret = machine->init(&config, &machine_info);

	if (ret < 0) {
		fprintf(stderr, "init: %s: %s\n", strerror(-ret), machine_init_error());
		_exit(1);
	}
}

static const struct vm_op load_ops[] = {
    {.kind = VM_MAP,
     .addr = CODE,
     .len = PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
    {.kind = VM_MAP,
     .addr = DATA,
     .len = 4 * PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
    {.kind = VM_MAP,
     .addr = STACK,
     .len = PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
};

static struct vthread *load_at(const char *code, const char *end)
{
	struct vm_op protect = {
	    .kind = VM_PROTECT, .addr = CODE, .len = PAGE_SIZE, .prot = PROT_READ | PROT_EXEC};
	struct vthread *th;
	struct regs r;
	size_t done;

	CHECK_INT(machine->space_create((void *)0x77, &th), 0);
	CHECK_INT(machine->vm_apply(th, load_ops, 3, &done), 0);
	CHECK_INT(done, 3);
	CHECK_INT(machine->mem_write(th, CODE, code, end - code), end - code);
	CHECK_INT(machine->vm_apply(th, &protect, 1, &done), 0);
	CHECK_INT(machine->regs_get(th, &r), 0);
	CHECK_INT(r.rsp, 0);
	CHECK_INT(r.fs_base, 0);
	r.rip = CODE;
	r.rsp = STACK + PAGE_SIZE - 64;
	r.r15 = DATA;
	CHECK_INT(machine->regs_set(th, &r), 0);
	return th;
}
#define load(name) load_at(guest_##name, guest_##name##_end)

static struct event wait_event(void)
{
	struct event e;

	CHECK_INT(machine->wait(&e, true), 0);
	return e;
}

static struct event wait_for(struct vthread *th, enum event_type type)
{
	struct event e = wait_event();

	if (e.type != type)
		fprintf(stderr, "got event %s, expected %s\n", event_names[e.type],
			event_names[type]);
	CHECK_INT(e.type, type);
	CHECK(e.thread == th);
	return e;
}

static struct event run(struct vthread *th, enum event_type type)
{
	CHECK_INT(machine->resume(th, 0), 0);
	return wait_for(th, type);
}

static struct regs regs_of(struct vthread *th)
{
	struct regs r;

	CHECK_INT(machine->regs_get(th, &r), 0);
	return r;
}

/* ---- tests ---- */

static void test_syscall(void)
{
	struct vthread *th = load(args);
	struct event e = run(th, EVENT_SYSCALL);

	CHECK(e.cookie == (void *)0x77);
	CHECK_INT(e.syscall.nr, 1000);
	for (int i = 0; i < 6; i++)
		CHECK_INT(e.syscall.arg[i], 11 * (i + 1));
	CHECK_INT(e.syscall.abi, SYSCALL_ABI_64);
	machine->set_result(th, 21);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT(e.syscall.nr, 1001);
	CHECK_INT(e.syscall.arg[0], 42);
	machine->set_result(th, -EAGAIN);
	e = run(th, EVENT_FAULT);
	CHECK_INT(e.fault.signo, SIGILL);
	CHECK_INT(regs_of(th).rax, -EAGAIN);
	machine->thread_destroy(th);
}

/* regs_get after set_result, regs_set after set_result, changes by hand. */
static void test_regs(void)
{
	struct vthread *th = load(args);
	struct event e = run(th, EVENT_SYSCALL);
	struct regs r = regs_of(th);

	CHECK_INT(r.orig_rax, 1000);
	CHECK_INT(r.rdi, 11);
	CHECK_INT(r.rip, e.syscall.ip);
	machine->set_result(th, 4);
	CHECK_INT(regs_of(th).rax, 4);
	r.rax = 100;
	r.rbx = 0xb0b;
	r.fs_base = 0x1234000;
	CHECK_INT(machine->regs_set(th, &r), 0);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT(e.syscall.arg[0], 200);
	r = regs_of(th);
	CHECK_INT(r.rbx, 0xb0b);
	CHECK_INT(r.fs_base, 0x1234000);
	/* a restart code of the host's in rax is just a number */
	r.rip = CODE;
	r.rax = (uint64_t)-512;
	CHECK_INT(machine->regs_set(th, &r), 0);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT(e.syscall.nr, 1000);
	r.fs_base = 0xffff800000000000UL;
	CHECK(machine->regs_set(th, &r) < 0);
	machine->thread_destroy(th);
}

static void test_faults(void)
{
	static const struct {
		int signo, code;
	} want[] = {{SIGSEGV, SEGV_MAPERR}, {SIGFPE, FPE_INTDIV},  {SIGILL, ILL_ILLOPN},
		    {SIGTRAP, SI_KERNEL},   {SIGTRAP, TRAP_TRACE}, {SIGSEGV, SI_KERNEL}};

	for (int i = 0; i < 6; i++) {
		struct vthread *th = load(faults);
		struct regs r = regs_of(th);
		struct event e;

		r.rdi = i;
		CHECK_INT(machine->regs_set(th, &r), 0);
		e = run(th, EVENT_FAULT);
		CHECK_INT(e.fault.signo, want[i].signo);
		CHECK_INT(e.fault.code, want[i].code);
		if (i == 0)
			CHECK_INT(e.fault.addr, 0x123000);
		if (i == 0) { /* mend it and go on: the next thing there is the divide error */
			struct vm_op op = {.kind = VM_MAP,
					   .addr = 0x123000,
					   .len = PAGE_SIZE,
					   .prot = PROT_READ | PROT_WRITE,
					   .flags = MAP_PRIVATE,
					   .host_fd = -1};

			CHECK_INT(machine->vm_apply(th, &op, 1, NULL), 0);
			e = run(th, EVENT_FAULT);
			CHECK_INT(e.fault.signo, SIGFPE);
		}
		machine->thread_destroy(th);
	}
}

static void test_stop(void)
{
	struct vthread *th = load(spin);
	uint64_t count = 0, before;

	for (int i = 0; i < 200; i++) {
		CHECK_INT(machine->resume(th, 0), 0);
		if (i % 2 == 0)
			sched_yield();
		machine->stop(th);
		machine->stop(th);
		wait_for(th, EVENT_STOPPED);
		machine->stop(th); /* held: harmless */
	}
	CHECK_INT(machine->resume(th, 0), 0);
	usleep(20000);
	machine->stop(th);
	wait_for(th, EVENT_STOPPED);
	CHECK_INT(machine->mem_read(th, DATA, &count, 8), 8);
	CHECK(count > 1000);
	before = count;
	usleep(5000);
	CHECK_INT(machine->mem_read(th, DATA, &count, 8), 8);
	CHECK_INT(count, before);
	CHECK(machine->cpu_ns(th) > 100000);
	machine->thread_destroy(th);
}

/* stop() against a guest that traps all the time: one event for each resume, nothing lost. */
static void test_stop_race(void)
{
	struct vthread *th = load(getppid);
	int stopped = 0, calls = 0;
	struct regs r;

	for (int i = 0; i < 20000; i++) {
		struct event e;

		CHECK_INT(machine->resume(th, 0), 0);
		if (i % 3 == 0) {
			for (volatile int spin = 0; spin < i % 1000; spin++)
				;
			machine->stop(th);
		}
		e = wait_event();
		CHECK(e.thread == th);
		if (e.type == EVENT_STOPPED) {
			stopped++;
			if (i % 2 == 0) {
				r = regs_of(th);
				CHECK(r.rip >= CODE && r.rip <= CODE + 9);
				CHECK(r.rax == 110 || r.rax == 5 || r.rip == CODE);
				CHECK_INT(machine->regs_set(th, &r), 0);
			}
			continue;
		}
		CHECK_INT(e.type, EVENT_SYSCALL);
		CHECK_INT(e.syscall.nr, 110);
		calls++;
		if (i % 5 == 0) {
			r = regs_of(th);
			CHECK_INT(r.orig_rax, 110);
			CHECK_INT(r.rip, CODE + 7);
			r.rax = 5;
			CHECK_INT(machine->regs_set(th, &r), 0);
		} else {
			machine->set_result(th, 5);
		}
	}
	CHECK(calls > 100);
	CHECK(stopped > 0);
	machine->thread_destroy(th);
}

static void test_fork(void)
{
	struct vthread *th = load(args), *child;
	uint64_t word = 1, got;
	struct event e;
	struct regs r;

	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_write(th, DATA, &word, 8), 8);
	CHECK_INT(machine->space_clone(th, (void *)0x88, &child), 0);
	machine->set_result(child, 50);
	machine->set_result(th, 60);
	word = 2;
	CHECK_INT(machine->mem_write(child, DATA, &word, 8), 8);
	CHECK_INT(machine->mem_read(th, DATA, &got, 8), 8);
	CHECK_INT(got, 1);
	r = regs_of(child);
	CHECK_INT(r.rsi, 22);
	CHECK_INT(r.r9, 66);
	CHECK_INT(r.r14, 0);
	e = run(child, EVENT_SYSCALL);
	CHECK(e.cookie == (void *)0x88);
	CHECK_INT(e.syscall.arg[0], 100);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT(e.syscall.arg[0], 120);
	machine->thread_destroy(th);
	e = run(child, EVENT_FAULT);
	machine->thread_destroy(child);
}

static void test_fork_many(void)
{
	struct vthread *th = load(getppid), *child[200];

	run(th, EVENT_SYSCALL);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			CHECK_INT(machine->space_clone(th, NULL, &child[i]), 0);
			if (i % 2 == 0) {
				machine->set_result(child[i], i);
				run(child[i], EVENT_SYSCALL);
			}
		}
		for (int i = 0; i < 200; i++)
			machine->thread_destroy(child[i]);
	}
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	machine->thread_destroy(th);
}

#define ADDERS 4
static void test_threads(void)
{
	struct vthread *th[ADDERS];
	uint32_t sum = 0;
	struct event e;
	struct regs r;

	th[0] = load(add);
	for (int i = 1; i < ADDERS; i++)
		CHECK_INT(machine->thread_clone(th[0], (void *)(long)i, &th[i]), 0);
	for (int i = 0; i < ADDERS; i++) {
		r = regs_of(th[i]);
		r.r12 = 100000;
		CHECK_INT(machine->regs_set(th[i], &r), 0);
		CHECK_INT(machine->resume(th[i], i), 0);
	}
	for (int i = 0; i < ADDERS; i++) {
		e = wait_event();
		CHECK_INT(e.type, EVENT_SYSCALL);
	}
	CHECK_INT(machine->mem_read(th[0], DATA, &sum, 4), 4);
	CHECK_INT(sum, ADDERS * 100000);
	/* a space lives as long as any thread in it */
	machine->thread_destroy(th[0]);
	usleep(1000);
	sum = 0;
	CHECK_INT(machine->mem_read(th[2], DATA, &sum, 4), 4);
	CHECK_INT(sum, ADDERS * 100000);
	for (int i = 1; i < ADDERS; i++)
		machine->thread_destroy(th[i]);
}

static void test_vm(void)
{
	struct vthread *th = load(getppid);
	struct vm_op ops[150];
	uint64_t word = 42, got = 0;
	size_t done;
	int fd = memfd_create("x", 0);

	CHECK_INT(ftruncate(fd, 16 * PAGE_SIZE), 0);
	memset(ops, 0, sizeof(ops));
	for (int i = 0; i < 150; i++) {
		ops[i] = (struct vm_op){.kind = VM_MAP,
					.addr = 0x10000000 + i * 2 * PAGE_SIZE,
					.len = PAGE_SIZE,
					.prot = PROT_READ | PROT_WRITE,
					.flags = MAP_SHARED,
					.host_fd = fd,
					.off = (i % 16) * PAGE_SIZE};
	}
	CHECK_INT(machine->vm_apply(th, ops, 150, &done), 0);
	CHECK_INT(done, 150);
	CHECK_INT(machine->mem_write(th, ops[149].addr, &word, 8), 8);
	CHECK_INT(machine->mem_read(th, ops[149 - 16].addr, &got, 8), 8);
	CHECK_INT(got, 42);
	CHECK_INT(pread(fd, &got, 8, (149 % 16) * PAGE_SIZE), 8);
	CHECK_INT(got, 42);
	/* stops at the first error */
	ops[100].host_fd = 999;
	CHECK_INT(machine->vm_apply(th, ops, 150, &done), -EBADF);
	CHECK_INT(done, 100);
	ops[100].host_fd = fd;
	ops[3].addr = machine_info.stub_lo;
	CHECK_INT(machine->vm_apply(th, ops, 150, &done), -EINVAL);
	CHECK_INT(done, 3);
	ops[0] = (struct vm_op){.kind = VM_UNMAP, .addr = 0, .len = 0x7ffffffff000UL};
	CHECK_INT(machine->vm_apply(th, ops, 1, &done), -EINVAL);
	/* remap, unmap, partial access */
	ops[0] = (struct vm_op){.kind = VM_REMAP,
				.addr = DATA,
				.len = PAGE_SIZE,
				.new_addr = 0x20000000,
				.new_len = 2 * PAGE_SIZE};
	CHECK_INT(machine->mem_write(th, DATA, &word, 8), 8);
	CHECK_INT(machine->vm_apply(th, ops, 1, &done), 0);
	got = 0;
	CHECK_INT(machine->mem_read(th, 0x20000000, &got, 8), 8);
	CHECK_INT(got, 42);
	CHECK_INT(machine->mem_read(th, DATA, &got, 8), 0);
	CHECK_INT(machine->mem_read(th, DATA + PAGE_SIZE - 4, &got, 8), 0);
	CHECK_INT(machine->mem_read(th, 0x20000000 + 2 * PAGE_SIZE - 4, &got, 8), 4);
	CHECK_INT(machine->mem_write(th, CODE, &word, 8), 0); /* read-only */
	ops[0] = (struct vm_op){.kind = VM_REMAP,
				.addr = 0x20000000,
				.len = 2 * PAGE_SIZE,
				.new_addr = 0x20000000,
				.new_len = PAGE_SIZE};
	ops[1] = (struct vm_op){
	    .kind = VM_ADVISE, .addr = 0x20000000, .len = PAGE_SIZE, .advice = MADV_DONTNEED};
	CHECK_INT(machine->vm_apply(th, ops, 2, &done), 0);
	CHECK_INT(machine->mem_read(th, 0x20000000, &got, 8), 8);
	CHECK_INT(got, 0);
	ops[0].kind = VM_ADVISE;
	ops[0].advice = 100; /* MADV_HWPOISON */
	CHECK_INT(machine->vm_apply(th, ops, 1, &done), -EINVAL);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->vm_apply(th, &load_ops[1], 1, &done), 0);
	CHECK_INT(regs_of(th).orig_rax, 110);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	machine->thread_destroy(th);
	close(fd);
}

static void test_cmpxchg(void)
{
	struct vthread *th = load(getppid);
	uint32_t word = 7, seen = 0;

	CHECK_INT(machine->mem_write(th, DATA, &word, 4), 4);
	CHECK_INT(machine->mem_cmpxchg(th, DATA, 7, 8, &seen), 0);
	CHECK_INT(seen, 7);
	CHECK_INT(machine->mem_cmpxchg(th, DATA, 7, 9, &seen), 0);
	CHECK_INT(seen, 8);
	CHECK_INT(machine->mem_read(th, DATA, &word, 4), 4);
	CHECK_INT(word, 8);
	CHECK_INT(machine->mem_cmpxchg(th, 0x5000, 7, 9, &seen), -EFAULT);
	CHECK_INT(machine->mem_cmpxchg(th, CODE, 7, 9, &seen), -EFAULT);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_cmpxchg(th, DATA, 8, 9, &seen), 0);
	CHECK_INT(seen, 8);
	CHECK_INT(regs_of(th).rip, CODE + 7);
	machine->thread_destroy(th);
}

static void test_xstate(void)
{
	struct vthread *th = load(avx);
	char *buf = malloc(machine_info.xstate_size), in[32], out[32];
	size_t len = machine_info.xstate_size;

	for (int i = 0; i < 32; i++)
		in[i] = (char)(i + 1);
	CHECK_INT(machine->mem_write(th, DATA, in, 32), 32);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->xstate_get(th, buf, &len), 0);
	CHECK_INT(len, machine_info.xstate_size);
	CHECK_INT(memcmp(buf + 160, in, 16), 0); /* xmm0 in the legacy area */
	buf[160] = 99;
	CHECK_INT(machine->xstate_set(th, buf, len), 0);
	CHECK_INT(machine->xstate_set(th, buf, 512), -EINVAL);
	memset(buf + 24, 0xff, 4); /* reserved bits of mxcsr */
	CHECK_INT(machine->xstate_set(th, buf, len), -EINVAL);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_read(th, DATA + 64, out, 32), 32);
	in[0] = 99;
	CHECK_INT(memcmp(in, out, 32), 0);
	free(buf);
	machine->thread_destroy(th);
}

static pid_t guest_host_pid(void);

static void test_killed(void)
{
	struct vthread *th = load(spin), *held = load(getppid);
	struct event e;

	CHECK_INT(machine->resume(th, 0), 0);
	kill(guest_host_pid(), SIGKILL);
	(void)held;
	e = wait_event();
	/* which of the two was hit is not known */
	if (e.type != EVENT_DEAD) {
		CHECK_INT(e.type, EVENT_SYSCALL);
		e = wait_event();
	}
	CHECK_INT(e.type, EVENT_DEAD);
}

/* A child of ours that runs: the latest pid that is in state R or t. */
static pid_t guest_host_pid(void)
{
	char path[64], line[4096] = "", *p;
	pid_t last = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		return -1;
	fclose(f);
	for (p = strtok(line, " \n"); p != NULL; p = strtok(NULL, " \n")) {
		char stat[64], buf[512], state = 0;
		FILE *s;

		snprintf(stat, sizeof(stat), "/proc/%s/stat", p);
		s = fopen(stat, "r");
		if (s == NULL)
			continue;
		if (fgets(buf, sizeof(buf), s) != NULL)
			state = *(strrchr(buf, ')') + 2);
		fclose(s);
		if (state == 'R')
			last = atoi(p);
	}
	return last;
}

static void test_killed_held(void)
{
	struct vthread *th = load(spin);
	struct regs r;
	pid_t pid;

	CHECK_INT(machine->resume(th, 0), 0);
	pid = guest_host_pid();
	CHECK(pid > 0);
	machine->stop(th);
	wait_for(th, EVENT_STOPPED);
	kill(pid, SIGKILL);
	usleep(20000);
	CHECK_INT(machine->regs_get(th, &r) < 0 || machine->regs_set(th, &r) < 0 ||
		      machine->vm_apply(th, load_ops, 1, NULL) < 0,
		  1);
	CHECK_INT(machine->mem_read(th, DATA, &r, 8), 0);
	CHECK_INT(machine->resume(th, 0), 0);
	wait_for(th, EVENT_DEAD);
	machine->thread_destroy(th);
}

/* Signals to a guest's host pid change nothing. */
static void test_signals_outside(void)
{
	static const int sigs[] = {SIGTERM, SIGSTOP, SIGCONT, SIGSEGV, SIGTRAP, SIGINT, SIGTSTP};
	struct vthread *th = load(spin), *caller = load(getppid);
	pid_t pid;

	CHECK_INT(machine->resume(th, 0), 0);
	pid = guest_host_pid();
	CHECK(pid > 0);
	for (int i = 0; i < 7 * 20; i++) {
		kill(pid, sigs[i % 7]);
		if (i % 3 == 0) {
			machine->stop(th);
			wait_for(th, EVENT_STOPPED);
			CHECK_INT(machine->vm_apply(th, &load_ops[2], 1, NULL), 0);
			CHECK_INT(machine->resume(th, 0), 0);
		}
	}
	machine->stop(th);
	wait_for(th, EVENT_STOPPED);
	run(caller, EVENT_SYSCALL);
	machine->thread_destroy(th);
	machine->thread_destroy(caller);
}

static void test_fd(void)
{
	int p[2], q[2];
	struct event e;
	char c;

	CHECK_INT(pipe(p), 0);
	CHECK_INT(pipe(q), 0);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, (void *)1), 0);
	CHECK_INT(machine->fd_watch(q[0], EPOLLIN, (void *)2), 0);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	CHECK_INT(write(p[1], "x", 1), 1);
	e = wait_event();
	CHECK_INT(e.type, EVENT_HOST_FD);
	CHECK(e.cookie == (void *)1);
	CHECK_INT(e.host_fd.fd, p[0]);
	CHECK_INT(e.host_fd.ready, EPOLLIN);
	CHECK_INT(machine->fd_watch(p[0], 0, (void *)1), 0); /* paused */
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, (void *)3), 0);
	e = wait_event();
	CHECK(e.cookie == (void *)3);
	CHECK_INT(read(p[0], &c, 1), 1);
	close(q[1]);
	e = wait_event();
	CHECK(e.cookie == (void *)2);
	CHECK_INT(e.host_fd.ready, EPOLLHUP);
	machine->fd_unwatch(q[0]);
	machine->fd_unwatch(p[0]);
	CHECK_INT(machine->fd_watch(open("/etc/passwd", O_RDONLY), EPOLLIN, NULL), -EPERM);
	CHECK_INT(machine->fd_watch(500, EPOLLIN, NULL), -EBADF);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
}

static void test_time(void)
{
	struct vthread *th = load(spin);
	uint64_t t = machine->clock_ns(CLOCK_OF_TICKS);
	struct event e;
	int ticks = 0;

	machine->alarm_set(t + 30000000);
	machine->tick_arm(true);
	CHECK_INT(machine->resume(th, 0), 0);
	for (;;) {
		e = wait_event();
		if (e.type == EVENT_ALARM)
			break;
		CHECK_INT(e.type, EVENT_TICK);
		ticks += (int)e.ticks;
	}
	CHECK(machine->clock_ns(CLOCK_OF_TICKS) >= t + 30000000);
	CHECK(ticks >= 4 && ticks <= 9);
	machine->tick_arm(false);
	machine->stop(th);
	do {
		e = wait_event();
	} while (e.type == EVENT_TICK);
	CHECK_INT(e.type, EVENT_STOPPED);
	machine->alarm_set(machine->clock_ns(CLOCK_OF_TICKS) + 1000000);
	machine->alarm_set(0);
	usleep(5000);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	machine->alarm_set(1); /* long ago */
	e = wait_event();
	CHECK_INT(e.type, EVENT_ALARM);
	machine->thread_destroy(th);
}

/* A guest that traps all the time does not keep timers and descriptors from being seen. */
static void test_fairness(void)
{
	struct vthread *th = load(getppid);
	bool alarm = false, fd = false;
	struct event e;
	int p[2];

	CHECK_INT(pipe(p), 0);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, NULL), 0);
	CHECK_INT(write(p[1], "x", 1), 1);
	machine->alarm_set(machine->clock_ns(CLOCK_OF_TICKS) + 2000000);
	CHECK_INT(machine->resume(th, 0), 0);
	for (int i = 0; i < 100000 && !(alarm && fd); i++) {
		e = wait_event();
		if (e.type == EVENT_ALARM)
			alarm = true;
		if (e.type == EVENT_HOST_FD) {
			fd = true;
			machine->fd_unwatch(p[0]);
		}
		if (e.type == EVENT_SYSCALL)
			CHECK_INT(machine->resume(th, 0), 0);
	}
	CHECK(alarm);
	CHECK(fd);
	machine->thread_destroy(th);
}

static void test_host_signal(void)
{
	struct event e;

	kill(getpid(), SIGWINCH);
	e = wait_event();
	CHECK_INT(e.type, EVENT_HOST_SIGNAL);
	CHECK_INT(e.host_signal.signo, SIGWINCH);
}

static void test_int80(void)
{
	struct vthread *th = load(int80);
	struct event e = run(th, EVENT_SYSCALL);

	CHECK_INT(e.syscall.abi, SYSCALL_ABI_32);
	CHECK_INT(e.syscall.nr, 20);
	CHECK_INT(e.syscall.arg[0], 7);
	machine->set_result(th, -ENOSYS);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT((int)e.syscall.arg[0], -ENOSYS);
	machine->thread_destroy(th);
}

static void test_code32(void)
{
	struct vthread *th = load(far), *child;
	struct event e = run(th, EVENT_SYSCALL);

	CHECK_INT(e.syscall.abi, SYSCALL_ABI_32);
	CHECK_INT(e.syscall.nr, 20);
	/* everything works on such a thread, too */
	CHECK_INT(regs_of(th).cs, 0x23);
	CHECK_INT(machine->vm_apply(th, &load_ops[2], 1, NULL), 0);
	CHECK_INT(machine->space_clone(th, NULL, &child), 0);
	CHECK_INT(regs_of(child).cs, 0x23);
	machine->set_result(th, -ENOSYS);
	machine->set_result(child, -ENOSYS);
	e = run(th, EVENT_SYSCALL);
	CHECK_INT((int)e.syscall.arg[0], -ENOSYS);
	CHECK_INT(e.syscall.abi, SYSCALL_ABI_64);
	e = run(child, EVENT_SYSCALL);
	CHECK_INT((int)e.syscall.arg[0], -ENOSYS);
	machine->thread_destroy(child);
	machine->thread_destroy(th);
}

/* The legacy page: trapped, answered by the host's own emulation (the clock, nothing else), or not
 * there. */
static void test_vsyscall(void)
{
	struct vthread *th = load(vsyscall);
	struct event e;

	CHECK_INT(machine->resume(th, 0), 0);
	e = wait_event();
	if (e.type == EVENT_FAULT) {
		CHECK_INT(e.fault.signo, SIGSEGV);
		return;
	}
	CHECK_INT(e.type, EVENT_SYSCALL);
	if (e.syscall.nr == SYS_time) {
		machine->set_result(th, 12345);
		e = run(th, EVENT_SYSCALL);
		CHECK_INT(e.syscall.arg[0], 12345);
	}
	CHECK_INT(e.syscall.nr, 1001);
	machine->thread_destroy(th);
}

/* Threads of one space that trap all the time, stopped, read and changed all the time. */
static void test_crowd(void)
{
	struct vthread *th[8] = {load(getppid)};
	bool running[8] = {false}, at_call[8] = {false};
	int events = 0;

	for (int i = 1; i < 8; i++)
		CHECK_INT(machine->thread_clone(th[0], NULL, &th[i]), 0);
	srand(1);
	for (int turn = 0; turn < 30000; turn++) {
		int i = rand() % 8;
		struct event e;
		struct regs r;

		if (running[i]) {
			if (rand() % 4 == 0)
				machine->stop(th[i]);
			CHECK_INT(machine->wait(&e, rand() % 2), 0);
			if (e.type == EVENT_NONE)
				continue;
			CHECK(e.type == EVENT_SYSCALL || e.type == EVENT_STOPPED);
			for (i = 0; th[i] != e.thread; i++)
				CHECK(i < 7);
			CHECK(running[i]);
			running[i] = false;
			at_call[i] = e.type == EVENT_SYSCALL;
			events++;
			if (e.type == EVENT_SYSCALL)
				CHECK_INT(e.syscall.nr, 110);
			continue;
		}
		switch (rand() % 6) {
		case 0:
			r = regs_of(th[i]);
			CHECK(r.rip >= CODE && r.rip <= CODE + 9);
			CHECK_INT(machine->regs_set(th[i], &r), 0);
			break;
		case 1:
			CHECK_INT(machine->vm_apply(th[i], &load_ops[2], 1, NULL), 0);
			break;
		case 2:
			if (at_call[i])
				machine->set_result(th[i], 7);
			break;
		case 3:
			machine->thread_destroy(th[i]);
			if (running[(i + 1) % 8])
				th[i] = load(getppid);
			else
				CHECK_INT(machine->thread_clone(th[(i + 1) % 8], NULL, &th[i]), 0);
			at_call[i] = false;
			break;
		default:
			CHECK_INT(machine->resume(th[i], i), 0);
			running[i] = true;
		}
	}
	CHECK(events > 1000);
}

/* Every number, x32 too, arrives as an event and is not carried out. */
static void test_numbers(void)
{
	static const uint64_t bits[] = {0, 0x40000000, 0x100000000UL, 0xffffffff00000000UL};
	struct vthread *th = load(anything);
	uint64_t frame[7] = {0, 0, 0, 0, 0, 0, 0};

	for (int b = 0; b < 4; b++) {
		for (int nr = 0; nr < 1024; nr++) {
			struct event e;

			if ((bits[b] & 0xffffffff) == 0 && nr == 336 && machine == &seccomp_machine)
				continue; /* uprobe: exempt from seccomp; ENXIO by the host */
			frame[0] = bits[b] | (uint64_t)nr;
			CHECK_INT(machine->mem_write(th, DATA, frame, sizeof(frame)), 56);
			CHECK_INT(machine->resume(th, 0), 0);
			e = wait_event();
			if (e.type != EVENT_SYSCALL)
				fprintf(stderr, "call %#lx\n", frame[0]);
			CHECK_INT(e.type, EVENT_SYSCALL);
			CHECK_INT(e.syscall.nr, (uint32_t)frame[0]);
			machine->set_result(th, -ENOSYS);
		}
	}
	frame[0] = (uint64_t)-1;
	CHECK_INT(machine->mem_write(th, DATA, frame, sizeof(frame)), 56);
	CHECK_INT(run(th, EVENT_SYSCALL).syscall.nr, 0xffffffff);
	machine->thread_destroy(th);
}

/* Guest code jumps to every byte of the stub, with registers that would do harm. */
static void test_stub_jumps(void)
{
	static const int nrs[] = {SYS_kill, SYS_mmap, SYS_clone, SYS_munmap, SYS_exit_group};
	uint64_t lo = machine_info.stub_lo, hi = machine_info.stub_hi;
	char path[] = "/tmp/machine_test_XXXXXX";
	struct vthread *th = load(getppid);
	struct regs start = regs_of(th);
	int probe = mkstemp(path);

	for (uint64_t ip = lo; ip < hi; ip += ip < lo + 512 ? 1 : 61) {
		for (int i = 0; i < 5; i++) {
			struct regs r = start;
			struct event e;

			r.rip = ip;
			r.rax = nrs[i];
			r.rdi = i == 0 ? (uint64_t)getpid() : 0x30000000;
			r.rsi = i == 0 ? SIGKILL : PAGE_SIZE;
			r.rdx = 7;
			r.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
			r.r8 = (uint64_t)-1;
			r.rbx = lo + PAGE_SIZE;
			r.rbp = lo + PAGE_SIZE + 64;
			CHECK_INT(machine->regs_set(th, &r), 0);
			CHECK_INT(machine->resume(th, 0), 0);
			/* the zeroed tail of the page is `add %al,(%rax)`: faults */
			e = wait_event();
			CHECK(e.thread == th);
			CHECK(e.type == EVENT_SYSCALL || e.type == EVENT_FAULT);
			CHECK_INT(machine->mem_read(th, 0x30000000, &r, 1), 0);
		}
	}
	CHECK_INT(unlink(path), 0);
	close(probe);
	machine->thread_destroy(th);
}

static void test_fini(void)
{
	struct vthread *a = load(spin), *b = load(getppid);
	int status;

	CHECK_INT(machine->resume(a, 0), 0);
	run(b, EVENT_SYSCALL);
	machine->fini();
	CHECK_INT(waitpid(-1, &status, __WALL), -1);
	CHECK_INT(errno, ECHILD);
	boot();
	a = load(args);
	run(a, EVENT_SYSCALL);
}

/* Whatever kills the supervisor, no guest survives it. */
static void test_orphans(void)
{
	int p[2];
	char c;
	pid_t pid;

	machine->fini();
	CHECK_INT(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		struct vthread *th, *child;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(p[0]);
		boot(); /* guests share the pipe's writing end */
		th = load(spin);
		machine->space_clone(th, NULL, &child);
		machine->resume(th, 0);
		machine->resume(child, 0);
		kill(getpid(), SIGKILL);
	}
	close(p[1]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(read(p[0], &c, 1), 0); /* ends only when the last holder is gone */
	boot();
}

/* ---- what it costs ---- */

static void report(const char *what, uint64_t ns, uint64_t n)
{
	printf("%-8s cpus=%d %-28s %8lu ns\n", machine->name, cpus, what, ns / n);
	fflush(stdout);
}

static uint64_t best_of(uint64_t (*round)(struct vthread *th, int n), struct vthread *th, int n)
{
	uint64_t best = ~0UL;

	/* Many short rounds: some of them are disturbed by nobody. */
	for (int i = 0; i < 100; i++) {
		uint64_t ns = round(th, n / 10);

		if (ns < best)
			best = ns;
	}
	return best * 10;
}

static uint64_t round_call(struct vthread *th, int n)
{
	uint64_t t = now_ns();
	struct event e;

	for (int i = 0; i < n; i++) {
		machine->resume(th, 0);
		machine->wait(&e, true);
		machine->set_result(th, 5);
	}
	return now_ns() - t;
}

static uint64_t round_call_regs(struct vthread *th, int n)
{
	uint64_t t = now_ns();
	struct event e;
	struct regs r;

	for (int i = 0; i < n; i++) {
		machine->resume(th, 0);
		machine->wait(&e, true);
		machine->regs_get(th, &r);
		machine->regs_set(th, &r);
	}
	return now_ns() - t;
}

static struct vm_op bench_op(int i)
{
	return (struct vm_op){.kind = VM_MAP,
			      .addr = 0x10000000 + i * 2 * PAGE_SIZE,
			      .len = PAGE_SIZE,
			      .prot = PROT_READ,
			      .flags = MAP_PRIVATE,
			      .host_fd = -1};
}

static uint64_t round_vm(struct vthread *th, int n, int ops_len)
{
	struct vm_op ops[12];
	uint64_t t = now_ns();
	struct event e;

	for (int i = 0; i < 12; i++)
		ops[i] = bench_op(i);
	for (int i = 0; i < n; i++) {
		machine->resume(th, 0);
		machine->wait(&e, true);
		machine->vm_apply(th, ops, ops_len, NULL);
		machine->set_result(th, 5);
	}
	return now_ns() - t;
}

static uint64_t round_vm1(struct vthread *th, int n)
{
	return round_vm(th, n, 1);
}

static uint64_t round_vm12(struct vthread *th, int n)
{
	return round_vm(th, n, 12);
}

static uint64_t round_fork(struct vthread *th, int n)
{
	uint64_t t = now_ns();
	struct vthread *child;
	struct event e;

	for (int i = 0; i < n; i++) {
		machine->resume(th, 0);
		machine->wait(&e, true);
		machine->space_clone(th, NULL, &child);
		machine->set_result(child, 0);
		machine->set_result(th, 0);
		machine->resume(child, 0);
		machine->wait(&e, true);
		machine->thread_destroy(child);
	}
	return now_ns() - t;
}

static uint64_t round_space(struct vthread *th, int n)
{
	uint64_t t = now_ns();
	struct vthread *child;

	for (int i = 0; i < n; i++) {
		machine->space_create(NULL, &child);
		machine->vm_apply(child, load_ops, 3, NULL);
		machine->thread_destroy(child);
	}
	return now_ns() - t;
}

static uint64_t round_stop(struct vthread *th, int n)
{
	uint64_t t = now_ns();
	struct event e;

	for (int i = 0; i < n; i++) {
		machine->resume(th, 0);
		machine->stop(th);
		machine->wait(&e, true);
	}
	return now_ns() - t;
}

static void bench(void)
{
	struct vthread *th;

	boot();
	th = load(getppid);
	machine->resume(th, 0);
	wait_event();
	report("call", best_of(round_call, th, 20000), 20000);
	report("call, registers get and set", best_of(round_call_regs, th, 10000), 10000);
	report("call with 1 vm_op", best_of(round_vm1, th, 5000), 5000);
	report("call with 12 vm_ops", best_of(round_vm12, th, 2000), 2000);
	report("fork, one call, destroy", best_of(round_fork, th, 500), 500);
	report("new space, 3 vm_ops, destroy", best_of(round_space, th, 500), 500);
	machine->thread_destroy(th);
	th = load(mmap);
	machine->resume(th, 0);
	wait_event();
	report("mmap(), only answered", best_of(round_call, th, 5000), 5000);
	report("mmap(), registers get and set", best_of(round_call_regs, th, 5000), 5000);
	report("mmap() with 1 vm_op", best_of(round_vm1, th, 5000), 5000);
	machine->thread_destroy(th);
	th = load(spin);
	report("resume and stop", best_of(round_stop, th, 3000), 3000);
	machine->fini();
}

/* ---- driver ---- */

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
    {"syscall", test_syscall},
    {"regs", test_regs},
    {"faults", test_faults},
    {"stop", test_stop},
    {"stop_race", test_stop_race},
    {"fork", test_fork},
    {"fork_many", test_fork_many},
    {"threads", test_threads},
    {"vm", test_vm},
    {"cmpxchg", test_cmpxchg},
    {"xstate", test_xstate},
    {"killed", test_killed},
    {"killed_held", test_killed_held},
    {"signals_outside", test_signals_outside},
    {"fd", test_fd},
    {"time", test_time},
    {"fairness", test_fairness},
    {"host_signal", test_host_signal},
    {"int80", test_int80},
    {"code32", test_code32},
    {"numbers", test_numbers},
    {"stub_jumps", test_stub_jumps},
    {"vsyscall", test_vsyscall},
    {"crowd", test_crowd},
    {"fini", test_fini},
    {"orphans", test_orphans},
};

static bool test_run(int i)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(0);
		boot();
		tests[i].run();
		machine->fini();
		_exit(0);
	}
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += 5) {
		usleep(5000);
		if (ms > 30000) {
			fprintf(stderr, "too long\n");
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	printf("%s %s cpus=%d %s\n", status == 0 ? "ok  " : "FAIL", machine->name, cpus,
	       tests[i].name);
	fflush(stdout);
	return status == 0;
}

static bool test_chosen(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return n == 0;
}

int main(int argc, char **argv)
{
	const char *backend = NULL;
	bool costs = false;
	int opt, failed = 0;

	while ((opt = getopt(argc, argv, "b:c:p")) != -1) {
		if (opt == 'b')
			backend = optarg;
		else if (opt == 'c')
			cpus = atoi(optarg);
		else if (opt == 'p')
			costs = true;
		else
			return 2;
	}
	for (const struct machine_ops *const *m = machine_list(); *m != NULL; m++) {
		if (backend != NULL && strcmp((*m)->name, backend) != 0)
			continue;
		machine = *m;
		if (costs) {
			bench();
			continue;
		}
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			if (test_chosen(tests[i].name, argv + optind, argc - optind))
				failed += !test_run((int)i);
		}
	}
	return failed != 0;
}
