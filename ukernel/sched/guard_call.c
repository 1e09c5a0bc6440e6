/*
 * guard_call.c - calls into foreign code that come back whatever it does.
 *
 * A crash is a signal on the alternate stack, from where siglongjmp() leaves the call.  For a call
 * that does not return, a thread looks ten times a second whether calls go on and sends a
 * signal when not: a thread, so that no timer of ours interrupts the kernel in its waits.
 *
 * Only code of the object itself is left in this way.  Inside of the C library it may hold a lock
 * that the kernel needs too: an endless loop is caught at a later moment, a crash there ends the
 * program.
 */
#undef _FORTIFY_SOURCE /* its longjmp knows nothing of kernel stacks */
#include "sched/guard.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define SIG_STUCK SIGSTKFLT /* no other use is known */
#define LOOK_NS	  100000000
#define LOOKS_MAX 10  /* a second: then it is stuck */
#define TRIES_MAX 300 /* to find it in its own code */
#define ALT_SIZE  65536
#define EXIT_OWN  125

static struct guard_call *volatile watched;
static pthread_t watcher, kernel_thread;
static sem_t stop;
static char alt_stack[ALT_SIZE];
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
static struct sigaction before[sizeof(crashes) / sizeof(*crashes)];

static _Noreturn void end_now(const char *what, const char *op)
{
	static const char tail[] = ", outside of its own code: the program ends\n";
	ssize_t n = write(2, "ukernel: the scheduling policy ", 31);

	n += write(2, what, strlen(what));
	n += write(2, " in ", 4);
	n += write(2, op, strlen(op));
	n += write(2, "()", 2);
	n += write(2, tail, sizeof(tail) - 1);
	(void)n;
	_exit(EXIT_OWN);
}

static void leave(struct guard_call *c, int signo, const char *trouble)
{
	sigset_t set;

	c->trouble = trouble;
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	siglongjmp(c->back, 1);
}

static bool in_object(const struct guard_call *c, const ucontext_t *uc)
{
	uintptr_t pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	return pc >= c->text && pc < c->text_end;
}

static void on_crash(int signo, siginfo_t *info, void *context)
{
	struct guard_call *c = watched;
	const ucontext_t *uc = context;
	bool jumped_wild =
	    signo == SIGSEGV && (greg_t)(uintptr_t)info->si_addr == uc->uc_mcontext.gregs[REG_RIP];
	const char *what = signo == SIGFPE   ? "divides by zero"
			   : signo == SIGILL ? "executes no instruction"
					     : "crashes (bad address)";

	if (!c || !c->op) {
		/* Not the policy's: die of it as we would have. */
		signal(signo, SIG_DFL);
		return;
	}
	if (!in_object(c, uc) && !jumped_wild)
		end_now(what, c->op);
	leave(c, signo, what);
}

static void on_stuck(int signo, siginfo_t *info, void *context)
{
	struct guard_call *c = watched;

	(void)info;
	if (c && c->op && in_object(c, context))
		leave(c, signo, "does not return");
}

static void *watch(void *arg)
{
	struct guard_call *c = arg;
	uint64_t seen = 0;
	int looks = 0, tries = 0;

	for (;;) {
		struct timespec at;
		uint64_t wait_ns = looks >= LOOKS_MAX ? LOOK_NS / 50 : LOOK_NS;

		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += (long)wait_ns;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		if (sem_timedwait(&stop, &at) == 0)
			return NULL;
		const char *op = c->op;
		if (!op || c->count != seen) {
			seen = c->count;
			looks = tries = 0;
			continue;
		}
		if (++looks < LOOKS_MAX)
			continue;
		if (++tries > TRIES_MAX)
			end_now("does not return", op);
		pthread_kill(kernel_thread, SIG_STUCK);
	}
}

static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct guard_call *c = arg;
	uintptr_t wanted = c->text;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type != PT_LOAD || wanted < at ||
		    wanted >= at + info->dlpi_phdr[i].p_memsz)
			continue;
		for (int j = 0; j < info->dlpi_phnum; j++) {
			at = info->dlpi_addr + info->dlpi_phdr[j].p_vaddr;
			if (info->dlpi_phdr[j].p_type == PT_LOAD &&
			    (info->dlpi_phdr[j].p_flags & PF_X)) {
				c->text = at;
				c->text_end = at + info->dlpi_phdr[j].p_memsz;
				return 1;
			}
		}
	}
	return 0;
}

int guard_call_start(struct guard_call *c, const void *object)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	stack_t ss = {.ss_sp = alt_stack, .ss_size = sizeof(alt_stack)};
	sigset_t all, old;

	c->op = NULL;
	c->text = (uintptr_t)object;
	if (!dl_iterate_phdr(find_text, c))
		return -ENOENT;
	watched = c;
	sigaltstack(&ss, NULL);
	sigemptyset(&sa.sa_mask);
	sa.sa_sigaction = on_crash;
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		sigaction(crashes[i], &sa, &before[i]);
	sa.sa_sigaction = on_stuck;
	sa.sa_flags |= SA_RESTART;
	sigaction(SIG_STUCK, &sa, NULL);
	kernel_thread = pthread_self();
	sem_init(&stop, 0, 0);
	/* Host signals are the kernel thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&watcher, NULL, watch, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	sigemptyset(&all);
	sigaddset(&all, SIG_STUCK);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	if (err)
		watched = NULL;
	return -err;
}

void guard_call_stop(struct guard_call *c)
{
	if (watched != c)
		return;
	sem_post(&stop);
	pthread_join(watcher, NULL);
	sem_destroy(&stop);
	watched = NULL;
	signal(SIG_STUCK, SIG_DFL);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		sigaction(crashes[i], &before[i], NULL);
}
