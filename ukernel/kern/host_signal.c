/*
 * host_signal.c - signals from outside the box, and the box's time limit.
 *
 * The first process's group stands for the box: what ends or pokes the supervisor is for it.
 */
#include "kern/host_signal.h"

#include "fs/stdfile.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "lib/log.h"

#include <signal.h>

#define GRACE_NS	 1000000000ULL
#define STATUS_TIMED_OUT (124 << 8) /* as wait4 reports exit(124) */

static struct timer limit_timer;
static bool limit_passed;

/* SI_KERNEL: it comes from no process that a guest could know. */
static void send_to_box(int signo)
{
	struct abi_siginfo info = {.signo = signo, .code = SI_KERNEL};

	/* Once halted, the first process is gone or going. */
	if (kernel_halted || !first_process || first_process->state == PROC_ZOMBIE)
		return;
	if (signal_send_pgrp(first_process->pgid, signo, &info) != 0)
		signal_send_process(first_process, signo, &info);
}

/* What the keys of a terminal send, and its changes of size, are for whoever is in its foreground.
 */
static void send_to_foreground(int signo)
{
	struct abi_siginfo info = {.signo = signo, .code = SI_KERNEL};
	pid_t pgid = stdfiles_foreground();

	if (pgid <= 0 || signal_send_pgrp(pgid, signo, &info) != 0)
		send_to_box(signo);
}

void host_signal_arrived(int signo)
{
	log_debug(signal, "host signal %d", signo);
	switch (signo) {
	case SIGINT:
	case SIGQUIT:
	case SIGWINCH:
	case SIGTSTP:
		send_to_foreground(signo);
		break;
	case SIGTERM:
	case SIGHUP:
	case SIGUSR1:
	case SIGUSR2:
	case SIGALRM:
	case SIGCONT:
		send_to_box(signo);
		break;
	default:
		break;
	}
}

static void limit_fire(struct timer *tm)
{
	if (!limit_passed) {
		limit_passed = true;
		log_warn(boot, "the time limit has passed: ending the program");
		send_to_box(SIGTERM);
		timer_arm(tm, time_now_ns() + GRACE_NS);
		return;
	}
	kernel_halted = true;
}

bool box_timed_out(int *status)
{
	if (limit_passed)
		*status = STATUS_TIMED_OUT;
	return limit_passed;
}

void box_timeout_start(uint64_t timeout_ns)
{
	limit_passed = false;
	timer_init(&limit_timer, limit_fire);
	if (timeout_ns)
		timer_arm(&limit_timer, time_now_ns() + timeout_ns);
}
