/*
 * signal_unwind.c - from a signal's handler the stack is unwound through the signal's frame, as
 * exceptions, profilers and debuggers do, and still when the way back from handlers has been gone
 * so often that a machine may have rewritten it.
 */
#include "check.h"

#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#include <unwind.h>

#define ROUNDS 300

static volatile int seen, hits, found;
static uintptr_t low, high; /* of the function that was interrupted */

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *depth)
{
	uintptr_t ip = _Unwind_GetIP(context);

	if (ip >= low && ip < high)
		found = 1;
	return ++*(int *)depth < 64 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void on_signal(int sig)
{
	int depth = 0;

	hits++;
	found = 0;
	_Unwind_Backtrace(frame, &depth);
	seen += found;
}

__attribute__((noinline)) static int interrupted(pid_t me)
{
	int ret = kill(me, SIGUSR1);

	__asm__ volatile("" : "+r"(ret));
	return ret;
}

int main(void)
{
	pid_t me = getpid();

	low = (uintptr_t)interrupted;
	high = low + 24; /* or a little more */
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_OK(interrupted(me));
	printf("%d signals, all the way back in %s\n", hits, seen == hits ? "all" : "some");
	return check_done();
}
