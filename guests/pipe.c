/*
 * pipe.c - pipe(2), pipe2(2): data, end of file, blocking, atomic writes, sizes, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t got_sigpipe;
static char big[1 << 20];

static void on_signal(int sig)
{
	got_sigpipe = sig;
}

static void basics(void)
{
	int fd[2], n;
	char buf[16] = "";
	struct stat st;

	CHECK_OK(syscall(SYS_pipe, fd)); /* libc's is pipe2 */
	CHECK(write(fd[1], "hello", 5) == 5);
	CHECK_OK(ioctl(fd[0], FIONREAD, &n));
	CHECK(n == 5);
	CHECK(read(fd[0], buf, 3) == 3 && memcmp(buf, "hel", 3) == 0);
	CHECK(read(fd[0], buf, sizeof(buf)) == 2);
	CHECK_OK(fstat(fd[0], &st));
	CHECK(S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600);
	CHECK((fcntl(fd[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK((fcntl(fd[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
	CHECK_ERR(lseek(fd[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pread(fd[0], buf, 1, 0), ESPIPE);
	CHECK_ERR(write(fd[0], "x", 1), EBADF);
	CHECK_ERR(read(fd[1], buf, 1), EBADF);
	CHECK_ERR(ftruncate(fd[1], 0), EINVAL);
	CHECK(write(fd[1], "ab", 2) == 2);
	close(fd[1]);
	CHECK(read(fd[0], buf, sizeof(buf)) == 2);
	CHECK(read(fd[0], buf, sizeof(buf)) == 0);
	CHECK(read(fd[0], buf, 0) == 0);
	close(fd[0]);
}

static void errors(void)
{
	int fd[2];

	CHECK_ERR(pipe((int *)8), EFAULT);
	CHECK_ERR(syscall(SYS_pipe2, fd, 0x1), EINVAL);
	CHECK_OK(pipe2(fd, O_CLOEXEC | O_NONBLOCK));
	CHECK(fcntl(fd[0], F_GETFD) == FD_CLOEXEC && fcntl(fd[1], F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERR(read(fd[0], big, 1), EAGAIN);
	CHECK_ERR(read(fd[0], (void *)8, 1), EAGAIN);
	CHECK_ERR(write(fd[1], (void *)8, 1), EFAULT);
	CHECK(write(fd[1], "x", 1) == 1);
	CHECK_ERR(read(fd[0], (void *)8, 1), EFAULT);
	signal(SIGPIPE, on_signal);
	close(fd[0]);
	CHECK_ERR(write(fd[1], "x", 1), EPIPE);
	CHECK(got_sigpipe == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(fd[1], "x", 1), EPIPE);
	close(fd[1]);
}

static void full(void)
{
	int fd[2];
	ssize_t n, sum = 0;
	struct pollfd p;

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK(fcntl(fd[0], F_GETPIPE_SZ) == 65536);
	while ((n = write(fd[1], big, 4096)) > 0)
		sum += n;
	CHECK(n == -1 && errno == EAGAIN);
	printf("room for %zd bytes\n", sum);
	p = (struct pollfd){fd[1], POLLOUT, 0};
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(read(fd[0], big, 4096) == 4096);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	/* A short write only beyond PIPE_BUF. */
	CHECK(write(fd[1], big, 10000) == 4096);
	CHECK(read(fd[0], big, 1000) == 1000);
	CHECK_ERR(write(fd[1], big, PIPE_BUF), EAGAIN);
	close(fd[0]);
	close(fd[1]);
}

static void sizes(void)
{
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	CHECK(fcntl(fd[0], F_SETPIPE_SZ, 5000) == 8192);
	CHECK(fcntl(fd[1], F_GETPIPE_SZ) == 8192);
	CHECK(fcntl(fd[0], F_SETPIPE_SZ, 1) == 4096);
	CHECK(fcntl(fd[0], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
	CHECK(write(fd[1], big, 20000) == 20000);
	CHECK_ERR(fcntl(fd[0], F_SETPIPE_SZ, 4096), EBUSY);
	CHECK(read(fd[0], big, sizeof(big)) == 20000);
	CHECK_ERR(fcntl(0, F_GETPIPE_SZ), EBADF);
	close(fd[0]);
	close(fd[1]);
}

/* O_DIRECT: a read ends with a packet and drops what it did not take. */
static void packets(void)
{
	char buf[16];
	int fd[2], n = 0;

	CHECK_OK(pipe2(fd, O_DIRECT | O_NONBLOCK));
	CHECK(fcntl(fd[1], F_GETFL) & O_DIRECT);
	CHECK(write(fd[1], "first", 5) == 5);
	CHECK(write(fd[1], "second", 6) == 6);
	CHECK(write(fd[1], "third", 5) == 5);
	CHECK(read(fd[0], buf, sizeof(buf)) == 5 && memcmp(buf, "first", 5) == 0);
	CHECK(read(fd[0], buf, 3) == 3 && memcmp(buf, "sec", 3) == 0);
	CHECK(read(fd[0], buf, sizeof(buf)) == 5 && memcmp(buf, "third", 5) == 0);
	CHECK_ERR(read(fd[0], buf, 1), EAGAIN);
	while (write(fd[1], "x", 1) == 1)
		n++;
	printf("%d packets\n", n);
	while (read(fd[0], buf, sizeof(buf)) == 1)
		n--;
	CHECK(n == 0);
	CHECK(write(fd[1], big, 10000) == 10000); /* packets of 4096, 4096 and 1808 bytes */
	CHECK(read(fd[0], big, 8192) == 4096);
	CHECK_OK(fcntl(fd[1], F_SETFL, 0)); /* plain from now on */
	CHECK(write(fd[1], "ab", 2) == 2 && write(fd[1], "cd", 2) == 2);
	CHECK(read(fd[0], big, 8192) == 4096);
	CHECK(read(fd[0], big, 8192) == 1808);
	CHECK(read(fd[0], big, 8192) == 4);
	close(fd[0]);
	close(fd[1]);
}

/* A writer of a lot and a reader of a lot, each blocked in turn. */
static void stream(void)
{
	unsigned long sum = 0, expect = 0;
	size_t total = 0;
	ssize_t n;
	int fd[2], status;

	for (size_t i = 0; i < sizeof(big); i++)
		expect += (unsigned char)(big[i] = i * 7 + i / 251);
	CHECK_OK(pipe(fd));
	if (fork() == 0) {
		close(fd[0]);
		_exit(write(fd[1], big, sizeof(big)) == sizeof(big) ? 0 : 1);
	}
	close(fd[1]);
	memset(big, 0, sizeof(big));
	while ((n = read(fd[0], big + total,
			 10007 < sizeof(big) - total ? 10007 : sizeof(big) - total)) > 0)
		total += n;
	for (size_t i = 0; i < sizeof(big); i++)
		sum += (unsigned char)big[i];
	CHECK(total == sizeof(big) && sum == expect);
	wait(&status);
	printf("streamed %zu, writer %d\n", total, WEXITSTATUS(status));
	close(fd[0]);
}

/* Records of many writers are never torn. */
static void atomic(void)
{
	int fd[2], good = 0;
	char rec[512];
	ssize_t n;

	CHECK_OK(pipe(fd));
	for (int w = 0; w < 4; w++) {
		if (fork())
			continue;
		memset(rec, 'a' + w, sizeof(rec));
		for (int i = 0; i < 200; i++)
			if (write(fd[1], rec, sizeof(rec)) != sizeof(rec))
				_exit(1);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], rec, sizeof(rec))) > 0) {
		int same = n == sizeof(rec);

		for (int i = 1; i < n; i++)
			same &= rec[i] == rec[0];
		good += same;
	}
	for (int w = 0; w < 4; w++)
		wait(NULL);
	printf("whole records %d\n", good);
	close(fd[0]);
}

static void vectors(void)
{
	char a[3], b[10] = "";
	struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defg", 4}}, in[2] = {{a, 3}, {b, 9}};
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK(writev(fd[1], out, 3) == 7);
	CHECK(readv(fd[0], in, 2) == 7);
	CHECK(memcmp(a, "abc", 3) == 0 && strcmp(b, "defg") == 0);
	close(fd[0]);
	close(fd[1]);
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	int fd[2];
	char c;

	CHECK_OK(pipe(fd));
	sigaction(SIGALRM, &sa, NULL);
	got_sigpipe = 0;
	ualarm(50000, 0);
	CHECK_ERR(read(fd[0], &c, 1), EINTR);
	CHECK(got_sigpipe == SIGALRM);
	close(fd[0]);
	close(fd[1]);
}

/* /proc/self/fd/N opens the same pipe anew. */
static void reopen(void)
{
	char name[40], c = 0;
	int fd[2], again;

	CHECK_OK(pipe(fd));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd[1]);
	again = open(name, O_WRONLY);
	CHECK(again >= 0);
	CHECK(write(again, "z", 1) == 1);
	CHECK(read(fd[0], &c, 1) == 1 && c == 'z');
	close(fd[1]);
	CHECK(write(again, "y", 1) == 1);
	close(again);
	CHECK(read(fd[0], &c, 1) == 1 && c == 'y');
	CHECK(read(fd[0], &c, 1) == 0);
	close(fd[0]);
}

int main(void)
{
	basics();
	errors();
	full();
	sizes();
	packets();
	fflush(stdout);
	stream();
	fflush(stdout);
	atomic();
	vectors();
	interrupted();
	reopen();
	return check_done();
}
