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
