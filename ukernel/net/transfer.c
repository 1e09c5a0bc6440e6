/*
 * transfer.c - the calls that send and receive: send, sendmsg, sendmmsg and their mirror images.
 */
#include "fs/pipe.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "net/sockname.h"
#include "syscall.h"

#include <errno.h>
#include <sys/socket.h>

#define RW_LIMIT 0x7ffff000UL

/* --- send --- */

static long do_send(struct task *t, struct file *f, struct sock *s, struct uio *from, int flags,
		    struct scm *scm, const struct sockname *dest)
{
	long ret;

	/* A stream is connected or not: a name is no use (send(2)). */
	if (dest && s->type != SOCK_DGRAM) {
		if (!sock_is_inet(s))
			return s->peer ? -EISCONN : -EOPNOTSUPP;
		dest = NULL;
	}

	if (from->left > RW_LIMIT)
		from->left = RW_LIMIT;
	ret = sock_send(s, from, flags, file_nonblock(f), scm, dest);
	if (ret == -EPIPE && !(flags & MSG_NOSIGNAL))
		pipe_broken(t);
	return ret;
}

long sys_sendto(struct task *t, int fd, uaddr_t buf, size_t len, unsigned long flags, uaddr_t addr,
		int addrlen)
{
	struct scm scm = {.cred = ucred_of(t)};
	struct sockname dest;
	struct sock *s;
	struct file *f;
	struct uio from;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	uio_user(&from, t, buf, len);
	if (addr)
		ret = sockname_from_user(t, addr, addrlen, &dest);
	if (!ret)
		ret = do_send(t, f, s, &from, (int)flags, &scm, addr ? &dest : NULL);
	file_put(f);
	return ret;
}

static long sendmsg_header(struct task *t, struct file *f, struct sock *s,
			   const struct abi_msghdr *h, int flags)
{
	struct abi_iovec fast[8], *iov;
	struct sockname dest;
	struct scm scm;
	struct uio from;
	long ret = 0;

	if (h->name && h->namelen)
		ret = sockname_from_user(t, h->name, (int)h->namelen, &dest);
	if (ret)
		return ret;
	if (h->iovlen > IOV_LIMIT)
		return -EMSGSIZE;
	ret = iov_from_user(t, h->iov, h->iovlen, fast, 8, &iov);
	if (ret)
		return ret;
	ret = scm_from_user(t, s, h->control, h->controllen, &scm);
	if (!ret) {
		uio_vector(&from, t, iov, h->iovlen);
		ret = do_send(t, f, s, &from, flags, &scm, h->name && h->namelen ? &dest : NULL);
		scm_release(&scm);
	}
	iov_free(iov, fast);
	return ret;
}

static long sendmsg_one(struct task *t, struct file *f, struct sock *s, uaddr_t msg, int flags)
{
	struct abi_msghdr h;

	return get_user(t, h, msg) ? -EFAULT : sendmsg_header(t, f, s, &h, flags);
}

long sys_sendmsg(struct task *t, int fd, uaddr_t msg, unsigned long flags)
{
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = sendmsg_one(t, f, s, msg, (int)flags);
	file_put(f);
	return ret;
}

/* struct mmsghdr: a msghdr, the length it came to, and padding. */
#define MMSG_SIZE (sizeof(struct abi_msghdr) + 8)
#define MMSG_MAX  1024 /* UIO_MAXIOV */

long sys_sendmmsg(struct task *t, int fd, uaddr_t msgs, unsigned vlen, unsigned long flags)
{
	struct sock *s;
	struct file *f;
	unsigned n = 0;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	for (; n < vlen && n < MMSG_MAX; n++) {
		uaddr_t at = msgs + n * MMSG_SIZE;

		ret = sendmsg_one(t, f, s, at, (int)flags);
		if (ret < 0)
			break;
		uint32_t len = (uint32_t)ret;

		ret = put_user(t, len, at + sizeof(struct abi_msghdr));
		if (ret < 0)
			break;
	}
	file_put(f);
	return n ? n : ret;
}

/* --- receive --- */

/* Where a message came from; a stream says nothing. */
static int put_source(struct task *t, const struct sockname *name, uaddr_t addr, uaddr_t addrlen)
{
	int32_t none = 0;

	return name->len > sizeof(name->family) || (name->len && name->family == AF_UNIX)
		   ? sockname_to_user(t, name, addr, addrlen)
		   : put_user(t, none, addrlen);
}

long sys_recvfrom(struct task *t, int fd, uaddr_t buf, size_t len, unsigned long flags,
		  uaddr_t addr, uaddr_t addrlen)
{
	struct sockname name;
	int out_flags = 0;
	struct scm scm;
	struct sock *s;
	struct file *f;
	struct uio to;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	uio_user(&to, t, buf, len < RW_LIMIT ? len : RW_LIMIT);
	ret = sock_recv(s, &to, (int)flags, file_nonblock(f), &scm, &out_flags, &name);
	scm_release(&scm);
	if (ret >= 0 && addr && put_source(t, &name, addr, addrlen))
		ret = -EFAULT;
	file_put(f);
	return ret;
}

static int put_msg_name(struct task *t, struct abi_msghdr *h, const struct sockname *name)
{
	uint32_t room = h->namelen;

	h->namelen = name->len;
	if (!h->name || !name->len)
		return 0;
	return copy_to_user(t, h->name, &name->family, room < name->len ? room : name->len);
}

static long recvmsg_header(struct task *t, struct file *f, struct sock *s, struct abi_msghdr *h,
			   uaddr_t msg, int flags)
{
	struct abi_iovec fast[8], *iov;
	struct sockname name;
	int out_flags = 0;
	struct scm scm;
	struct uio to;
	long ret;

	if (h->iovlen > IOV_LIMIT)
		return -EMSGSIZE;
	ret = iov_from_user(t, h->iov, h->iovlen, fast, 8, &iov);
	if (ret)
		return ret;
	uio_vector(&to, t, iov, h->iovlen);
	if (to.left > RW_LIMIT)
		to.left = RW_LIMIT;
	ret = sock_recv(s, &to, flags, file_nonblock(f), &scm, &out_flags, &name);
	iov_free(iov, fast);
	if (ret < 0) {
		scm_release(&scm);
		return ret;
	}
	h->controllen = scm_to_user(t, s, &scm, h->control, h->control ? h->controllen : 0,
				    flags & MSG_CMSG_CLOEXEC, &out_flags);
	h->flags = out_flags | (flags & MSG_CMSG_CLOEXEC);
	if (put_msg_name(t, h, &name) || put_user(t, *h, msg))
		return -EFAULT;
	return ret;
}

static long recvmsg_one(struct task *t, struct file *f, struct sock *s, uaddr_t msg, int flags)
{
	struct abi_msghdr h;

	return get_user(t, h, msg) ? -EFAULT : recvmsg_header(t, f, s, &h, msg, flags);
}

long sys_recvmsg(struct task *t, int fd, uaddr_t msg, unsigned long flags)
{
	struct sock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = recvmsg_one(t, f, s, msg, (int)flags);
	file_put(f);
	return ret;
}

long sys_recvmmsg(struct task *t, int fd, uaddr_t msgs, unsigned vlen, unsigned long flags,
		  uaddr_t timeout)
{
	uint64_t deadline = WAIT_FOREVER;
	struct abi_timespec ts;
	struct sock *s;
	struct file *f;
	unsigned n = 0;
	long ret;

	if (timeout) {
		if (get_user(t, ts, timeout))
			return -EFAULT;
		if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= 1000000000)
			return -EINVAL;
		if (ts.sec < 1000000000)
			deadline =
			    time_now_ns() + (uint64_t)ts.sec * 1000000000 + (uint64_t)ts.nsec;
	}
	ret = socket_get(t, fd, &f, &s);
	if (ret)
		return ret;
	for (; n < vlen && n < MMSG_MAX; n++) {
		uaddr_t at = msgs + n * MMSG_SIZE;

		ret = recvmsg_one(t, f, s, at, (int)flags & ~MSG_WAITFORONE);
		if (ret < 0)
			break;
		uint32_t len = (uint32_t)ret;

		ret = put_user(t, len, at + sizeof(struct abi_msghdr));
		if (ret < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* recvmmsg(2), bugs: the timeout is looked at after each message only. */
		if (time_now_ns() >= deadline) {
			n++;
			break;
		}
	}
	file_put(f);
	return n ? n : ret;
}
