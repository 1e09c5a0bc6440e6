/*
 * sockopt.c - getsockopt(2) and setsockopt(2) at the level of sockets (socket(7), unix(7)).
 */
#include "kern/task.h"
#include "net/unix.h"
#include "syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_MIN 4608 /* Linux's least send buffer, doubled */
#define BUFFER_MAX (2 * 212992)

/* On-off options that have no effect on a local socket but read back as they were set. */
static int flag_bit(int optname)
{
	static const int flags[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE,
				    SO_OOBINLINE, SO_TIMESTAMP, SO_REUSEPORT};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i] == optname)
			return 1 << i;
	return 0;
}

static int buffer_size(int want)
{
	int size = want > BUFFER_MAX / 2 ? BUFFER_MAX : want * 2; /* doubled, as socket(7) says */

	return size < BUFFER_MIN ? BUFFER_MIN : size;
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

static int option_set(struct task *t, struct usock *s, int optname, uaddr_t optval, int optlen)
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
	case SO_SNDBUF:
		s->sndbuf = buffer_size(value < 0 ? 0 : value);
		return 0;
	case SO_RCVBUF:
		s->rcvbuf = buffer_size(value < 0 ? 0 : value);
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
static int option_int(struct usock *s, int optname, int32_t *out)
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
		*out = AF_UNIX;
		return 0;
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
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
	}
	if (!flag_bit(optname))
		return -ENOPROTOOPT;
	*out = (s->flag_options & flag_bit(optname)) != 0;
	return 0;
}

/* The value in value[32]; its length or -errno. */
static int option_get(struct usock *s, int optname, char value[32])
{
	struct abi_timeval tv;
	int32_t n;
	int err;

	switch (optname) {
	case SO_PEERCRED:
		if (!s->peer)
			s->peer_cred = (struct abi_ucred){0, -1, -1};
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

long sys_setsockopt(struct task *t, int fd, int level, int optname, uaddr_t optval, int optlen)
{
	struct file *f = fd_get(t, fd);
	struct usock *s = f ? usock_of(f) : NULL;
	long ret = f ? -ENOTSOCK : -EBADF;

	if (s && optlen < 0)
		ret = -EINVAL;
	else if (s)
		ret = level == SOL_SOCKET ? option_set(t, s, optname, optval, optlen) : -EOPNOTSUPP;
	file_put(f);
	return ret;
}

static long getsockopt_user(struct task *t, struct usock *s, int level, int optname, uaddr_t optval,
			    uaddr_t optlen)
{
	char value[32];
	int32_t len;
	int n;

	if (get_user(t, len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	n = option_get(s, optname, value);
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
	struct file *f = fd_get(t, fd);
	struct usock *s = f ? usock_of(f) : NULL;
	long ret = f ? -ENOTSOCK : -EBADF;

	if (s)
		ret = getsockopt_user(t, s, level, optname, optval, optlen);
	file_put(f);
	return ret;
}
