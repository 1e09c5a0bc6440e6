/*
 * sigthread.c - signals and threads: who takes what was sent to the process, what was sent to one
 * thread, stops and deaths of them all; and many signals at once without one lost.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local int mine;
static atomic_int total, done, queued;

static void on_signal(int sig)
{
	mine++;
	total++;
}

static void on_queued(int sig, siginfo_t *info, void *context)
{
	queued += info->si_value.sival_int;
}

static void block(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	CHECK_OK(pthread_sigmask(how, &s, NULL));
}

static void *taker(void *arg)
{
	block(SIG_UNBLOCK, SIGUSR1);
	while (!mine)
		usleep(1000);
	return NULL;
}

/* Everybody else blocks it. */
static void to_the_one_that_wants(void)
{
	pthread_t t;

	block(SIG_BLOCK, SIGUSR1);
	CHECK_OK(kill(getpid(), SIGUSR1)); /* pending before there is a taker */
	CHECK_OK(pthread_create(&t, NULL, taker, NULL));
	CHECK_OK(pthread_join(t, NULL));
	CHECK(total == 1 && mine == 0);
	CHECK_OK(pthread_create(&t, NULL, taker, NULL));
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_OK(pthread_join(t, NULL));
	CHECK(total == 2 && mine == 0);
	block(SIG_UNBLOCK, SIGUSR1);
}

static void *victim(void *arg)
{
	while (mine < 5)
		usleep(1000);
	return NULL;
}

static void to_one_thread(void)
{
	pthread_t t;

	total = mine = 0;
	CHECK_OK(pthread_create(&t, NULL, victim, NULL));
	for (int i = 0; i < 5; i++) {
		int before = total;

		CHECK_OK(pthread_kill(t, SIGUSR1));
		while (total == before)
			usleep(1000);
	}
	CHECK_OK(pthread_join(t, NULL));
	CHECK(total == 5 && mine == 0);
}

static void *spinner(void *arg)
{
	volatile unsigned long n = 0;

	while (!done)
		n++;
	return NULL;
}

static void *sender(void *arg)
{
	for (int i = 0; i < 200; i++)
		while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) != 0)
			usleep(1000);
	return NULL;
}

/* Four senders, four CPU-bound takers, and nothing is lost. */
static void storm(void)
{
	struct sigaction sa = {.sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART};
	pthread_t s[4], t[4];

	sigaction(SIGRTMIN, &sa, NULL);
	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_create(&t[i], NULL, spinner, NULL));
	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_create(&s[i], NULL, sender, NULL));
	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_join(s[i], NULL));
	for (int i = 0; i < 3000 && queued < 800; i++)
		usleep(1000);
	done = 1;
	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_join(t[i], NULL));
	printf("queued %d\n", queued);
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

/* Threads that sleep, spin and wait all stop, go on and die together. */
static void all_together(int how)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t t;

		done = 0;
		pthread_create(&t, NULL, sleeper, NULL);
		pthread_create(&t, NULL, spinner, NULL);
		pthread_create(&t, NULL, spinner, NULL);
		usleep(30000);
		kill(getpid(), SIGSTOP);
		usleep(20000);
		if (how == 0)
			kill(getpid(), SIGTERM);
		if (how == 1)
			pthread_kill(t, SIGKILL);
		if (how == 2)
			_exit(3);
		if (how == 3)
			pthread_kill(t, SIGSEGV);
		for (;;)
			pause();
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("all together %d: %x\n", how, status & 0xff7f);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGUSR1, &sa, NULL);
	to_the_one_that_wants();
	to_one_thread();
	storm();
	for (int i = 0; i < 4; i++)
		all_together(i);
	return check_done();
}
