/*
 * futex.c - futex(2) by hand: waiting, waking, moving, operating, priority inheritance, shared and
 * private, and every documented error.
 */
#include "asleep.h"
#include "check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#define PRIV FUTEX_PRIVATE_FLAG

static int one, two;

static long futex(int *addr, int op, uint32_t val, const void *timeout, int *addr2, uint32_t val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static long ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec in_ms(clockid_t clock, long n)
{
	long at = ms(clock) + n;

	return (struct timespec){at / 1000, at % 1000 * 1000000};
}

static void errors(void)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};

	one = 1;
	CHECK_ERR(futex(&one, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 1, &negative, NULL, 0), EINVAL);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 1, (void *)8, NULL, 0), EFAULT);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 1, &zero, NULL, 0), ETIMEDOUT);
	CHECK_ERR(futex((int *)((char *)&one + 1), FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex((int *)((char *)&one + 2), FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex((int *)8, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(NULL, FUTEX_WAIT | PRIV, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex((int *)0xffff800000000000, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(&one, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&one, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&one, 99, 1, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(&one, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(&one, FUTEX_CMP_REQUEUE, 1, (void *)1, &two, 5), EAGAIN);
	CHECK_ERR(futex(&one, FUTEX_CMP_REQUEUE, (uint32_t)-1, (void *)1, &two, 1), EINVAL);
	CHECK_ERR(futex(&one, FUTEX_REQUEUE, 1, (void *)-1L, &two, 0), EINVAL);
	CHECK_ERR(futex(&one, FUTEX_CMP_REQUEUE, 1, (void *)1, (int *)8, 1), EFAULT);
	CHECK(futex(&one, FUTEX_CMP_REQUEUE | PRIV, 1, (void *)1, (int *)8, 1) == 0);
	CHECK_ERR(futex((int *)8, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK(futex((int *)8, FUTEX_WAKE | PRIV, 1, NULL, NULL, 0) == 0);
	CHECK(futex(&one, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	CHECK(futex(&one, FUTEX_WAKE | PRIV, 1000, NULL, NULL, 0) == 0);
}

static void timeouts(void)
{
	struct timespec rel = {0, 20000000}, at;
	long before = ms(CLOCK_MONOTONIC);

	one = 0;
	CHECK_ERR(futex(&one, FUTEX_WAIT | PRIV, 0, &rel, NULL, 0), ETIMEDOUT);
	CHECK(ms(CLOCK_MONOTONIC) - before >= 19);
	at = in_ms(CLOCK_MONOTONIC, 20);
	CHECK_ERR(futex(&one, FUTEX_WAIT_BITSET | PRIV, 0, &at, NULL, 1), ETIMEDOUT);
	CHECK(ms(CLOCK_MONOTONIC) - before >= 38);
	at = in_ms(CLOCK_REALTIME, 20);
	CHECK_ERR(futex(&one, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, NULL, 1),
		  ETIMEDOUT);
	CHECK(ms(CLOCK_REALTIME) >= at.tv_sec * 1000 + at.tv_nsec / 1000000);
	at = in_ms(CLOCK_REALTIME, -1000);
	CHECK_ERR(futex(&one, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, NULL, 1),
		  ETIMEDOUT);
	at.tv_sec = 0;
	CHECK_ERR(futex(&one, FUTEX_WAIT_BITSET, 0, &at, NULL, 1), ETIMEDOUT);
	printf("timeouts done\n");
}

/* Waiters: each waits once and says what it got. */
static int asleep;

struct waiter {
	pthread_t thread;
	int *addr, op;
	uint32_t bits;
	long result;
};

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;

	__atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
	w->result = futex(w->addr, w->op, 0, NULL, NULL, w->bits);
	__atomic_add_fetch(&asleep, -1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void waiters_start(struct waiter *w, int n, int *addr, int op, uint32_t bits)
{
	int before = asleep;

	for (int i = 0; i < n; i++) {
		w[i] = (struct waiter){.addr = addr, .op = op, .bits = bits};
		pthread_create(&w[i].thread, NULL, waiter_main, &w[i]);
	}
	while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) < before + n)
		sched_yield();
	wait_others_asleep(); /* not only on the way */
}

static void waiters_end(struct waiter *w, int n)
{
	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		CHECK(w[i].result == 0);
	}
}

static void waking(void)
{
	struct waiter w[6];

	one = two = 0;
	/* The two kinds never meet. */
	waiters_start(w, 1, &one, FUTEX_WAIT | PRIV, 0);
	CHECK(futex(&one, FUTEX_WAKE, 9, NULL, NULL, 0) == 0);
	CHECK(futex(&one, FUTEX_WAKE | PRIV, 9, NULL, NULL, 0) == 1);
	waiters_end(w, 1);
	waiters_start(w, 1, &one, FUTEX_WAIT, 0);
	CHECK(futex(&one, FUTEX_WAKE | PRIV, 9, NULL, NULL, 0) == 0);
	CHECK(futex(&one, FUTEX_WAKE, 9, NULL, NULL, 0) == 1);
	waiters_end(w, 1);
	waiters_start(w, 4, &one, FUTEX_WAIT | PRIV, 0);
	CHECK(futex(&two, FUTEX_WAKE | PRIV, 9, NULL, NULL, 0) == 0);
	printf("woken %ld", futex(&one, FUTEX_WAKE | PRIV, 1, NULL, NULL, 0));
	printf(" %ld", futex(&one, FUTEX_WAKE | PRIV, 2, NULL, NULL, 0));
	printf(" %ld\n", futex(&one, FUTEX_WAKE | PRIV, 9, NULL, NULL, 0));
	waiters_end(w, 4);

	waiters_start(w, 2, &one, FUTEX_WAIT_BITSET, 1);
	waiters_start(w + 2, 2, &one, FUTEX_WAIT_BITSET, 6);
	waiters_start(w + 4, 1, &one, FUTEX_WAIT, 0);
	printf("by bits %ld", futex(&one, FUTEX_WAKE_BITSET, 9, NULL, NULL, 8));
	printf(" %ld", futex(&one, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4));
	printf(" %ld\n", futex(&one, FUTEX_WAKE, 9, NULL, NULL, 0));
	waiters_end(w, 5);

	waiters_start(w, 5, &one, FUTEX_WAIT, 0);
	printf("requeue %ld", futex(&one, FUTEX_REQUEUE, 1, (void *)1, &two, 0));
	printf(" %ld", futex(&one, FUTEX_CMP_REQUEUE, 1, (void *)1, &two, 0));
	printf(" left %ld", futex(&one, FUTEX_WAKE, 9, NULL, NULL, 0));
	printf(" moved %ld\n", futex(&two, FUTEX_WAKE, 9, NULL, NULL, 0));
	waiters_end(w, 5);
}

static void operating(void)
{
	static const struct {
		int op, arg, start;
	} ops[] = {
	    {FUTEX_OP_SET, 5, 1},
	    {FUTEX_OP_ADD, 5, 1},
	    {FUTEX_OP_ADD, -1 & 0xfff, 1},
	    {FUTEX_OP_OR, 6, 3},
	    {FUTEX_OP_ANDN, 2, 3},
	    {FUTEX_OP_XOR, 7, 3},
	    {FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, 1},
	};
	struct waiter w[2];

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		two = ops[i].start;
		long r = futex(&one, FUTEX_WAKE_OP, 1, (void *)1, &two,
			       FUTEX_OP(ops[i].op, ops[i].arg, FUTEX_OP_CMP_EQ, ops[i].start));
		printf("op %d: %ld, %d\n", ops[i].op, r, two);
	}
	CHECK_ERR(futex(&one, FUTEX_WAKE_OP, 1, (void *)1, &two, FUTEX_OP(7, 0, 0, 0)), ENOSYS);
	CHECK_ERR(futex(&one, FUTEX_WAKE_OP, 1, (void *)1, (int *)8, 0), EFAULT);
	one = two = 0;
	waiters_start(w, 1, &one, FUTEX_WAIT, 0);
	waiters_start(w + 1, 1, &two, FUTEX_WAIT, 0);
	printf("wake both %ld\n", futex(&one, FUTEX_WAKE_OP, 1, (void *)1, &two,
					FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_LT, 1)));
	waiters_end(w, 2);
}

/* Shared by what is mapped, not by the address. */
static void between_processes(void)
{
	int *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int st;

	*a = a[1] = 0;
	pid_t pid = fork();
	if (pid == 0) {
		int *moved =
		    mremap(a, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)a + (1 << 24));
		moved[1] = 1;
		_exit(futex(moved, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : errno);
	}
	while (!__atomic_load_n(&a[1], __ATOMIC_SEQ_CST))
		usleep(1000);
	/* a private wake-up does not reach it */
	usleep(20000);
	CHECK(futex(a, FUTEX_WAKE | PRIV, 1, NULL, NULL, 0) == 0);
	while (futex(a, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
		usleep(1000);
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	munmap(a, 4096);
	printf("shared done\n");
}

static void on_alarm(int sig)
{
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct itimerval it = {{0, 0}, {0, 20000}};
	struct timespec rel = {0, 100000000};

	one = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
	/* with a time-out it is not restarted even if the handler says so */
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERR(futex(&one, FUTEX_WAIT, 0, &rel, NULL, 0), EINTR);
}

static void *pi_owner(void *arg)
{
	CHECK(futex(&one, FUTEX_LOCK_PI | PRIV, 0, NULL, NULL, 0) == 0);
	*(int *)arg = 1;
	usleep(50000);
	CHECK(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0) == 0);
	return NULL;
}

static void inheritance(void)
{
	int tid = syscall(SYS_gettid), locked = 0;
	struct timespec at;
	pthread_t th;

	one = 0;
	CHECK(futex(&one, FUTEX_LOCK_PI | PRIV, 0, NULL, NULL, 0) == 0 && one == tid);
	CHECK_ERR(futex(&one, FUTEX_LOCK_PI | PRIV, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERR(futex(&one, FUTEX_TRYLOCK_PI | PRIV, 0, NULL, NULL, 0), EDEADLK);
	CHECK(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0) == 0 && one == 0);
	CHECK_ERR(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0), EPERM);
	CHECK(futex(&one, FUTEX_TRYLOCK_PI | PRIV, 0, NULL, NULL, 0) == 0 && one == tid);
	CHECK(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0) == 0);
	one = 0x3fffffff; /* nobody has this number */
	CHECK_ERR(futex(&one, FUTEX_LOCK_PI | PRIV, 0, NULL, NULL, 0), ESRCH);

	one = 0;
	pthread_create(&th, NULL, pi_owner, &locked);
	while (!__atomic_load_n(&locked, __ATOMIC_SEQ_CST))
		usleep(1000);
	CHECK_ERR(futex(&one, FUTEX_TRYLOCK_PI | PRIV, 0, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0), EPERM);
	at = in_ms(CLOCK_REALTIME, 10);
	CHECK_ERR(futex(&one, FUTEX_LOCK_PI | PRIV, 0, &at, NULL, 0), ETIMEDOUT);
	CHECK(futex(&one, FUTEX_LOCK_PI | PRIV, 0, NULL, NULL, 0) == 0);
	CHECK((one & FUTEX_TID_MASK) == tid);
	CHECK(futex(&one, FUTEX_UNLOCK_PI | PRIV, 0, NULL, NULL, 0) == 0);
	pthread_join(th, NULL);
	printf("priority inheritance done\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	errors();
	timeouts();
	waking();
	operating();
	between_processes();
	interrupted();
	inheritance();
	return check_done();
}
