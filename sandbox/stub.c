/*
 * stub.c - the pages that the machine keeps in every guest space: code, orders and slots.
 *
 * All are of one memfd.  Guests map the code read-execute and the rest read-only; the supervisor
 * maps the rest writable.  So giving a list of orders costs no host call at all, no
 * matter which space will carry it out, and forking a guest copies nothing.  The price: a guest can
 * watch the addresses that other guests of this supervisor map while their orders are on the page;
 * it is wiped after use.  The same holds for the slots (follow.c), which show registers until the
 * next trap.  Nothing else is ever put there, above all not the seccomp secret.
 */
#include "stub.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define ADDRESS_TOP 0x7ffffffff000UL /* end of user space with four-level page tables */

extern const char stub_code[], stub_code_end[];
extern const char stub_call[], stub_batch[], stub_cmpxchg[], stub_zeroes[], stub_ones[];
extern const char stub_follow[], stub_follow_good[], stub_follow_end[];

struct stub stub = {.memfd = -1};

/* Where the stub's entry points are when its first byte is at `code`. */
static void stub_locate(uaddr_t code)
{
	stub.call = code + (stub_call - stub_code);
	stub.batch = code + (stub_batch - stub_code);
	stub.cmpxchg = code + (stub_cmpxchg - stub_code);
	stub.follow = code + (stub_follow - stub_code);
	stub.follow_good = code + (stub_follow_good - stub_code);
	stub.follow_end = code + (stub_follow_end - stub_code);
	stub.zeroes = code + (stub_zeroes - stub_code);
	stub.ones = code + (stub_ones - stub_code);
}

static int stub_file(void)
{
	size_t len = stub_code_end - stub_code;
	int fd = memfd_create("ukernel-stub", MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("ukernel-stub", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, STUB_SIZE) < 0 || pwrite(fd, stub_code, len, 0) != (ssize_t)len) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* The stub sits at the very top of user space, above all that guests may map, unless the vDSO,
 * which keeps the place that it has in the supervisor, is there already. */
int stub_init(uaddr_t avoid_lo, uaddr_t avoid_hi, size_t room)
{
	int fd = stub_file();

	if (fd < 0)
		return fd;
	stub.base = ADDRESS_TOP - STUB_SIZE;
	if (avoid_hi > stub.base - room && avoid_lo < stub.base + STUB_SIZE)
		stub.base = avoid_lo - STUB_SIZE;
	stub.lo = stub.base - room;
	stub.orders =
	    mmap(NULL, STUB_SIZE - PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE_SIZE);
	if (stub.orders == MAP_FAILED) {
		int error = errno;

		close(fd);
		return -error;
	}
	stub.slots = (char *)stub.orders + PAGE_SIZE;
	stub.slots_at = stub.base + 2 * PAGE_SIZE;
	stub.memfd = fd;
	stub_locate((uaddr_t)stub_code);
	stub.secret = 0;
	return 0;
}

/* The first order of all is carried out by the copy that is linked into the supervisor, which the
 * zygote has inherited: it brings the stub to its place. */
int stub_map(struct vthread *th)
{
	const uint64_t code[6] = {stub.base,
				  PAGE_SIZE,
				  PROT_READ | PROT_EXEC,
				  MAP_SHARED | MAP_FIXED,
				  (uint64_t)stub.memfd,
				  0};
	const uint64_t orders[6] = {stub.base + PAGE_SIZE,  STUB_SIZE - PAGE_SIZE, PROT_READ,
				    MAP_SHARED | MAP_FIXED, (uint64_t)stub.memfd,  PAGE_SIZE};
	long result = 0;
	int ret = inject_call(th, SYS_mmap, code, &result);

	if (ret == 0 && result == (long)stub.base)
		ret = inject_call(th, SYS_mmap, orders, &result);
	if (ret == 0 && (unsigned long)result >= -4095UL)
		ret = (int)result;
	if (ret == 0)
		stub_locate(stub.base);
	return ret;
}

void stub_fini(void)
{
	if (stub.memfd < 0)
		return;
	munmap(stub.orders, STUB_SIZE - PAGE_SIZE);
	close(stub.memfd);
	memset(&stub, 0, sizeof(stub));
	stub.memfd = -1;
}
