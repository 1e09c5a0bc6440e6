/*
 * locks.c - locks that know their owner, used as nobody should: words with garbage in them,
 *circles, owners that are killed, change class, nice value and CPU, and others that do it to them.
 *The scheduler's lists of who lends urgency to whom have to survive it.
 *
 *	locks SEED COUNT
 */
#include "hostile.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#define WORDS	 6
#define THREADS	 5
#define CHILDREN 4 /* at a time */

static uint32_t *words; /* shared with all children */

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void class_set(int class, int priority)
{
	struct sched_param p = {priority};

	sched_setscheduler(0, class, &p);
}

static void lock_call(unsigned *seed)
{
	static const int ops[] = {FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAKE,
				  FUTEX_REQUEUE, FUTEX_WAIT,	  FUTEX_UNLOCK_PI};
	uint32_t *at = &words[(unsigned)rand_r(seed) % WORDS];
	uint32_t *other = &words[(unsigned)rand_r(seed) % WORDS];
	int op = ops[rand_r(seed) % 7];
	struct timespec soon = {0, 1000000};

	if (op == FUTEX_LOCK_PI) {
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec =
		    soon.tv_nsec + 2000000 < 999999999 ? soon.tv_nsec + 2000000 : 999999999;
	}
	syscall(SYS_futex, at, op | (rand_r(seed) % 4 ? 0 : FUTEX_PRIVATE_FLAG),
		op == FUTEX_REQUEUE ? 1 : *at, op == FUTEX_REQUEUE ? (void *)1 : &soon, other, 0);
}

static void mischief(unsigned *seed)
{
	uint32_t *at = &words[(unsigned)rand_r(seed) % WORDS];
	uint64_t mask = 1 + (unsigned)rand_r(seed) % 3;
	int neighbour = getppid() + rand_r(seed) % 10;
	struct attr deadline = {.size = 48, .policy = 6, .runtime = 100000, .deadline = 10000000};

	switch (rand_r(seed) % 40) {
	case 0:
		*at = (uint32_t)rand_r(seed);
		break;
	case 1:
		*at = 0;
		break;
	case 2:
		*at = (uint32_t)neighbour | (rand_r(seed) % 2 ? FUTEX_WAITERS : 0);
		break;
	case 3:
		*at = (uint32_t)syscall(SYS_gettid);
		break;
	case 4:
		class_set(rand_r(seed) % 2 ? SCHED_FIFO : SCHED_RR, 1 + rand_r(seed) % 50);
		break;
	case 5:
		class_set(SCHED_OTHER, 0);
		break;
	case 6:
		setpriority(PRIO_PROCESS, 0, rand_r(seed) % 40 - 20);
		break;
	case 7:
		syscall(SYS_sched_setattr, 0, &deadline, 0);
		break;
	case 8:
		syscall(SYS_sched_setaffinity, 0, 8, &mask);
		break;
	case 9:
		syscall(SYS_sched_setaffinity, neighbour, 8, &mask);
		break;
	case 10:
		setpriority(PRIO_PROCESS, (unsigned)neighbour, rand_r(seed) % 40 - 20);
		break;
	case 11:
		sched_yield();
		break;
	}
}

static void *quarrel(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int rounds = 20 + rand_r(&seed) % 100;

	for (int i = 0; i < rounds; i++) {
		lock_call(&seed);
		mischief(&seed);
	}
	return NULL;
}

static void child(unsigned seed)
{
	pthread_t th[THREADS];

	class_set(SCHED_OTHER, 0);
	alarm(3); /* in case they all wait for each other */
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&th[i], NULL, quarrel, (void *)(uintptr_t)(seed * 10 + i)) != 0)
			_exit(3);
	for (int i = 0; i < THREADS; i++)
		pthread_join(th[i], NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t kids[CHILDREN] = {0};
	unsigned seed;
	int count, started = 0, ended = 0, status;

	require_box();
	if (argc < 3)
		return 97;
	seed = (unsigned)atoi(argv[1]);
	count = atoi(argv[2]);
	words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	meet("ready");
	class_set(SCHED_FIFO, 99); /* no child may keep us from looking */
	while (ended < count) {
		for (int i = 0; i < CHILDREN && started < count; i++) {
			if (kids[i])
				continue;
			started++;
			kids[i] = fork();
			if (kids[i] == 0)
				child(seed + (unsigned)started * 7919);
			if (kids[i] < 0) {
				kids[i] = 0;
				ended++;
			}
		}
		usleep((unsigned)rand_r(&seed) % 40000);
		int k = rand_r(&seed) % CHILDREN;
		if (kids[k] > 0 && rand_r(&seed) % 2)
			kill(kids[k], rand_r(&seed) % 2 ? SIGKILL : SIGTERM);
		for (int i = 0; i < CHILDREN; i++) {
			if (kids[i] > 0 && waitpid(kids[i], &status, WNOHANG) > 0) {
				kids[i] = 0;
				ended++;
			}
		}
	}
	printf("%d children\n", ended);
	meet("done");
	return 0;
}
