/*
 * threads.c - threads as the C libraries make them: start, join, locks of every kind, what happens
 * to all when one exits, execs, faults or is killed; robust locks (get_robust_list(2)).
 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N 8

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void *identity(void *arg)
{
	static __thread int mine;

	mine = (int)(intptr_t)arg;
	sched_yield();
	CHECK(mine == (int)(intptr_t)arg);
	CHECK(syscall(SYS_gettid) != getpid());
	return arg;
}

static void start_and_join(void)
{
	pthread_t th[N];
	long sum = 0;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < N; i++)
			CHECK_OK(pthread_create(&th[i], NULL, identity, (void *)(intptr_t)i));
		for (int i = 0; i < N; i++) {
			void *r;
			CHECK_OK(pthread_join(th[i], &r));
			sum += (intptr_t)r;
		}
	}
	printf("joined %ld\n", sum);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static long counter, other_counter, turn;

static void *contend(void *arg)
{
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (i % 100 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
		pthread_rwlock_wrlock(&rwlock);
		other_counter++;
		pthread_rwlock_unlock(&rwlock);
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void *take_turns(void *arg)
{
	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % N != (intptr_t)arg)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
		pthread_barrier_wait(&barrier);
	}
	sem_post(&sem);
	return NULL;
}

static void locks(void)
{
	pthread_t th[N];
	struct timespec ts;

	for (int i = 0; i < N; i++)
		pthread_create(&th[i], NULL, contend, NULL);
	for (int i = 0; i < N; i++)
		pthread_join(th[i], NULL);
	printf("counted %ld %ld\n", counter, other_counter);
	pthread_barrier_init(&barrier, NULL, N);
	sem_init(&sem, 0, 0);
	for (int i = 0; i < N; i++)
		pthread_create(&th[i], NULL, take_turns, (void *)(intptr_t)i);
	for (int i = 0; i < N; i++)
		sem_wait(&sem);
	for (int i = 0; i < N; i++)
		pthread_join(th[i], NULL);
	printf("turns %ld\n", turn);
	clock_gettime(CLOCK_REALTIME, &ts);
	CHECK_ERR(sem_timedwait(&sem, &ts), ETIMEDOUT);
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static void *spin(void *arg)
{
	for (volatile int go = 1; go;)
		;
	return NULL;
}

static void *sleep_forever(void *arg)
{
	while (pause())
		;
	return NULL;
}

static void *exit_seven(void *arg)
{
	exit(7);
}

static void *fault(void *arg)
{
	*(volatile int *)8 = 1;
	return NULL;
}

static char *self;

static void *exec_self(void *arg)
{
	execl(self, self, "exec", NULL);
	return NULL;
}

/* The main thread does act, beside a spinning, a sleeping and a helper thread. */
static int end_by(void *(*helper)(void *), void (*act)(void))
{
	pthread_t th;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_create(&th, NULL, spin, NULL);
		pthread_create(&th, NULL, sleep_forever, NULL);
		usleep(5000);
		if (helper)
			pthread_create(&th, NULL, helper, NULL);
		act();
		_exit(1);
	}
	return status_of(pid);
}

static void act_exit(void)
{
	_exit(4);
}

static void act_leave(void)
{
	pthread_exit(NULL);
}

static void act_pause(void)
{
	for (;;)
		pause();
}

static void act_kill(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void act_exec(void)
{
	exec_self(NULL);
}

static void ends(void)
{
	printf("main exits: %#x\n", end_by(NULL, act_exit));
	printf("a thread exits: %#x\n", end_by(exit_seven, act_pause));
	printf("main has left, a thread exits: %#x\n", end_by(exit_seven, act_leave));
	printf("a thread faults: %#x\n", end_by(fault, act_pause) & 0x7f);
	printf("main is killed: %#x\n", end_by(NULL, act_kill));
	printf("main execs: %#x\n", end_by(NULL, act_exec));
	printf("a thread execs: %#x\n", end_by(exec_self, act_pause));
	printf("main has left, a thread execs: %#x\n", end_by(exec_self, act_leave));
}

static pthread_mutex_t robust;

static void *die_with_lock(void *arg)
{
	pthread_mutex_lock(&robust);
	return NULL;
}

static void robust_locks(void)
{
	pthread_mutexattr_t attr;
	pthread_t th;
	void *head = NULL;
	size_t len = 0;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	CHECK_OK(pthread_mutex_init(&robust, &attr));
	pthread_create(&th, NULL, die_with_lock, NULL);
	pthread_join(th, NULL);
	CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
	CHECK_OK(pthread_mutex_consistent(&robust));
	CHECK_OK(pthread_mutex_unlock(&robust));
	CHECK_OK(pthread_mutex_lock(&robust));
	CHECK_OK(pthread_mutex_unlock(&robust));

	CHECK_ERR(syscall(SYS_set_robust_list, &head, 8), EINVAL);
	CHECK_OK(syscall(SYS_get_robust_list, 0, &head, &len));
	CHECK(head != NULL && len == 24);
	CHECK_OK(syscall(SYS_set_robust_list, head, 24));
	CHECK_ERR(syscall(SYS_get_robust_list, 0x3fffffff, &head, &len), ESRCH);
	CHECK_ERR(syscall(SYS_get_robust_list, 0, 8, &len), EFAULT);
	CHECK_ERR(syscall(SYS_get_robust_list, 0, &head, 8), EFAULT);
	/* a list that leads nowhere, and one without end, harm nobody */
	pid_t pid = fork();
	if (pid == 0) {
		static struct {
			void *next;
			long offset;
			void *pending;
		} bad = {(void *)8, 0, (void *)16}, loop = {&bad, 0, NULL};
		void *ring[2] = {ring, NULL};

		syscall(SYS_set_robust_list, &bad, 24);
		if (fork() == 0) {
			loop.next = ring;
			syscall(SYS_set_robust_list, &loop, 24);
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	CHECK(status_of(pid) == 0);
	printf("robust done\n");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		_exit(syscall(SYS_gettid) == getpid() ? 9 : 1);
	self = argv[0];
	setvbuf(stdout, NULL, _IONBF, 0);
	start_and_join();
	locks();
	ends();
	robust_locks();
	return check_done();
}
