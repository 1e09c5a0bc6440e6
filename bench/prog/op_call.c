/*
 * op_call.c - system calls that do next to nothing: what a trap costs.
 */
#include "op.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void getppid_inline(long n)
{
	while (n--) {
		long result;

		__asm__ volatile("mov $110, %%eax\n\tsyscall"
				 : "=a"(result)
				 :
				 : "rcx", "r11", "memory");
	}
}
const struct op op_getppid_inline = {.run = getppid_inline};

static void getppid_libc(long n)
{
	while (n--)
		syscall(SYS_getppid);
}
const struct op op_getppid_libc = {.run = getppid_libc};

static void get_pid(long n)
{
	while (n--)
		getpid();
}
const struct op op_getpid = {.run = get_pid};

static void clock_vdso(long n)
{
	while (n--)
		now_ns();
}
const struct op op_clock_gettime = {.run = clock_vdso};

/*
 * Its fifth and sixth arguments are nobody's: they carry the cycle counter before this call and
 * after the one before, so that --costs can tell how long a trap takes to arrive and to return.
 */
static void mask_in_out(long n)
{
	unsigned long set = 0, old, returned = 0;

	while (n--) {
		long result;
		/* No call may come between these and the asm: it would change the registers. */
		register unsigned long size __asm__("r10") = sizeof(set);
		register unsigned long last __asm__("r9") = returned;
		register unsigned long now __asm__("r8") = __builtin_ia32_rdtsc();

		__asm__ volatile("mov %[nr], %%eax\n\tsyscall"
				 : "=a"(result)
				 : [nr] "i"(SYS_rt_sigprocmask), "D"((long)SIG_SETMASK), "S"(&set),
				   "d"(&old), "r"(size), "r"(now), "r"(last)
				 : "rcx", "r11", "memory");
		returned = __builtin_ia32_rdtsc();
		must(result == 0, "rt_sigprocmask");
	}
}
const struct op op_mask_in_out = {.run = mask_in_out};

static volatile int handled;

static void on_signal(int sig)
{
	handled += sig;
}

static void signal_start(void)
{
	signal(SIGUSR1, on_signal);
}

static void signal_self(long n)
{
	pid_t me = getpid();

	while (n--)
		kill(me, SIGUSR1);
}
const struct op op_signal_self = {.start = signal_start, .run = signal_self};
