/*
 * unix.c - the names of AF_UNIX sockets: paths in the file system, and abstract ones (unix(7)).
 */
#include "fs/inode.h"
#include "kern/task.h"
#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static struct list_head abstract_names = LIST_INIT(abstract_names);

static int unix_type(int type, int *protocol)
{
	if (*protocol && *protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	*protocol = 0;
	switch (type) {
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		return type;
	case SOCK_RAW: /* as Linux: taken for a datagram socket */
		return SOCK_DGRAM;
	}
	return -ESOCKTNOSUPPORT;
}

/* The path of name, NUL-ended; empty for an abstract one. */
static void path_of(const struct sockname *name, char path[sizeof(name->un.sun_path) + 1])
{
	size_t len = name->len - PATH_OFFSET;

	memcpy(path, name->un.sun_path, len);
	path[len] = '\0';
}

static struct sock *abstract_find(const struct sockname *name)
{
	struct sock *s;

	list_for_each (s, &abstract_names, bound)
		if (s->local.len == name->len && memcmp(&s->local.un, &name->un, name->len) == 0)
			return s;
	return NULL;
}

static int bind_abstract(struct sock *s, const struct sockname *name)
{
	if (abstract_find(name))
		return -EADDRINUSE;
	s->local = *name;
	list_add(&s->bound, &abstract_names);
	return 0;
}

static int bind_path(struct task *t, struct sock *s, const struct sockname *name)
{
	char path[sizeof(name->un.sun_path) + 1];
	int err;

	path_of(name, path);
	err = path_mknod(t, AT_FDCWD, path, S_IFSOCK | (s->file->inode->mode & 07777), 0,
			 &s->bound_inode);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	s->bound_inode->sock = s;
	s->local = *name;
	s->local.len = PATH_OFFSET + strlen(path) + 1;
	return 0;
}

/* The kernel's choice: five hexadecimal digits in the abstract space. */
static int unix_autobind_always(struct sock *s)
{
	static unsigned next;

	for (unsigned i = 0; i < 0x100000; i++) {
		struct sockname name = {.un.sun_family = AF_UNIX};

		snprintf(name.un.sun_path + 1, 6, "%05x", next++ & 0xfffff);
		name.len = PATH_OFFSET + 6;
		if (!abstract_find(&name))
			return bind_abstract(s, &name);
	}
	return -ENOSPC;
}

static int unix_bind(struct task *t, struct sock *s, const struct sockname *name)
{
	if (name->family != AF_UNIX || name->len > sizeof(name->un))
		return -EINVAL;
	if (s->local.len > sizeof(s->local.family))
		return -EINVAL;
	if (name->len == sizeof(name->family))
		return unix_autobind_always(s);
	if (name->un.sun_path[0])
		return bind_path(t, s, name);
	return bind_abstract(s, name);
}

static int unix_autobind(struct sock *s)
{
	return 0; /* an AF_UNIX end may well have no name */
}

static int unix_find(struct task *t, struct sock *s, const struct sockname *name, struct sock **out)
{
	char text[sizeof(name->un.sun_path) + 1];
	struct path path;
	int err;

	if (name->family != AF_UNIX || name->len <= PATH_OFFSET || name->len > sizeof(name->un))
		return -EINVAL;
	if (!name->un.sun_path[0]) {
		*out = abstract_find(name);
	} else {
		path_of(name, text);
		err = path_lookup(t, AT_FDCWD, text, LOOKUP_FOLLOW, &path);
		if (err)
			return err;
		*out = path.dentry->inode->sock;
		err = inode_permission(path.dentry->inode, t->cred, 2 /* W_OK */);
		path_put(&path);
		if (err)
			return err;
	}
	if (!*out)
		return -ECONNREFUSED;
	return (*out)->type == s->type ? 0 : -EPROTOTYPE;
}

static void unix_unbind(struct sock *s)
{
	list_del(&s->bound);
	if (s->bound_inode) {
		s->bound_inode->sock = NULL;
		inode_put(s->bound_inode);
		s->bound_inode = NULL;
	}
}

static void unix_connected(struct sock *s, const struct sockname *name, struct sock *other,
			   const struct sock *listener)
{
	s->remote = other->local;
	if (!listener)
		return;
	other->local = listener->local;
	other->remote = s->local;
	s->remote = listener->local;
}

const struct sock_family family_unix = {
    .family = AF_UNIX,
    .type = unix_type,
    .bind = unix_bind,
    .autobind = unix_autobind,
    .find = unix_find,
    .unbind = unix_unbind,
    .connected = unix_connected,
};
