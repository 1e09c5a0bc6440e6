/*
 * storm.c - eight threads that change everything that may be asked of a scheduler, of themselves
 * and of each other, and wait for each other's PI locks, for so many milliseconds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define LOCKS	4

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static pthread_mutex_t lock[LOCKS];
static volatile int stop;
static volatile pid_t tids[THREADS];

static void set_policy(pid_t who, int policy, int priority)
{
	struct sched_param p = {.sched_priority = priority};

	sched_setscheduler(who, policy, &p);
}

static void set_attr(pid_t who, unsigned *s)
{
	uint64_t period = 1000000 + (uint64_t)rand_r(s) % 20000000;
	struct attr a = {.size = 48, .nice = rand_r(s) % 40 - 20, .runtime = (uint64_t)rand_r(s)};

	if (rand_r(s) % 2)
		a = (struct attr){.size = 48,
				  .policy = 6,
				  .runtime = 1024 + period / (4 + (uint64_t)rand_r(s) % 40),
				  .deadline = period,
				  .period = period};
	syscall(SYS_sched_setattr, who, &a, 0);
}

static void use_locks(unsigned *s)
{
	int i = rand_r(s) % LOCKS, j = i + 1 + rand_r(s) % 3;

	pthread_mutex_lock(&lock[i]);
	if (j < LOCKS)
		pthread_mutex_lock(&lock[j]);
	for (volatile int k = 0; k < 20000; k++)
		;
	if (j < LOCKS)
		pthread_mutex_unlock(&lock[j]);
	pthread_mutex_unlock(&lock[i]);
}

static void set_cpus(pid_t who, unsigned *s)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(rand_r(s) % 2, &set);
	CPU_SET(rand_r(s) % 2, &set);
	sched_setaffinity(who, sizeof(set), &set);
}

static void one(unsigned *s)
{
	static const int ordinary[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};
	pid_t who = rand_r(s) % 3 ? 0 : tids[rand_r(s) % THREADS];
	struct timespec nap = {0, rand_r(s) % 3000000};

	switch (rand_r(s) % 8) {
	case 0:
		setpriority(PRIO_PROCESS, (id_t)who, rand_r(s) % 40 - 20);
		break;
	case 1:
		sched_yield();
		break;
	case 2:
		nanosleep(&nap, NULL);
		break;
	case 3:
		set_policy(who, rand_r(s) % 2 ? SCHED_FIFO : SCHED_RR, 1 + rand_r(s) % 99);
		break;
	case 4:
		set_policy(who, ordinary[rand_r(s) % 3], 0);
		break;
	case 5:
		set_attr(who, s);
		break;
	case 6:
		set_cpus(who, s);
		break;
	default:
		use_locks(s);
	}
}

static void *storm(void *arg)
{
	unsigned s = (unsigned)(uintptr_t)arg;

	tids[s % THREADS] = (pid_t)syscall(SYS_gettid);
	while (!stop)
		one(&s);
	return NULL;
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 300;
	pthread_mutexattr_t a;
	pthread_t t[THREADS];

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&lock[i], &a);
	set_policy(0, SCHED_FIFO, 99);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, storm, (void *)i);
	for (; ms > 0; ms -= 20) {
		struct timespec nap = {0, 20000000};

		if (fork() == 0)
			_exit(0);
		nanosleep(&nap, NULL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	puts("over");
	return 0;
}
