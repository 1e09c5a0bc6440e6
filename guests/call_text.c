/*
 * call_text.c - code with system calls that changes, moves, or is not what it seems: made writable
 * and rewritten, read back, moved, mapped twice, shared, in anonymous memory, from a file that
 * changes.  A machine that rewrites calls must keep up.
 */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE   4096UL
#define ROUNDS 60
#define RX     (PROT_READ | PROT_EXEC)
#define RW     (PROT_READ | PROT_WRITE)

typedef long (*code_fn)(long);

/* mov $nr,%eax; syscall; ret, in the middle of a page of nops. */
static const unsigned char call_code[] = {0xb8, 121, 0, 0, 0, 0x0f, 0x05, 0xc3};
#define CODE_AT 0x200

static unsigned char page[PAGE];
static long group;

static unsigned char *page_with(int nr)
{
	memset(page, 0x90, sizeof(page));
	memcpy(page + CODE_AT, call_code, sizeof(call_code));
	page[CODE_AT + 1] = (unsigned char)nr;
	page[PAGE - 1] = 0xc3;
	return page;
}

/* Often enough to be worth rewriting.  -EBADF is what close(-1) gives. */
static int calls_give(const void *base, long arg, long expect)
{
	code_fn fn = (code_fn)((uintptr_t)base + CODE_AT);

	for (int i = 0; i < ROUNDS; i++) {
		if (fn(arg) != expect)
			return 0;
	}
	return 1;
}

static int file_with(const char *name, int nr, int pages)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0700);

	for (int i = 0; i < pages; i++)
		CHECK(write(fd, page_with(nr), PAGE) == PAGE);
	return fd;
}

static void *map_file(int fd, int prot, int flags)
{
	void *at = mmap(NULL, PAGE, prot, flags, fd, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

/* A private mapping of a file, as of any library. */
static void of_a_file(void)
{
	int fd = file_with("code", 121, 1);
	void *one = map_file(fd, RX, MAP_PRIVATE), *two = map_file(fd, RX, MAP_PRIVATE);

	CHECK(calls_give(one, 0, group));
	CHECK(calls_give(two, 0, group)); /* the same file a second time */
	CHECK(calls_give(one, 0, group));
	CHECK(memcmp(one, page_with(121), 0x100) == 0);
	CHECK_OK(munmap(one, PAGE));
	CHECK(calls_give(two, 0, group));
	one = map_file(fd, RX, MAP_PRIVATE);
	CHECK(calls_give(one, 0, group));
	CHECK_OK(munmap(two, PAGE));
	CHECK(calls_give(one, 0, group));
	/* Through the kernel it reads as it was written. */
	unsigned char back[PAGE];
	int out = open("back", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(write(out, one, PAGE) == PAGE);
	CHECK(pread(out, back, PAGE, 0) == PAGE);
	CHECK(memcmp(back, page_with(121), PAGE) == 0);
	close(out);
	CHECK_OK(munmap(one, PAGE));
	close(fd);
	printf("of a file\n");
}

static void made_writable(void)
{
	int fd = file_with("code", 121, 1);
	unsigned char *at = map_file(fd, RX, MAP_PRIVATE);

	CHECK(calls_give(at, 0, group));
	CHECK_OK(mprotect(at, PAGE, RW));
	CHECK(memcmp(at, page_with(121), PAGE) == 0);
	at[CODE_AT + 1] = SYS_close;
	CHECK_OK(mprotect(at, PAGE, RX));
	CHECK(calls_give(at, -1, -EBADF));
	/* ... while it can be executed */
	CHECK_OK(mprotect(at, PAGE, RX | PROT_WRITE));
	for (int i = 0; i < 10; i++) {
		at[CODE_AT + 1] = i & 1 ? SYS_close : 121;
		CHECK(calls_give(at, i & 1 ? -1 : 0, i & 1 ? -EBADF : group));
	}
	CHECK_OK(mprotect(at, PAGE, PROT_READ));
	CHECK_OK(mprotect(at, PAGE, RX));
	CHECK(calls_give(at, -1, -EBADF));
	/* Its own page again. */
	CHECK_OK(madvise(at, PAGE, MADV_DONTNEED));
	CHECK(calls_give(at, 0, group));
	CHECK_OK(munmap(at, PAGE));
	close(fd);
	printf("made writable\n");
}

static void kept(void)
{
	int fd = file_with("code", 121, 3);
	char *at = mmap(NULL, 3 * PAGE, RX, MAP_PRIVATE, fd, 0), *to;

	CHECK(at != MAP_FAILED);
	CHECK(calls_give(at + PAGE, 0, group));
	CHECK_OK(madvise(at, 3 * PAGE, MADV_DONTNEED));
	CHECK(calls_give(at + PAGE, 0, group));
	CHECK_OK(mprotect(at, 3 * PAGE, PROT_NONE));
	CHECK_OK(mprotect(at, 3 * PAGE, RX));
	CHECK(calls_give(at + PAGE, 0, group));
	/* Moved, whole. */
	to = mremap(at, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(to != MAP_FAILED);
	CHECK(calls_give(to + PAGE, 0, group));
	at = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	to = mremap(to, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 2 * PAGE);
	CHECK(to == at + 2 * PAGE);
	CHECK(calls_give(to + PAGE, 0, group));
	CHECK(calls_give(to + 2 * PAGE, 0, group));
	/* Something else in its place. */
	CHECK(mmap(to + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      to + PAGE);
	memcpy(to + PAGE, page_with(SYS_close), PAGE);
	CHECK_OK(mprotect(to + PAGE, PAGE, RX));
	CHECK(calls_give(to + PAGE, -1, -EBADF));
	CHECK(calls_give(to, 0, group));
	CHECK_OK(munmap(at, 8 * PAGE));
	close(fd);
	printf("moved and replaced\n");
}

/* Memory that programs write and execute: nobody else's business. */
static void made_by_the_program(void)
{
	unsigned char *at = mmap(NULL, PAGE, RX | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, same = 1;

	memcpy(at, page_with(121), PAGE);
	CHECK(calls_give(at, 0, group));
	at[CODE_AT + 1] = SYS_close;
	CHECK(calls_give(at, -1, -EBADF));
	at[CODE_AT + 1] = 121;
	CHECK(calls_give(at, 0, group));
	CHECK(memcmp(at, page_with(121), PAGE) == 0);
	CHECK_OK(munmap(at, PAGE));
	/* One page, written at one place and executed at another. */
	fd = file_with("jit", 121, 1);
	at = map_file(fd, RW, MAP_SHARED);
	void *run = map_file(fd, RX, MAP_SHARED);

	for (int i = 0; i < 6; i++) {
		at[CODE_AT + 1] = i & 1 ? SYS_close : 121;
		CHECK(calls_give(run, i & 1 ? -1 : 0, i & 1 ? -EBADF : group));
		same &= memcmp(run, at, PAGE) == 0;
	}
	CHECK(same);
	CHECK_OK(munmap(at, PAGE));
	CHECK_OK(munmap(run, PAGE));
	close(fd);
	printf("made by the program\n");
}

/* The same name with other contents, in place and anew, as when a program is compiled again. */
static void changed_file(void)
{
	for (int i = 0; i < 6; i++) {
		int nr = i & 1 ? SYS_close : 121, fd = open("code", O_RDWR);
		void *at;

		if (i == 3) {
			close(fd);
			CHECK_OK(unlink("code"));
			fd = file_with("code", nr, 1);
		} else {
			CHECK(pwrite(fd, page_with(nr), PAGE, 0) == PAGE);
		}
		at = map_file(fd, RX, MAP_PRIVATE);
		CHECK(calls_give(at, i & 1 ? -1 : 0, i & 1 ? -EBADF : group));
		CHECK_OK(munmap(at, PAGE));
		close(fd);
	}
	printf("changed file\n");
}

/* ---- breakpoints ---- */

static unsigned char *broken;
static volatile int breaks;

static void on_break(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	breaks += (unsigned char *)r[REG_RIP] == broken + 1;
	*broken = breaks & 1 ? 0xb8 : 0x0f;
	r[REG_RIP]--;
}

static void breakpoints(void)
{
	struct sigaction sa = {.sa_sigaction = on_break, .sa_flags = SA_SIGINFO};
	int fd = file_with("code", 121, 1);
	unsigned char *at = map_file(fd, RX, MAP_PRIVATE);

	CHECK(calls_give(at, 0, group));
	sigaction(SIGTRAP, &sa, NULL);
	CHECK_OK(mprotect(at, PAGE, RX | PROT_WRITE));
	for (int i = 0; i < 2; i++) { /* at the mov, at the syscall */
		broken = at + CODE_AT + (i ? 5 : 0);
		*broken = 0xcc;
		CHECK(calls_give(at, 0, group));
		CHECK(breaks == i + 1);
	}
	CHECK_OK(munmap(at, PAGE));
	signal(SIGTRAP, SIG_DFL);
	close(fd);
	printf("breakpoints\n");
}

/* ---- several threads and processes at one page while it changes ---- */

static unsigned char *shared_code;
static volatile int stop, bad;

static void *caller(void *arg)
{
	code_fn fn = (code_fn)(uintptr_t)(shared_code + CODE_AT);

	while (!stop) {
		long ret = fn(-1);

		if (ret != -EBADF && ret != -ESRCH && ret != group)
			bad = 1;
	}
	return NULL;
}

static void changed_under_threads(void)
{
	int fd = file_with("code", SYS_close, 1);
	pthread_t t[2];

	shared_code = map_file(fd, RX, MAP_PRIVATE);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, caller, NULL);
	for (int i = 0; i < 40; i++) {
		/* Writable and back: what was rewritten is as it was, at once, for all. */
		CHECK_OK(mprotect(shared_code, PAGE, RX | PROT_WRITE));
		usleep(200);
		CHECK_OK(mprotect(shared_code, PAGE, RX));
		CHECK(mmap(shared_code, PAGE, RX, MAP_PRIVATE | MAP_FIXED, fd, 0) == shared_code);
		usleep(200);
		if (i % 10 == 0) {
			pid_t pid = fork();

			if (pid == 0) /* bit 1: that it works here, too */
				_exit(!calls_give(shared_code, -1, -EBADF));
			int status;

			waitpid(pid, &status, 0);
			CHECK(status == 0);
		}
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(!bad);
	CHECK_OK(munmap(shared_code, PAGE));
	close(fd);
	printf("changed under threads\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	group = getpgid(0);
	of_a_file();
	made_writable();
	kept();
	made_by_the_program();
	changed_file();
	breakpoints();
	changed_under_threads();
	return check_done();
}
