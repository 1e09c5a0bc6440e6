/*
 * unix.h - AF_UNIX sockets: two ends, each with a queue of messages that it has received.
 */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include "abi.h"
#include "fs/file.h"
#include "kern/waitq.h"
#include "lib/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SCM_FDS_MAX 253 /* as Linux's SCM_MAX_FD */

struct abi_ucred {
	int32_t pid;
	uint32_t uid, gid;
};

/* What travels beside the bytes of one message. */
struct scm {
	struct abi_ucred cred;
	unsigned nfiles;
	struct file **files; /* counted; malloc()ed */
};
void scm_release(struct scm *scm);

struct message {
	struct list_head link;
	size_t len, off; /* off: consumed (streams) */
	struct scm scm;
	char data[];
};

struct usock {
	int refs; /* its file, and its peer */
	int type; /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	struct usock *peer; /* counted; NULL when never connected */
	bool closed;	    /* its file is gone */
	bool read_shut, write_shut, passcred;
	int error; /* SO_ERROR, positive */
	struct abi_ucred peer_cred;

	struct list_head queue; /* of struct message: received, not yet read */
	size_t queued;		/* bytes in it */
	struct waitq readers;	/* and pollers */
	struct waitq writers;	/* of this end, waiting for room at the peer */

	int sndbuf, rcvbuf;
	uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
	int flag_options; /* SO_REUSEADDR and the like: kept, without effect */
	struct { int32_t onoff, linger; } linger;
};

/* NULL when f is no socket. */
struct usock *usock_of(struct file *f);
/* A socket file with one reference; peer, if given, becomes connected to it. NULL: no memory. */
struct file *usock_create(struct task *t, int type, int flags);
void usock_connect(struct task *t, struct file *a, struct file *b);

/*
 * Move one message, or a stretch of a stream.  flags are MSG_*.  scm of send is taken over on
 * success; recv fills one (files counted).  *out_flags gets MSG_TRUNC.  May sleep.  Bytes or
 * -errno: -EPIPE (the caller sends SIGPIPE unless MSG_NOSIGNAL), -EAGAIN, -ENOTCONN, -EMSGSIZE, ...
 */
ssize_t usock_send(struct usock *s, struct uio *from, int flags, bool nonblock, struct scm *scm);
ssize_t usock_recv(struct usock *s, struct uio *to, int flags, bool nonblock, struct scm *scm,
		   int *out_flags);
int usock_shutdown(struct usock *s, int how);

/* scm.c: from and to the control buffer of a guest's msghdr. */
int scm_from_user(struct task *t, uaddr_t control, size_t len, struct scm *out);
/* Installs descriptors; returns the length used, sets MSG_CTRUNC in *flags. */
size_t scm_to_user(struct task *t, struct usock *s, struct scm *scm, uaddr_t control, size_t len,
		   bool cloexec, int *flags);

/* The credentials that t's messages carry. */
struct abi_ucred ucred_of(const struct task *t);
#endif
