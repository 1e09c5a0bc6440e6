/*
 * inet.c - the names of AF_INET and AF_INET6 sockets: addresses and ports of the box's loopback
 * (ip(7), ipv6(7), tcp(7), udp(7)).
 *
 * A box has one interface, lo, with 127.0.0.0/8 and ::1; every other address is unreachable.  All
 * addresses are compared in their IPv6 form, an IPv4 one as ::ffff:a.b.c.d.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PORT_EPHEMERAL_LO 32768 /* net.ipv4.ip_local_port_range */
#define PORT_EPHEMERAL_HI 60999
#define PORT_PRIVILEGED	  1024
#define PORT_BUCKETS	  1024

/* Bound sockets by port; TCP and UDP ports are different worlds. */
static struct list_head ports[PORT_BUCKETS];

struct endpoint {
	struct in6_addr addr; /* IPv4 mapped */
	uint16_t port;	      /* host order */
};

static struct list_head *bucket(uint16_t port)
{
	struct list_head *h = &ports[port % PORT_BUCKETS];

	if (!h->next)
		list_init(h);
	return h;
}

static bool is_mapped(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

static uint32_t v4_of(const struct in6_addr *a) /* host order */
{
	return ntohl(a->s6_addr32[3]);
}

static struct in6_addr mapped(uint32_t v4)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;

	a.s6_addr32[2] = htonl(0xffff);
	a.s6_addr32[3] = htonl(v4);
	return a;
}

static bool is_any(const struct in6_addr *a)
{
	return is_mapped(a) ? v4_of(a) == INADDR_ANY : IN6_IS_ADDR_UNSPECIFIED(a);
}

static bool is_loopback(const struct in6_addr *a)
{
	return is_mapped(a) ? v4_of(a) >> 24 == IN_LOOPBACKNET : IN6_IS_ADDR_LOOPBACK(a);
}

static struct endpoint endpoint_of(const struct sockname *n)
{
	if (n->family == AF_INET6)
		return (struct endpoint){n->in6.sin6_addr, ntohs(n->in6.sin6_port)};
	return (struct endpoint){mapped(ntohl(n->in.sin_addr.s_addr)), ntohs(n->in.sin_port)};
}

/* As a socket of the given family sees e. */
static struct sockname name_of(int family, struct endpoint e)
{
	struct sockname n = {.len = sizeof(n.in)};

	if (family == AF_INET) {
		n.in.sin_family = AF_INET;
		n.in.sin_addr.s_addr = htonl(v4_of(&e.addr));
		n.in.sin_port = htons(e.port);
		return n;
	}
	n.len = sizeof(n.in6);
	n.in6.sin6_family = AF_INET6;
	n.in6.sin6_addr = e.addr;
	n.in6.sin6_port = htons(e.port);
	return n;
}

bool sockname_equal(const struct sockname *a, const struct sockname *b)
{
	struct endpoint x = endpoint_of(a), y = endpoint_of(b);

	return x.port == y.port && IN6_ARE_ADDR_EQUAL(&x.addr, &y.addr);
}

/* Name as the guest gave it to a socket of s's family: -EINVAL, -EAFNOSUPPORT. */
static int name_check(const struct sock *s, const struct sockname *n)
{
	if (n->len < sizeof(n->in))
		return -EINVAL;
	if (s->family->family == AF_INET6 && n->len < 24) /* without the scope, RFC 2133's */
		return -EINVAL;
	return n->family == s->family->family ? 0 : -EAFNOSUPPORT;
}

static int inet_type(int type, int *protocol)
{
	int natural = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;

	if (type == SOCK_RAW && !*protocol)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW || type == SOCK_PACKET)
		return -EPERM; /* needs CAP_NET_RAW over the host's interfaces: nobody has it here
				*/
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (*protocol && *protocol != natural)
		return -EPROTONOSUPPORT;
	*protocol = natural;
	return type;
}

static bool bound(const struct sock *s)
{
	return !list_empty(&s->bound);
}

static bool v6only(const struct sock *s)
{
	return s->family->family == AF_INET6 && s->v6only;
}

/* Can a packet to an address of a reach b as well? */
static bool addresses_overlap(const struct sock *a, const struct in6_addr *x, const struct sock *b,
			      const struct in6_addr *y)
{
	bool any_x = is_any(x), any_y = is_any(y);

	if (IN6_ARE_ADDR_EQUAL(x, y))
		return true;
	if (is_mapped(x) == is_mapped(y))
		return any_x || any_y;
	/* One is IPv4, the other IPv6: only a dual-stack wildcard spans both. */
	if (is_mapped(x))
		return any_y && !v6only(b);
	return any_x && !v6only(a);
}

static bool may_share(const struct sock *a, const struct sock *b)
{
	if (a->reuse_port && b->reuse_port)
		return true;
	return a->reuse_addr && b->reuse_addr && !a->listening && !b->listening;
}

static bool port_taken(const struct sock *s, struct endpoint e)
{
	struct sock *o;

	list_for_each (o, bucket(e.port), bound) {
		struct endpoint other = endpoint_of(&o->local);

		if (o != s && o->type == s->type && other.port == e.port &&
		    addresses_overlap(s, &e.addr, o, &other.addr) && !may_share(s, o))
			return true;
	}
	return false;
}

static int port_choose(const struct sock *s, struct endpoint *e)
{
	static unsigned next;
	unsigned span = PORT_EPHEMERAL_HI - PORT_EPHEMERAL_LO + 1;

	if (!next)
		next = (unsigned)random() % span;
	for (unsigned i = 0; i < span; i++) {
		e->port = PORT_EPHEMERAL_LO + next++ % span;
		if (!port_taken(s, *e))
			return 0;
	}
	return -EADDRINUSE;
}

static void name_take(struct sock *s, struct endpoint e)
{
	s->local = name_of(s->family->family, e);
	list_add(&s->bound, bucket(e.port));
}

static int inet_bind(struct task *t, struct sock *s, const struct sockname *name)
{
	struct endpoint e;
	int err = name_check(s, name);

	/* AF_UNSPEC with INADDR_ANY is taken for AF_INET, for old programs (Linux's af_inet.c). */
	if (err == -EAFNOSUPPORT && name->family == AF_UNSPEC && name->in.sin_addr.s_addr == 0)
		err = 0;
	if (err)
		return err;
	e = endpoint_of(name);
	if (bound(s))
		return -EINVAL;
	if (!is_any(&e.addr) && !is_loopback(&e.addr))
		return -EADDRNOTAVAIL;
	if (is_mapped(&e.addr) && v6only(s))
		return -EINVAL;
	if (e.port && e.port < PORT_PRIVILEGED && !cred_capable(t->cred, CAP_NET_BIND_SERVICE_BIT))
		return -EACCES;
	s->addr_chosen = !is_any(&e.addr);
	s->port_chosen = e.port;
	if (!e.port)
		err = port_choose(s, &e);
	else if (port_taken(s, e))
		err = -EADDRINUSE;
	if (!err)
		name_take(s, e);
	return err;
}

static int inet_autobind(struct sock *s)
{
	struct endpoint e = {s->family->family == AF_INET ? mapped(INADDR_ANY)
							  : (struct in6_addr)IN6ADDR_ANY_INIT,
			     0};
	int err;

	if (bound(s))
		return 0;
	err = port_choose(s, &e);
	if (!err)
		name_take(s, e);
	return err;
}

/* How well does o's name fit a packet for e?  0: not at all. */
static int match(const struct sock *o, const struct endpoint *e)
{
	struct endpoint own = endpoint_of(&o->local);

	if (own.port != e->port)
		return 0;
	if (IN6_ARE_ADDR_EQUAL(&own.addr, &e->addr))
		return 3;
	if (!is_any(&own.addr))
		return 0;
	if (is_mapped(&own.addr) == is_mapped(&e->addr))
		return 2;
	return is_mapped(&e->addr) && !v6only(o) ? 1 : 0;
}

/* To the wildcard means to oneself. */
static struct endpoint destination(const struct sockname *name)
{
	struct endpoint e = endpoint_of(name);

	if (is_any(&e.addr))
		e.addr = is_mapped(&e.addr) || name->family == AF_INET
			     ? mapped(INADDR_LOOPBACK)
			     : (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	return e;
}

static int inet_find(struct task *t, struct sock *s, const struct sockname *name, struct sock **out)
{
	struct endpoint e;
	struct sock *o;
	int best = 0, err;

	/* Datagrams of an IPv6 socket may be sent to an IPv4 name as it is. */
	if (s->type == SOCK_DGRAM && name->family == AF_INET && name->len >= sizeof(name->in))
		err = s->v6only ? -EAFNOSUPPORT : 0;
	else
		err = name_check(s, name);
	if (err)
		return err;
	e = destination(name);
	if (!is_loopback(&e.addr) || (is_mapped(&e.addr) && v6only(s)))
		return -ENETUNREACH;
	if (!e.port)
		return s->type == SOCK_DGRAM ? -EINVAL : -ECONNREFUSED;
	list_for_each (o, bucket(e.port), bound) {
		int m = o->type == s->type ? match(o, &e) : 0;

		if (s->type == SOCK_STREAM && !o->listening)
			continue;
		if (s->type == SOCK_DGRAM && m && o->remote.len &&
		    sockname_equal(&o->remote, &s->local))
			m += 4; /* connected to us: nobody fits better */
		if (m > best) {
			best = m;
			*out = o;
		}
	}
	return best ? 0 : -ECONNREFUSED;
}

static void inet_unbind(struct sock *s)
{
	list_del(&s->bound);
}

static void inet_connected(struct sock *s, const struct sockname *name, struct sock *other,
			   const struct sock *listener)
{
	struct endpoint to = destination(name), own = endpoint_of(&s->local);

	if (is_any(&own.addr))
		own.addr = is_mapped(&to.addr) ? mapped(INADDR_LOOPBACK) : to.addr;
	s->local = name_of(s->family->family, own); /* the port stays, so does the bucket */
	s->remote = name_of(s->family->family, to);
	if (!listener)
		return;
	/* The server's end uses the listener's name; it takes no port of its own. */
	other->local = name_of(other->family->family, to);
	other->remote = name_of(other->family->family, own);
	other->v6only = listener->v6only;
}

static void inet_disconnected(struct sock *s)
{
	struct endpoint e = endpoint_of(&s->local);

	if (!s->addr_chosen)
		e.addr = s->family->family == AF_INET ? mapped(INADDR_ANY)
						      : (struct in6_addr)IN6ADDR_ANY_INIT;
	if (!s->port_chosen) {
		inet_unbind(s);
		e.port = 0;
	}
	s->local = name_of(s->family->family, e);
}

#define INET_FAMILY(af)                                                                            \
	{                                                                                          \
		.family = (af), .type = inet_type, .bind = inet_bind, .autobind = inet_autobind,   \
		.find = inet_find, .unbind = inet_unbind, .connected = inet_connected,             \
		.disconnected = inet_disconnected,                                                 \
	}
const struct sock_family family_inet = INET_FAMILY(AF_INET);
const struct sock_family family_inet6 = INET_FAMILY(AF_INET6);
