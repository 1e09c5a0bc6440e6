/*
 * socket.c - the socket calls, as far as there are sockets: AF_UNIX pairs, and AF_UNIX sockets
 * that find nobody to connect to.  Other families are -EAFNOSUPPORT.
 */
#include "fs/pipe.h"
#include "kern/task.h"
#include "net/unix.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)
#define RW_LIMIT   0x7ffff000UL

/* The socket behind fd, with a reference on its file in *out.  -EBADF, -ENOTSOCK. */
static int socket_get(struct task *t, int fd, struct file **out, struct usock **s)
{
	*out = fd_get(t, fd);
	if (!*out)
		return -EBADF;
	*s = usock_of(*out);
	if (*s)
		return 0;
	file_put(*out);
	return -ENOTSOCK;
}

static int type_check(int domain, int type, int protocol)
{
	if (type & ~(0xf | TYPE_FLAGS))
		return -EINVAL;
	if (domain < 0 || domain > 45 || domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (type & 0xf) {
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		return type & 0xf;
	case SOCK_RAW: /* as Linux: taken for a datagram socket */
		return SOCK_DGRAM;
	}
	return -ESOCKTNOSUPPORT;
}

long sys_socket(struct task *t, int domain, int type, int protocol)
{
	int kind = type_check(domain, type, protocol), fd;
	struct file *f;

	if (kind < 0)
		return kind;
	f = usock_create(t, kind, type & SOCK_NONBLOCK);
	if (!f)
		return -ENOMEM;
	fd = fd_install(t, f, 0, type & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_socketpair(struct task *t, int domain, int type, int protocol, uaddr_t fds)
{
	int kind = type_check(domain, type, protocol), err;
	struct file *end[2];
	int32_t fd[2];

	if (kind < 0)
		return kind;
	end[0] = usock_create(t, kind, type & SOCK_NONBLOCK);
	end[1] = usock_create(t, kind, type & SOCK_NONBLOCK);
	if (!end[0] || !end[1]) {
		file_put(end[0]);
		file_put(end[1]);
		return -ENOMEM;
	}
	usock_connect(t, end[0], end[1]);
	fd[0] = fd_reserve(t, 0, type & SOCK_CLOEXEC);
	fd[1] = fd[0] < 0 ? -1 : fd_reserve(t, 0, type & SOCK_CLOEXEC);
	err = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : copy_to_user(t, fds, fd, sizeof(fd));
	for (int i = 0; i < 2; i++) {
		if (!err) {
			fd_fill(t, fd[i], end[i]);
			continue;
		}
		if (fd[i] >= 0)
			fd_unreserve(t, fd[i]);
		file_put(end[i]);
	}
	return err;
}

/* Who listens at the address?  Nobody yet, so the answer is an error: which one. */
static int address_error(struct task *t, uaddr_t addr, int addrlen)
{
	struct sockaddr_un un = {0};
	struct path path;
	char name[sizeof(un.sun_path) + 1] = "";
	int err;

	if (addrlen < 0 || addrlen > (int)sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (addrlen > (int)sizeof(un) || addrlen <= (int)offsetof(struct sockaddr_un, sun_path))
		return -EINVAL;
	if (copy_from_user(t, &un, addr, addrlen))
		return -EFAULT;
	if (un.sun_family != AF_UNIX)
		return -EINVAL;
	if (!un.sun_path[0])
		return -ECONNREFUSED; /* the abstract name space is empty */
	memcpy(name, un.sun_path, addrlen - offsetof(struct sockaddr_un, sun_path));
	err = path_lookup(t, AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = inode_permission(path.dentry->inode, t->cred, 2 /* W_OK */);
	path_put(&path);
	return err ? err : -ECONNREFUSED;
}

long sys_connect(struct task *t, int fd, uaddr_t addr, int addrlen)
{
	struct usock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = s->peer && s->type != SOCK_DGRAM ? -EISCONN : address_error(t, addr, addrlen);
	file_put(f);
	return err;
}

long sys_shutdown(struct task *t, int fd, int how)
{
	struct usock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = usock_shutdown(s, how);
	file_put(f);
	return err;
}

/* --- names --- */

/* An unnamed address: the family alone. */
static long put_unnamed(struct task *t, uaddr_t addr, uaddr_t addrlen)
{
	int32_t len, full = sizeof(uint16_t);
	uint16_t family = AF_UNIX;

	if (get_user(t, len, addrlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (copy_to_user(t, addr, &family, len < full ? len : full))
		return -EFAULT;
	return put_user(t, full, addrlen);
}

long sys_getsockname(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	struct usock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = put_unnamed(t, addr, addrlen);
	file_put(f);
	return ret;
}

long sys_getpeername(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	struct usock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = s->peer ? put_unnamed(t, addr, addrlen) : -ENOTCONN;
	file_put(f);
	return ret;
}

/* --- send --- */

static long do_send(struct task *t, struct file *f, struct usock *s, struct uio *from, int flags,
		    struct scm *scm)
{
	long ret;

	if (from->left > RW_LIMIT)
		from->left = RW_LIMIT;
	ret = usock_send(s, from, flags, file_nonblock(f), scm);
	if (ret == -EPIPE && !(flags & MSG_NOSIGNAL))
		pipe_broken(t);
	return ret;
}

/* Sending to a name: a stream is connected or not, a datagram finds nobody there. */
static int destination_error(struct task *t, const struct usock *s, uaddr_t addr, int addrlen)
{
	if (s->type != SOCK_DGRAM)
		return s->peer ? -EISCONN : -EOPNOTSUPP;
	return address_error(t, addr, addrlen);
}

long sys_sendto(struct task *t, int fd, uaddr_t buf, size_t len, unsigned long flags, uaddr_t addr,
		int addrlen)
{
	struct scm scm = {.cred = ucred_of(t)};
	struct usock *s;
	struct file *f;
	struct uio from;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	uio_user(&from, t, buf, len);
	if (addr && addrlen)
		ret = destination_error(t, s, addr, addrlen);
	else
		ret = do_send(t, f, s, &from, flags, &scm);
	file_put(f);
	return ret;
}

static long sendmsg_header(struct task *t, struct file *f, struct usock *s,
			   const struct abi_msghdr *h, int flags)
{
	struct abi_iovec fast[8], *iov;
	struct scm scm;
	struct uio from;
	long ret;

	if (h->name && h->namelen)
		return destination_error(t, s, h->name, h->namelen);
	if (h->iovlen > IOV_LIMIT)
		return -EMSGSIZE;
	ret = iov_from_user(t, h->iov, h->iovlen, fast, 8, &iov);
	if (ret)
		return ret;
	ret = scm_from_user(t, h->control, h->controllen, &scm);
	if (!ret) {
		uio_vector(&from, t, iov, h->iovlen);
		ret = do_send(t, f, s, &from, flags, &scm);
		scm_release(&scm);
	}
	iov_free(iov, fast);
	return ret;
}

long sys_sendmsg(struct task *t, int fd, uaddr_t msg, unsigned long flags)
{
	struct abi_msghdr h;
	struct usock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = get_user(t, h, msg) ? -EFAULT : sendmsg_header(t, f, s, &h, flags);
	file_put(f);
	return ret;
}

/* --- receive --- */

long sys_recvfrom(struct task *t, int fd, uaddr_t buf, size_t len, unsigned long flags, uaddr_t addr,
		  uaddr_t addrlen)
{
	int32_t none = 0;
	int out_flags = 0;
	struct scm scm;
	struct usock *s;
	struct file *f;
	struct uio to;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	uio_user(&to, t, buf, len < RW_LIMIT ? len : RW_LIMIT);
	ret = usock_recv(s, &to, flags, file_nonblock(f), &scm, &out_flags);
	scm_release(&scm);
	if (ret >= 0 && addr && put_user(t, none, addrlen))
		ret = -EFAULT;
	file_put(f);
	return ret;
}

static long recvmsg_header(struct task *t, struct file *f, struct usock *s, struct abi_msghdr *h,
			   uaddr_t msg, int flags)
{
	struct abi_iovec fast[8], *iov;
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
	ret = usock_recv(s, &to, flags, file_nonblock(f), &scm, &out_flags);
	iov_free(iov, fast);
	if (ret < 0) {
		scm_release(&scm);
		return ret;
	}
	h->controllen = scm_to_user(t, s, &scm, h->control, h->control ? h->controllen : 0,
				    flags & MSG_CMSG_CLOEXEC, &out_flags);
	h->namelen = 0;
	h->flags = out_flags | (flags & MSG_CMSG_CLOEXEC);
	return put_user(t, *h, msg) ? -EFAULT : ret;
}

long sys_recvmsg(struct task *t, int fd, uaddr_t msg, unsigned long flags)
{
	struct abi_msghdr h;
	struct usock *s;
	struct file *f;
	long ret = socket_get(t, fd, &f, &s);

	if (ret)
		return ret;
	ret = get_user(t, h, msg) ? -EFAULT : recvmsg_header(t, f, s, &h, msg, flags);
	file_put(f);
	return ret;
}
