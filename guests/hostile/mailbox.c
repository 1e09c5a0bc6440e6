/*
 * mailbox.c - lies to the supervisor through the memory that it shares with us under turbo.
 *
 *	mailbox CANARY VICTIM
 *
 * Words of the mailbox are forged, in every order, by the thread that it belongs to and by another
 * one while the first makes calls, those too that say what its arguments point to; pages that are
 *only for reading are written to and mapped over. Under the other backends there is nothing to
 *forge, and it says so.
 */
#include "hostile.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>

#define MAGIC	       0x6b786f62
#define LOW	       0x60000UL
#define LOW_END	       0x80000UL
#define BOX_STATE      0
#define BOX_NR	       1
#define BOX_ARG	       2 /* in words of 32 bits */
#define BOX_RET	       14
#define BOX_MAGIC      16
#define BOX_FLAGS      17
#define BOX_SPINS      18
#define BOX_YIELDS     19
#define BOX_EARLY_FROM 28 /* bytes that came with the call: from where, ... */
#define BOX_EARLY      30 /* ... how many, ... */
#define BOX_RESTORE    31
#define BOX_REGS       0x40
#define BOX_EARLY_DATA 0x100
#define BOX_XSTATE     0x2c00
#define BOX_EARLY_MAX  0x400
#define BOX_AHEAD      50     /* where the lists of answers begin, ... */
#define BOX_ANSWERS    0x1400 /* ... and the answers */
#define BOX_WORDS      0x3400

static char *canary;
static long victim;
static volatile uint32_t *box;
static uint64_t seed = 88172645463325252UL;

static uint64_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Our mailbox, or NULL.  The first calls bring it. */
static volatile uint32_t *mailbox(void)
{
	uint64_t base;

	if (!(getauxval(AT_HWCAP2) & 2)) /* rdgsbase */
		return NULL;
	for (int i = 0; i < 100; i++)
		getpgid(0);
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	if (base == 0 || ((volatile uint32_t *)base)[BOX_MAGIC] != MAGIC)
		return NULL;
	return (volatile uint32_t *)base;
}

/* A forged call may be to read what the test tells our first process. */
static void be_alone(void)
{
	int zero = open("/dev/zero", O_RDWR);

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(zero, fd);
	close(zero);
}

/* A call that would do harm if the host made it. */
static void forge_call(void)
{
	const uint64_t calls[][7] = {
	    {SYS_kill, (uint64_t)victim, SIGTERM},
	    {SYS_mmap, MARKER, 4096, 7, 0x32, ~0UL, 0},
	    {SYS_munmap, 0, MARKER & ~4095UL},
	    {SYS_open, (uint64_t)canary, 01001, 0777, MARKER},
	    {SYS_unlink, (uint64_t)canary, MARKER},
	    {SYS_clone, SIGCHLD, 0, 0, 0, 0, MARKER},
	    {SYS_write, 1, MARKER, MARKER},
	    {SYS_getcwd, LOW, 4096},
	    {SYS_read, 0, (uint64_t)box, 8192},
	    {SYS_futex, MARKER & ~3UL, 0, 0, 0},
	    {SYS_sched_yield, MARKER},
	    {SYS_exit, 0},
	    {SYS_kill, 0, 0},
	    {SYS_tkill, (uint64_t)getpid(), SIGUSR2},
	    {SYS_rt_sigreturn},
	    {SYS_rt_sigsuspend, (uint64_t)box, 8},
	    {MARKER, MARKER, MARKER, MARKER, MARKER, MARKER, MARKER},
	};
	const uint64_t *c = calls[random_next() % (sizeof(calls) / sizeof(calls[0]))];

	box[BOX_NR] = (uint32_t)c[0];
	for (int i = 0; i < 6; i++)
		((volatile uint64_t *)(box + BOX_ARG))[i] = c[i + 1];
}

static void on_signal(int sig)
{
	(void)sig;
}

static char scratch[64] = "/dev/null";

/* Memory that it may not have, or more of it than there is room for. */
static void forge_early(void)
{
	const uint64_t from[] = {0,	 (uint64_t)scratch, LOW, (uint64_t)box, (uint64_t)-16L,
				 MARKER, (uint64_t)canary};
	const uint32_t len[] = {0, 1, 10, 100, BOX_EARLY_MAX, BOX_EARLY_MAX + 1, 1 << 20, ~0U};

	*(volatile uint64_t *)(box + BOX_EARLY_FROM) =
	    from[random_next() % (sizeof(from) / sizeof(from[0]))];
	box[BOX_EARLY] = len[random_next() % (sizeof(len) / sizeof(len[0]))];
	box[BOX_EARLY_DATA + random_next() % 256] = (uint32_t)random_next();
}

/* Answers to calls that it has not made yet: that they are taken, or not; others, elsewhere. */
static void forge_ahead(void)
{
	const uint32_t at[] = {0, BOX_ANSWERS * 4, BOX_ANSWERS * 4 + 88, 4, BOX_WORDS * 4 - 4, ~0U};

	if (random_next() % 2)
		box[BOX_ANSWERS + random_next() % 200] = (uint32_t)(random_next() % 3) * 0x2000;
	else
		box[BOX_AHEAD + random_next() % 8] = at[random_next() % 6];
}

/* Some that are given ahead. */
static void ask_for_files(void)
{
	char byte[16];
	int fd = open("/usr", O_RDONLY | O_DIRECTORY), copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	readlink("/usr", byte, sizeof(byte));
	readlink("/usr", byte, sizeof(byte));
	close(fd);
	close(copy);
}

/* By itself, and goes on computing. */
static int forge_alone(void *arg)
{
	be_alone();
	box = mailbox();
	for (int i = 0; box != NULL && i < 3000; i++) {
		forge_call();
		forge_early();
		box[BOX_STATE] = (uint32_t)(random_next() % 7);
		for (unsigned k = random_next() % 200; k > 0; k--)
			__asm__ volatile("pause");
		if (i % 16 == 0)
			getpgid(0);
		forge_ahead();
		if (i % 32 == 1)
			ask_for_files();
		if (i % 64 == 1)
			free(malloc(300000)); /* mmap and munmap, while one is forged */
	}
	return 0;
}

static void *forge_beside(void *arg)
{
	bool all = arg != NULL;

	for (;;) {
		switch (random_next() % (all ? 10 : 6)) {
		case 0:
			box[BOX_STATE] = (uint32_t)(random_next() % 7);
			break;
		case 1:
			forge_call();
			box[BOX_STATE] = 1;
			break;
		case 2:
			box[BOX_SPINS] = (uint32_t)random_next();
			box[BOX_YIELDS] = (uint32_t)random_next() % 1000;
			break;
		case 3:
			box[BOX_FLAGS] = (uint32_t)random_next();
			break;
		case 4:
			forge_early();
			break;
		case 5:
			forge_ahead();
			break;
		case 6:
			box[BOX_MAGIC] = (uint32_t)random_next();
			break;
		case 7: /* and all the rest: it returns to nowhere */
			box[random_next() % BOX_WORDS] = (uint32_t)random_next();
			break;
		case 8: /* registers, and whether they are to be loaded */
			box[BOX_RESTORE] = (uint32_t)random_next() % 4;
			box[BOX_REGS + random_next() % 60] = (uint32_t)random_next();
			break;
		case 9: /* the header and the controls of an xstate */
			box[BOX_XSTATE + 6] = (uint32_t)random_next();
			box[BOX_XSTATE + 128 + random_next() % 16] = (uint32_t)random_next();
		}
	}
	return NULL;
}

/* While the owner makes calls; arg: other words than those of the protocol, too. */
static int forge_race(void *arg)
{
	pthread_t thread;

	be_alone();
	box = mailbox();
	if (box == NULL || pthread_create(&thread, NULL, forge_beside, arg) != 0)
		return 0;
	for (int i = 0; i < 3000; i++) {
		getpgid(0);
		kill(getpid(), SIGUSR2);
		access(scratch, F_OK);
		write(-1, scratch, sizeof(scratch));
		if (i % 16 == 0)
			ask_for_files();
		sched_yield();
		if (i % 100 == 0) {
			pid_t pid = fork();

			if (pid == 0)
				raw_exit(0);
			if (pid > 0) /* not for any: that may become kill(-1) */
				waitpid(pid, NULL, 0);
		}
	}
	return 0;
}

/* Leaves a thread behind that goes on with the mailbox of one that has ended. */
static int forge_bequeathed(void *arg)
{
	const uint64_t none[6] = {0};
	pthread_t thread;

	be_alone();
	box = mailbox();
	if (box != NULL && pthread_create(&thread, NULL, forge_beside, NULL) == 0)
		raw_syscall(SYS_exit, none);
	return 0;
}

#define INNOCENT 7

static int innocent(void *arg)
{
	pid_t group = getpgid(0);

	for (int i = 0; i < 300; i++) {
		if (getpgid(0) != group || sched_yield() != 0)
			return 1;
	}
	return INNOCENT;
}

/* Nobody else gets that mailbox while the thread lives. */
static void bequeathed_try(void)
{
	pid_t pid = fork();

	if (pid == 0)
		raw_exit(forge_bequeathed(NULL));
	for (int i = 0; i < 60; i++) {
		int status = in_child(innocent, NULL, 10000);

		if (status != INNOCENT) {
			printf("FAIL beside a dead thread's mailbox: %d\n", status);
			break;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int write_to(void *at)
{
	*(volatile char *)at = 1;
	return 0;
}

/* What lies there is said to have come with the call, and is not the guest's to name. */
static void early_names(void)
{
	const uint64_t no[] = {0, LOW, LOW_END - 64, (uint64_t)box, 1UL << 47, (uint64_t)-64L};
	int fds[2];
	char got[64];

	if (pipe(fds) != 0)
		return;
	for (unsigned i = 0; i < 6 * 200; i++) {
		long ret, from = (long)no[i % 6];

		strcpy((char *)(box + BOX_EARLY_DATA), scratch);
		*(volatile uint64_t *)(box + BOX_EARLY_FROM) = (uint64_t)from;
		box[BOX_EARLY] = 64;
		/* Calls that bring nothing themselves would leave it as it is, if it were not
		 * taken back: ioctl FIONBIO, and timer_create. */
		ret = syscall(SYS_ioctl, fds[0], 0x5421, from);
		if (ret != -1 || errno != EFAULT)
			printf("FAIL ioctl read from %#lx: %ld, %d\n", from, ret, errno);
		ret = write(fds[1], (void *)from, 64);
		if (ret != -1 || errno != EFAULT)
			printf("FAIL wrote from %#lx: %ld, %d\n", from, ret, errno);
		if (access((char *)from, F_OK) != -1 || errno != EFAULT)
			printf("FAIL a name at %#lx\n", from);
	}
	if (write(fds[1], scratch, 10) != 10 || read(fds[0], got, 10) != 10 ||
	    memcmp(got, scratch, 10) != 0)
		printf("FAIL a pipe\n");
}

/* The pages that guests may not change. */
static void pages_try(void)
{
	for (uint64_t at = LOW; at < LOW_END; at += 4096) {
		void *p = (void *)at;
		int status = in_child(write_to, p, 1000);

		if (status != 128 + SIGSEGV)
			printf("FAIL writing to %p: %d\n", p, status);
		if (mmap(p, 4096, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
			printf("FAIL mapped %p\n", p);
		if (mprotect(p, 4096, 7) == 0)
			printf("FAIL protected %p\n", p);
		if (mremap(p, 4096, 8192, MREMAP_MAYMOVE) != MAP_FAILED)
			printf("FAIL moved %p\n", p);
	}
	munmap((void *)LOW, LOW_END - LOW);
	getpgid(0); /* still there */
}

int main(int argc, char **argv)
{
	static int ended[256];

	require_box();
	/* Words of two forged calls, or of one and an error, can make kill(-2): us. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR2, on_signal);
	if (argc < 3)
		return 97;
	canary = argv[1];
	victim = atol(argv[2]);
	meet("ready");
	box = mailbox();
	if (box == NULL)
		puts("no mailbox here");
	if (box != NULL)
		bequeathed_try();
	for (int i = 0; box != NULL && i < 24; i++) {
		seed += (uint64_t)i << 32;
		ended[(unsigned char)in_child(i % 3 == 0 ? forge_alone : forge_race,
					      i % 3 == 1 ? NULL : canary, 600)]++;
		kill(-1, SIGKILL); /* forged clone() calls have left more behind */
	}
	for (int i = 0; box != NULL && i < 256; i++)
		if (ended[i] > 0)
			printf("%d children ended with %d\n", ended[i], i);
	if (box != NULL) {
		early_names();
		pages_try();
	}
	meet("done");
	return 0;
}
