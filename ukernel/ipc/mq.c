/*
 * mq.c - mq_open, mq_unlink, mq_notify and mq_getsetattr(2): POSIX message queues as open files
 * (mq_overview(7)).
 *
 * Names are a flat list of their own; the file system that shows them is not offered.  Of
 * SIGEV_THREAD the kernel's side needs a netlink socket, which no guest has.
 */
#include "ipc/mq.h"

#include "fs/vfs.h"
#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define HARD_MSG_MAX  65536
#define HARD_SIZE_MAX (16 << 20)
#define PRIO_LEVELS   32768
#define OVERHEAD      48 /* of a message, and of a priority in use, as Linux counts them */
#define FILE_SIZE     80 /* what fstat shows */
#define NAME_LIMIT    255
#define COOKIE_BYTES  32 /* of SIGEV_THREAD */

uint64_t mq_queues_max = 256, mq_msg_max = 10, mq_msg_default = 10;
uint64_t mq_size_max = 8192, mq_size_default = 8192;

/* What a queue costs: with its inode, its name and an open file. */
#define QUEUE_BYTES                                                                                \
	(sizeof(struct mq) + sizeof(struct inode) + sizeof(struct dentry) + NAME_LIMIT +           \
	 sizeof(struct file))

static struct list_head all_queues = LIST_INIT(all_queues), names = LIST_INIT(names);
static unsigned queue_count;

static const struct fs_type mqueue_type = {.name = "mqueue", .magic = 0x19800202};

static struct super *mqueue_super(void)
{
	static struct super *sb;

	if (!sb)
		sb = super_create(&mqueue_type, NULL);
	return sb;
}

/* --- notification --- */

void mq_notify_none(struct mq *q)
{
	process_put(q->notify);
	q->notify = NULL;
}

void mq_tell(struct task *t, struct mq *q)
{
	if (q->notify && q->count == 1) {
		struct abi_siginfo info = {.signo = q->how.signo, .code = SI_MESGQ};

		info.kill.pid = t->proc->pid;
		info.kill.uid = t->cred->uid;
		info.kill.value = q->how.value;
		if (q->how.notify == SIGEV_SIGNAL && q->how.signo &&
		    q->notify->state != PROC_ZOMBIE)
			(void)signal_send_process(q->notify, q->how.signo, &info);
		mq_notify_none(q);
	}
	waitq_wake(&q->pollers, EPOLLIN | EPOLLRDNORM);
}

/* --- open files --- */

static ssize_t mq_read(struct file *f, struct uio *to, uint64_t *pos)
{
	const struct mq *q = f->inode->priv;
	bool by_signal = q->notify && q->how.notify == SIGEV_SIGNAL;
	char text[FILE_SIZE];
	size_t len;
	ssize_t n;

	len = (size_t)snprintf(text, sizeof(text),
			       "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
			       (unsigned long)q->qsize, q->notify ? q->how.notify : 0,
			       by_signal ? q->how.signo : 0, q->notify ? q->notify->pid : 0);
	if (*pos >= len)
		return 0;
	n = uio_put(to, text + *pos, len - *pos);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static uint32_t mq_poll(struct file *f, struct poll_table *pt)
{
	struct mq *q = f->inode->priv;

	poll_wait(pt, f, &q->pollers);
	return (q->count ? EPOLLIN | EPOLLRDNORM : 0) |
	       (q->count < q->maxmsg ? EPOLLOUT | EPOLLWRNORM : 0);
}

/* A process that closes any descriptor of the queue is told nothing more. */
static void mq_flush(struct file *f, struct task *t)
{
	struct mq *q = f->inode->priv;

	if (q->notify == t->proc)
		mq_notify_none(q);
}

static const struct file_ops mq_ops = {
    .name = "mqueue",
    .read = mq_read,
    .llseek = file_llseek_generic,
    .poll = mq_poll,
    .flush = mq_flush,
};

static int mq_setattr(struct inode *ino, const struct iattr *attr)
{
	if (attr->valid & ATTR_SIZE)
		return -EINVAL;
	if (attr->valid & ATTR_MODE)
		ino->mode = (ino->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & ATTR_UID)
		ino->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		ino->gid = attr->gid;
	inode_touch(ino, ATTR_CTIME);
	return 0;
}

static void mq_evict(struct inode *ino)
{
	struct mq *q = ino->priv;
	struct mq_msg *m, *next;

	list_for_each_safe (m, next, &q->messages, link)
		ipc_free(m, sizeof(*m) + m->len);
	list_del(&q->all);
	queue_count--;
	mq_notify_none(q);
	ipc_free(q, QUEUE_BYTES);
}

static const struct inode_ops mq_inode_ops = {.setattr = mq_setattr, .evict = mq_evict};

struct mq *mq_get(struct task *t, int fd, int access, struct file **f)
{
	struct file *file = fd_get(t, fd);
	int acc = file ? file->flags & O_ACCMODE : 0;

	*f = file;
	if (!file)
		return NULL;
	if (file->ops == &mq_ops && (access < 0 || acc == access || acc == O_RDWR))
		return file->inode->priv;
	file_put(file);
	*f = NULL;
	return NULL;
}

/* --- queues --- */

/* The sizes that attr (may be NULL) asks for, within t's limits. */
static int sizes_check(struct task *t, const struct abi_mq_attr *attr, struct mq *q)
{
	bool free = cred_capable(t->cred, CAP_SYS_RESOURCE_BIT);
	uint64_t levels, bytes, used = 0;
	const struct mq *other;

	q->maxmsg = (int64_t)(mq_msg_max < mq_msg_default ? mq_msg_max : mq_msg_default);
	q->msgsize = (int64_t)(mq_size_max < mq_size_default ? mq_size_max : mq_size_default);
	if (attr) {
		q->maxmsg = attr->maxmsg;
		q->msgsize = attr->msgsize;
	}
	if (q->maxmsg <= 0 || q->msgsize <= 0)
		return -EINVAL;
	if (q->maxmsg > (free ? HARD_MSG_MAX : (int64_t)mq_msg_max) ||
	    q->msgsize > (free ? HARD_SIZE_MAX : (int64_t)mq_size_max))
		return -EINVAL;
	levels = (uint64_t)q->maxmsg < PRIO_LEVELS ? (uint64_t)q->maxmsg : PRIO_LEVELS;
	bytes = (uint64_t)q->maxmsg * (uint64_t)(q->msgsize + OVERHEAD) + levels * OVERHEAD;
	list_for_each (other, &all_queues, all)
		used += other->owner == t->cred->uid ? other->charged : 0;
	if (used + bytes > t->proc->rlimit[RLIMIT_MSGQUEUE].cur)
		return -EMFILE;
	q->charged = bytes;
	q->owner = t->cred->uid;
	return 0;
}

static int queue_create(struct task *t, const char *name, unsigned mode,
			const struct abi_mq_attr *attr, struct mq **out)
{
	struct mq *q;
	struct inode *ino;
	char label[NAME_LIMIT + 2];
	int err;

	if (queue_count >= mq_queues_max && !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT))
		return -ENOSPC;
	q = ipc_alloc(QUEUE_BYTES);
	ino = q && mqueue_super() ? inode_create(mqueue_super(), S_IFREG | mode) : NULL;
	err = ino ? sizes_check(t, attr, q) : -ENOMEM;
	snprintf(label, sizeof(label), "/%s", name);
	if (!err && !(q->dentry = dentry_anon(ino, label)))
		err = -ENOMEM;
	if (err) {
		inode_put(ino);
		ipc_free(q, QUEUE_BYTES);
		return err;
	}
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	waitq_init(&q->pollers);
	list_add_tail(&q->all, &all_queues);
	list_add_tail(&q->named, &names);
	queue_count++;
	ino->ops = &mq_inode_ops;
	ino->fops = &mq_ops;
	ino->priv = q;
	ino->size = FILE_SIZE;
	ino->uid = t->cred->fsuid;
	ino->gid = t->cred->fsgid;
	inode_put(ino); /* the dentry has it */
	*out = q;
	return 0;
}

static struct mq *queue_find(const char *name)
{
	struct mq *q;

	list_for_each (q, &names, named)
		if (!strcmp(q->dentry->name + 1, name))
			return q;
	return NULL;
}

/* A name as the C library gives it, without the slash: one component. */
static int name_get(struct task *t, uaddr_t uname, char name[NAME_LIMIT + 1])
{
	ssize_t len = string_from_user(t, name, uname, NAME_LIMIT + 1);

	if (len < 0)
		return (int)len;
	if (!len)
		return -ENOENT;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

static int open_existing(struct task *t, struct mq *q, int flags)
{
	static const int wanted[] = {4, 2, 6}; /* of O_RDONLY, O_WRONLY, O_RDWR */

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	return inode_permission(q->dentry->inode, t->cred, wanted[flags & O_ACCMODE]);
}

static int open_queue(struct task *t, const char *name, int flags, unsigned mode,
		      const struct abi_mq_attr *attr, struct file **out)
{
	struct mq *q = queue_find(name);
	struct path path = {0};
	int err;

	if (q)
		err = open_existing(t, q, flags);
	else if (!(flags & O_CREAT))
		return -ENOENT;
	else
		err = queue_create(t, name, mode & 07777 & ~t->fs->umask, attr, &q);
	if (err)
		return err;
	path.dentry = q->dentry;
	*out = file_alloc(&mq_ops, &path,
			  flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC));
	return *out ? 0 : -ENOMEM;
}

long sys_mq_open(struct task *t, uaddr_t uname, int flags, unsigned mode, uaddr_t uattr)
{
	struct abi_mq_attr attr;
	char name[NAME_LIMIT + 1];
	struct file *f;
	int fd, err;

	if (uattr && get_user(t, attr, uattr))
		return -EFAULT;
	err = name_get(t, uname, name);
	if (err)
		return err;
	fd = fd_reserve(t, 0, true);
	if (fd < 0)
		return fd;
	err = open_queue(t, name, flags, mode, uattr ? &attr : NULL, &f);
	if (err) {
		fd_unreserve(t, fd);
		return err;
	}
	fd_fill(t, fd, f);
	return fd;
}

long sys_mq_unlink(struct task *t, uaddr_t uname)
{
	char name[NAME_LIMIT + 1];
	int err = name_get(t, uname, name);
	struct dentry *d;
	struct mq *q;

	if (err)
		return err;
	q = queue_find(name);
	if (!q)
		return -ENOENT;
	/* The directory is sticky. */
	d = q->dentry;
	if (t->cred->fsuid != d->inode->uid && !cred_capable(t->cred, CAP_FOWNER_BIT))
		return -EPERM;
	list_del(&q->named);
	q->dentry = NULL;
	d->unlinked = true;
	d->inode->nlink = 0;
	dentry_put(d);
	return 0;
}

/* --- attributes and notification --- */

static long attr_swap(struct task *t, int fd, const struct abi_mq_attr *set,
		      struct abi_mq_attr *old)
{
	struct file *f;
	struct mq *q = mq_get(t, fd, -1, &f);

	if (!q)
		return -EBADF;
	*old = (struct abi_mq_attr){.flags = f->flags & O_NONBLOCK,
				    .maxmsg = q->maxmsg,
				    .msgsize = q->msgsize,
				    .curmsgs = q->count};
	if (set)
		f->flags = (f->flags & ~O_NONBLOCK) | (int)set->flags;
	file_put(f);
	return 0;
}

long sys_mq_getsetattr(struct task *t, int fd, uaddr_t unew, uaddr_t uold)
{
	struct abi_mq_attr set, old;
	long err;

	if (unew && get_user(t, set, unew))
		return -EFAULT;
	if (unew && (set.flags & ~(int64_t)O_NONBLOCK))
		return -EINVAL;
	err = attr_swap(t, fd, unew ? &set : NULL, &old);
	if (!err && uold && put_user(t, old, uold))
		err = -EFAULT;
	return err;
}

/* SIGEV_THREAD tells over a netlink socket, and there is none. */
static long thread_refuse(struct task *t, const struct abi_sigevent *how)
{
	char cookie[COOKIE_BYTES];
	struct file *f;
	long err;

	if (copy_from_user(t, cookie, (uaddr_t)how->value.sival_ptr, sizeof(cookie)))
		return -EFAULT;
	f = fd_get(t, how->signo);
	if (!f)
		return -EBADF;
	err = S_ISSOCK(f->inode->mode) ? -EINVAL : -ENOTSOCK;
	file_put(f);
	return err;
}

long sys_mq_notify(struct task *t, int fd, uaddr_t uevent)
{
	struct abi_sigevent how;
	struct file *f;
	struct mq *q;
	long err = 0;

	if (uevent) {
		if (get_user(t, how, uevent))
			return -EFAULT;
		if (how.notify != SIGEV_NONE && how.notify != SIGEV_SIGNAL &&
		    how.notify != SIGEV_THREAD)
			return -EINVAL;
		if (how.notify == SIGEV_SIGNAL && (unsigned)how.signo > NSIG_GUEST)
			return -EINVAL;
		if (how.notify == SIGEV_THREAD)
			return thread_refuse(t, &how);
	}
	q = mq_get(t, fd, -1, &f);
	if (!q)
		return -EBADF;
	if (!uevent) {
		if (q->notify == t->proc)
			mq_notify_none(q);
	} else if (q->notify) {
		err = -EBUSY;
	} else {
		q->how = how;
		q->notify = process_get(t->proc);
	}
	file_put(f);
	return err;
}
