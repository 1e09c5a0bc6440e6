/*
 * peep.c - lesson 7: a process that tries to see what it should not: another's memory, the
 * kernel's, and the host's files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char secret[32] = "nothing yet";
static sigjmp_buf after;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(after, 1);
}

static void same_address(void)
{
	if (fork() == 0) {
		strcpy(secret, "the child's secret");
		_exit(0);
	}
	wait(NULL);
	printf("the child wrote to `secret`; at the same address I read: \"%s\"\n", secret);
}

static void kernel_memory(void)
{
	/* Volatile: the compiler must not think it away. */
	volatile char *kernel = (volatile char *)0xffffffff81000000;

	signal(SIGSEGV, on_segv);
	if (sigsetjmp(after, 1))
		puts("the kernel's half of the address space: SIGSEGV");
	else
		printf("the kernel's half of the address space: %d\n", *kernel);
}

/* Every number that a process of the host might have. */
static void other_processes(void)
{
	int seen = 0, read_bytes = 0;
	char byte;

	for (pid_t pid = 1; pid < 70000; pid++) {
		struct iovec mine = {&byte, 1}, theirs = {(void *)0x400000, 1};

		if (pid == getpid() || kill(pid, 0) != 0)
			continue;
		seen++;
		read_bytes += process_vm_readv(pid, &mine, 1, &theirs, 1, 0) == 1;
	}
	printf("other processes that answer to a number below 70000: %d, readable: %d\n", seen,
	       read_bytes);
}

static void files(void)
{
	static const char *const names[] = {"/etc/passwd", "../../../../../../etc/passwd",
					    "/proc/1/root/etc/passwd", "/dev/mem"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = open(names[i], O_RDONLY);

		printf("open %-30s %s\n", names[i], fd < 0 ? strerrorname_np(errno) : "works");
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && strcmp(argv[1], "files") == 0) {
		files();
		return 0;
	}
	same_address();
	kernel_memory();
	other_processes();
	return 0;
}
