/*
 * scm.c - control messages of AF_UNIX: descriptors and credentials (unix(7), cmsg(3)).
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "net/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONTROL_MAX 20480 /* as net.core.optmem_max */
#define ALIGN8(n)   (((n) + 7) & ~(size_t)7)

struct abi_cmsghdr {
	uint64_t len; /* with this header */
	int32_t level, type;
};

static int take_files(struct task *t, const char *data, size_t len, struct scm *out)
{
	unsigned n = len / sizeof(int32_t);
	struct file **grown;

	if (out->nfiles + n > SCM_FDS_MAX)
		return -EINVAL;
	grown = realloc(out->files, (out->nfiles + n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	out->files = grown;
	for (unsigned i = 0; i < n; i++) {
		int32_t fd;
		struct file *f;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		f = fd_get_path(t, fd);
		if (!f)
			return -EBADF;
		out->files[out->nfiles++] = f;
	}
	return 0;
}

/* Only the privileged may speak for others. */
static int take_cred(struct task *t, const char *data, size_t len, struct scm *out)
{
	const struct cred *c = t->cred;
	struct abi_ucred uc;

	if (len != sizeof(uc))
		return -EINVAL;
	memcpy(&uc, data, sizeof(uc));
	if (uc.pid != t->proc->pid && !cred_capable(c, CAP_SYS_ADMIN_BIT))
		return -EPERM;
	if (uc.uid != c->uid && uc.uid != c->euid && uc.uid != c->suid &&
	    !cred_capable(c, CAP_SETUID_BIT))
		return -EPERM;
	if (uc.gid != c->gid && uc.gid != c->egid && uc.gid != c->sgid &&
	    !cred_capable(c, CAP_SETGID_BIT))
		return -EPERM;
	if (uc.pid != t->proc->pid && !process_find(uc.pid))
		return -ESRCH;
	out->cred = uc;
	out->cred_given = true;
	return 0;
}

/* Between hosts neither travels, and Linux does not mind: inet only checks the form. */
static int scm_parse(struct task *t, bool inet, const char *buf, size_t len, struct scm *out)
{
	struct abi_cmsghdr h;

	for (size_t at = 0; at + sizeof(h) <= len; at += ALIGN8(h.len)) {
		const char *data = buf + at + sizeof(h);
		int err;

		memcpy(&h, buf + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			return -EINVAL;
		if (h.level != SOL_SOCKET)
			continue;
		if (inet && (h.type == SCM_RIGHTS || h.type == SCM_CREDENTIALS))
			err = 0;
		else if (h.type == SCM_RIGHTS)
			err = take_files(t, data, h.len - sizeof(h), out);
		else if (h.type == SCM_CREDENTIALS)
			err = take_cred(t, data, h.len - sizeof(h), out);
		else
			err = -EINVAL;
		if (err)
			return err;
	}
	return 0;
}

int scm_from_user(struct task *t, const struct sock *s, uaddr_t control, size_t len,
		  struct scm *out)
{
	char *buf;
	int err;

	*out = (struct scm){.cred = ucred_of(t)};
	if (!control || !len)
		return 0;
	if (len > CONTROL_MAX)
		return -ENOBUFS;
	buf = malloc(len);
	if (!buf)
		return -ENOMEM;
	err = copy_from_user(t, buf, control, len) ? -EFAULT
						   : scm_parse(t, sock_is_inet(s), buf, len, out);
	free(buf);
	if (!err && out->nfiles)
		err = inflight_may_send(t);
	if (err)
		scm_release(out);
	return err;
}

/* One control message at control + *used; false when it did not fit whole. */
static bool put_cmsg(struct task *t, uaddr_t control, size_t len, size_t *used, int type,
		     const void *data, size_t size)
{
	struct abi_cmsghdr h = {sizeof(h) + size, SOL_SOCKET, type};
	bool whole = true;

	if (len - *used < sizeof(h))
		return false;
	if (len - *used < h.len) {
		whole = false;
		h.len = len - *used;
		size = h.len - sizeof(h);
	}
	if (put_user(t, h, control + *used) ||
	    copy_to_user(t, control + *used + sizeof(h), data, size))
		return false;
	*used += ALIGN8(h.len) < len - *used ? ALIGN8(h.len) : len - *used;
	return whole;
}

/* Give t as many of the files as there is room for; false when some were left. */
static bool put_files(struct task *t, struct scm *scm, uaddr_t control, size_t len, size_t *used,
		      bool cloexec)
{
	size_t room = len - *used > sizeof(struct abi_cmsghdr)
			  ? (len - *used - sizeof(struct abi_cmsghdr)) / sizeof(int32_t)
			  : 0;
	int32_t fds[SCM_FDS_MAX];
	unsigned n = 0;

	for (; n < scm->nfiles && n < room; n++) {
		fds[n] = fd_install(t, scm->files[n], 0, cloexec);
		if (fds[n] < 0)
			break;
		file_get(scm->files[n]); /* scm_release() puts its own */
	}
	if (n && !put_cmsg(t, control, len, used, SCM_RIGHTS, fds, n * sizeof(fds[0])))
		return false;
	return n == scm->nfiles;
}

static bool put_stamp(struct task *t, const struct scm *scm, uaddr_t control, size_t len,
		      size_t *used)
{
	uint64_t ns = scm->stamp_ns ? scm->stamp_ns : time_wall_ns();
	struct abi_timeval tv = {ns / 1000000000, ns % 1000000000 / 1000};

	return put_cmsg(t, control, len, used, SO_TIMESTAMP, &tv, sizeof(tv));
}

size_t scm_to_user(struct task *t, struct sock *s, struct scm *scm, uaddr_t control, size_t len,
		   bool cloexec, int *flags)
{
	size_t used = 0;
	bool fits = true;

	if (s->timestamp && s->type == SOCK_DGRAM)
		fits = put_stamp(t, scm, control, len, &used);
	if (s->passcred && !sock_is_inet(s))
		fits = put_cmsg(t, control, len, &used, SCM_CREDENTIALS, &scm->cred,
				sizeof(scm->cred)) &&
		       fits;
	if (scm->nfiles)
		fits = put_files(t, scm, control, len, &used, cloexec) && fits;
	if (!fits)
		*flags |= MSG_CTRUNC;
	scm_release(scm);
	return used;
}
