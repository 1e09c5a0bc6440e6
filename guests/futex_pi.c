/*
 * futex_pi.c - locks that know their owner: a circle of them, an owner that dies with and without
 * a robust list, and the C library's mutexes with PTHREAD_PRIO_INHERIT.
 */
#include "asleep.h"
#include "check.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRIV FUTEX_PRIVATE_FLAG

static uint32_t word_a, word_b;

static long futex(uint32_t *at, int op, const struct timespec *to)
{
	return syscall(SYS_futex, at, op, 0, to, NULL, 0);
}

static void *take_b_then_a(void *arg)
{
	CHECK(futex(&word_b, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	*(volatile int *)arg = 1;
	CHECK(futex(&word_a, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	CHECK(futex(&word_a, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	CHECK(futex(&word_b, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	return NULL;
}

/* Who would close the circle is told. */
static void circle(void)
{
	volatile int has_b = 0;
	pthread_t th;

	CHECK(futex(&word_a, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	pthread_create(&th, NULL, take_b_then_a, (void *)&has_b);
	while (!has_b)
		usleep(1000);
	while (!(__atomic_load_n(&word_a, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		usleep(1000);
	CHECK_ERR(futex(&word_b, FUTEX_LOCK_PI | PRIV, NULL), EDEADLK);
	CHECK(futex(&word_a, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	pthread_join(th, NULL);
	CHECK(word_a == 0 && (word_b & FUTEX_TID_MASK) == 0);
}

/* Several wait; the owner exits without a word: one after the other gets it, and is told. */
static void *wait_and_unlock(void *arg)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid);

	CHECK(futex(arg, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	CHECK((*(volatile uint32_t *)arg & FUTEX_TID_MASK) == tid);
	CHECK(futex(arg, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	return NULL;
}

static volatile int heirs;

static void *lock_and_die(void *arg)
{
	CHECK(futex(arg, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	while (heirs < 3)
		usleep(1000);
	wait_others_asleep();
	return NULL;
}

static void owner_dies(void)
{
	pthread_t owner, th[3];

	word_a = heirs = 0;
	pthread_create(&owner, NULL, lock_and_die, &word_a);
	while (!__atomic_load_n(&word_a, __ATOMIC_SEQ_CST))
		usleep(1000);
	for (int i = 0; i < 3; i++)
		pthread_create(&th[i], NULL, wait_and_unlock, &word_a);
	heirs = 3;
	pthread_join(owner, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
	CHECK((word_a & FUTEX_TID_MASK) == 0);
}

/* The same across processes, with a robust mutex in shared memory. */
static void robust(void)
{
	pthread_mutex_t *m =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *locked = (int *)(m + 1);
	pthread_mutexattr_t attr;
	int st;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutex_init(m, &attr) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(m);
		*locked = 1;
		usleep(20000);
		_exit(0);
	}
	while (!*locked)
		usleep(1000);
	CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(m) == 0);
	CHECK(pthread_mutex_unlock(m) == 0);
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	CHECK(pthread_mutex_lock(m) == 0 && pthread_mutex_unlock(m) == 0);
}

/* --- from a condition (a) to a lock (b) --- */

static volatile int waiting;
static uint32_t got;

static long wait_requeue(uint32_t val, const struct timespec *to)
{
	return syscall(SYS_futex, &word_a, FUTEX_WAIT_REQUEUE_PI | PRIV, val, to, &word_b, 0);
}

static long cmp_requeue(uint32_t val, int wake, int move)
{
	return syscall(SYS_futex, &word_a, FUTEX_CMP_REQUEUE_PI | PRIV, wake, (long)move, &word_b,
		       val);
}

static void *wait_for_condition(void *arg)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid);

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	CHECK(wait_requeue(7, NULL) == 0);
	CHECK((*(volatile uint32_t *)&word_b & FUTEX_TID_MASK) == tid);
	got++;
	CHECK(futex(&word_b, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	return arg;
}

static void waiters_start(pthread_t th[4])
{
	word_a = 7;
	word_b = 0;
	waiting = got = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, wait_for_condition, NULL);
	while (waiting < 4)
		usleep(1000);
	wait_others_asleep();
}

/* How many are woken and moved is one more than asked for; they get the lock one after the other.
 */
static void broadcast(int locked)
{
	pthread_t th[4];
	long moved;

	waiters_start(th);
	if (locked)
		CHECK(futex(&word_b, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	CHECK_ERR(cmp_requeue(8, 1, 9), EAGAIN);
	CHECK_ERR(cmp_requeue(7, 2, 9), EINVAL);
	CHECK_ERR(syscall(SYS_futex, &word_a, FUTEX_WAKE | PRIV, 1), EINVAL);
	moved = cmp_requeue(7, 1, 0);
	CHECK(moved == 1);
	moved = cmp_requeue(7, 1, 9);
	CHECK(moved == 3);
	if (locked) {
		usleep(10000);
		CHECK(got == 0);
		CHECK(futex(&word_b, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	CHECK(got == 4 && (word_b & FUTEX_TID_MASK) == 0);
}

static void handler(int sig)
{
	(void)sig;
}

static void *wait_interrupted(void *arg)
{
	waiting = 1;
	CHECK_ERR(wait_requeue(7, NULL), EAGAIN);
	return arg;
}

static void requeue_ends(void)
{
	struct sigaction sa = {.sa_handler = handler};
	struct timespec to;
	pthread_t th;

	word_a = 7;
	word_b = 0;
	waiting = 0;
	CHECK_ERR(wait_requeue(8, NULL), EAGAIN);
	CHECK_ERR(syscall(SYS_futex, &word_a, FUTEX_WAIT_REQUEUE_PI | PRIV, 7, NULL, &word_a, 0),
		  EINVAL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK_ERR(wait_requeue(7, &to), ETIMEDOUT);
	/* A signal, when it waits for the lock already. */
	sigaction(SIGUSR1, &sa, NULL);
	CHECK(futex(&word_b, FUTEX_LOCK_PI | PRIV, NULL) == 0);
	pthread_create(&th, NULL, wait_interrupted, NULL);
	while (!waiting)
		usleep(1000);
	wait_others_asleep();
	CHECK(cmp_requeue(7, 1, 0) == 1);
	pthread_kill(th, SIGUSR1);
	pthread_join(th, NULL);
	CHECK(futex(&word_b, FUTEX_UNLOCK_PI | PRIV, NULL) == 0);
}

static pthread_mutex_t mutex;
static int counter;

static void *count(void *arg)
{
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		int n = counter;
		if (i % 16 == 0)
			sched_yield();
		counter = n + 1;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void contended(void)
{
	pthread_mutexattr_t attr;
	pthread_t th[8];

	pthread_mutexattr_init(&attr);
	CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutex_init(&mutex, &attr) == 0);
	for (int i = 0; i < 8; i++)
		pthread_create(&th[i], NULL, count, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(th[i], NULL);
	printf("counted %d\n", counter);
}

int main(void)
{
	circle();
	owner_dies();
	robust();
	broadcast(0);
	broadcast(1);
	requeue_ends();
	contended();
	return check_done();
}
