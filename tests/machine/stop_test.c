/*
 * stop_test.c - stop() against all that a thread may be doing: one event for each resume.
 */
#include "harness.h"

#include <sys/syscall.h>

#include <sched.h>
#include <stdlib.h>

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
	/* It runs, as soon as a busy host lets it. */
	while (count <= 1000 || machine->cpu_ns(th) <= 100000) {
		CHECK_INT(machine->resume(th, 0), 0);
		usleep(5000);
		machine->stop(th);
		wait_for(th, EVENT_STOPPED);
		CHECK_INT(machine->mem_read(th, DATA, &count, 8), 8);
	}
	before = count;
	usleep(5000);
	CHECK_INT(machine->mem_read(th, DATA, &count, 8), 8);
	CHECK_INT(count, before);
	machine->thread_destroy(th);
}

/* stop() against a guest that traps all the time: one event for each resume, nothing lost. */
static void stop_race(struct vthread *th, uint64_t nr)
{
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
				CHECK(r.rax == nr || r.rax == 5 || r.rip == CODE);
				CHECK_INT(machine->regs_set(th, &r), 0);
			}
			continue;
		}
		CHECK_INT(e.type, EVENT_SYSCALL);
		CHECK_INT(e.syscall.nr, nr);
		calls++;
		if (i % 5 == 0) {
			r = regs_of(th);
			CHECK_INT(r.orig_rax, nr);
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

static void test_stop_race(void)
{
	stop_race(load(getppid), SYS_getppid); /* a notification under seccomp */
	stop_race(load(mmap), SYS_mmap);       /* a trace stop */
}

/* Threads of two spaces that trap all the time, stopped, read and changed all the time. */
static void test_crowd(void)
{
	struct vthread *th[8] = {load(getppid), load(mmap)};
	bool running[8] = {false}, at_call[8] = {false};
	int events = 0;

	for (int i = 2; i < 8; i++)
		CHECK_INT(machine->thread_clone(th[i % 2], NULL, &th[i]), 0);
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
				CHECK(e.syscall.nr == SYS_getppid || e.syscall.nr == SYS_mmap);
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

const struct machine_test stop_tests[] = {
    {"stop", test_stop},
    {"stop_race", test_stop_race},
    {"crowd", test_crowd},
    {NULL, NULL},
};
