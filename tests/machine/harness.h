/*
 * harness.h - what the tests of the real machines share: checks, guests, and the short way to load
 * and run one.  A failed check ends the test's process.
 */
#ifndef TESTS_MACHINE_HARNESS_H
#define TESTS_MACHINE_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "machine.h"
#include "sandbox.h"

/* Where a guest finds its things. */
#define CODE  0x400000UL
#define DATA  0x600000UL
#define STACK 0x700000UL
/* The tick that boot() asks for. */
#define TICK_NS 4000000UL

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

/* The blobs of guests.S. */
#define GUEST(name) extern const char guest_##name[], guest_##name##_end[]
GUEST(getppid);
GUEST(args);
GUEST(mmap);
GUEST(unmap);
GUEST(spin);
GUEST(faults);
GUEST(int80);
GUEST(far);
GUEST(far32);
GUEST(anything);
GUEST(add);
GUEST(avx);
GUEST(vsyscall);

struct machine_test {
	const char *name;
	void (*run)(void);
};
extern const struct machine_test trap_tests[], life_tests[], stop_tests[], space_tests[];
extern const struct machine_test event_tests[], hostile_tests[];

extern int cpus;		       /* virtual CPUs, from the command line */
extern const struct vm_op load_ops[3]; /* code, data and stack of a guest */

uint64_t now_ns(void);
void boot(void); /* start the machine */
struct vthread *load_at(const char *code, const char *end);
#define load(name) load_at(guest_##name, guest_##name##_end)
struct event wait_event(void);
struct event wait_for(struct vthread *th, enum event_type type);
struct event run(struct vthread *th, enum event_type type); /* resume, then wait_for */
struct regs regs_of(struct vthread *th);
pid_t running_guest(void);   /* host pid of a guest that runs: waits for one */
void wait_killed(pid_t pid); /* until the host has ended pid */
void bench(void);	     /* print what the operations cost */

#endif
