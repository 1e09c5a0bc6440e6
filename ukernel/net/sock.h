/*
 * sock.h - sockets: two ends, each with a queue of messages that it has received.
 *
 * There is no wire: the network of a box is its own loopback, so both ends are always here, and
 * sending is putting a message in the other end's queue.  What differs between the families is
 * how an end is named and found (struct sock_family: unix.c, inet.c).
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "abi.h"
#include "fs/file.h"
#include "kern/waitq.h"
#include "lib/list.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#define SCM_FDS_MAX 253 /* as Linux's SCM_MAX_FD */

struct abi_ucred {
	int32_t pid;
	uint32_t uid, gid;
};

/* What travels beside the bytes of one message. */
struct scm {
	struct abi_ucred cred;
	bool cred_given;   /* by an SCM_CREDENTIALS of the sender */
	uint64_t stamp_ns; /* when it came, on the wall clock; 0: nobody had asked (SO_TIMESTAMP) */
	unsigned nfiles;
	struct file **files; /* counted; malloc()ed */
};
void scm_release(struct scm *scm);

/* A socket address of any family; len 0: none, len 2: the family alone (an unnamed AF_UNIX end). */
struct sockname {
	uint32_t len;
	union {
		uint16_t family;
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

struct message {
	struct list_head link;
	size_t len, off; /* off: consumed (streams) */
	size_t charged;	 /* to the memory of the box */
	struct scm scm;
	struct sockname from; /* of datagrams */
	char data[];
};

struct sock;

/*
 * What a family of addresses provides.  Names have been copied from the guest, and len is between
 * 2 and sizeof(the union), family not yet checked.
 */
struct sock_family {
	int family;
	/* Is there such a socket?  The type to use, or -errno.  protocol may be filled in. */
	int (*type)(int type, int *protocol);
	/* -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EINVAL (bound already), ... */
	int (*bind)(struct task *t, struct sock *s, const struct sockname *name);
	/* Give s a name of its own if it has none (connect, listen, sendto); may do nothing. */
	int (*autobind)(struct sock *s);
	/* The listening (stream) or receiving (datagram) socket at name; borrowed.
	 * -ECONNREFUSED, -ENOENT, -ENETUNREACH, -EPROTOTYPE, ... */
	int (*find)(struct task *t, struct sock *s, const struct sockname *name, struct sock **out);
	/* The name is free again: s closes. */
	void (*unbind)(struct sock *s);
	/* s has been connected to the name: set s->local and s->remote, and those of the other end,
	 * which inherits from the listener (NULL for datagrams). */
	void (*connected)(struct sock *s, const struct sockname *name, struct sock *other,
			  const struct sock *listener);
	/* A datagram socket has no fixed destination any more: what connecting chose of its own
	 * name goes, too.  May be NULL. */
	void (*disconnected)(struct sock *s);
};
extern const struct sock_family family_unix, family_inet, family_inet6;

struct sock {
	int refs; /* its file, its peer, and the backlog that it waits in */
	const struct sock_family *family;
	int type; /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	int protocol;

	/* Names. */
	struct sockname local, remote; /* remote of a datagram socket: where send() goes */
	struct list_head bound;	       /* in the family's table; empty when unnamed */
	struct inode *bound_inode;     /* of a path; counted */
	bool reuse_addr, reuse_port, v6only;
	bool addr_chosen, port_chosen; /* inet: by bind() */

	/* A listener: connections not yet accepted. */
	bool listening;
	unsigned backlog, backlog_max;
	struct list_head pending; /* of struct sock, by pending_link; each counted */
	struct list_head pending_link;
	struct waitq connectors; /* waiting for room in the backlog */
	bool connecting;	 /* connect() without waiting was answered EINPROGRESS */

	struct sock *peer; /* counted; NULL when never connected */
	bool closed;	   /* its file is gone */
	bool never_accepted;
	bool read_shut, write_shut, passcred, timestamp;
	bool was_reset; /* inet: what was sent after the peer's end has been answered */
	int error;	/* SO_ERROR, positive */
	struct abi_ucred peer_cred;

	struct file *file;     /* borrowed; NULL before accept() and when it is gone */
	unsigned inflight;     /* how often its file lies in a message (inflight.c) */
	bool suspect;	       /* of being garbage, and how many messages of others hold it: */
	unsigned held_outside; /* both have a meaning during a collection only */
	struct list_head inflight_link;

	struct list_head queue; /* of struct message: received, not yet read */
	size_t queued;		/* bytes in it */
	unsigned nqueued;	/* messages in it */
	struct waitq readers;	/* and pollers */
	struct waitq writers;	/* of this end, waiting for room at the peer */
	struct waitq senders;	/* of datagrams, waiting for room in this queue */

	struct sock_options *options; /* below SOL_SOCKET: sockopt.c; NULL when never set */
	int sndbuf, rcvbuf;
	uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
	int flag_options;		   /* SO_REUSEADDR and the like: kept, without effect */
	struct {
		int32_t onoff, linger;
	} linger;
};

bool sockname_equal(const struct sockname *a, const struct sockname *b);

/* NULL when f is no socket. */
struct sock *sock_of(struct file *f);
/* One reference; NULL: no memory. */
struct sock *sock_alloc(const struct sock_family *family, int type, int protocol);
struct sock *sock_get(struct sock *s);
void sock_put(struct sock *s); /* NULL is fine */
/* A file for s, whose reference it takes over on success.  NULL: no memory. */
struct file *sock_file(struct task *t, struct sock *s, int flags);
/* Make two ends of a connection. */
void sock_pair(struct sock *a, struct sock *b);
/* s loses its file: tell the peer, refuse who waits in the backlog. */
void sock_close(struct sock *s);
void sock_wake(struct sock *s, uint32_t events); /* everybody who waits at s */
static inline bool sock_is_inet(const struct sock *s)
{
	return s->family != &family_unix;
}

/* connect(2) proper, for stream and datagram sockets. May sleep (full backlog). */
int sock_connect(struct task *t, struct sock *s, const struct sockname *name, bool nonblock);
/* A connection out of the backlog, its reference to the caller.  -EAGAIN, -EINVAL. May sleep. */
int sock_accept(struct sock *s, bool nonblock, struct sock **out);

/*
 * Move one message, or a stretch of a stream.  flags are MSG_*.  scm of send is taken over on
 * success; recv fills one (files counted).  dest (datagrams) may be NULL: where s is connected to;
 * from_name may be NULL.  *out_flags gets MSG_TRUNC.  May sleep.  Bytes or
 * -errno: -EPIPE (the caller sends SIGPIPE unless MSG_NOSIGNAL), -EAGAIN, -ENOTCONN, -EMSGSIZE, ...
 */
ssize_t sock_send(struct sock *s, struct uio *from, int flags, bool nonblock, struct scm *scm,
		  const struct sockname *dest);
ssize_t sock_recv(struct sock *s, struct uio *to, int flags, bool nonblock, struct scm *scm,
		  int *out_flags, struct sockname *from_name);
int sock_shutdown(struct sock *s, int how);

/* scm.c: from and to the control buffer of a guest's msghdr. */
int scm_from_user(struct task *t, const struct sock *s, uaddr_t control, size_t len,
		  struct scm *out);
/* Installs descriptors; returns the length used, sets MSG_CTRUNC in *flags. */
size_t scm_to_user(struct task *t, struct sock *s, struct scm *scm, uaddr_t control, size_t len,
		   bool cloexec, int *flags);

/* ifreq.c: ioctl()s about network interfaces.  0, -ENODEV, -EFAULT; -ENOTTY: not one of them. */
long ifreq_ioctl(const struct sock *s, struct task *t, unsigned cmd, uaddr_t arg);

/* The credentials that t's messages carry. */
struct abi_ucred ucred_of(const struct task *t);
#endif
