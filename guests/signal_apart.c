/*
 * signal_apart.c - the same handlers as often, on other stacks or none, with forks and stops in
 * them, and with other threads and processes that send signals meanwhile.
 *
 * guest-seconds: 60
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 300
#define PAGE   4096UL

static volatile sig_atomic_t hits;
static pid_t me;
static char other_stack[16384];

static void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &sa, NULL);
}

static void say(const char *what, int bad)
{
	printf("%s: %s\n", what, bad ? "wrong" : "right");
}

static void count(int sig, siginfo_t *info, void *context)
{
	hits++;
}

/* ---- stacks ---- */

static char *alt_end;

static void on_alt(int sig, siginfo_t *info, void *context)
{
	char local;

	hits += &local<alt_end && & local> alt_end - 4 * PAGE;
}

/* One that ends where memory does. */
static void alternate(void)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t ss = {.ss_sp = p, .ss_size = 4 * PAGE}, off = {.ss_flags = SS_DISABLE};

	CHECK_OK(munmap(p + 4 * PAGE, 4 * PAGE));
	alt_end = p + 4 * PAGE;
	CHECK_OK(sigaltstack(&ss, NULL));
	handle(SIGUSR1, on_alt, SA_ONSTACK);
	hits = 0;
	for (int i = 0; i < ROUNDS; i++)
		kill(me, SIGUSR1);
	CHECK_OK(sigaltstack(&off, NULL));
	say("other stack", hits != ROUNDS);
}

/* No room for a frame: SIGSEGV, on a stack where there is. */
static void no_room(void)
{
	stack_t ss = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		me = getpid();
		mprotect(p, PAGE, PROT_NONE);
		sigaltstack(&ss, NULL);
		handle(SIGUSR1, count, 0);
		for (int i = 0; i < ROUNDS; i++)
			kill(me, SIGUSR1);
		signal(SIGSEGV, SIG_DFL);
		__asm__ volatile("mov %0, %%rsp\n mov $62, %%eax\n syscall\n ud2\n"
				 :
				 : "r"(p + PAGE + 600), "D"((long)me), "S"((long)SIGUSR1)
				 : "memory");
	}
	waitpid(pid, &status, 0);
	say("no room", !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV);
}

/* ---- others meanwhile ---- */

static void fork_there(int sig, siginfo_t *info, void *context)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		me = getpid();
		handle(SIGUSR2, count, 0);
		for (int i = 0; i < 30; i++)
			kill(me, SIGUSR2);
		return; /* on the frame that it has inherited */
	}
	hits += waitpid(pid, &status, 0) == pid && status == 7 << 8;
}

static void forked(void)
{
	pid_t parent = me;

	handle(SIGUSR1, fork_there, 0);
	hits = 0;
	for (int i = 0; i < 20; i++) {
		kill(me, SIGUSR1);
		if (getpid() != parent)
			_exit(hits == 30 + i ? 7 : 1);
	}
	say("forked in it", hits != 20);
}

static volatile int running;

static void *other(void *arg)
{
	volatile long spin = 0;

	while (running)
		spin++;
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	handle(SIGUSR1, count, 0);
	hits = 0;
	running = 1;
	CHECK_OK(pthread_create(&t, NULL, other, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		pthread_kill(t, SIGUSR1);
		while (hits == i)
			getpgid(0);
	}
	running = 0;
	pthread_join(t, NULL);
	say("another thread", hits != ROUNDS);
}

static void *raiser(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		raise(SIGUSR1);
	return NULL;
}

static void count_all(int sig, siginfo_t *info, void *context)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
}

static void many_threads(void)
{
	pthread_t t[4];

	handle(SIGUSR1, count_all, 0);
	hits = 0;
	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_create(&t[i], NULL, raiser, NULL));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	say("many threads", hits != 4 * ROUNDS);
}

static void stopped(void)
{
	pid_t pid = fork();
	int status, stops = 0;

	if (pid == 0) {
		me = getpid();
		handle(SIGUSR1, count, 0);
		hits = 0;
		for (int i = 0; i < 100; i++)
			kill(me, SIGUSR1);
		for (int i = 0; i < 20; i++) {
			kill(me, SIGSTOP);
			kill(me, SIGUSR1);
		}
		_exit(hits == 120 ? 7 : 1);
	}
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		stops++;
		kill(pid, SIGCONT);
	}
	say("stopped", stops != 20 || status != 7 << 8);
}

static void ping(void)
{
	sigset_t set, old;
	pid_t pid;
	int status, parent = me;

	handle(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	hits = 0;
	pid = fork();
	for (int i = 0; i < ROUNDS; i++) {
		if (pid == 0)
			kill(parent, SIGUSR1);
		while (hits == i)
			sigsuspend(&old);
		if (pid != 0)
			kill(pid, SIGUSR1);
	}
	if (pid == 0)
		_exit(7);
	waitpid(pid, &status, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	say("ping", status != 7 << 8 || hits != ROUNDS);
}

int main(void)
{
	me = getpid();
	setvbuf(stdout, NULL, _IOLBF, 0); /* children do not say it again */
	alternate();
	no_room();
	forked();
	threads();
	many_threads();
	stopped();
	ping();
	return 0;
}
