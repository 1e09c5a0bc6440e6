/*
 * signal_test.c - signal(7): masks, the order of delivery, restart and EINTR, stops, exceptions.
 */
#include "box_test.h"

#include "abi.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#define MINE 2 /* the first program's number */

BOX_SUITE(signal);

static void on_signal(int signo, uaddr_t info, uaddr_t context)
{
	char text[2] = {'A' + signo, 0};

	guest_log(text);
}

static long mask(int how, uint64_t set)
{
	uaddr_t at = guest_alloc(8);

	guest_put(at, &set, 8);
	return SYS(rt_sigprocmask, how, at, 0, 8);
}

static uint64_t pending(void)
{
	uaddr_t at = guest_alloc(8);
	uint64_t set;

	GUEST_EQ(SYS(rt_sigpending, at, 8), 0);
	guest_get(&set, at, 8);
	return set;
}

#define BIT(sig) (1ULL << ((sig)-1))

BOX_TEST(signal, handler_runs_before_kill_returns)
{
	guest_signal(SIGUSR1, on_signal, 0);
	GUEST_EQ(SYS(kill, MINE, SIGUSR1), 0);
	guest_log(".");
	GUEST_CHECK(strcmp(guest_log_text, "K.") == 0);
}

BOX_TEST(signal, blocked_ones_wait_and_come_by_number)
{
	guest_signal(SIGUSR1, on_signal, 0);
	guest_signal(SIGUSR2, on_signal, 0);
	guest_signal(SIGHUP, on_signal, 0);
	mask(SIG_BLOCK, BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGHUP));
	SYS(kill, MINE, SIGUSR2);
	SYS(kill, MINE, SIGUSR1);
	SYS(kill, MINE, SIGUSR1); /* a standard signal does not queue */
	SYS(kill, MINE, SIGHUP);
	GUEST_EQ(pending(), BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGHUP));
	GUEST_CHECK(!*guest_log_text);
	mask(SIG_UNBLOCK, ~0ULL);
	GUEST_EQ(pending(), 0);
	GUEST_EQ(strlen(guest_log_text), 3);
	/* Frames are stacked lowest number first, so the last one built runs first. */
	GUEST_CHECK(strchr(guest_log_text, 'A' + SIGUSR2) < strchr(guest_log_text, 'A' + SIGHUP));
}

static int values[8], nr_values;

static void on_value(int signo, uaddr_t info, uaddr_t context)
{
	struct abi_siginfo si;

	guest_get(&si, info, sizeof(si));
	GUEST_EQ(si.signo, signo);
	GUEST_EQ(si.code, SI_QUEUE);
	values[nr_values++] = si.kill.value.sival_int;
}

static long queue(int sig, int value)
{
	struct abi_siginfo si = {.signo = sig, .code = SI_QUEUE};
	uaddr_t at = guest_alloc(sizeof(si));

	si.kill.value.sival_int = value;
	guest_put(at, &si, sizeof(si));
	return SYS(rt_sigqueueinfo, MINE, sig, at);
}

BOX_TEST(signal, real_time_ones_queue_in_order)
{
	guest_signal(40, on_value, SA_SIGINFO);
	mask(SIG_BLOCK, BIT(40));
	for (int i = 0; i < 5; i++)
		GUEST_EQ(queue(40, i), 0);
	mask(SIG_UNBLOCK, BIT(40));
	GUEST_EQ(nr_values, 5);
	for (int i = 0; i < 5; i++)
		GUEST_EQ(values[i], i);
}

static int runs;

static void on_nested(int signo, uaddr_t info, uaddr_t context)
{
	guest_log("(");
	if (runs++ == 0)
		SYS(kill, MINE, SIGUSR1); /* its own signal is blocked in the handler */
	guest_log(")");
}

BOX_TEST(signal, a_handler_is_not_entered_twice)
{
	guest_signal(SIGUSR1, on_nested, 0);
	SYS(kill, MINE, SIGUSR1);
	GUEST_CHECK(strcmp(guest_log_text, "()()") == 0);
}

static int pipe_fd[2];

static void nudge_then_write(uint64_t arg)
{
	guest_sleep(5 * MS);
	SYS(kill, MINE, SIGUSR1);
	guest_sleep(5 * MS);
	SYS(write, pipe_fd[1], guest_string("x"), 1);
}

BOX_TEST(signal, a_read_is_interrupted)
{
	guest_pipe(pipe_fd);
	guest_signal(SIGUSR1, on_signal, 0);
	guest_fork(nudge_then_write, 0);
	GUEST_EQ(SYS(read, pipe_fd[0], guest_alloc(1), 1), -EINTR);
	GUEST_CHECK(strcmp(guest_log_text, "K") == 0);
}

BOX_TEST(signal, a_read_is_restarted)
{
	guest_pipe(pipe_fd);
	guest_signal(SIGUSR1, on_signal, SA_RESTART);
	guest_fork(nudge_then_write, 0);
	GUEST_EQ(SYS(read, pipe_fd[0], guest_alloc(1), 1), 1);
	GUEST_CHECK(strcmp(guest_log_text, "K") == 0);
}

BOX_TEST(signal, an_ignored_one_interrupts_nothing)
{
	guest_pipe(pipe_fd);
	guest_ignore(SIGUSR1);
	guest_fork(nudge_then_write, 0);
	GUEST_EQ(SYS(read, pipe_fd[0], guest_alloc(1), 1), 1);
}

static void nudge(uint64_t arg)
{
	guest_sleep(5 * MS);
	SYS(kill, MINE, SIGUSR1);
}

BOX_TEST(signal, pause_and_sigsuspend)
{
	uint64_t none = 0;
	uaddr_t set = guest_alloc(8);

	guest_signal(SIGUSR1, on_signal, SA_RESTART);
	guest_fork(nudge, 0);
	GUEST_EQ(SYS(pause), -EINTR);
	mask(SIG_BLOCK, BIT(SIGUSR1));
	guest_fork(nudge, 0);
	guest_put(set, &none, 8);
	GUEST_EQ(SYS(rt_sigsuspend, set, 8), -EINTR);
	SYS(kill, MINE, SIGUSR1); /* the old mask is back */
	GUEST_EQ(pending() & BIT(SIGUSR1), BIT(SIGUSR1));
	GUEST_EQ(strlen(guest_log_text), 2);
}

BOX_TEST(signal, sigtimedwait)
{
	uint64_t set = BIT(SIGUSR1), began;
	uaddr_t at = guest_alloc(8), info = guest_alloc(128);
	struct abi_siginfo si;

	mask(SIG_BLOCK, set);
	guest_put(at, &set, 8);
	began = fake_now_ns();
	GUEST_EQ(SYS(rt_sigtimedwait, at, info, guest_timespec(7 * MS), 8), -EAGAIN);
	GUEST_CHECK(fake_now_ns() - began >= 7 * MS && fake_now_ns() - began < 8 * MS);
	guest_fork(nudge, 0);
	GUEST_EQ(SYS(rt_sigtimedwait, at, info, 0, 8), SIGUSR1);
	guest_get(&si, info, sizeof(si));
	GUEST_EQ(si.signo, SIGUSR1);
	GUEST_EQ(si.code, SI_USER);
	GUEST_CHECK(si.kill.pid > MINE);
	GUEST_EQ(pending(), 0);
}

static void spin(uint64_t arg)
{
	guest_compute(10000 * MS);
}

BOX_TEST(signal, kill_ends_a_busy_child)
{
	int status = 0;
	long pid = guest_fork(spin, 0);

	guest_sleep(10 * MS);
	GUEST_EQ(SYS(kill, pid, SIGTERM), 0);
	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	GUEST_EQ(status, SIGTERM);
	GUEST_CHECK(fake_now_ns() < 2000 * MS);
	GUEST_EQ(SYS(kill, pid, 0), -ESRCH);
}

BOX_TEST(signal, stop_and_continue)
{
	int status = 0;
	long pid = guest_fork(spin, 0);

	SYS(kill, pid, SIGSTOP);
	GUEST_EQ(guest_wait(pid, &status, WUNTRACED), pid);
	GUEST_CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	GUEST_EQ(guest_wait(pid, &status, WUNTRACED | WNOHANG), 0);
	SYS(kill, pid, SIGTERM); /* waits for the continue */
	guest_sleep(20 * MS);
	GUEST_EQ(guest_wait(pid, &status, WNOHANG), 0);
	SYS(kill, pid, SIGCONT);
	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	GUEST_EQ(status, SIGTERM);
}

BOX_TEST(signal, continued_is_reported)
{
	int status = 0;
	long pid = guest_fork(spin, 0);

	SYS(kill, pid, SIGSTOP);
	guest_wait(pid, &status, WUNTRACED);
	SYS(kill, pid, SIGCONT);
	GUEST_EQ(guest_wait(pid, &status, WCONTINUED), pid);
	GUEST_CHECK(WIFCONTINUED(status));
	SYS(kill, pid, SIGKILL);
	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	GUEST_EQ(status, SIGKILL);
}

static void touch_nothing(uint64_t arg)
{
	guest_get32(0x1000);
}

BOX_TEST(signal, a_wild_access_kills)
{
	int status = 0;
	long pid = guest_fork(touch_nothing, 0);

	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	GUEST_EQ(status & 0x7f, SIGSEGV);
}

#define HOLE 0x20000000UL

static void map_it(int signo, uaddr_t info, uaddr_t context)
{
	struct abi_siginfo si;

	guest_get(&si, info, sizeof(si));
	GUEST_EQ(si.signo, SIGSEGV);
	GUEST_EQ(si.code, SEGV_MAPERR);
	GUEST_EQ(si.fault.addr, HOLE + 8);
	GUEST_EQ(SYS(mmap, HOLE, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		 HOLE);
}

BOX_TEST(signal, a_fault_is_repaired_and_tried_again)
{
	guest_signal(SIGSEGV, map_it, SA_SIGINFO);
	guest_put32(HOLE + 8, 77);
	GUEST_EQ(guest_get32(HOLE + 8), 77);
}

/* A blocked exception cannot wait: it kills even where there is a handler. */
static void blocked_fault(uint64_t arg)
{
	guest_signal(SIGSEGV, map_it, SA_SIGINFO);
	mask(SIG_BLOCK, BIT(SIGSEGV));
	guest_get32(HOLE + 8);
}

BOX_TEST(signal, a_blocked_fault_kills)
{
	int status = 0;

	guest_fork(blocked_fault, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(status & 0x7f, SIGSEGV);
}

static uint64_t alarm_at;

static void on_alarm(int signo, uaddr_t info, uaddr_t context)
{
	alarm_at = fake_now_ns();
	guest_log("!");
}

BOX_TEST(signal, an_interval_timer_interrupts_work)
{
	int64_t it[4] = {0, 0, 0, 10000}; /* once, in 10 ms */
	uaddr_t at = guest_alloc(sizeof(it));
	uint64_t began;

	guest_signal(SIGALRM, on_alarm, 0);
	guest_put(at, it, sizeof(it));
	began = fake_now_ns();
	GUEST_EQ(SYS(setitimer, ITIMER_REAL, at, 0), 0);
	guest_compute(50 * MS);
	GUEST_CHECK(alarm_at - began >= 10 * MS && alarm_at - began < 11 * MS);
	GUEST_CHECK(fake_now_ns() - began >= 50 * MS);
	GUEST_CHECK(strcmp(guest_log_text, "!") == 0);
}

static void stop_and_go(uint64_t arg)
{
	guest_sleep(5 * MS);
	SYS(kill, MINE, SIGSTOP);
	guest_sleep(10 * MS);
	SYS(kill, MINE, SIGCONT);
}

/* nanosleep goes on where it was, by restart_syscall(2). */
BOX_TEST(signal, a_stopped_sleep_keeps_its_deadline)
{
	uint64_t began = fake_now_ns();

	guest_fork(stop_and_go, 0);
	GUEST_EQ(guest_sleep(30 * MS), 0);
	GUEST_CHECK(fake_now_ns() - began >= 30 * MS && fake_now_ns() - began < 32 * MS);
}

BOX_TEST(signal, an_interrupted_sleep_says_what_is_left)
{
	uaddr_t left = guest_alloc(16);
	int64_t ts[2];

	guest_signal(SIGUSR1, on_signal, SA_RESTART);
	guest_fork(nudge, 0);
	GUEST_EQ(SYS(nanosleep, guest_timespec(30 * MS), left), -EINTR);
	guest_get(ts, left, 16);
	GUEST_CHECK(ts[0] == 0 && ts[1] > 24000000 && ts[1] <= 25000000);
}

static void to_thread(uint64_t arg)
{
	guest_signal(SIGUSR1, on_signal, 0);
	guest_compute(20 * MS);
	guest_log("t");
}

BOX_TEST(signal, tgkill_reaches_one_thread)
{
	uaddr_t ctid = guest_alloc(4);
	long tid = guest_thread(to_thread, 0, ctid);

	GUEST_CHECK(tid > MINE);
	guest_sleep(5 * MS);
	GUEST_EQ(SYS(tgkill, MINE, tid, SIGUSR1), 0);
	while (guest_get32(ctid))
		guest_sleep(MS);
	GUEST_CHECK(strcmp(guest_log_text, "Kt") == 0);
	GUEST_EQ(SYS(tgkill, MINE, tid, SIGUSR1), -ESRCH);
	GUEST_EQ(SYS(tgkill, 1, MINE, 0), -ESRCH);
}

BOX_TEST(signal, bad_arguments)
{
	GUEST_EQ(SYS(kill, MINE, 65), -EINVAL);
	GUEST_EQ(SYS(kill, 30000, SIGTERM), -ESRCH);
	GUEST_EQ(SYS(rt_sigaction, SIGKILL, guest_alloc(32), 0, 8), -EINVAL);
	GUEST_EQ(SYS(rt_sigaction, SIGUSR1, 0, 0, 4), -EINVAL);
	GUEST_EQ(SYS(rt_sigaction, SIGUSR1, 8, 0, 8), -EFAULT);
	GUEST_EQ(SYS(rt_sigprocmask, 7, guest_alloc(8), 0, 8), -EINVAL);
	GUEST_EQ(SYS(rt_sigprocmask, SIG_BLOCK, 8, 0, 8), -EFAULT);
}
