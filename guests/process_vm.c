/*
 * process_vm.c - process_vm_readv(2) and process_vm_writev(2).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static void result(const char *what, ssize_t n)
{
	if (n < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %zd\n", what, n);
}

int main(void)
{
	static char big[300000], copy[300000];
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char a[8] = "", b[8] = "";
	struct iovec local[2] = {{a, 3}, {b, 4}}, remote[2], one;
	pid_t child;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i * 7 >> 3;
	memcpy(p, "the child's", 11);
	child = fork();
	if (!child) {
		for (;;)
			pause();
	}
	memcpy(p, "the parent's", 12);
	munmap(p + PAGE, PAGE);
	remote[0] = (struct iovec){p, 4};
	remote[1] = (struct iovec){p + 6, 3};
	result("read", process_vm_readv(child, local, 2, remote, 2, 0));
	printf("%s|%s\n", a, b);
	one = (struct iovec){copy, sizeof(copy)};
	remote[0] = (struct iovec){big, sizeof(big)};
	result("much", process_vm_readv(child, &one, 1, remote, 1, 0));
	printf("equal: %d\n", !memcmp(big, copy, sizeof(big)));
	one = (struct iovec){"was here", 8};
	remote[0] = (struct iovec){p, 8};
	result("write", process_vm_writev(child, &one, 1, remote, 1, 0));
	one = (struct iovec){a, 8};
	result("read back", process_vm_readv(child, &one, 1, remote, 1, 0));
	printf("%.8s, mine: %.8s\n", a, p);
	remote[0] = (struct iovec){(void *)16, 8};
	result("bad remote", process_vm_readv(child, &one, 1, remote, 1, 0));
	remote[0] = (struct iovec){p, 8};
	one = (struct iovec){(void *)16, 8};
	result("bad local", process_vm_readv(child, &one, 1, remote, 1, 0));
	result("bad vector", process_vm_readv(child, (void *)16, 1, remote, 1, 0));
	result("flags", process_vm_readv(child, local, 1, remote, 1, 1));
	result("too many", process_vm_readv(child, local, 1025, remote, 1, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	result("nobody", process_vm_readv(child, local, 1, remote, 1, 0));
	result("nothing", process_vm_readv(child, local, 0, remote, 1, 0));
	return 0;
}
