/* inet: TCP and UDP over the loopback: names, backlog, shutdown, reset, datagrams, errors. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ERR(call) ((call) < 0 ? strerrorname_np(errno) : "ok")

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &len);
	return a;
}

static int dial(struct sockaddr_in to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		printf("connect: %s\n", strerrorname_np(errno));
	return fd;
}

static void names(void)
{
	struct sockaddr_in any = loopback(0), far = loopback(80), bound;
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	printf("bind: %s\n", ERR(bind(a, (struct sockaddr *)&any, sizeof(any))));
	bound = name_of(a);
	printf("port given: %d\n", bound.sin_port != 0);
	printf("bind again: %s\n", ERR(bind(a, (struct sockaddr *)&any, sizeof(any))));
	listen(a, 1);
	printf("bind taken: %s\n", ERR(bind(b, (struct sockaddr *)&bound, sizeof(bound))));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	printf("reuse beside a listener: %s\n",
	       ERR(bind(b, (struct sockaddr *)&bound, sizeof(bound))));
	far.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	printf("bind elsewhere: %s\n", ERR(bind(b, (struct sockaddr *)&far, sizeof(far))));
	printf("short name: %s\n", ERR(bind(b, (struct sockaddr *)&any, 8)));
	close(a);
	printf("nobody listens: %s\n", ERR(connect(b, (struct sockaddr *)&bound, sizeof(bound))));
	close(b);
}

static void streams(void)
{
	struct sockaddr_in any = loopback(0), peer;
	socklen_t len = sizeof(peer);
	char buf[64] = "";
	int l = socket(AF_INET, SOCK_STREAM, 0), c, s;
	struct linger hard = {1, 0};

	bind(l, (struct sockaddr *)&any, sizeof(any));
	listen(l, 8);
	c = dial(name_of(l));
	s = accept(l, (struct sockaddr *)&peer, &len);
	printf("peer is the client: %d\n",
	       peer.sin_port == name_of(c).sin_port && len == sizeof(peer));
	if (write(c, "hello", 5) != 5)
		return;
	printf("peek %zd", recv(s, buf, 64, MSG_PEEK));
	printf(", read %zd\n", read(s, buf, 64));
	shutdown(c, SHUT_WR);
	printf("end of file: %zd\n", read(s, buf, 64));
	printf("the other way: %zd", write(s, "back", 4));
	printf(" %zd\n", read(c, buf, 64));
	close(c);
	printf("write to a closed end: %zd\n", send(s, "x", 1, MSG_NOSIGNAL));
	usleep(10000);
	printf("and again: %s\n", ERR(send(s, "x", 1, MSG_NOSIGNAL)));
	close(s);

	c = dial(name_of(l));
	s = accept(l, NULL, NULL);
	setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(s);
	printf("reset: %s\n", ERR(read(c, buf, 64)));
	close(c);

	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	any = name_of(l);
	printf("without waiting: %s\n", ERR(connect(c, (struct sockaddr *)&any, sizeof(any))));
	struct pollfd p = {c, POLLOUT, 0};
	int err = -1;
	len = sizeof(err);
	printf("poll: %d", poll(&p, 1, 1000));
	getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len);
	printf(", error %d\n", err);
	printf("read nothing: %s\n", ERR(read(c, buf, 64)));
	printf("nothing urgent: %s\n", ERR(recv(c, buf, 64, MSG_OOB)));
	close(c);
	close(l);
}

static void bulk(void)
{
	struct sockaddr_in any = loopback(0);
	int l = socket(AF_INET, SOCK_STREAM, 0), status;
	static char block[65536];
	long sum = 0;
	ssize_t n;

	bind(l, (struct sockaddr *)&any, sizeof(any));
	listen(l, 1);
	if (fork() == 0) {
		int c = dial(name_of(l));

		for (int i = 0; i < 64; i++) {
			memset(block, i, sizeof(block));
			for (size_t at = 0; at < sizeof(block); at += n)
				if ((n = write(c, block + at, sizeof(block) - at)) <= 0)
					_exit(1);
		}
		_exit(0);
	}
	int s = accept(l, NULL, NULL);
	long total = 0;

	while ((n = read(s, block, sizeof(block))) > 0) {
		total += n;
		for (ssize_t i = 0; i < n; i++)
			sum += block[i];
	}
	wait(&status);
	printf("bulk: %ld bytes, sum %ld, status %d\n", total, sum, status);
	close(s);
	close(l);
}

static void datagrams(void)
{
	struct sockaddr_in any = loopback(0), to, from;
	socklen_t len = sizeof(from);
	char buf[64];
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);

	bind(a, (struct sockaddr *)&any, sizeof(any));
	to = name_of(a);
	printf("no destination: %s\n", ERR(send(b, "x", 1, 0)));
	from = loopback(9); /* nobody is there */
	printf("from nowhere: %s\n", ERR(sendto(b, (void *)8, 1, 0, (void *)&from, sizeof(from))));
	printf("no errors queued: %s\n", ERR(recv(b, buf, 64, MSG_ERRQUEUE)));
	sendto(b, "one", 3, 0, (struct sockaddr *)&to, sizeof(to));
	sendto(b, "three", 5, 0, (struct sockaddr *)&to, sizeof(to));
	printf("first: %zd", recvfrom(a, buf, 2, MSG_TRUNC, (struct sockaddr *)&from, &len));
	printf(", second: %zd\n", recv(a, buf, sizeof(buf), 0));
	printf("from the sender: %d\n", from.sin_port == name_of(b).sin_port);
	connect(b, (struct sockaddr *)&to, sizeof(to));
	printf("connected: %zd", send(b, "yes", 3, 0));
	printf(" %zd\n", recv(a, buf, sizeof(buf), 0));
	close(a);
	send(b, "lost", 4, 0);
	printf("nobody there: %s\n", ERR(recv(b, buf, sizeof(buf), 0)));
	close(b);
}

/* When did it come? */
static void stamps(void)
{
	struct sockaddr_in any = loopback(0), to;
	char control[CMSG_SPACE(sizeof(struct timeval))], c;
	struct iovec iov = {&c, 1};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *cm;
	struct timeval tv;
	int a = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	time_t now = time(NULL);

	bind(a, (struct sockaddr *)&any, sizeof(any));
	to = name_of(a);
	printf("stamps: %s", ERR(setsockopt(a, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on))));
	for (int i = 0; i < 2; i++) {
		sendto(a, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
		h.msg_controllen = i ? 8 : sizeof(control);
		printf(" %zd", recvmsg(a, &h, 0));
		cm = CMSG_FIRSTHDR(&h);
		printf(" flags %x, %d", h.msg_flags & MSG_CTRUNC, cm != NULL);
		if (cm) {
			memcpy(&tv, CMSG_DATA(cm), sizeof(tv));
			printf(" type %d len %zu now %d", cm->cmsg_type, cm->cmsg_len,
			       tv.tv_sec >= now && tv.tv_sec < now + 60);
		}
	}
	printf("\n");
	close(a);
}

/* What connecting chose goes with the connection; what bind() chose stays. */
static void disconnecting(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET}, to = loopback(9), n;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	int six = socket(AF_INET6, SOCK_DGRAM, 0), port;
	socklen_t len = sizeof(n);
	char c;

	connect(a, (void *)&to, sizeof(to));
	connect(a, &none, sizeof(none));
	n = name_of(a);
	printf("connected: %08x %d\n", ntohl(n.sin_addr.s_addr), n.sin_port);
	bind(a, (void *)&any, sizeof(any));
	connect(a, (void *)&to, sizeof(to));
	connect(a, &none, sizeof(none));
	n = name_of(a);
	printf("bound to any: %08x %d\n", ntohl(n.sin_addr.s_addr), n.sin_port);
	n = loopback(0);
	bind(b, (void *)&n, sizeof(n));
	port = name_of(b).sin_port;
	close(b);
	b = socket(AF_INET, SOCK_DGRAM, 0);
	any.sin_port = port;
	printf("a port: %s\n", ERR(bind(b, (void *)&any, sizeof(any))));
	connect(b, (void *)&to, sizeof(to));
	connect(b, &none, sizeof(none));
	n = name_of(b);
	printf("stays: %08x %d\n", ntohl(n.sin_addr.s_addr), n.sin_port == port);
	to.sin_port = 0;
	printf("to port 0: %s", ERR(connect(b, (void *)&to, sizeof(to))));
	printf(", peer: %s\n", ERR(getpeername(b, (void *)&n, &len)));
	shutdown(b, SHUT_RD);
	printf("nothing more: %s\n", ERR(recv(b, &c, 1, MSG_DONTWAIT)));
	to.sin_port = 9;
	printf("IPv6 to IPv4: %s", ERR(connect(six, (void *)&to, sizeof(to))));
	printf(", bind: %s\n", ERR(bind(six, (void *)&to, sizeof(to))));
	close(a);
	close(b);
	close(six);
}

static void options(void)
{
	static const int values[] = {-1, 0x1ff, 0x2b};
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), v;
	socklen_t len = sizeof(v);

	for (int i = 0; i < 3; i++) {
		v = values[i];
		printf("tos: %s", ERR(setsockopt(s, IPPROTO_IP, IP_TOS, &v, sizeof(v))));
		getsockopt(s, IPPROTO_IP, IP_TOS, &v, &len);
		printf(" %d", v);
		v = values[i];
		printf(" %s", ERR(setsockopt(u, IPPROTO_IP, IP_TOS, &v, sizeof(v))));
		getsockopt(u, IPPROTO_IP, IP_TOS, &v, &len);
		printf(" %d", v);
		v = values[i];
		printf(" ttl: %s", ERR(setsockopt(u, IPPROTO_IP, IP_TTL, &v, sizeof(v))));
		getsockopt(u, IPPROTO_IP, IP_TTL, &v, &len);
		printf(" %d\n", v);
	}
	close(s);
	close(u);
}

/* The interface that every network has. */
static void interface(void)
{
	static const struct {
		unsigned cmd;
		const char *name;
	} ask[] = {
	    {SIOCGIFINDEX, "index"}, {SIOCGIFFLAGS, "flags"},  {SIOCGIFMTU, "mtu"},
	    {SIOCGIFADDR, "addr"},   {SIOCGIFNETMASK, "mask"}, {SIOCGIFDSTADDR, "dst"},
	    {SIOCGIFHWADDR, "hw"},   {SIOCGIFTXQLEN, "queue"}, {SIOCGIFMETRIC, "metric"},
	};
	int families[] = {AF_INET, AF_INET6, AF_UNIX};
	struct ifreq r = {.ifr_name = "lo"}, one;
	struct ifconf c = {.ifc_len = sizeof(one) - 1, .ifc_req = &one};

	printf("names: %d %s\n", if_nametoindex("lo"), if_indextoname(1, r.ifr_name));
	for (int f = 0; f < 3; f++) {
		int s = socket(families[f], SOCK_DGRAM, 0);

		for (unsigned i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
			memset(&r, 0, sizeof(r));
			strcpy(r.ifr_name, "lo");
			printf("%s: %s", ask[i].name, ERR(ioctl(s, ask[i].cmd, &r)));
			printf(" %08x %08x%s", r.ifr_ifindex, ((int *)&r.ifr_ifindex)[1],
			       i % 3 == 2 ? "\n" : ", ");
		}
		strcpy(r.ifr_name, "none");
		printf("another: %s", ERR(ioctl(s, SIOCGIFINDEX, &r)));
		r.ifr_ifindex = 99999;
		printf(", number: %s", ERR(ioctl(s, SIOCGIFNAME, &r)));
		printf(", nowhere: %s", ERR(ioctl(s, SIOCGIFMTU, (void *)8)));
		c.ifc_len = sizeof(one) - 1;
		printf(", too short: %s", ERR(ioctl(s, SIOCGIFCONF, &c)));
		printf(" %d\n", c.ifc_len);
		close(s);
	}
}

static void six(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any}, peer;
	struct sockaddr_in to = loopback(0);
	socklen_t len = sizeof(any);
	char text[INET6_ADDRSTRLEN];
	int l = socket(AF_INET6, SOCK_STREAM, 0), c, s;

	bind(l, (struct sockaddr *)&any, sizeof(any));
	listen(l, 2);
	getsockname(l, (struct sockaddr *)&any, &len);
	to.sin_port = any.sin6_port;
	c = dial(to); /* IPv4 to a dual-stack listener */
	len = sizeof(peer);
	s = accept(l, (struct sockaddr *)&peer, &len);
	printf("mapped: %s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)));
	close(s);
	close(c);
	close(l);
}

int main(void)
{
	setbuf(stdout, NULL);
	names();
	streams();
	bulk();
	datagrams();
	stamps();
	disconnecting();
	options();
	interface();
	six();
	printf("raw packets of no family: %s\n", ERR(socket(12345, SOCK_STREAM, 0)));
	return 0;
}
