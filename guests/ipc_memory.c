/*
 * ipc_memory.c - what shared segments, semaphores and messages take counts against the box, and
 * comes back when they go.
 *
 * guest-native: no
 * guest-options: --memory 64M
 */
#include "check.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB (1L << 20)

static int ids[40000], n;

/* Is there room for so much? */
static int room(long bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !munmap(p, bytes);
}

static void segments(void)
{
	CHECK_ERR(shmget(IPC_PRIVATE, 70 * MB, 0600), ENOMEM);
	for (n = 0; (ids[n] = shmget(IPC_PRIVATE, 16 * MB, 0600)) >= 0; n++)
		;
	CHECK(errno == ENOMEM && n > 1 && n < 4);
	CHECK(!room(16 * MB));
	char *p = shmat(ids[0], NULL, 0);
	memset(p, 1, 16 * MB);
	while (n > 0)
		CHECK_OK(shmctl(ids[--n], IPC_RMID, NULL));
	CHECK(!room(50 * MB)); /* one is still attached */
	CHECK_OK(shmdt(p));
	CHECK(room(50 * MB));
}

static void semaphores(void)
{
	for (n = 0; n < 40000 && (ids[n] = semget(IPC_PRIVATE, 32000, 0600)) >= 0; n++)
		;
	CHECK(errno == ENOMEM && n < 1000);
	CHECK(!room(16 * MB));
	while (n > 0)
		CHECK_OK(semctl(ids[--n], 0, IPC_RMID));
	CHECK(room(50 * MB));
	/* what is to be undone takes memory, too, and goes with the process */
	for (n = 0; n < 20; n++)
		ids[n] = semget(IPC_PRIVATE, 32000, 0600);
	for (int i = 0; i < 100; i++)
		if (fork() == 0) {
			struct sembuf op = {0, 1, SEM_UNDO};

			for (int k = 0; k < n; k++)
				(void)semop(ids[k], &op, 1);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	CHECK(semctl(ids[0], 0, GETVAL) == 0);
	while (n > 0)
		CHECK_OK(semctl(ids[--n], 0, IPC_RMID));
	CHECK(room(50 * MB));
}

static void messages(void)
{
	static struct {
		long type;
		char text[8192];
	} m = {1, ""};
	int err = 0;

	for (n = 0; n < 32000 && !err; n++) {
		ids[n] = msgget(IPC_PRIVATE, 0600);
		for (errno = 0; !err && !msgsnd(ids[n], &m, n ? 8192 : 0, IPC_NOWAIT);)
			;
		err = errno == EAGAIN ? 0 : errno;
	}
	CHECK(err == ENOMEM);
	CHECK(!room(16 * MB));
	while (n > 0)
		CHECK_OK(msgctl(ids[--n], IPC_RMID, NULL));
	CHECK(room(50 * MB));
}

static void queues(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 16 * MB};
	mqd_t q;
	char *text;

	if (setrlimit(RLIMIT_MSGQUEUE, &all))
		return; /* not root */
	q = mq_open("/large", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);
	text = mmap(NULL, 16 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q >= 0 && text != MAP_FAILED);
	for (n = 0; !mq_send(q, text, 16 * MB, 0); n++)
		;
	CHECK(errno == ENOMEM && n > 0 && n < 4);
	CHECK_OK(munmap(text, 16 * MB));
	CHECK_OK(mq_unlink("/large"));
	CHECK_OK(mq_close(q));
	CHECK(room(50 * MB));
}

int main(void)
{
	CHECK(room(50 * MB));
	segments();
	semaphores();
	messages();
	queues();
	return check_done();
}
