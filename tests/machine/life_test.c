/*
 * life_test.c - birth and death of threads and spaces, from inside and outside.
 */
#include "harness.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

static void test_killed(void)
{
	struct vthread *th = load(spin), *held = load(getppid);
	struct event e;

	CHECK_INT(machine->resume(th, 0), 0);
	kill(running_guest(), SIGKILL);
	(void)held;
	e = wait_event();
	/* which of the two was hit is not known */
	if (e.type != EVENT_DEAD) {
		CHECK_INT(e.type, EVENT_SYSCALL);
		e = wait_event();
	}
	CHECK_INT(e.type, EVENT_DEAD);
}

static void test_killed_held(void)
{
	struct vthread *th = load(spin);
	struct regs r;
	pid_t pid;

	CHECK_INT(machine->resume(th, 0), 0);
	pid = running_guest();
	CHECK(pid > 0);
	machine->stop(th);
	wait_for(th, EVENT_STOPPED);
	kill(pid, SIGKILL);
	wait_killed(pid);
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
	pid = running_guest();
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

const struct machine_test life_tests[] = {
    {"fork", test_fork},
    {"fork_many", test_fork_many},
    {"threads", test_threads},
    {"killed", test_killed},
    {"killed_held", test_killed_held},
    {"signals_outside", test_signals_outside},
    {"fini", test_fini},
    {"orphans", test_orphans},
    {NULL, NULL},
};
