/*
 * rights.c - descriptors in messages: long chains, and circles that nobody can receive any more.
 *
 * Each circle holds the end of a pipe for writing; its other end says when it was collected, which
 * the kernel does when it likes after some other socket has closed.
 */
#include "check.h"

#include <poll.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHAIN 3000

static int pass(int through, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec one = {"x", 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	return sendmsg(through, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive(int from)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec one = {&byte, 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(from, &m, MSG_DONTWAIT) < 0)
		return -errno;
	memcpy(&fd, CMSG_DATA(&control.h), sizeof(fd));
	return fd;
}

static void pair(int s[2])
{
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
}

/* A pipe whose end for writing goes into a message; the other end. */
static int witness(int through)
{
	int p[2];

	CHECK_OK(pipe(p));
	CHECK(pass(through, p[1]) == 0);
	close(p[1]);
	return p[0];
}

#define SOON 3	 /* looks, when it should live */
#define LONG 500 /* when it should go */

static const char *fate(int pipe_end, int looks)
{
	struct pollfd p = {.fd = pipe_end};

	for (int i = 0; i < looks; i++) {
		int s[2];

		pair(s);
		close(s[0]);
		close(s[1]);
		if (poll(&p, 1, 20) > 0)
			return "gone";
	}
	return "alive";
}

/* Each socket lies in the queue of the next; the last one is closed. */
static void chain(void)
{
	int last[2], next[2], end;

	pair(last);
	end = witness(last[1]);
	for (int i = 0; i < CHAIN; i++) {
		pair(next);
		if (pass(next[1], last[0]) < 0)
			break;
		close(last[0]);
		close(last[1]);
		memcpy(last, next, sizeof(last));
	}
	printf("chain: %s", fate(end, SOON));
	close(last[0]);
	close(last[1]);
	printf(", then %s\n", fate(end, LONG));
}

static void self(void)
{
	int s[2], end;

	pair(s);
	end = witness(s[1]);
	CHECK(pass(s[1], s[0]) == 0);
	close(s[0]);
	close(s[1]);
	printf("in its own queue: %s\n", fate(end, LONG));
	close(end);
}

/* Two that hold each other; while one is also held by somebody, both live. */
static void two(void)
{
	int a[2], b[2], end, got;

	pair(a);
	pair(b);
	end = witness(a[1]);
	CHECK(pass(a[1], b[0]) == 0);
	CHECK(pass(b[1], a[0]) == 0);
	close(a[0]);
	close(a[1]);
	close(b[1]);
	printf("two, one held: %s", fate(end, SOON));
	got = receive(b[0]);
	CHECK(got >= 0);
	printf(", received: %s", fate(end, SOON));
	close(got);
	printf(", not kept: %s\n", fate(end, LONG));
	close(b[0]);
	close(end);

	pair(a);
	pair(b);
	end = witness(a[1]);
	CHECK(pass(a[1], b[0]) == 0);
	CHECK(pass(b[1], a[0]) == 0);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
	printf("two: %s\n", fate(end, LONG));
	close(end);
}

/* A listener in the queue of a connection that it has not yet accepted. */
static void listener(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), end;
	socklen_t len = sizeof(name);

	CHECK_OK(bind(l, (struct sockaddr *)&name, sizeof(sa_family_t)));
	CHECK_OK(getsockname(l, (struct sockaddr *)&name, &len));
	CHECK_OK(listen(l, 1));
	CHECK_OK(connect(c, (struct sockaddr *)&name, len));
	end = witness(c);
	CHECK(pass(c, l) == 0);
	close(l);
	printf("listener: %s", fate(end, SOON));
	close(c);
	printf(", then %s\n", fate(end, LONG));
	close(end);
}

/* Many circles that nothing but the next ones could have collected. */
static void many(void)
{
	int ends[20], s[2];

	for (int i = 0; i < 20; i++) {
		pair(s);
		ends[i] = witness(s[1]);
		CHECK(pass(s[0], s[1]) == 0);
		CHECK(pass(s[1], s[0]) == 0);
		close(s[0]);
		close(s[1]);
	}
	printf("many: %s", fate(ends[0], LONG));
	printf(" %s\n", fate(ends[19], LONG));
}

/* An ordinary user may not have more files on the way than he may have open. */
static void limit(void)
{
	struct rlimit l = {64, 64};
	int s[2], sent = 0, error = 0;
	pid_t pid = fork();

	if (pid) {
		CHECK(waitpid(pid, NULL, 0) == pid);
		return;
	}
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &l));
	if (getuid() == 0)
		CHECK_OK(setresuid(12345, 12345, 12345));
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	while (sent < 100 && error == 0) {
		error = -pass(s[1], s[1]);
		sent += error == 0;
	}
	printf("limit: %d sent, then %s\n", sent, error ? strerrorname_np(error) : "no end");
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	chain();
	self();
	two();
	listener();
	many();
	limit();
	return check_done();
}
