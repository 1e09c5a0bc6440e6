/*
 * bench.c - what each operation of a machine costs: the best of many short rounds.
 */
#include "harness.h"

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

void bench(void)
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
