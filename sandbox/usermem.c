/*
 * usermem.c - copying to and from guest memory.
 *
 * process_vm_readv() walks the guest's page tables as the guest itself would: protection is
 * honoured, missing pages are faulted in, and a range that ends in a hole is copied up to there.
 */
#include "usermem.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vm.h"
#include "vthread.h"

size_t mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	struct iovec local = {to, len}, remote = {(void *)from, len};
	ssize_t n;

	if (len == 0 || th->hold == HOLD_DEAD)
		return 0;
	vm_settle();
	n = process_vm_readv(th->host_pid, &local, 1, &remote, 1, 0);
	return n < 0 ? 0 : (size_t)n;
}

size_t mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	struct iovec local = {(void *)from, len}, remote = {(void *)to, len};
	ssize_t n;

	if (len == 0 || th->hold == HOLD_DEAD)
		return 0;
	vm_settle();
	n = process_vm_writev(th->host_pid, &local, 1, &remote, 1, 0);
	return n < 0 ? 0 : (size_t)n;
}

uint64_t mem_resident(struct vthread *th)
{
	unsigned long size, resident;
	char path[64], buf[128];
	ssize_t n = -1;
	int fd;

	vm_settle();
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)th->host_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	buf[n] = 0;
	return sscanf(buf, "%lu %lu", &size, &resident) == 2 ? resident * PAGE_SIZE : 0;
}

/* Present, swapped, of a file or shared, mapped once, soft-dirty: no frame numbers. */
#define PAGEMAP_BITS (7ULL << 61 | 3ULL << 55)

size_t mem_pages(struct vthread *th, uaddr_t addr, size_t n, uint64_t *out)
{
	char path[64];
	ssize_t got = -1;
	int fd;

	vm_settle();
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)th->host_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = pread(fd, out, n * sizeof(*out), (off_t)(addr / PAGE_SIZE * sizeof(*out)));
		close(fd);
	}
	if (got < 0)
		return 0;
	n = (size_t)got / sizeof(*out);
	for (size_t i = 0; i < n; i++)
		out[i] &= PAGEMAP_BITS;
	return n;
}
