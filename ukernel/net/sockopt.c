/*
 * sockopt.c - getsockopt(2) and setsockopt(2) (socket(7), unix(7), ip(7), ipv6(7), tcp(7)).
 *
 * Without a wire most options of the protocols can have no effect; they are kept and read back.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "net/sockname.h"
#include "syscall.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SNDBUF_MIN 4608 /* Linux's least buffers, doubled */
#define RCVBUF_MIN 2304
#define BUFFER_MAX (2 * 212992)

/* On-off options that have no effect on a local socket but read back as they were set. */
static int flag_bit(int optname)
{
	static const int flags[] = {SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE, SO_OOBINLINE,
				    SO_NO_CHECK};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i] == optname)
			return 1 << i;
	return 0;
}

/* Doubled, as socket(7) says. */
static void buffer_set(int *buffer, int want, int least)
{
	int size = want < 0 ? 0 : want > BUFFER_MAX / 2 ? BUFFER_MAX : want * 2;

	*buffer = size < least ? least : size;
}

static int timeout_set(struct task *t, uaddr_t optval, int optlen, uint64_t *out)
{
	struct abi_timeval tv;

	if (optlen < (int)sizeof(tv))
		return -EINVAL;
	if (get_user(t, tv, optval))
		return -EFAULT;
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	*out = tv.sec < 0 || tv.sec > 1000000000L ? 0 : tv.sec * 1000000000ULL + tv.usec * 1000ULL;
	return 0;
}

static int option_set(struct task *t, struct sock *s, int optname, uaddr_t optval, int optlen)
{
	int32_t value = 0;

	if (optname == SO_RCVTIMEO)
		return timeout_set(t, optval, optlen, &s->rcvtimeo_ns);
	if (optname == SO_SNDTIMEO)
		return timeout_set(t, optval, optlen, &s->sndtimeo_ns);
	if (optlen < (int)sizeof(value))
		return -EINVAL;
	if (get_user(t, value, optval))
		return -EFAULT;
	switch (optname) {
	case SO_PASSCRED:
		s->passcred = value != 0;
		return 0;
	case SO_TIMESTAMP:
		s->timestamp = value != 0;
		return 0;
	case SO_REUSEADDR:
		s->reuse_addr = value != 0;
		return 0;
	case SO_REUSEPORT:
		s->reuse_port = value != 0;
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE: /* beyond what the administrator allows: the same limit here */
		if (!cred_capable(t->cred, CAP_NET_ADMIN_BIT))
			return -EPERM;
		/* fall through */
	case SO_SNDBUF:
	case SO_RCVBUF:
		if (optname == SO_SNDBUF || optname == SO_SNDBUFFORCE)
			buffer_set(&s->sndbuf, value, SNDBUF_MIN);
		else
			buffer_set(&s->rcvbuf, value, RCVBUF_MIN);
		return 0;
	case SO_LINGER:
		if (optlen < (int)sizeof(s->linger))
			return -EINVAL;
		return copy_from_user(t, &s->linger, optval, sizeof(s->linger));
	case SO_PRIORITY:
		return 0;
	case SO_TYPE:
	case SO_ERROR:
	case SO_DOMAIN:
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
	case SO_PEERCRED:
		return -ENOPROTOOPT;
	}
	if (!flag_bit(optname))
		return -ENOPROTOOPT;
	s->flag_options &= ~flag_bit(optname);
	s->flag_options |= value ? flag_bit(optname) : 0;
	return 0;
}

/* The value of an integer option in *out. */
static int option_int(struct sock *s, int optname, int32_t *out)
{
	switch (optname) {
	case SO_TYPE:
		*out = s->type;
		return 0;
	case SO_ERROR:
		*out = s->error;
		s->error = 0;
		return 0;
	case SO_DOMAIN:
		*out = s->family->family;
		return 0;
	case SO_PROTOCOL:
		*out = s->protocol;
		return 0;
	case SO_ACCEPTCONN:
		*out = s->listening;
		return 0;
	case SO_REUSEADDR:
		*out = s->reuse_addr;
		return 0;
	case SO_REUSEPORT:
		*out = s->reuse_port;
		return 0;
	case SO_PRIORITY:
		*out = 0;
		return 0;
	case SO_SNDBUF:
		*out = s->sndbuf;
		return 0;
	case SO_RCVBUF:
		*out = s->rcvbuf;
		return 0;
	case SO_PASSCRED:
		*out = s->passcred;
		return 0;
	case SO_TIMESTAMP:
		*out = s->timestamp;
		return 0;
	}
	if (!flag_bit(optname))
		return -ENOPROTOOPT;
	*out = (s->flag_options & flag_bit(optname)) != 0;
	return 0;
}

/* The value in value[32]; its length or -errno. */
static int option_get(struct sock *s, int optname, char value[32])
{
	struct abi_timeval tv;
	int32_t n;
	int err;

	switch (optname) {
	case SO_PEERCRED:
		memcpy(value, &s->peer_cred, sizeof(s->peer_cred));
		return sizeof(s->peer_cred);
	case SO_LINGER:
		memcpy(value, &s->linger, sizeof(s->linger));
		return sizeof(s->linger);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO: {
		uint64_t ns = optname == SO_RCVTIMEO ? s->rcvtimeo_ns : s->sndtimeo_ns;

		tv = (struct abi_timeval){ns / 1000000000, ns % 1000000000 / 1000};
		memcpy(value, &tv, sizeof(tv));
		return sizeof(tv);
	}
	}
	err = option_int(s, optname, &n);
	if (err)
		return err;
	memcpy(value, &n, sizeof(n));
	return sizeof(n);
}

/* --- below SOL_SOCKET: integers that are kept --- */

struct kept_option {
	int level, name, initial, min, max;
	bool by_default; /* -1 means the initial value again */
};

static const struct kept_option kept[] = {
    {IPPROTO_TCP, TCP_NODELAY, 0, 0, 1},
    {IPPROTO_TCP, TCP_MAXSEG, 65483, 0, 65535},
    {IPPROTO_TCP, TCP_CORK, 0, 0, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPINTVL, 75, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPCNT, 9, 1, 127},
    {IPPROTO_TCP, TCP_SYNCNT, 6, 1, 127},
    {IPPROTO_TCP, TCP_LINGER2, 60, -1, 120},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0, 65535},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 0, 0x7fffffff},
    {IPPROTO_TCP, TCP_QUICKACK, 1, 0, 1},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, 0x7fffffff},
    {IPPROTO_TCP, TCP_FASTOPEN, 0, 0, 65535},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1, -1, 0x7fffffff},
    {IPPROTO_IP, IP_TOS, 0, 0, 255},
    {IPPROTO_IP, IP_TTL, 64, -1, 255, true},
    {IPPROTO_IP, IP_MTU_DISCOVER, 1, 0, 5},
    {IPPROTO_IP, IP_RECVERR, 0, 0, 1},
    {IPPROTO_IP, IP_FREEBIND, 0, 0, 1},
    {IPPROTO_IP, IP_MULTICAST_TTL, 1, -1, 255, true},
    {IPPROTO_IP, IP_MULTICAST_LOOP, 1, 0, 1},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, -1, 255, true},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, -1, 255, true},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVERR, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1, 0, 5},
    {IPPROTO_IPV6, IPV6_TCLASS, 0, -1, 255, true},
};
#define KEPT_COUNT (int)(sizeof(kept) / sizeof(kept[0]))

struct sock_options {
	int32_t value[KEPT_COUNT];
};

static int kept_find(const struct sock *s, int level, int name)
{
	bool fits = level == IPPROTO_TCP    ? s->protocol == IPPROTO_TCP
		    : level == IPPROTO_IPV6 ? s->family == &family_inet6
					    : sock_is_inet(s);

	for (int i = 0; fits && i < KEPT_COUNT; i++)
		if (kept[i].level == level && kept[i].name == name)
			return i;
	if (level == IPPROTO_IP || level == IPPROTO_IPV6 || level == IPPROTO_TCP)
		return fits ? -ENOPROTOOPT : -EOPNOTSUPP;
	return sock_is_inet(s) ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static int kept_get(const struct sock *s, int level, int name, int32_t *value)
{
	int i = kept_find(s, level, name);

	if (i >= 0)
		*value = s->options ? s->options->value[i] : kept[i].initial;
	return i < 0 ? i : 0;
}

static int kept_set(struct task *t, struct sock *s, int level, int name, uaddr_t optval, int optlen)
{
	int i = kept_find(s, level, name);
	int32_t value = 0;
	uint8_t byte = 0;

	if (i < 0)
		return i;
	/* ip(7): some take a single byte as well. */
	if (optlen >= (int)sizeof(value) ? get_user(t, value, optval) : get_user(t, byte, optval))
		return -EFAULT;
	if (optlen < (int)sizeof(value)) {
		if (level != IPPROTO_IP || optlen < 1)
			return -EINVAL;
		value = byte;
	}
	if (kept[i].max == 1)
		value = value != 0;
	if (level == IPPROTO_IP && name == IP_TOS) /* a byte, whatever comes (ip_sockglue.c) */
		value = s->protocol == IPPROTO_TCP ? value & 0xfc : value & 0xff;
	if (level == IPPROTO_IP && name == IP_TTL && value == 0)
		return -EINVAL;
	if (value < kept[i].min || value > kept[i].max)
		return -EINVAL;
	if (value == -1 && kept[i].by_default)
		value = kept[i].initial;
	if (!s->options) {
		s->options = malloc(sizeof(*s->options));
		if (!s->options)
			return -ENOMEM;
		for (int k = 0; k < KEPT_COUNT; k++)
			s->options->value[k] = kept[k].initial;
	}
	s->options->value[i] = value;
	return 0;
}

/* The one option of a protocol that means something here. */
static int v6only_set(struct task *t, struct sock *s, uaddr_t optval, int optlen)
{
	int32_t value;

	if (optlen < (int)sizeof(value) || !list_empty(&s->bound))
		return -EINVAL;
	if (get_user(t, value, optval))
		return -EFAULT;
	s->v6only = value != 0;
	return 0;
}

long sys_setsockopt(struct task *t, int fd, int level, int optname, uaddr_t optval, int optlen)
{
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	if (optlen < 0)
		ret = -EINVAL;
	else if (level == SOL_SOCKET)
		ret = option_set(t, s, optname, optval, optlen);
	else if (level == IPPROTO_IPV6 && optname == IPV6_V6ONLY && s->family == &family_inet6)
		ret = v6only_set(t, s, optval, optlen);
	else
		ret = kept_set(t, s, level, optname, optval, optlen);
	file_put(f);
	return ret;
}

/* The value in value[32]; its length or -errno. */
static int protocol_option_get(struct sock *s, int level, int optname, char value[32])
{
	int32_t n;
	int err = 0;

	if (level == IPPROTO_TCP && optname == TCP_CONGESTION && s->protocol == IPPROTO_TCP) {
		memset(value, 0, 16);
		memcpy(value, "cubic", 5);
		return 16;
	}
	if (level == IPPROTO_IPV6 && optname == IPV6_V6ONLY && s->family == &family_inet6)
		n = s->v6only;
	else
		err = kept_get(s, level, optname, &n);
	if (err)
		return err;
	memcpy(value, &n, sizeof(n));
	return sizeof(n);
}

static long getsockopt_user(struct task *t, struct sock *s, int level, int optname, uaddr_t optval,
			    uaddr_t optlen)
{
	char value[32];
	int32_t len;
	int n;

	if (get_user(t, len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	n = level == SOL_SOCKET ? option_get(s, optname, value)
				: protocol_option_get(s, level, optname, value);
	if (n < 0)
		return n;
	if (len > n)
		len = n;
	if (copy_to_user(t, optval, value, len) || put_user(t, len, optlen))
		return -EFAULT;
	return 0;
}

long sys_getsockopt(struct task *t, int fd, int level, int optname, uaddr_t optval, uaddr_t optlen)
{
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = getsockopt_user(t, s, level, optname, optval, optlen);
	file_put(f);
	return ret;
}
