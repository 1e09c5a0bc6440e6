/*
 * trap_test.c - every way into the kernel, and the registers there.
 */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

/* A new space holds nothing of the supervisor's, not even in its vector registers. */
static void test_fresh_xstate(void)
{
	struct vthread *th = load(anything);
	size_t len = machine_info.xstate_size;
	uint8_t *buf = malloc(len), used = 0;
	uint32_t mxcsr;

	CHECK_INT(machine->xstate_get(th, buf, &len), 0);
	for (size_t i = 32; i < 416; i++)
		used |= buf[i];
	for (size_t i = 576; i < len && i < 832; i++) /* AVX; behind it are protection keys */
		used |= buf[i];
	CHECK_INT(used, 0);
	memcpy(&mxcsr, buf + 24, sizeof(mxcsr));
	CHECK_INT(mxcsr, 0x1f80);
	CHECK_INT(buf[0] | buf[1] << 8, 0x37f);
	free(buf);
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

const struct machine_test trap_tests[] = {
    {"syscall", test_syscall},
    {"regs", test_regs},
    {"xstate", test_xstate},
    {"fresh_xstate", test_fresh_xstate},
    {"faults", test_faults},
    {"int80", test_int80},
    {"code32", test_code32},
    {"vsyscall", test_vsyscall},
    {NULL, NULL},
};
