/*
 * sockname.h - socket addresses from and to a guest.
 */
#ifndef NET_SOCKNAME_H
#define NET_SOCKNAME_H

#include "net/sock.h"

/* -EINVAL (length), -EFAULT. */
int sockname_from_user(struct task *t, uaddr_t addr, int len, struct sockname *out);
/* As accept(2) and its like fill their addr and addrlen: cut to what fits, the true length told. */
int sockname_to_user(struct task *t, const struct sockname *name, uaddr_t addr, uaddr_t addrlen);

/* The socket behind fd, with a reference on its file in *out.  -EBADF, -ENOTSOCK. */
int socket_get(struct task *t, int fd, struct file **out, struct sock **s);
#endif
