/*
 * op_floor.c - what the host itself charges: no way of catching calls can be quicker than this.
 *
 * Run natively only.  They bind themselves to the CPUs that they are about.
 */
#include "op.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile uint32_t turn __attribute__((aligned(64)));
static int partner_cpu;
static void (*volatile wait_for)(uint32_t mine);

static void call(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void call_start(void)
{
	pin_to(0);
}
const struct op op_floor_call = {.start = call_start, .run = call};

/* As many rules as the machine's own filter looks at before it knows: an address and a number. */
static void filter_start(void)
{
	struct sock_filter rules[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffff, 0, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(rules) / sizeof(*rules), rules};

	pin_to(0);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		 prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
	     "seccomp");
}
const struct op op_floor_filter = {.start = filter_start, .run = call};

static void wait_spin(uint32_t mine)
{
	while (turn != mine)
		__builtin_ia32_pause();
}

static void wait_yield(uint32_t mine)
{
	while (turn != mine)
		sched_yield();
}

static void wait_futex(uint32_t mine)
{
	while (turn != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL, 0);
}

static void turn_to(uint32_t other)
{
	turn = other;
	if (wait_for == wait_futex)
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void pong(void *unused)
{
	(void)unused;
	pin_to(partner_cpu);
	for (;;) {
		wait_for(1);
		turn_to(0);
	}
}

static void ping(long n)
{
	while (n--) {
		turn_to(1);
		wait_for(0);
	}
}

static void start(void (*wait)(uint32_t), int cpu)
{
	cpu_set_t may;

	if (sched_getaffinity(0, sizeof(may), &may) == 0 && CPU_COUNT(&may) <= cpu)
		skip("there is one CPU only");
	wait_for = wait;
	partner_cpu = cpu;
	partner_thread(pong, NULL);
	pin_to(0);
}

#define FLOOR_OP(name, wait, cpu)                                                                  \
	static void name##_start(void)                                                             \
	{                                                                                          \
		start(wait, cpu);                                                                  \
	}                                                                                          \
	const struct op op_floor_##name = {.start = name##_start, .run = ping}

FLOOR_OP(spin, wait_spin, 1);
FLOOR_OP(yield, wait_yield, 0);
FLOOR_OP(futex_one, wait_futex, 0);
FLOOR_OP(futex_two, wait_futex, 1);
