/*
 * mqueue.c - POSIX message queues: mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify,
 * mq_getsetattr(2).
 */
#include "check.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "asleep.h"

static char name[40], other[40], buf[8192];

static mqd_t fresh(int flags, long max, long size)
{
	struct mq_attr attr = {.mq_maxmsg = max, .mq_msgsize = size};

	return mq_open(name, O_CREAT | O_EXCL | flags, 0600, &attr);
}

static void get(mqd_t q)
{
	unsigned prio = 77;
	long n;

	memset(buf, 0, sizeof(buf));
	errno = 0;
	n = mq_receive(q, buf, sizeof(buf), &prio);
	printf("get: %ld, prio %u \"%s\" %s\n", n, prio, buf, n < 0 ? strerrorname_np(errno) : "");
}

static int status_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
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

static void opening(void)
{
	struct mq_attr attr = {.mq_maxmsg = 0, .mq_msgsize = 10};
	char text[600] = "/", link[100] = "", path[40], want[60];
	struct stat st;
	mqd_t q;

	CHECK_ERR(mq_open(name, O_RDWR), ENOENT);
	CHECK_ERR(mq_unlink(name), ENOENT);
	CHECK_ERR(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	CHECK_ERR(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, "..", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, (char *)8, O_RDWR, 0600, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, (void *)8), EFAULT);
	memset(text + 1, 'x', 256);
	CHECK_ERR(mq_open(text, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	CHECK_ERR(mq_open(name, O_RDWR | O_CREAT, 0600, &attr), EINVAL);
	attr.mq_maxmsg = 65537;
	CHECK_ERR(mq_open(name, O_RDWR | O_CREAT, 0600, &attr), EINVAL);
	umask(027);
	q = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0666, NULL);
	CHECK(q >= 0);
	CHECK_ERR(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK(fcntl(q, F_GETFD) == FD_CLOEXEC);
	CHECK_OK(mq_getattr(q, &attr));
	printf("default: %ld messages of %ld bytes, flags %lo\n", attr.mq_maxmsg, attr.mq_msgsize,
	       attr.mq_flags);
	CHECK_OK(fstat(q, &st));
	printf("mode %o, size %ld, links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)q);
	CHECK(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, name));
	CHECK_OK(mq_send(q, "hello", 5, 0));
	memset(text, 0, sizeof(text));
	printf("state: %ld bytes\n", (long)read(q, text, sizeof(text)));
	printf("%s", text);
	CHECK_ERR(write(q, "x", 1), EINVAL);
	CHECK_OK(mq_unlink(name));
	CHECK_ERR(mq_open(name, O_RDWR), ENOENT);
	snprintf(want, sizeof(want), "%s (deleted)", name);
	memset(link, 0, sizeof(link));
	CHECK(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, want));
	get(q);
	CHECK_OK(mq_close(q));
	CHECK_ERR(mq_getattr(q, &attr), EBADF);
	CHECK_ERR(mq_getattr(0, &attr), EBADF);
}

static void transfer(void)
{
	struct timespec past = {1, 0}, bad = {0, 1000000000};
	struct mq_attr attr;
	struct pollfd p;
	mqd_t q = fresh(O_RDWR, 4, 100), r = mq_open(name, O_RDONLY), w = mq_open(name, O_WRONLY);

	CHECK(q >= 0 && r >= 0 && w >= 0);
	p = (struct pollfd){q, POLLIN | POLLOUT, 0};
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	CHECK_OK(mq_send(q, "low", 3, 1));
	CHECK_OK(mq_send(q, "high", 4, 32767));
	CHECK_OK(mq_send(w, "low too", 7, 1));
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	CHECK_OK(mq_send(w, "", 0, 5));
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	CHECK_ERR(mq_timedsend(q, "x", 1, 1, &past), ETIMEDOUT);
	CHECK_ERR(mq_timedsend(q, "x", 1, 1, &bad), EINVAL);
	CHECK_ERR(mq_timedsend(q, "x", 1, 1, (void *)8), EFAULT);
	CHECK_ERR(mq_send(q, "x", 1, 32768), EINVAL);
	CHECK_ERR(mq_send(q, buf, 101, 1), EMSGSIZE);
	CHECK_ERR(mq_send(q, (void *)8, 1, 1), EFAULT);
	CHECK_ERR(mq_send(r, "x", 1, 1), EBADF);
	CHECK_ERR(mq_send(0, "x", 1, 1), EBADF);
	CHECK_ERR(mq_receive(w, buf, 100, NULL), EBADF);
	CHECK_ERR(mq_receive(q, buf, 99, NULL), EMSGSIZE);
	attr.mq_flags = O_NONBLOCK;
	CHECK_OK(mq_setattr(q, &attr, NULL));
	CHECK((fcntl(q, F_GETFL) & O_NONBLOCK) && !(fcntl(r, F_GETFL) & O_NONBLOCK));
	CHECK_ERR(mq_send(q, "x", 1, 1), EAGAIN);
	attr.mq_flags = O_APPEND;
	CHECK_ERR(mq_setattr(q, &attr, NULL), EINVAL);
	CHECK_OK(mq_getattr(q, &attr));
	printf("%ld of %ld messages of %ld bytes\n", attr.mq_curmsgs, attr.mq_maxmsg,
	       attr.mq_msgsize);
	for (int i = 0; i < 5; i++)
		get(q);
	CHECK_ERR(mq_timedreceive(r, buf, 100, NULL, &past), ETIMEDOUT);
	CHECK_OK(mq_send(q, "lost", 4, 1));
	CHECK_ERR(mq_receive(q, (void *)8, 100, NULL), EFAULT);
	get(q);
	CHECK_OK(mq_close(q));
	CHECK_OK(mq_close(r));
	CHECK_OK(mq_close(w));
	CHECK_OK(mq_unlink(name));
}

static void handler(int sig)
{
}

static void waiting(void)
{
	struct timespec soon;
	mqd_t q = fresh(O_RDWR, 1, 100);
	pid_t p;

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	CHECK_ERR(mq_timedreceive(q, buf, 100, NULL, &soon), ETIMEDOUT);
	p = SLEEPER(mq_receive(q, buf, 100, NULL));
	CHECK_OK(mq_send(q, "for the child", 13, 3));
	CHECK(status_of(p) == 0);
	CHECK_OK(mq_send(q, "first", 5, 1));
	p = SLEEPER(mq_send(q, "second", 6, 2));
	get(q);
	CHECK(status_of(p) == 0);
	get(q);
	signal(SIGUSR1, SIG_DFL);
	struct sigaction sa = {.sa_handler = handler};
	sigaction(SIGUSR1, &sa, NULL);
	p = SLEEPER(mq_receive(q, buf, 100, NULL));
	kill(p, SIGUSR1);
	printf("signal: %s\n", strerror(WEXITSTATUS(status_of(p))));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	p = SLEEPER(mq_receive(q, buf, 100, NULL));
	kill(p, SIGUSR1);
	CHECK_OK(mq_send(q, "after a restart", 15, 0));
	CHECK(status_of(p) == 0);
	p = SLEEPER(mq_receive(q, buf, 100, NULL));
	CHECK_OK(mq_unlink(name)); /* it goes on without a name */
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK(status_of(p) == 0);
	CHECK_OK(mq_close(q));
}

static volatile siginfo_t told;
static volatile int times_told;

static void on_message(int sig, siginfo_t *info, void *ctx)
{
	told.si_code = info->si_code;
	told.si_value = info->si_value;
	told.si_pid = info->si_pid;
	times_told++;
}

static void notification(void)
{
	struct sigaction sa = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	mqd_t q = fresh(O_RDWR, 4, 100), again;
	pid_t p;

	ev.sigev_value.sival_int = 4711;
	sigaction(SIGUSR2, &sa, NULL);
	CHECK_OK(mq_notify(q, &ev));
	CHECK_ERR(mq_notify(q, &ev), EBUSY);
	CHECK_OK(mq_send(q, "one", 3, 0));
	printf("told %d times: code %d, value %d, %s\n", times_told, told.si_code,
	       told.si_value.sival_int, told.si_pid == getpid() ? "by me" : "by another");
	CHECK_OK(mq_send(q, "two", 3, 0)); /* once only */
	get(q);
	get(q);
	CHECK_OK(mq_send(q, "three", 5, 0));
	CHECK(times_told == 1);
	CHECK_OK(mq_notify(q, &ev)); /* not empty: the next that comes to an empty queue */
	CHECK_OK(mq_send(q, "four", 4, 0));
	CHECK(times_told == 1);
	get(q);
	get(q);
	p = SLEEPER(mq_receive(q, buf, 100, NULL));
	CHECK_OK(mq_send(q, "for who waits", 13, 0));
	CHECK(status_of(p) == 0 && times_told == 1);
	if (fork() == 0) {
		CHECK_ERR(mq_notify(q, &ev), EBUSY);
		CHECK_OK(mq_notify(q, NULL)); /* not ours: nothing */
		CHECK_OK(mq_send(q, "from a child", 12, 0));
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	printf("told %d times: %s\n", times_told, told.si_pid == getpid() ? "by me" : "by another");
	get(q);
	/* taken back, and by closing any descriptor of it */
	CHECK_OK(mq_notify(q, &ev));
	CHECK_OK(mq_notify(q, NULL));
	CHECK_OK(mq_notify(q, &ev));
	again = mq_open(name, O_RDONLY);
	CHECK_OK(mq_close(again));
	ev.sigev_notify = SIGEV_NONE;
	CHECK_OK(mq_notify(q, &ev));
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK(times_told == 2);
	ev.sigev_notify = 99;
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EINVAL);
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = 65;
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EINVAL);
	CHECK_ERR(syscall(SYS_mq_notify, q, (void *)8), EFAULT);
	CHECK_ERR(mq_notify(0, NULL), EBADF);
	CHECK_OK(mq_unlink(name));
	CHECK_OK(mq_close(q));
}

static void limits(void)
{
	struct rlimit small = {1000, 1000};
	char text[32] = "";
	FILE *f = fopen("/proc/sys/fs/mqueue/queues_max", "r");
	mqd_t q;

	CHECK(f && fgets(text, sizeof(text), f));
	printf("queues_max %s", text);
	fclose(f);
	if (fork() == 0) {
		CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &small));
		CHECK_ERR(fresh(O_RDWR, 10, 100), EMFILE);
		q = fresh(O_RDWR, 2, 100);
		CHECK(q >= 0);
		CHECK_OK(mq_unlink(name));
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	umask(0);
	q = mq_open(other, O_CREAT | O_RDWR, 0604, NULL);
	if (fork() == 0) {
		if (geteuid() == 0) {
			CHECK_OK(setgid(1234));
			CHECK_OK(setuid(1234));
			CHECK_ERR(mq_open(other, O_RDWR), EACCES);
			CHECK(mq_open(other, O_RDONLY) >= 0);
			CHECK_ERR(mq_unlink(other), EACCES);
			CHECK_ERR(syscall(SYS_mq_unlink, other + 1), EPERM);
			CHECK_ERR(fresh(O_RDWR, 11, 100), EINVAL);
			CHECK_ERR(fresh(O_RDWR, 1, 8193), EINVAL);
		}
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	CHECK_OK(mq_unlink(other));
	CHECK_OK(mq_close(q));
}

int main(void)
{
	setbuf(stdout, NULL);
	check_host_has(syscall(SYS_mq_unlink, "guest-mqueue-none") == -1 && errno != ENOSYS);
	snprintf(name, sizeof(name), "/guest-mqueue-%d", getpid());
	snprintf(other, sizeof(other), "/guest-mqueue-%d-b", getpid());
	opening();
	transfer();
	waiting();
	notification();
	limits();
	return check_done();
}
