/*
 * mprotect.c - mprotect(2) and pkey_mprotect(2): splitting, partial success, execution, errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf back;
static volatile sig_atomic_t seen_code;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	seen_code = info->si_code;
	siglongjmp(back, sig);
}

static int can_write(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return 0;
	*p = 1;
	return 1;
}

static int can_read(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return 0;
	(void)*p;
	return 1;
}

static void show(const char *what, char *p, int pages)
{
	printf("%-28s", what);
	for (int i = 0; i < pages; i++)
		printf(" %c%c", can_read(p + i * PAGE) ? 'r' : '-',
		       can_write(p + i * PAGE) ? 'w' : '-');
	printf("\n");
}

static void change(const char *what, char *p, size_t len, int prot)
{
	int ret = mprotect(p, len, prot);

	printf("%s: %s\n", what, ret ? strerrorname_np(errno) : "0");
}

int main(void)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42,%eax; ret */
	char *p = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*f)(void) = (int (*)(void))(void *)p;

	sigaction(SIGSEGV, &act, NULL);
	show("all writable", p, 8);
	change("middle", p + 2 * PAGE, 3 * PAGE, PROT_READ);
	show("middle read-only", p, 8);
	change("none", p + 3 * PAGE, 1, PROT_NONE);
	show("one none", p, 8);
	change("all back", p, 8 * PAGE, RW);
	show("all back", p, 8);
	munmap(p + 5 * PAGE, PAGE);
	change("over a hole", p, 8 * PAGE, PROT_READ);
	show("changed up to the hole", p, 8);
	change("from a hole", p + 5 * PAGE, PAGE, RW);
	change("no length", p, 0, RW);
	change("unaligned", p + 1, PAGE, RW);
	change("bad prot", p, PAGE, 0x100);
	change("wraps", p, -PAGE, RW);
	change("grows both ways", p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP);
	change("does not grow", p, PAGE, PROT_READ | PROT_GROWSDOWN);
	can_write(p);
	printf("code of a read-only page: %d\n", (int)seen_code);
	can_read(p + 5 * PAGE);
	printf("code of a hole: %d\n", (int)seen_code);

	change("writable", p, PAGE, RW);
	memcpy(p, code, sizeof(code));
	if (sigsetjmp(back, 1))
		printf("data does not execute\n");
	else
		printf("executed: %d\n", f());
	change("executable", p, PAGE, PROT_READ | PROT_EXEC);
	printf("executed: %d\n", f());
	printf("pkey -1: %ld\n", syscall(SYS_pkey_mprotect, p, PAGE, RW, -1));
	printf("pkey 99: %ld %s\n", syscall(SYS_pkey_mprotect, p, PAGE, RW, 99),
	       strerrorname_np(errno));
	return 0;
}
