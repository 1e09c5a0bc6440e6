/*
 * socket.c - socket, socketpair and shutdown.  connect.c has the calls about names, transfer.c
 * those that move data.
 */
#include "kern/task.h"
#include "net/sockname.h"
#include "syscall.h"

#include <errno.h>
#include <sys/socket.h>

#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

int socket_get(struct task *t, int fd, struct file **out, struct sock **s)
{
	*out = fd_get(t, fd);
	if (!*out)
		return -EBADF;
	*s = sock_of(*out);
	if (*s)
		return 0;
	file_put(*out);
	return -ENOTSOCK;
}

/* The family of domain, and the type and protocol to use in it. */
static int family_find(int domain, int *type, int *protocol, const struct sock_family **out)
{
	static const struct sock_family *const families[] = {&family_unix, &family_inet,
							     &family_inet6};
	int kind;

	if (*type & ~(0xf | TYPE_FLAGS))
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i]->family != domain)
			continue;
		*out = families[i];
		kind = families[i]->type(*type & 0xf, protocol);
		*type = kind;
		return kind < 0 ? kind : 0;
	}
	return -EAFNOSUPPORT;
}

long sys_socket(struct task *t, int domain, int type, int protocol)
{
	const struct sock_family *family;
	int flags = type & TYPE_FLAGS, fd, err = family_find(domain, &type, &protocol, &family);
	struct file *f;
	struct sock *s;

	if (err)
		return err;
	s = sock_alloc(family, type, protocol);
	f = s ? sock_file(t, s, flags) : NULL;
	if (!f) {
		sock_put(s);
		return -ENOMEM;
	}
	fd = fd_install(t, f, 0, flags & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int pair_create(struct task *t, int type, int flags, struct file *end[2])
{
	struct sock *s[2];

	for (int i = 0; i < 2; i++) {
		s[i] = sock_alloc(&family_unix, type, 0);
		end[i] = s[i] ? sock_file(t, s[i], flags) : NULL;
		if (!end[i]) {
			sock_put(s[i]);
			if (i)
				file_put(end[0]);
			return -ENOMEM;
		}
		s[i]->peer_cred = ucred_of(t);
	}
	sock_pair(s[0], s[1]);
	return 0;
}

long sys_socketpair(struct task *t, int domain, int type, int protocol, uaddr_t fds)
{
	const struct sock_family *family;
	int flags = type & TYPE_FLAGS, err = family_find(domain, &type, &protocol, &family);
	struct file *end[2];
	int32_t fd[2];

	if (!err && family != &family_unix)
		err = -EOPNOTSUPP;
	if (!err)
		err = pair_create(t, type, flags, end);
	if (err)
		return err;
	fd[0] = fd_reserve(t, 0, flags & SOCK_CLOEXEC);
	fd[1] = fd[0] < 0 ? -1 : fd_reserve(t, 0, flags & SOCK_CLOEXEC);
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

long sys_shutdown(struct task *t, int fd, int how)
{
	struct sock *s;
	struct file *f;
	int err = socket_get(t, fd, &f, &s);

	if (err)
		return err;
	err = sock_shutdown(s, how);
	file_put(f);
	return err;
}
