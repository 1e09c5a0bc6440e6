/*
 * pointers.c - calls with bad and spiteful arguments, at random but always the same: the kernel
 * may answer what it likes, but must go on answering.
 *
 *	pointers SEED COUNT
 *
 * Each child makes a number of calls of which the arguments are picked from values that are likely
 * to hurt: pointers into nothing, to the very end of memory, across a page that may not be read,
 * into the machine's own pages and the kernel's half; lengths around every power of two.
 */
#include "hostile.h"

#include <fcntl.h>

#define CALLS_PER_CHILD 25

static uint64_t state;
static uint64_t pool[64];
static int pooled;

static uint32_t random32(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

static void fill_pool(void)
{
	static char data[8192] = "/tmp/pointers-test";
	char *edge =
	    mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *constant;
	const uint64_t values[] = {
	    0,
	    1,
	    2,
	    3,
	    4,
	    7,
	    8,
	    15,
	    16,
	    100,
	    255,
	    511,
	    4095,
	    4096,
	    4097,
	    65535,
	    65536,
	    1UL << 20,
	    0x7fffffff,
	    0x80000000,
	    0xffffffff,
	    1UL << 32,
	    0x7fffffffffff,
	    0x7fffffffefff,
	    0x7fffffffe000,
	    0x7fffffffd000,
	    1UL << 47,
	    1UL << 62,
	    1UL << 63,
	    ~0UL,
	    ~0UL - 1,
	    ~0UL - 4095,
	    0xffff800000000000,
	    0xffffffff81000000,
	    0xffffffffff600000,
	    0x8000000000000000,
	    (uint64_t)-100,
	    (uint64_t)data,
	    (uint64_t)data + 1,
	    (uint64_t)edge,
	    (uint64_t)edge + 4096 - 1,
	    (uint64_t)edge + 4096 - 8,
	    (uint64_t)edge + 4096,
	    (uint64_t)edge + 2 * 4096 - 16,
	    (uint64_t)&random32,
	};

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		pool[pooled++] = values[i];
	mprotect(edge + 4096, 4096, PROT_NONE);
	constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pool[pooled++] = (uint64_t)constant;
	/* Structures full of pointers and lengths from the same pool. */
	for (int i = 0; i < 256; i++)
		memcpy(data + 4096 + 8 * i, &pool[random32() % pooled], 8);
	pool[pooled++] = (uint64_t)data + 4096;
	pool[pooled++] = (uint64_t)data + 4096 + 64;
}

/* Calls that would only end the child. */
static bool dull(long nr)
{
	return nr == SYS_exit || nr == SYS_exit_group || nr == SYS_pause ||
	       nr == SYS_rt_sigsuspend || nr == SYS_rt_sigreturn || nr == SYS_kill ||
	       nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_rt_sigqueueinfo || nr == SYS_vfork;
}

static int attempt(void *arg)
{
	pid_t self = (pid_t)syscall(SYS_getpid);
	int fd[2];

	state = (uint64_t)arg;
	if (pipe(fd) < 0 || open("/tmp/pointers-test", O_RDWR | O_CREAT, 0644) < 0)
		return 3;
	for (int i = 0; i < CALLS_PER_CHILD; i++) {
		uint64_t a[6];
		long nr;

		do
			nr = random32() % 453;
		while (dull(nr) || (nr > 334 && nr < 424));
		for (int j = 0; j < 6; j++)
			a[j] = random32() % 3 ? pool[random32() % pooled] : random32() % 8;
		raw_syscall(nr, a);
		if (syscall(SYS_getpid) != self)
			raw_exit(0); /* a clone that came off */
	}
	return 0;
}

int main(int argc, char **argv)
{
	long count;
	int ended = 0;

	require_box();
	if (argc < 3)
		return 97;
	state = strtoull(argv[1], NULL, 10);
	count = atol(argv[2]);
	fill_pool();
	meet("ready");
	for (long i = 0; i < count; i++)
		ended += in_child(attempt, (void *)(state + (uint64_t)i * 7919), 40) == 0;
	printf("%ld children, %s\n", count, ended ? "some lived to the end" : "none lived");
	meet("done");
	return 0;
}
