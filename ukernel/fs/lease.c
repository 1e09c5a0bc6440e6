/*
 * lease.c - leases on files.  See lease.h.
 *
 * There are never many, so they are one list; an inode knows whether it has any.
 */
#include "fs/lease.h"

#include "fs/lock.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "kern/waitq.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define CAP_LEASE_BIT 28

uint64_t lease_break_seconds = 45;

struct lease {
	struct list_head link;
	struct file *file; /* not counted: the lease goes with it */
	int fd;
	int type, target;     /* target differs while it is being broken */
	uint64_t deadline_ns; /* of the break */
};

static struct list_head leases = LIST_INIT(leases);
static struct waitq changed = {LIST_INIT(changed.entries)};

static struct lease *lease_of(const struct file *f)
{
	struct lease *l;

	if (f->inode->nr_leases > 0)
		list_for_each (l, &leases, link)
			if (l->file == f)
				return l;
	return NULL;
}

static void lease_remove(struct lease *l)
{
	l->file->inode->nr_leases--;
	list_del(&l->link);
	free(l);
	waitq_wake(&changed, 0);
}

/* Is the file open elsewhere in a way that a lease of type excludes? */
static bool open_conflicts(const struct file *f, int type)
{
	const struct inode *ino = f->inode;
	bool writes = (f->flags & O_ACCMODE) != O_RDONLY;

	if (type == F_RDLCK)
		return ino->write_count > 0;
	return ino->write_count != writes || ino->read_count != !writes;
}

static int lease_check(struct task *t, const struct file *f, unsigned long type)
{
	const struct inode *ino = f->inode;
	struct lease *l;

	if (t->cred->fsuid != ino->uid && !cred_capable(t->cred, CAP_LEASE_BIT))
		return -EACCES;
	if (!S_ISREG(ino->mode))
		return -EINVAL;
	if (type == F_UNLCK)
		return 0;
	if (type != F_RDLCK && type != F_WRLCK)
		return -EINVAL;
	if (open_conflicts(f, type))
		return -EAGAIN;
	list_for_each (l, &leases, link)
		if (l->file->inode == ino && l->file != f &&
		    (type == F_WRLCK || l->target == F_UNLCK))
			return -EAGAIN;
	return 0;
}

int lease_set(struct task *t, struct file *f, int fd, unsigned long type)
{
	struct lease *l = lease_of(f);
	int err = lease_check(t, f, type);

	if (err)
		return err;
	if (type == F_UNLCK) {
		if (!l)
			return -EAGAIN;
		lease_remove(l);
		return 0;
	}
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->file = f;
		l->fd = fd;
		list_add_tail(&l->link, &leases);
		f->inode->nr_leases++;
		if (!f->owner_pid) {
			f->owner_type = F_OWNER_PID;
			f->owner_pid = t->proc->pid;
		}
	} else if (l->target != l->type && type != (unsigned)l->target) {
		return -EAGAIN; /* it is being broken: only giving it up is accepted */
	}
	l->type = l->target = type;
	waitq_wake(&changed, 0);
	return 0;
}

int lease_get(const struct file *f)
{
	struct lease *l = lease_of(f);

	return l ? l->target : F_UNLCK;
}

/* The next lease in the way, with its break begun; NULL: none is left. */
static struct lease *conflict(struct inode *ino, bool write)
{
	int target = write ? F_UNLCK : F_RDLCK;
	struct lease *l;

	list_for_each (l, &leases, link) {
		if (l->file->inode != ino || (!write && l->type == F_RDLCK))
			continue;
		if (l->target == l->type || (write && l->target != F_UNLCK)) {
			l->target = target;
			l->deadline_ns = time_now_ns() + lease_break_seconds * 1000000000ULL;
			file_signal_owner(l->file, l->fd, EPOLLIN | EPOLLRDNORM, POLL_MSG);
		}
		return l;
	}
	return NULL;
}

int lease_break(struct inode *ino, bool write, bool nonblock)
{
	struct lease *l;

	while (ino->nr_leases > 0 && (l = conflict(ino, write)) != NULL) {
		int err;

		if (nonblock)
			return -EAGAIN;
		if (time_now_ns() >= l->deadline_ns) {
			if (l->target == F_UNLCK)
				lease_remove(l);
			else
				l->type = l->target;
			continue;
		}
		err = wait_on_until(&changed, l->deadline_ns);
		if (err && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

void lease_file_gone(struct file *f)
{
	struct lease *l = lease_of(f);

	if (l)
		lease_remove(l);
}
