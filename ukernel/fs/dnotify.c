/*
 * dnotify.c - fcntl(F_NOTIFY): a signal when something in a directory changes (fcntl(2)).
 *
 * The older sister of inotify, fed by the same hooks.  A notification lives as long as the open
 * file that asked for it; dropping it when just one of several descriptors is closed is not done.
 */
#include "fs/file.h"
#include "fs/inotify.h"
#include "fs/lock.h"
#include "kern/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

struct dnotify {
	struct list_head link;
	struct file *file; /* uncounted: goes with it */
	int fd;
	unsigned long mask; /* DN_* */
};

static struct list_head all = LIST_INIT(all);
unsigned dnotify_count;

static void dnotify_free(struct dnotify *d)
{
	list_del(&d->link);
	free(d);
	dnotify_count--;
}

static struct dnotify *dnotify_find(const struct file *f)
{
	struct dnotify *d;

	list_for_each (d, &all, link)
		if (d->file == f)
			return d;
	return NULL;
}

long fcntl_notify(struct task *t, struct file *f, int fd, unsigned long arg)
{
	struct dnotify *d = dnotify_find(f);

	if (!S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	if (!(arg & ~(unsigned long)DN_MULTISHOT)) {
		if (d)
			dnotify_free(d);
		return 0;
	}
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->file = f;
		list_add_tail(&d->link, &all);
		dnotify_count++;
	}
	d->fd = fd;
	d->mask |= arg; /* cumulative */
	f->owner_type = F_OWNER_PID;
	f->owner_pid = t->proc->pid;
	return 0;
}

void dnotify_file_gone(struct file *f)
{
	struct dnotify *d = dnotify_count ? dnotify_find(f) : NULL;

	if (d)
		dnotify_free(d);
}

static unsigned long wanted_by(uint32_t in_mask)
{
	unsigned long dn = 0;

	dn |= in_mask & IN_ACCESS ? DN_ACCESS : 0;
	dn |= in_mask & IN_MODIFY ? DN_MODIFY : 0;
	dn |= in_mask & (IN_CREATE | IN_MOVED_TO) ? DN_CREATE : 0;
	dn |= in_mask & (IN_DELETE | IN_MOVED_FROM) ? DN_DELETE : 0;
	dn |= in_mask & (IN_MOVED_FROM | IN_MOVED_TO) ? DN_RENAME : 0;
	dn |= in_mask & IN_ATTRIB ? DN_ATTRIB : 0;
	return dn;
}

void dnotify_event(const struct inode *dir, uint32_t in_mask)
{
	unsigned long dn = wanted_by(in_mask);
	struct dnotify *d, *tmp;

	list_for_each_safe (d, tmp, &all, link) {
		if (d->file->inode != dir || !(d->mask & dn))
			continue;
		file_signal_owner(d->file, d->fd, EPOLLIN | EPOLLRDNORM, POLL_MSG);
		if (!(d->mask & DN_MULTISHOT))
			dnotify_free(d);
	}
}
