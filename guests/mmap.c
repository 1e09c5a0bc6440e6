/*
 * mmap.c - mmap(2) and munmap(2): kinds of mappings, address choice, every documented error.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile sig_atomic_t seen_code;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	seen_code = info->si_code;
	siglongjmp(back, sig);
}

/* The signal and code that touching p raises; 0: none. */
static void touch(const char *what, volatile char *p, int write)
{
	int sig = sigsetjmp(back, 1);

	if (!sig) {
		if (write)
			*p = 1;
		else
			(void)*p;
		printf("%s: fine\n", what);
	} else {
		printf("%s: %s code %d\n", what, sig == SIGBUS ? "SIGBUS" : "SIGSEGV",
		       (int)seen_code);
	}
}

static void result(const char *what, void *p)
{
	printf("%s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
}

static void anonymous(void)
{
	char *p = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0), *q;

	result("anonymous", p);
	printf("zero: %d, aligned: %d\n", p[0] + p[3 * PAGE - 1], ((unsigned long)p & 4095) == 0);
	memset(p, 7, 3 * PAGE);
	printf("hole: %d\n", munmap(p + PAGE, PAGE));
	touch("before the hole", p, 1);
	touch("the hole", p + PAGE, 0);
	touch("behind the hole", p + 2 * PAGE, 0);
	q = mmap(p + PAGE, PAGE, PROT_READ, ANON, -1, 0);
	printf("hint taken: %d\n", q == p + PAGE);
	touch("read-only", q, 1);
	q = mmap(p, PAGE, RW, ANON, -1, 0);
	printf("taken hint avoided: %d\n", q != p && q != MAP_FAILED);
	munmap(q, PAGE);
	q = mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	result("noreplace on a mapping", q);
	q = mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	printf("fixed: %d, fresh: %d\n", q == p, *q);
	printf("whole: %d\n", munmap(p, 3 * PAGE));
	printf("nothing there: %d\n", munmap(p, 3 * PAGE));
	touch("gone", p, 0);
	q = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	printf("32bit: %d\n", (unsigned long)q < 0x80000000UL);
	munmap(q, PAGE);
	q = mmap(NULL, PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	touch("none", q, 0);
	munmap(q, PAGE);
	q = mmap(NULL, 8 << 20, RW, ANON | MAP_POPULATE | MAP_STACK, -1, 0);
	result("populated", q);
	munmap(q, 8 << 20);
	q = mmap(NULL, 1UL << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	result("a terabyte reserved", q);
	munmap(q, 1UL << 40);
}

static void shared(void)
{
	int *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *q = mmap(NULL, PAGE, RW, ANON, -1, 0);
	pid_t child;

	*p = *q = 1;
	child = fork();
	if (!child) {
		*p = 2;
		*q = 2;
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("after fork: shared %d, private %d\n", *p, *q);
}

static void of_file(void)
{
	char page[PAGE], *p, *q, c;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), ro, wo;

	memset(page, 'a', sizeof(page));
	for (int i = 0; i < 2; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			exit(1);
	if (write(fd, "tail", 4) != 4)
		exit(1);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	printf("contents: %c%c %.4s %d\n", p[0], q[PAGE], p + 2 * PAGE, p[2 * PAGE + 4]);
	p[0] = 'b';
	q[PAGE] = 'c';
	printf("shared seen by private: %c\n", q[0]);
	pread(fd, &c, 1, 0);
	printf("file after shared write: %c\n", c);
	pread(fd, &c, 1, PAGE);
	printf("file after private write: %c\n", c);
	pwrite(fd, "d", 1, 1);
	printf("write seen by mapping: %c\n", p[1]);
	touch("tail of last page", p + 2 * PAGE + 100, 1);
	touch("past the end", p + 3 * PAGE, 0);
	close(fd);
	printf("after close: %c\n", p[0]);
	munmap(p, 4 * PAGE);
	munmap(q, 3 * PAGE);

	ro = open("f", O_RDONLY);
	wo = open("f", O_WRONLY);
	result("shared write of O_RDONLY", mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0));
	result("shared read of O_RDONLY", p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0));
	printf("making it writable: %d %s\n", mprotect(p, PAGE, RW), strerrorname_np(errno));
	result("private write of O_RDONLY", mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0));
	result("O_WRONLY", mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0));
	result("offset", q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 2 * PAGE));
	printf("at the offset: %.4s\n", q);
	result("bad type", mmap(NULL, PAGE, PROT_READ, 0, ro, 0));
	result("validate, unknown flag",
	       mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | (1 << 25), ro, 0));
	result("validate, sync",
	       mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, ro, 0));
	result("huge offset", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, INT64_MAX & ~4095L));
	close(ro);
	close(wo);
}

static void errors(void)
{
	int pipes[2], dir = open(".", O_RDONLY);
	struct rlimit was, few;
	unsigned long at;

	result("no length", mmap(NULL, 0, RW, ANON, -1, 0));
	result("too long", mmap(NULL, 1UL << 47, RW, ANON, -1, 0));
	result("wraps", mmap(NULL, -1UL, RW, ANON, -1, 0));
	result("no type", mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	at = 0x100001;
	result("fixed, unaligned", mmap((void *)at, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	at = 0xffff800000000000UL;
	result("fixed, kernel", mmap((void *)at, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	result("bad descriptor", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0));
	at = syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, dir, 12);
	result("offset unaligned", (void *)at);
	result("directory", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
	if (pipe(pipes))
		exit(1);
	result("pipe", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
	result("shared growing down",
	       mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
	printf("munmap unaligned: %d %s\n", munmap((void *)1, PAGE), strerrorname_np(errno));
	printf("munmap nothing: %d %s\n", munmap((void *)PAGE, 0), strerrorname_np(errno));
	at = 0xffff800000000000UL;
	printf("munmap kernel: %d %s\n", munmap((void *)at, PAGE), strerrorname_np(errno));
	getrlimit(RLIMIT_AS, &was);
	few = was;
	few.rlim_cur = 64UL << 20;
	setrlimit(RLIMIT_AS, &few);
	result("over RLIMIT_AS", mmap(NULL, 128UL << 20, PROT_NONE, ANON, -1, 0));
	setrlimit(RLIMIT_AS, &was);
	getrlimit(RLIMIT_DATA, &was);
	few = was;
	few.rlim_cur = 64UL << 20;
	setrlimit(RLIMIT_DATA, &few);
	result("over RLIMIT_DATA", mmap(NULL, 128UL << 20, RW, ANON, -1, 0));
	result("not data", mmap(NULL, 128UL << 20, PROT_READ, ANON, -1, 0));
	setrlimit(RLIMIT_DATA, &was);
}

static void many(void)
{
	enum { N = 2000 };
	static char *p[N];
	int bad = 0;

	for (int i = 0; i < N; i++) {
		p[i] = mmap(NULL, PAGE, i & 1 ? RW : PROT_READ, ANON, -1, 0);
		if (p[i] == MAP_FAILED)
			bad++;
		else if (i & 1)
			*p[i] = i;
	}
	for (int i = 1; i < N; i += 2)
		bad += *p[i] != (char)i;
	for (int i = 0; i < N; i++)
		bad += munmap(p[i], PAGE) != 0;
	printf("many: %d bad\n", bad);
}

int main(void)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	anonymous();
	shared();
	of_file();
	errors();
	many();
	return 0;
}
