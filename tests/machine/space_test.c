/*
 * space_test.c - changes to an address space, and access to it.
 */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

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

static struct vthread *unmap_guest(size_t len)
{
	struct vthread *th = load(unmap);
	struct regs r = regs_of(th);

	r.r14 = len;
	r.rbx = 77;
	CHECK_INT(machine->regs_set(th, &r), 0);
	CHECK_INT(run(th, EVENT_SYSCALL).syscall.nr, SYS_munmap);
	return th;
}

/* A change that is just what the guest's own call asks for is done, once and no later than seen,
 * whatever comes between the order and the guest's going on; and none that was not ordered. */
static void test_own_call(void)
{
	const struct vm_op unmap = {.kind = VM_UNMAP, .addr = DATA, .len = PAGE_SIZE};
	struct vthread *th = unmap_guest(100), *other;
	uint32_t word;

	/* at once */
	CHECK_INT(machine->vm_apply(th, &unmap, 1, NULL), 0);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_read(th, DATA, &word, 4), 0);
	CHECK_INT(regs_of(th).rbx, 0);
	/* not ordered: refused, and done for show */
	CHECK_INT(machine->vm_apply(th, &load_ops[1], 1, NULL), 0);
	machine->set_result(th, -EINVAL);
	run(th, EVENT_SYSCALL);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_read(th, DATA, &word, 4), 4);
	/* with a look at it before, and another result */
	CHECK_INT(machine->vm_apply(th, &unmap, 1, NULL), 0);
	CHECK_INT(machine->mem_read(th, DATA, &word, 4), 0);
	machine->set_result(th, 5);
	run(th, EVENT_SYSCALL);
	CHECK_INT(regs_of(th).rbx, 5);
	machine->thread_destroy(th);

	/* put again by another thread before it goes on: must stay */
	th = unmap_guest(PAGE_SIZE);
	CHECK_INT(machine->thread_clone(th, (void *)0x78, &other), 0);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->vm_apply(th, &unmap, 1, NULL), 0);
	CHECK_INT(machine->vm_apply(other, &load_ops[1], 1, NULL), 0);
	machine->set_result(th, 0);
	run(th, EVENT_SYSCALL);
	CHECK_INT(machine->mem_read(th, DATA, &word, 4), 4);
	/* and done though the thread that asked is no more */
	CHECK_INT(machine->vm_apply(th, &unmap, 1, NULL), 0);
	machine->thread_destroy(th);
	CHECK_INT(machine->mem_read(other, DATA, &word, 4), 0);
	machine->thread_destroy(other);
}

const struct machine_test space_tests[] = {
    {"vm", test_vm},
    {"cmpxchg", test_cmpxchg},
    {"own_call", test_own_call},
    {NULL, NULL},
};
