/*
 * sysv_sem.c - System V semaphores: semget, semop, semtimedop, semctl(2), what is undone at exit.
 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "asleep.h"

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* glibc's semop() is semtimedop(2). */
static int op(int id, int num, int n, int flags)
{
	struct sembuf s = {num, n, flags};

	return syscall(SYS_semop, id, &s, 1);
}

static int value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* A child that does what, asleep in it when this returns. */
#define SLEEPER(what)                                                                              \
	({                                                                                         \
		pid_t pid_ = fork();                                                               \
		if (!pid_) {                                                                       \
			errno = 0;                                                                 \
			(void)!(what);                                                             \
			_exit(errno);                                                              \
		}                                                                                  \
		wait_asleep(pid_);                                                                 \
		pid_;                                                                              \
	})

static void get_calls(void)
{
	char name[] = "keyXXXXXX";
	int fd = mkstemp(name);
	key_t key = ftok(name, 7);
	int id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0640);

	CHECK(fd >= 0 && key != -1 && id >= 0);
	CHECK(semget(key, 0, 0) == id && semget(key, 2, 0640) == id);
	CHECK_ERR(semget(key, 4, 0), EINVAL);
	CHECK_ERR(semget(key, 3, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	CHECK_OK(semctl(id, 0, IPC_RMID));
	CHECK_ERR(semget(key, 3, 0), ENOENT);
	CHECK_ERR(semctl(id, 0, IPC_RMID), EINVAL);
	CHECK_ERR(op(id, 0, 1, 0), EINVAL);
	CHECK_ERR(op(-1, 0, 1, 0), EINVAL);
	close(fd);
	unlink(name);
}

static void values(int id)
{
	unsigned short all[3] = {5, 0, 32767};
	union arg a = {.array = all};
	struct sembuf many[501] = {{0, 1, 0}};

	CHECK_OK(semctl(id, 0, SETALL, a));
	CHECK(value(id, 0) == 5 && value(id, 2) == 32767);
	CHECK(semctl(id, 0, GETPID) == getpid());
	CHECK_ERR(op(id, 2, 1, 0), ERANGE);
	CHECK_ERR(op(id, 0, -6, IPC_NOWAIT), EAGAIN);
	CHECK_ERR(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	CHECK_ERR(op(id, 3, 1, 0), EFBIG);
	CHECK_ERR(semop(id, many, 0), EINVAL);
	CHECK_ERR(semop(id, many, 501), E2BIG);
	CHECK_ERR(semop(id, (void *)8, 1), EFAULT);
	CHECK_OK(op(id, 0, -5, 0));
	CHECK_OK(op(id, 0, 0, 0));
	/* all or none */
	struct sembuf three[] = {{0, 2, 0}, {1, 0, 0}, {2, 1, 0}};
	CHECK_ERR(semop(id, three, 3), ERANGE);
	CHECK(value(id, 0) == 0);
	struct sembuf twice[] = {{1, 4, 0}, {1, -4, 0}, {1, 0, 0}, {0, 1, 0}};
	CHECK_OK(semop(id, twice, 4));
	CHECK(value(id, 0) == 1 && value(id, 1) == 0);
	a.val = 32768;
	CHECK_ERR(semctl(id, 0, SETVAL, a), ERANGE);
	a.val = 7;
	CHECK_ERR(semctl(id, 3, SETVAL, a), EINVAL);
	CHECK_OK(semctl(id, 1, SETVAL, a));
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, 0, 12345), EINVAL);
	all[0] = 40000;
	a.array = all;
	CHECK_ERR(semctl(id, 0, SETALL, a), ERANGE);
	a.array = (void *)8;
	CHECK_ERR(semctl(id, 0, GETALL, a), EFAULT);
	memset(all, 0, sizeof(all));
	a.array = all;
	CHECK_OK(semctl(id, 0, GETALL, a));
	printf("values %d %d %d\n", all[0], all[1], all[2]);
}

static void handler(int sig)
{
}

static void waiting(int id)
{
	unsigned short zero[3] = {0};
	union arg a = {.array = zero};
	struct timespec ts = {0, 20000000}, bad = {0, -1};
	struct sembuf s = {0, -1, 0};
	pid_t p, q, r;

	CHECK_OK(semctl(id, 0, SETALL, a));
	CHECK_ERR(semtimedop(id, &s, 1, &ts), EAGAIN);
	CHECK_ERR(semtimedop(id, &s, 1, &bad), EINVAL);
	CHECK_ERR(semtimedop(id, &s, 1, (void *)8), EFAULT);
	p = SLEEPER(op(id, 0, -2, 0));
	q = SLEEPER(op(id, 0, -1, 0));
	printf("waiters %d, for zero %d\n", semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT));
	CHECK_OK(op(id, 0, 1, 0)); /* enough for the second only */
	CHECK(status_of(q) == 0 && value(id, 0) == 0);
	CHECK_OK(op(id, 0, 2, 0));
	CHECK(status_of(p) == 0 && value(id, 0) == 0);

	/* who waits for zero goes first, then the oldest */
	CHECK_OK(op(id, 1, 1, 0));
	p = SLEEPER(op(id, 1, 0, 0));
	printf("waiters %d, for zero %d\n", semctl(id, 1, GETNCNT), semctl(id, 1, GETZCNT));
	CHECK_OK(op(id, 1, -1, 0));
	CHECK(status_of(p) == 0);

	/* one that needs two */
	struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};
	p = SLEEPER(semop(id, both, 2));
	CHECK_OK(op(id, 0, 1, 0));
	printf("waiters on the first %d, the second %d\n", semctl(id, 0, GETNCNT),
	       semctl(id, 1, GETNCNT));
	CHECK_OK(op(id, 1, 1, 0));
	CHECK(status_of(p) == 0 && value(id, 0) == 0 && value(id, 1) == 0);

	/* a signal; no restart, whatever the handler's flags */
	signal(SIGUSR1, handler);
	p = SLEEPER(op(id, 0, -1, 0));
	kill(p, SIGUSR1);
	printf("signal: %s\n", strerror(WEXITSTATUS(status_of(p))));
	p = SLEEPER(op(id, 0, -1, 0));
	kill(p, SIGKILL);
	CHECK(WTERMSIG(status_of(p)) == SIGKILL);
	CHECK(semctl(id, 0, GETNCNT) == 0);

	/* the values are set */
	p = SLEEPER(op(id, 0, -1, 0));
	q = SLEEPER(op(id, 1, -1, 0));
	r = SLEEPER(op(id, 2, -1, 0));
	a.val = 1;
	CHECK_OK(semctl(id, 0, SETVAL, a));
	CHECK(status_of(p) == 0);
	zero[1] = 1;
	a.array = zero;
	CHECK_OK(semctl(id, 0, SETALL, a));
	CHECK(status_of(q) == 0);
	CHECK_OK(semctl(id, 0, IPC_RMID));
	printf("removed: %s\n", strerror(WEXITSTATUS(status_of(r))));
}

static void *leave(void *arg)
{
	return (void *)(long)op(*(int *)arg, 0, -1, SEM_UNDO);
}

static void undo(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	union arg a = {.val = 3};
	pthread_t th;
	pid_t p, q;

	CHECK_OK(semctl(id, 0, SETVAL, a));
	if (fork() == 0) {
		CHECK_OK(op(id, 0, -2, SEM_UNDO));
		CHECK_OK(op(id, 1, 5, SEM_UNDO));
		CHECK_OK(op(id, 1, -4, 0)); /* cannot all be taken back */
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	printf("undone: %d %d\n", value(id, 0), value(id, 1));
	/* a child that waits is freed by another's end */
	CHECK_OK(op(id, 0, -3, 0));
	a.val = 1;
	CHECK_OK(semctl(id, 0, SETVAL, a));
	if ((q = fork()) == 0) {
		CHECK_OK(op(id, 0, -1, SEM_UNDO));
		pause();
	}
	wait_asleep(q);
	p = SLEEPER(op(id, 0, -1, 0));
	kill(q, SIGKILL);
	CHECK(WTERMSIG(status_of(q)) == SIGKILL);
	CHECK(status_of(p) == 0);
	/* threads share what is to be undone: one's end is not enough */
	CHECK_OK(semctl(id, 0, SETVAL, a));
	CHECK(!pthread_create(&th, NULL, leave, &id) && !pthread_join(th, NULL));
	printf("after a thread: %d\n", value(id, 0));
	CHECK_OK(unshare(CLONE_SYSVSEM));
	printf("after unshare: %d\n", value(id, 0));
	/* setting the value forgets it */
	if (fork() == 0) {
		CHECK_OK(op(id, 0, -1, SEM_UNDO));
		a.val = 9;
		CHECK_OK(semctl(id, 0, SETVAL, a));
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	printf("after SETVAL: %d\n", value(id, 0));
	/* it survives execve */
	if (fork() == 0) {
		op(id, 0, -4, SEM_UNDO);
		execl("/proc/self/exe", "sysv_sem", "exec", NULL);
		_exit(1);
	}
	CHECK(status_of(-1) == 0);
	printf("after execve and exit: %d\n", value(id, 0));
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static void show_state(void)
{
	int id = semget(IPC_PRIVATE, 2, 0640);
	struct semid_ds ds;
	struct seminfo info;
	union arg a = {.buf = &ds}, i = {.info = &info};
	char line[256], limits[64] = "";
	FILE *f = fopen("/proc/sysvipc/sem", "r");
	int found = 0;

	CHECK_OK(semctl(id, 0, IPC_STAT, a));
	CHECK(ds.sem_otime == 0 && ds.sem_ctime != 0 && ds.sem_nsems == 2);
	CHECK(ds.sem_perm.uid == geteuid() && ds.sem_perm.cgid == getegid());
	printf("mode %o\n", ds.sem_perm.mode);
	CHECK_OK(op(id, 1, 1, 0));
	ds.sem_perm.mode = 0604;
	CHECK_OK(semctl(id, 0, IPC_SET, a));
	CHECK_OK(semctl(id, 0, IPC_STAT, a));
	CHECK(ds.sem_otime != 0);
	printf("mode %o\n", ds.sem_perm.mode);
	a.buf = (void *)8;
	CHECK_ERR(semctl(id, 0, IPC_STAT, a), EFAULT);
	CHECK(semctl(0, 0, IPC_INFO, i) >= 0);
	printf("semmsl %d, semopm %d, semvmx %d, semusz %d, semaem %d\n", info.semmsl, info.semopm,
	       info.semvmx, info.semusz, info.semaem);
	CHECK(semctl(0, 0, SEM_INFO, i) >= (id & 32767));
	CHECK(info.semusz >= 1 && info.semaem >= 2);
	a.buf = &ds;
	CHECK(semctl(id & 32767, 0, SEM_STAT, a) == id);
	while (fgets(line, sizeof(line), f)) {
		int key, got;

		if (sscanf(line, "%d %d", &key, &got) == 2 && got == id)
			found++;
		else if (strstr(line, "key"))
			fputs(line, stdout);
	}
	fclose(f);
	printf("listed %d times\n", found);
	f = fopen("/proc/sys/kernel/sem", "r");
	CHECK(f && fgets(limits, sizeof(limits), f));
	fclose(f);
	printf("sem: %s", limits);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

/* For root: another user's eyes. */
static void permissions(void)
{
	int id = semget(IPC_PRIVATE, 1, 0604);
	struct semid_ds ds;
	union arg a = {.buf = &ds};

	if (fork() == 0) {
		if (geteuid() == 0) {
			CHECK_OK(setgid(1234));
			CHECK_OK(setuid(1234));
			CHECK(value(id, 0) == 0);
			CHECK_ERR(op(id, 0, 1, 0), EACCES);
			a.val = 1;
			CHECK_ERR(semctl(id, 0, SETVAL, a), EACCES);
			CHECK_ERR(semctl(id, 0, IPC_RMID), EPERM);
			a.buf = &ds;
			CHECK_OK(semctl(id, 0, IPC_STAT, a));
			CHECK_ERR(semctl(id, 0, IPC_SET, a), EPERM);
		}
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

int main(int argc, char **argv)
{
	int id;

	if (argc > 1)
		return 0;
	setbuf(stdout, NULL);
	check_host_has(semget(IPC_PRIVATE, -1, 0) != -1 || errno != ENOSYS);
	get_calls();
	id = semget(IPC_PRIVATE, 3, 0600);
	CHECK(id >= 0);
	values(id);
	waiting(id);
	undo();
	show_state();
	permissions();
	return check_done();
}
