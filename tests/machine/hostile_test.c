/*
 * hostile_test.c - guests that try to make the host do something.
 */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Every number, x32 too, arrives as an event and is not carried out. */
static void test_numbers(void)
{
	static const uint64_t bits[] = {0, 0x40000000, 0x100000000UL, 0xffffffff00000000UL};
	struct vthread *th = load(anything);
	uint64_t frame[7] = {0, 0, 0, 0, 0, 0, 0};

	for (int b = 0; b < 4; b++) {
		for (int nr = 0; nr < 1024; nr++) {
			struct event e;

			if ((bits[b] & 0xffffffff) == 0 && nr == 336 && machine != &ptrace_machine)
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

/* All bytes where there is code, samples of the rest; turbo has megabytes of mailboxes. */
static uint64_t stub_step(uint64_t ip, uint64_t hi)
{
	if (hi - ip > 4 * PAGE_SIZE)
		return hi - ip > 12 * PAGE_SIZE ? 7 * PAGE_SIZE + 61 : 61;
	return ip % PAGE_SIZE < 640 ? 1 : 61;
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

	for (uint64_t ip = lo; ip < hi; ip += stub_step(ip, hi)) {
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

/* Every instruction that could lead into the host's kernel by another door. */
static void test_doors(void)
{
	static const char *const doors[] = {
	    "\xcd\x80", "\xcd\x81", "\xcd\x03", "\xcc\x90", "\xf1\x90", "\x0f\x34", "\x0f\x05",
	    "\x0f\x0b", "\xf4\x90", "\xfa\x90", "\xec\x90", "\xcd\x2e", "\xcf\x90", "\xca\x00",
	};
	struct vm_op writable = load_ops[0];
	struct event e;

	writable.prot |= PROT_EXEC;
	for (int bits = 0; bits < 2; bits++) {
		for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
			struct vthread *th = load(far32);
			struct regs r = regs_of(th);
			size_t len = guest_far32_end - guest_far32;

			CHECK_INT(machine->vm_apply(th, &writable, 1, NULL), 0);
			CHECK_INT(machine->mem_write(th, CODE, guest_far32, len), len);
			CHECK_INT(machine->mem_write(th, CODE + 0x50, doors[i], 2), 2);
			if (bits == 0) {
				r.rip = CODE + 0x50;
				r.rax = SYS_getpid;
				CHECK_INT(machine->regs_set(th, &r), 0);
			}
			CHECK_INT(machine->resume(th, 0), 0);
			e = wait_event();
			CHECK(e.type == EVENT_SYSCALL || e.type == EVENT_FAULT);
			if (e.type == EVENT_SYSCALL && (bits == 1 || doors[i][0] == '\xcd'))
				CHECK_INT(e.syscall.abi, SYSCALL_ABI_32);
			machine->set_result(th, -ENOSYS);
			CHECK_INT(machine->resume(th, 0), 0);
			e = wait_event();
			CHECK(e.type == EVENT_SYSCALL || e.type == EVENT_FAULT);
			machine->thread_destroy(th);
		}
	}
}

const struct machine_test hostile_tests[] = {
    {"numbers", test_numbers},
    {"doors", test_doors},
    {"stub_jumps", test_stub_jumps},
    {NULL, NULL},
};
