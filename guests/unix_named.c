/* unix_named: AF_UNIX sockets with names: paths, abstract names, backlog, datagrams, credentials.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ERR(call) ((call) < 0 ? strerrorname_np(errno) : "ok")

static struct sockaddr_un path(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(a.sun_path, name);
	return a;
}

static void streams(void)
{
	struct sockaddr_un a = path("sock"), got = {0};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	int packets = socket(AF_UNIX, SOCK_SEQPACKET, 0), d = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(got);
	struct ucred who;
	struct stat st;
	char buf[16];

	printf("connect to nothing: %s\n", ERR(connect(c, (void *)&a, sizeof(a))));
	printf("bind: %s\n", ERR(bind(l, (void *)&a, sizeof(a))));
	stat("sock", &st);
	printf("a socket: %d\n", S_ISSOCK(st.st_mode));
	printf("nobody listens: %s\n", ERR(connect(c, (void *)&a, sizeof(a))));
	printf("bind twice: %s\n", ERR(bind(d, (void *)&a, sizeof(a))));
	printf("listen: %s\n", ERR(listen(l, 4)));
	printf("wrong type: %s\n", ERR(connect(packets, (void *)&a, sizeof(a))));
	printf("connect: %s\n", ERR(connect(c, (void *)&a, sizeof(a))));
	printf("connect again: %s\n", ERR(connect(c, (void *)&a, sizeof(a))));
	s = accept(l, (void *)&got, &len);
	printf("unnamed client: %d\n", len == sizeof(sa_family_t));
	len = sizeof(got);
	getpeername(c, (void *)&got, &len);
	printf("server's name: %s\n", got.sun_path);
	printf("write %zd", write(c, "hello", 5));
	printf(", read %zd\n", read(s, buf, sizeof(buf)));
	len = sizeof(who);
	getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &len);
	printf("credentials: %d\n", who.pid == getpid() && who.uid == geteuid());
	printf("open: %s\n", ERR(access("sock", R_OK)));
	close(l);
	printf("after close: %s\n", ERR(connect(d, (void *)&a, sizeof(a))));
	printf("still connected: %zd\n", write(s, "x", 1));
	unlink("sock");
	close(s);
	close(c);
	close(d);
}

static void abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0unix_named test"};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 16;
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char buf[16];

	printf("abstract: %s\n", ERR(bind(l, (void *)&a, len)));
	listen(l, 1);
	printf("connect: %s\n", ERR(connect(c, (void *)&a, len)));
	int s = accept(l, NULL, NULL);

	if (write(c, "one", 3) != 3 || write(c, "three", 5) != 5)
		return;
	printf("packets: %zd", read(s, buf, 2));
	printf(" %zd\n", read(s, buf, sizeof(buf)));
	close(s);
	close(c);
	close(l);
}

static void datagrams(void)
{
	struct sockaddr_un a = path("a"), b = path("b"), from;
	int x = socket(AF_UNIX, SOCK_DGRAM, 0), y = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = sizeof(from);
	char buf[16];

	bind(x, (void *)&a, sizeof(a));
	bind(y, (void *)&b, sizeof(b));
	printf("sendto: %zd\n", sendto(x, "hi", 2, 0, (void *)&b, sizeof(b)));
	printf("recvfrom: %zd", recvfrom(y, buf, sizeof(buf), 0, (void *)&from, &len));
	printf(" from %s\n", from.sun_path);
	printf("nowhere: %s\n", ERR(send(x, "hi", 2, 0)));
	close(y);
	printf("gone: %s\n", ERR(sendto(x, "hi", 2, 0, (void *)&b, sizeof(b))));
	close(x);
	unlink("a");
	unlink("b");
}

/* What a socket's own mode and name are good for, and a connection that nobody accepts. */
static void nameless(void)
{
	struct sockaddr_storage longest = {.ss_family = AF_UNIX};
	struct sockaddr_un a = path("sock"), got = {0};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), err = 0, s;
	socklen_t len = sizeof(err);
	struct stat st;
	char buf[4];

	printf("too long: %s\n", ERR(bind(l, (void *)&longest, sizeof(longest))));
	fchmod(l, 0710);
	bind(l, (void *)&a, sizeof(a));
	stat("sock", &st);
	printf("mode %o\n", st.st_mode & 0777);
	listen(l, 4);
	connect(c, (void *)&a, sizeof(a));
	s = accept(l, NULL, NULL);
	write(c, "ab", 2);
	len = sizeof(got);
	recvfrom(s, buf, 1, 0, (void *)&got, &len);
	printf("from somebody without a name: %d\n", len);
	a = path("client");
	bind(c, (void *)&a, sizeof(a));
	len = sizeof(got);
	recvfrom(s, buf, 1, 0, (void *)&got, &len);
	printf("from %s\n", got.sun_path);
	close(s);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	a = path("sock");
	connect(c, (void *)&a, sizeof(a));
	close(l);
	len = sizeof(err);
	getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len);
	printf("never accepted: %s\n", strerrorname_np(err));
	close(c);
	unlink("sock");
	unlink("client");
}

int main(void)
{
	char dir[] = "/tmp/unix_named.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	streams();
	abstract();
	datagrams();
	nameless();
	chdir("/");
	rmdir(dir);
	return 0;
}
