/*
 * usermem.c - copying to and from guest memory.
 *
 * process_vm_readv() walks the guest's page tables as the guest itself would: protection is
 * honoured, missing pages are faulted in, and a range that ends in a hole is copied up to there.
 */
#include "vthread.h"

#include <sys/uio.h>

size_t mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	struct iovec local = {to, len}, remote = {(void *)from, len};
	ssize_t n;

	if (len == 0 || th->hold == HOLD_DEAD)
		return 0;
	n = process_vm_readv(th->host_pid, &local, 1, &remote, 1, 0);
	return n < 0 ? 0 : (size_t)n;
}

size_t mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	struct iovec local = {(void *)from, len}, remote = {(void *)to, len};
	ssize_t n;

	if (len == 0 || th->hold == HOLD_DEAD)
		return 0;
	n = process_vm_writev(th->host_pid, &local, 1, &remote, 1, 0);
	return n < 0 ? 0 : (size_t)n;
}
