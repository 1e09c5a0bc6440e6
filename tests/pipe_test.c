/*
 * pipe_test.c - pipe(7): blocking, atomic writes, end of file, EPIPE, poll.
 */
#include "box_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define PIPE_SIZE 65536
#define RECORD	  4096

BOX_SUITE(pipe);

static int fd[2];

static void write_later(uint64_t arg)
{
	guest_sleep(10 * MS);
	guest_log("w");
	GUEST_EQ(SYS(write, fd[1], guest_string("hello"), 5), 5);
	guest_sleep(10 * MS);
	guest_log("c");
}

BOX_TEST(pipe, read_waits_for_data_and_for_the_end)
{
	uaddr_t buf = guest_alloc(100);
	char got[6] = "";

	guest_pipe(fd);
	guest_fork(write_later, 0);
	SYS(close, fd[1]);
	GUEST_EQ(SYS(read, fd[0], buf, 100), 5);
	guest_log("r");
	guest_get(got, buf, 5);
	GUEST_CHECK(strcmp(got, "hello") == 0);
	GUEST_EQ(SYS(read, fd[0], buf, 100), 0);
	GUEST_CHECK(strcmp(guest_log_text, "wrc") == 0);
}

static void write_a_lot(uint64_t arg)
{
	uaddr_t buf = guest_alloc(3 * PIPE_SIZE);

	SYS(close, fd[0]);
	GUEST_EQ(SYS(write, fd[1], buf, 3 * PIPE_SIZE), 3 * PIPE_SIZE);
	guest_log("w");
}

BOX_TEST(pipe, a_big_write_waits_for_room)
{
	uaddr_t buf = guest_alloc(1000);
	long sum = 0, n;

	guest_pipe(fd);
	guest_fork(write_a_lot, 0);
	SYS(close, fd[1]);
	while ((n = SYS(read, fd[0], buf, 1000)) > 0) {
		sum += n;
		GUEST_CHECK(sum > PIPE_SIZE || !*guest_log_text);
	}
	GUEST_EQ(n, 0);
	GUEST_EQ(sum, 3 * PIPE_SIZE);
}

static void write_records(uint64_t letter)
{
	static char text[RECORD];
	uaddr_t buf = guest_alloc(RECORD);

	memset(text, (int)letter, RECORD);
	guest_put(buf, text, RECORD);
	SYS(close, fd[0]);
	for (int i = 0; i < 40; i++)
		GUEST_EQ(SYS(write, fd[1], buf, RECORD), RECORD);
}

/* Writes of up to PIPE_BUF are never mixed, whatever the reader takes at a time. */
BOX_TEST(pipe, records_stay_whole)
{
	static char all[3 * 40 * RECORD];
	uaddr_t buf = guest_alloc(1777);
	size_t len = 0;
	long n;

	guest_pipe(fd);
	for (int i = 0; i < 3; i++)
		guest_fork(write_records, 'a' + i);
	SYS(close, fd[1]);
	while ((n = SYS(read, fd[0], buf, 1777)) > 0 && len + n <= sizeof(all)) {
		guest_get(all + len, buf, n);
		len += n;
		guest_compute(100000);
	}
	GUEST_EQ(len, sizeof(all));
	for (size_t i = 0; i < len; i++)
		GUEST_CHECK(all[i] == all[i / RECORD * RECORD]);
}

BOX_TEST(pipe, without_blocking)
{
	uaddr_t fds = guest_alloc(8), buf = guest_alloc(PIPE_SIZE * 2);

	GUEST_EQ(SYS(pipe2, fds, O_NONBLOCK), 0);
	fd[0] = guest_get32(fds);
	fd[1] = guest_get32(fds + 4);
	GUEST_EQ(SYS(read, fd[0], buf, 10), -EAGAIN);
	GUEST_EQ(SYS(write, fd[1], buf, PIPE_SIZE * 2), PIPE_SIZE);
	GUEST_EQ(SYS(write, fd[1], buf, 1), -EAGAIN);
	GUEST_EQ(SYS(read, fd[0], buf, RECORD), RECORD);
	GUEST_EQ(SYS(write, fd[1], buf, RECORD), RECORD);
	/* A record that does not fit whole does not go at all. */
	GUEST_EQ(SYS(read, fd[0], buf, 100), 100);
	GUEST_EQ(SYS(write, fd[1], buf, RECORD), -EAGAIN);
}

static void write_once(uint64_t arg)
{
	SYS(write, fd[1], guest_string("x"), 1);
	guest_log("survived");
}

BOX_TEST(pipe, sigpipe_kills)
{
	int status = 0;

	guest_pipe(fd);
	SYS(close, fd[0]);
	guest_fork(write_once, 0);
	GUEST_CHECK(guest_wait(-1, &status, 0) > 0);
	GUEST_EQ(status, SIGPIPE);
	GUEST_CHECK(!*guest_log_text);
}

static void on_signal(int signo, uaddr_t info, uaddr_t context)
{
	guest_log("h");
}

BOX_TEST(pipe, sigpipe_is_caught)
{
	guest_pipe(fd);
	SYS(close, fd[0]);
	guest_signal(SIGPIPE, on_signal, 0);
	GUEST_EQ(SYS(write, fd[1], guest_string("x"), 1), -EPIPE);
	GUEST_CHECK(strcmp(guest_log_text, "h") == 0);
}

static void close_later(uint64_t arg)
{
	guest_sleep(5 * MS);
}

/* A writer that already waits for room learns that the last reader went. */
BOX_TEST(pipe, the_reader_goes_while_a_write_waits)
{
	uaddr_t buf = guest_alloc(PIPE_SIZE);

	guest_pipe(fd);
	guest_signal(SIGPIPE, on_signal, 0);
	guest_fork(close_later, 0);
	SYS(close, fd[0]);
	GUEST_EQ(SYS(write, fd[1], buf, PIPE_SIZE), PIPE_SIZE);
	GUEST_EQ(SYS(write, fd[1], buf, 1), -EPIPE);
}

static long poll_one(int which, short events, int timeout_ms)
{
	struct {
		int fd;
		short events, revents;
	} p = {which, events, 0};
	uaddr_t at = guest_alloc(sizeof(p));
	long n;

	guest_put(at, &p, sizeof(p));
	n = SYS(poll, at, 1, timeout_ms);
	guest_get(&p, at, sizeof(p));
	return n == 1 ? p.revents : n;
}

BOX_TEST(pipe, poll_says_what_would_not_block)
{
	uint64_t began;

	guest_pipe(fd);
	GUEST_EQ(poll_one(fd[0], POLLIN, 0), 0);
	GUEST_EQ(poll_one(fd[1], POLLOUT, 0), POLLOUT);
	began = fake_now_ns();
	GUEST_EQ(poll_one(fd[0], POLLIN, 20), 0);
	GUEST_CHECK(fake_now_ns() - began >= 20 * MS);
	SYS(write, fd[1], guest_string("x"), 1);
	GUEST_EQ(poll_one(fd[0], POLLIN, -1), POLLIN);
	SYS(close, fd[1]);
	GUEST_EQ(poll_one(fd[0], POLLIN, -1), POLLIN | POLLHUP);
	SYS(read, fd[0], guest_alloc(1), 1);
	GUEST_EQ(poll_one(fd[0], POLLIN, -1), POLLHUP);
}

BOX_TEST(pipe, poll_is_woken)
{
	guest_pipe(fd);
	guest_fork(write_later, 0);
	GUEST_EQ(poll_one(fd[0], POLLIN, -1), POLLIN);
}

BOX_TEST(pipe, bad_buffers)
{
	guest_pipe(fd);
	GUEST_EQ(SYS(pipe2, 8, 0), -EFAULT);
	GUEST_EQ(SYS(pipe2, guest_alloc(8), 1), -EINVAL);
	GUEST_EQ(SYS(write, fd[1], 8, 1), -EFAULT);
	SYS(write, fd[1], guest_string("abc"), 3);
	GUEST_EQ(SYS(read, fd[0], 8, 1), -EFAULT);
	GUEST_EQ(SYS(read, fd[0], 0x7ffffffff000, 1), -EFAULT);
	GUEST_EQ(SYS(read, fd[0], (uint64_t)-1, 1), -EFAULT);
	GUEST_EQ(SYS(lseek, fd[0], 0, 0), -ESPIPE);
	GUEST_EQ(SYS(read, fd[1], guest_alloc(1), 1), -EBADF);
	GUEST_EQ(SYS(write, fd[0], guest_alloc(1), 1), -EBADF);
	/* What could not be delivered is still there. */
	GUEST_EQ(SYS(read, fd[0], guest_alloc(10), 10), 3);
}
