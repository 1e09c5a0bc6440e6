/*
 * sysv_msg.c - System V message queues: msgget, msgsnd, msgrcv, msgctl(2).
 */
#include "check.h"

#include <limits.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asleep.h"

struct message {
	long type;
	char text[8200];
};
static struct message m;

static int put(int id, long type, const char *text, int flags)
{
	m.type = type;
	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

static void get(int id, long type, int flags)
{
	memset(&m, 0, sizeof(m));
	errno = 0;
	long n = msgrcv(id, &m, 100, type, flags);

	printf("get %ld: %ld, %ld \"%s\" %s\n", type, n, m.type, m.text,
	       n < 0 ? strerrorname_np(errno) : "");
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

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
	key_t key = ftok(name, 9);
	int id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);

	CHECK(fd >= 0 && key != -1 && id >= 0);
	CHECK(msgget(key, 0) == id && msgget(key, IPC_CREAT | 0600) == id);
	CHECK_ERR(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
	CHECK_ERR(msgget(key, 0), ENOENT);
	CHECK_ERR(msgctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(put(id, 1, "x", 0), EINVAL);
	CHECK_ERR(msgrcv(id, &m, 1, 0, 0), EINVAL);
	CHECK_ERR(msgrcv(-1, &m, 1, 0, 0), EINVAL);
	close(fd);
	unlink(name);
}

static void types(int id)
{
	CHECK_OK(put(id, 3, "three", 0));
	CHECK_OK(put(id, 1, "one", 0));
	CHECK_OK(put(id, 2, "two", 0));
	CHECK_OK(put(id, 1, "another one", 0));
	CHECK_OK(put(id, 5, "", 0));
	get(id, 4, IPC_NOWAIT);
	get(id, -2, 0);
	get(id, -2, 0);
	get(id, 3, MSG_EXCEPT);
	get(id, 0, 0);
	get(id, -LONG_MAX - 1, 0);
	get(id, 0, IPC_NOWAIT);
	CHECK_ERR(put(id, 0, "x", 0), EINVAL);
	CHECK_ERR(put(id, -1, "x", 0), EINVAL);
	CHECK_ERR(msgsnd(id, &m, 8193, 0), EINVAL);
	CHECK_ERR(msgsnd(id, &m, -1L, 0), EINVAL);
	CHECK_ERR(msgsnd(id, (void *)8, 1, 0), EFAULT);
	CHECK_ERR(msgrcv(id, &m, -1L, 0, IPC_NOWAIT), EINVAL);
	CHECK_OK(put(id, 7, "too long", 0));
	CHECK_ERR(msgrcv(id, &m, 3, 0, 0), E2BIG);
	memset(&m, 0, sizeof(m));
	CHECK(msgrcv(id, &m, 3, 0, MSG_NOERROR) == 3);
	printf("cut: \"%s\"\n", m.text);
	CHECK_OK(put(id, 7, "lost", 0));
	CHECK_ERR(msgrcv(id, (void *)8, 100, 0, 0), EFAULT);
	CHECK_ERR(msgrcv(id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
}

static void copies(int id)
{
	CHECK_OK(put(id, 1, "first", 0));
	CHECK_OK(put(id, 2, "second", 0));
	get(id, 1, 040000 /* MSG_COPY */ | IPC_NOWAIT);
	get(id, 2, 040000 | IPC_NOWAIT);
	CHECK_ERR(msgrcv(id, &m, 100, 0, 040000), EINVAL);
	CHECK_ERR(msgrcv(id, &m, 100, 0, 040000 | IPC_NOWAIT | MSG_EXCEPT), EINVAL);
	CHECK_ERR(msgrcv(id, &m, 3, 0, 040000 | IPC_NOWAIT), E2BIG);
	CHECK_ERR(msgrcv(id, &m, 3, 0, 040000 | IPC_NOWAIT | MSG_NOERROR), EINVAL);
	get(id, 0, 0);
	get(id, 0, 0);
}

static void handler(int sig)
{
}

static void waiting(int id)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct msqid_ds ds;
	pid_t p, q;

	p = SLEEPER(msgrcv(id, &m, 100, 2, 0));
	q = SLEEPER(msgrcv(id, &m, 1, 3, 0));
	CHECK_OK(put(id, 1, "for nobody", 0));
	CHECK_OK(put(id, 2, "for one", 0));
	CHECK(status_of(p) == 0);
	CHECK_OK(put(id, 3, "too long for the other", 0));
	printf("receiver: %s\n", strerror(WEXITSTATUS(status_of(q))));
	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	printf("messages %lu, bytes %lu\n", ds.msg_qnum, ds.__msg_cbytes);
	get(id, 0, 0);
	get(id, 0, 0);

	/* full */
	memset(m.text, 'x', 8192);
	m.type = 1;
	CHECK_OK(msgsnd(id, &m, 8192, 0));
	CHECK_OK(msgsnd(id, &m, 8192, 0));
	CHECK_ERR(put(id, 1, "x", IPC_NOWAIT), EAGAIN);
	CHECK_OK(put(id, 1, "", 0));
	p = SLEEPER(put(id, 9, "had to wait", 0));
	CHECK(msgrcv(id, &m, 8192, 0, 0) == 8192);
	CHECK(status_of(p) == 0);
	get(id, 9, 0);
	get(id, 1, MSG_NOERROR);
	get(id, 1, 0);

	/* signals: no restart behind a handler, even with SA_RESTART */
	sigaction(SIGUSR1, &sa, NULL);
	p = SLEEPER(msgrcv(id, &m, 100, 0, 0));
	kill(p, SIGUSR1);
	printf("signal: %s\n", strerror(WEXITSTATUS(status_of(p))));
	p = SLEEPER(msgrcv(id, &m, 100, 0, 0));
	kill(p, SIGSTOP);
	waitpid(p, NULL, WUNTRACED);
	kill(p, SIGCONT);
	CHECK_OK(put(id, 1, "after a stop", 0));
	CHECK(status_of(p) == 0);
	p = SLEEPER(msgrcv(id, &m, 100, 0, 0));
	kill(p, SIGKILL);
	CHECK(WTERMSIG(status_of(p)) == SIGKILL);

	/* the limit grows, and the queue goes */
	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 4;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	CHECK_OK(put(id, 1, "1234", 0));
	p = SLEEPER(put(id, 2, "56", 0));
	ds.msg_qbytes = 100;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	CHECK(status_of(p) == 0);
	ds.msg_qbytes = 6;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	p = SLEEPER(put(id, 2, "78", 0));
	q = SLEEPER(msgrcv(id, &m, 100, 77, 0));
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
	printf("sender: %s\n", strerror(WEXITSTATUS(status_of(p))));
	printf("receiver: %s\n", strerror(WEXITSTATUS(status_of(q))));
}

static void show_state(void)
{
	int id = msgget(IPC_PRIVATE, 0640), found = 0;
	struct msqid_ds ds;
	struct msginfo info;
	char line[512];
	FILE *f = fopen("/proc/sysvipc/msg", "r");

	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	printf("mode %o, limit %lu, lspid %d, stime %ld\n", ds.msg_perm.mode, ds.msg_qbytes,
	       ds.msg_lspid, (long)ds.msg_stime);
	CHECK(ds.msg_ctime != 0 && ds.msg_perm.cuid == geteuid());
	CHECK_OK(put(id, 1, "x", 0));
	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	CHECK(ds.msg_lspid == getpid() && ds.msg_lrpid == 0 && ds.msg_stime != 0);
	CHECK(msgctl(0, MSG_INFO, (void *)&info) >= (id & 32767));
	CHECK(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 1);
	CHECK(msgctl(0, IPC_INFO, (void *)&info) >= 0);
	printf("msgmax %d, msgmnb %d, msgmni %d, msgssz %d, msgpool %d, msgseg %d\n", info.msgmax,
	       info.msgmnb, info.msgmni, info.msgssz, info.msgpool, info.msgseg);
	CHECK(msgctl(id & 32767, MSG_STAT, &ds) == id);
	CHECK_ERR(msgctl(id, IPC_STAT, (void *)8), EFAULT);
	CHECK_ERR(msgctl(id, IPC_SET, (void *)8), EFAULT);
	CHECK_ERR(msgctl(id, 12345, NULL), EINVAL);
	while (f && fgets(line, sizeof(line), f)) {
		int key, got;

		if (sscanf(line, "%d %d", &key, &got) == 2 && got == id)
			found++;
		else if (strstr(line, "key"))
			fputs(line, stdout);
	}
	fclose(f);
	printf("listed %d times\n", found);
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

/* For root: another user's eyes. */
static void permissions(void)
{
	int id = msgget(IPC_PRIVATE, 0604);
	struct msqid_ds ds;

	if (fork() == 0) {
		if (geteuid() == 0) {
			CHECK_OK(setgid(1234));
			CHECK_OK(setuid(1234));
			CHECK_ERR(put(id, 1, "x", 0), EACCES);
			CHECK_ERR(msgrcv(id, &m, 1, 0, IPC_NOWAIT), ENOMSG);
			CHECK_OK(msgctl(id, IPC_STAT, &ds));
			CHECK_ERR(msgctl(id, IPC_SET, &ds), EPERM);
			CHECK_ERR(msgctl(id, IPC_RMID, NULL), EPERM);
		}
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

int main(void)
{
	int id;

	setbuf(stdout, NULL);
	check_host_has(msgget(1, 0) != -1 || errno != ENOSYS);
	get_calls();
	id = msgget(IPC_PRIVATE, 0600);
	types(id);
	copies(id);
	waiting(id);
	show_state();
	permissions();
	return check_done();
}
