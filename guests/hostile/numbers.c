/*
 * numbers.c - every system-call number there is and many that are not, each with arguments that
 * would do harm if the host carried them out.
 *
 *	numbers CANARY VICTIM	a file and a process of the host that must stay as they are
 *
 * Numbers that Linux does not have must answer ENOSYS.  What the others answer is not judged here:
 * tests/security.py looks at the host.
 */
#include "hostile.h"

#define SETS	    6
#define PATIENCE_MS 10000

static uint64_t set[SETS][6];
static char *page; /* some memory to be spoilt */
static long number;
static int which;

static void make_sets(char *canary, long victim)
{
	static char newname[4096];
	uint64_t path = (uint64_t)canary, name = (uint64_t)newname, buf = (uint64_t)page;
	uint64_t sets[SETS][6] = {
	    {0, 0, 0, 0, 0, 0},
	    {~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL},
	    {MARKER, MARKER, MARKER, MARKER, MARKER, MARKER},
	    /* open for writing and truncate, unlink, chmod, rename, truncate, ... */
	    {path, 01001, 0777, name, 0777, 0},
	    /* kill, tkill, ptrace-like, rlimits, process_vm_*, pidfd_open ... */
	    {victim, SIGKILL, buf, 1, buf, 1},
	    /* the *at family: a directory, the path, and something to write */
	    {(uint64_t)-100, path, 01001, 0777, buf, 0},
	};

	snprintf(newname, sizeof(newname), "%s.new", canary);
	memcpy(set, sets, sizeof(set));
}

/* The result decides the status: 1 for ENOSYS, 0 for anything else. */
static int attempt(void *arg)
{
	long result = raw_syscall(number, set[which]);

	return result == -ENOSYS;
}

/* Linux looks at the low 32 bits of rax alone. */
static void try_high_bits(void)
{
	static const uint64_t none[6];
	static const long high[] = {1L << 32, 0x5ec5ec5e00000000L, (long)(1UL << 63)};

	for (unsigned i = 0; i < sizeof(high) / sizeof(high[0]); i++)
		if (raw_syscall(SYS_getpid | high[i], none) != getpid())
			printf("FAIL getpid | %#lx\n", (unsigned long)high[i]);
}

/* Calls that end or stop the whole box by right, or that only wait. */
static bool pointless(long nr)
{
	return nr == SYS_pause || nr == SYS_rt_sigsuspend;
}

/* uretprobe and uprobe are numbers that no seccomp filter sees (Linux 6.14, 6.18: the host's own
 * tracing depends on it).  All that they do to a program without probes is SIGILL and ENXIO. */
static bool beyond_filters(long nr)
{
	return nr == 335 || nr == 336;
}

static bool known(long nr)
{
	return (nr >= 0 && nr <= SYS_rseq) || (nr >= SYS_pidfd_send_signal && nr < 512);
}

static void try_number(long nr)
{
	number = nr;
	for (which = 0; which < SETS; which++) {
		int status;

		if (pointless(nr))
			continue;
		/* kill(-1) and kill(0) would reach ourselves. */
		if ((nr == SYS_kill || nr == SYS_rt_sigqueueinfo) && set[which][0] + 1 <= 1)
			continue;
		/* Only a call that exists may wait; the others are given all the time a busy host
		 * needs. */
		status = in_child(attempt, NULL, known(nr) ? 60 : PATIENCE_MS);
		if (!known(nr) && !beyond_filters(nr) && status != 1)
			printf("FAIL number %#lx with set %d: status %d, not ENOSYS\n", nr, which,
			       status);
		if (status == -1)
			printf("FAIL no child for number %#lx\n", nr);
	}
}

int main(int argc, char **argv)
{
	static const long far[] = {
	    0x1000, 0xffff, 0x10000, 0x7fffffff, 0x80000000L, 0xffffffffL, 0x7fffffffffffffffL,
	    -1L,    -38L};

	require_box();
	if (argc < 3)
		return 97;
	page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	make_sets(argv[1], atol(argv[2]));
	meet("ready");
	for (long nr = 0; nr < 1024; nr++)
		try_number(nr);
	which = 2;
	for (long nr = 0; nr < 1024; nr++) { /* the x32 table */
		int status;

		number = nr | 0x40000000;
		status = in_child(attempt, NULL, PATIENCE_MS);
		if (status != 1)
			printf("FAIL x32 number %ld: status %d\n", nr, status);
	}
	for (unsigned i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		try_number(far[i]);
	try_high_bits();
	meet("done");
	return 0;
}
