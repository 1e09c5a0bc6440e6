/*
 * socketpair.c - AF_UNIX socket pairs: streams, datagrams, descriptors and credentials that travel,
 * shutdown, options, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char big[300000];

static short ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

static void stream(void)
{
	char buf[64] = "";
	struct stat st;
	int s[2], n, status;
	size_t total = 0;
	ssize_t got;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(fstat(s[0], &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK(ready(s[0]) == POLLOUT);
	CHECK(write(s[0], "one", 3) == 3);
	CHECK(send(s[0], "two", 3, 0) == 3);
	CHECK_OK(ioctl(s[1], FIONREAD, &n));
	CHECK(n == 6);
	CHECK(recv(s[1], buf, 2, MSG_PEEK) == 2 && memcmp(buf, "on", 2) == 0);
	CHECK(recv(s[1], buf, sizeof(buf), 0) == 6 && memcmp(buf, "onetwo", 6) == 0);
	CHECK_ERR(recv(s[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(write(s[1], "back", 4) == 4 && read(s[0], buf, 4) == 4);
	if (fork() == 0) {
		close(s[1]);
		_exit(write(s[0], big, sizeof(big)) == sizeof(big) ? 0 : 1);
	}
	close(s[0]);
	CHECK(recv(s[1], big, 100000, MSG_WAITALL) == 100000);
	for (total = 100000; (got = read(s[1], big, 9999)) > 0;)
		total += got;
	wait(&status);
	printf("stream %zu, sender %d\n", total, WEXITSTATUS(status));
	CHECK(ready(s[1]) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(s[1], "x", 1), EPIPE);
	CHECK_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(s[1]);
	fflush(stdout);
}

static void reset(void)
{
	char buf[4];
	int s[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK(write(s[1], "unread", 6) == 6);
	close(s[0]);
	CHECK_ERR(read(s[1], buf, 4), ECONNRESET);
	CHECK(read(s[1], buf, 4) == 0);
	close(s[1]);
}

static void packets(int type)
{
	char buf[64] = "";
	int s[2], n;
	struct iovec iov = {buf, 3};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

	CHECK_OK(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s));
	CHECK(fcntl(s[0], F_GETFD) == FD_CLOEXEC && (fcntl(s[0], F_GETFL) & O_NONBLOCK));
	CHECK(write(s[0], "first", 5) == 5);
	CHECK(write(s[0], "second", 6) == 6);
	CHECK_OK(ioctl(s[1], FIONREAD, &n));
	CHECK(n == (type == SOCK_DGRAM ? 5 : 11));
	CHECK(recvmsg(s[1], &h, 0) == 3 && (h.msg_flags & MSG_TRUNC)); /* the rest is lost */
	CHECK(recv(s[1], buf, 2, MSG_PEEK | MSG_TRUNC) == 6);
	CHECK(recv(s[1], buf, sizeof(buf), 0) == 6 && memcmp(buf, "second", 6) == 0);
	CHECK_ERR(recv(s[1], buf, 1, 0), EAGAIN);
	CHECK(send(s[0], "", 0, 0) == 0);
	CHECK(recv(s[1], buf, sizeof(buf), 0) == 0);
	CHECK_ERR(send(s[0], big, sizeof(big), 0), EMSGSIZE);
	close(s[0]);
	signal(SIGPIPE, SIG_IGN);
	if (type == SOCK_DGRAM)
		CHECK_ERR(write(s[1], "x", 1), ECONNREFUSED);
	else
		CHECK_ERR(write(s[1], "x", 1), EPIPE);
	close(s[1]);
}

static void shut(void)
{
	char buf[8];
	int s[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK(write(s[0], "last", 4) == 4);
	CHECK_OK(shutdown(s[0], SHUT_WR));
	CHECK_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(ready(s[1]) == (POLLIN | POLLOUT | POLLRDHUP));
	CHECK(read(s[1], buf, 8) == 4);
	CHECK(read(s[1], buf, 8) == 0);
	CHECK(write(s[1], "still", 5) == 5 && read(s[0], buf, 8) == 5);
	CHECK_OK(shutdown(s[0], SHUT_RD));
	CHECK_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(shutdown(s[0], 9), EINVAL);
	close(s[0]);
	close(s[1]);
}

static int send_fds(int sock, const int *fds, int n)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = {0};
	struct iovec iov = {"F", 1};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(sock, &h, 0);
}

/* Descriptors received, in fds[8]; the message's flags in *flags. */
static int recv_fds(int sock, int *fds, size_t control_len, int how, int *flags)
{
	char control[CMSG_SPACE(8 * sizeof(int))], buf[8];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = control_len};
	struct cmsghdr *c;

	if (recvmsg(sock, &h, how) < 0)
		return -1;
	*flags = h.msg_flags;
	c = CMSG_FIRSTHDR(&h);
	if (!c)
		return 0;
	memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

static void rights(void)
{
	int s[2], p[2], fds[8], flags, bad = 999;
	char c = 0;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(pipe(p));
	CHECK(write(s[0], "a", 1) == 1);
	CHECK(send_fds(s[0], p, 2) == 1);
	CHECK(write(s[0], "b", 1) == 1);
	close(p[0]);
	close(p[1]);
	/* A message with descriptors is run together with what came before it, not after. */
	CHECK(recv_fds(s[1], fds, CMSG_SPACE(8 * sizeof(int)), MSG_CMSG_CLOEXEC, &flags) == 2);
	CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
	CHECK(write(fds[1], "through", 7) == 7 && read(fds[0], &c, 1) == 1 && c == 't');
	CHECK(read(s[1], &c, 1) == 1 && c == 'b');
	/* No room for both: what does not fit is closed. */
	CHECK(send_fds(s[0], fds, 2) == 1);
	p[0] = p[1] = -1;
	CHECK(recv_fds(s[1], p, CMSG_LEN(sizeof(int)), 0, &flags) == 1);
	CHECK(flags & MSG_CTRUNC);
	close(p[0]);
	CHECK_ERR(send_fds(s[0], &bad, 1), EBADF);
	/* Descriptors that nobody reads go with the socket. */
	CHECK(send_fds(s[0], &fds[1], 1) == 1);
	close(fds[1]);
	close(s[0]);
	close(s[1]);
	while (read(fds[0], &c, 1) > 0)
		;
	close(fds[0]);
}

static void credentials(void)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], c;
	struct iovec iov = {&c, 1};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *cm;
	struct ucred uc;
	socklen_t len = sizeof(uc);
	int s[2], on = 1;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &uc, &len));
	CHECK(uc.pid == getpid() && uc.uid == getuid() && uc.gid == getgid() && len == sizeof(uc));
	/* Sent before anybody asked: from nobody, and apart from what comes later. */
	CHECK(write(s[0], "b", 1) == 1);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK(write(s[0], "b", 1) == 1);
	CHECK(recvmsg(s[1], &h, 0) == 1);
	cm = CMSG_FIRSTHDR(&h);
	CHECK(cm && cm->cmsg_type == SCM_CREDENTIALS);
	memcpy(&uc, CMSG_DATA(cm), sizeof(uc));
	CHECK(uc.pid == 0 && uc.uid == 65534 && uc.gid == 65534);
	CHECK(recv(s[1], &c, 1, 0) == 1);
	h.msg_controllen = sizeof(control);
	CHECK_ERR(recv(s[1], &c, 0, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK(write(s[0], "c", 1) == 1);
	CHECK(recvmsg(s[1], &h, 0) == 1);
	cm = CMSG_FIRSTHDR(&h);
	CHECK(cm && cm->cmsg_type == SCM_CREDENTIALS);
	memcpy(&uc, CMSG_DATA(cm), sizeof(uc));
	CHECK(uc.pid == getpid() && uc.uid == getuid());
	close(s[0]);
	close(s[1]);
}

static void options(void)
{
	struct timeval tv = {0, 30000}, back;
	socklen_t len = sizeof(int);
	struct sockaddr_un un;
	int s[2], v = 0;
	char c;

	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	CHECK(v == SOCK_SEQPACKET && len == sizeof(int));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len));
	CHECK(v == 0);
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &v, &len));
	CHECK(v == AF_UNIX);
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &len));
	printf("send buffer %d\n", v);
	v = 10000;
	CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &len));
	CHECK(v == 20000);
	v = 1;
	CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &len));
	printf("least send buffer %d\n", v);
	CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &(int){1}, sizeof(v)));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, &len));
	printf("least receive buffer %d\n", v);
	CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_NO_CHECK, &(int){7}, sizeof(v)));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_NO_CHECK, &v, &len));
	CHECK(v == 1);
	CHECK_OK(ioctl(s[0], FIOSETOWN, &(int){getpid()}));
	CHECK_OK(ioctl(s[0], SIOCGPGRP, &v));
	CHECK(v == getpid());
	CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	len = sizeof(back);
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &back, &len));
	CHECK(back.tv_sec == 0 && back.tv_usec >= 30000 && back.tv_usec < 50000);
	CHECK_ERR(read(s[0], &c, 1), EAGAIN);
	CHECK_ERR(getsockopt(s[0], SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	CHECK_ERR(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, sizeof(v)), ENOPROTOOPT);
	CHECK_ERR(getsockopt(0, SOL_SOCKET, SO_TYPE, &v, &len), ENOTSOCK);
	len = sizeof(un);
	CHECK_OK(getsockname(s[0], (void *)&un, &len));
	CHECK(len == sizeof(sa_family_t) && un.sun_family == AF_UNIX);
	len = sizeof(un);
	CHECK_OK(getpeername(s[0], (void *)&un, &len));
	close(s[0]);
	close(s[1]);
}

static void nobody(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "nothing/here"};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(un);

	CHECK(s >= 0);
	CHECK_ERR(connect(s, (void *)&un, sizeof(un)), ENOENT);
	close(open("plain", O_CREAT | O_WRONLY, 0600));
	strcpy(un.sun_path, "plain");
	CHECK_ERR(connect(s, (void *)&un, sizeof(un)), ECONNREFUSED);
	CHECK_ERR(connect(s, (void *)8, sizeof(un)), EFAULT);
	CHECK_ERR(write(s, "x", 1), ENOTCONN);
	CHECK_ERR(getpeername(s, (void *)&un, &len), ENOTCONN);
	CHECK_OK(shutdown(s, SHUT_WR));
	close(s);
}

static void errors(void)
{
	int s[2];

	CHECK_ERR(socketpair(AF_UNIX, 99, 0, s), EINVAL);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_RDM, 0, s), ESOCKTNOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 77, s), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(99, SOCK_STREAM, 0, s), EAFNOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8), EFAULT);
	CHECK_ERR(recv(999, s, 1, 0), EBADF);
	CHECK_ERR(recv(0, s, 1, 0), ENOTSOCK);
}

int main(void)
{
	stream();
	reset();
	packets(SOCK_DGRAM);
	packets(SOCK_SEQPACKET);
	shut();
	rights();
	credentials();
	options();
	nobody();
	errors();
	return check_done();
}
