/*
 * inotify.c - inotify(7): queues of what happened to watched files and directories.
 *
 * A watch holds on to the entry it was made through, so that the inode stays known for as long as
 * it is watched.  Events come from the hooks in inotify.h alone.
 */
#include "fs/inotify.h"

#include "fs/file.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define MASK_VALID                                                                                 \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |   \
	 IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT)

struct queue {
	struct list_head events, watches;
	struct list_head all; /* queues */
	uid_t uid;
	unsigned count;
	bool overflow; /* IN_Q_OVERFLOW is the last event */
	int next_wd;
	struct waitq wait;
};

struct event_node {
	struct list_head link;
	int32_t wd;
	uint32_t mask, cookie, len; /* len: of the name with its padding */
	char name[];
};

struct watch {
	struct list_head in_queue, in_inode;
	struct queue *queue;
	struct inode *inode;   /* == dentry->inode, counted */
	struct dentry *dentry; /* counted */
	int wd;
	uint32_t mask;
};

/* inode->watches. */
struct watch_list {
	struct list_head list;
};

uint64_t inotify_events_max = 16384, inotify_instances_max = 128, inotify_watches_max = 65536;

static struct list_head queues = LIST_INIT(queues);
static unsigned watch_count; /* none: the hooks return at once */

/* --- the queue --- */

static bool same_as_last(const struct queue *q, const struct event_node *e)
{
	const struct event_node *last;

	if (list_empty(&q->events))
		return false;
	last = list_last(&q->events, struct event_node, link);
	return last->wd == e->wd && last->mask == e->mask && last->cookie == e->cookie &&
	       last->len == e->len && memcmp(last->name, e->name, e->len) == 0;
}

static void queue_add(struct queue *q, int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	size_t text = name ? strlen(name) + 1 : 0, len = (text + 15) & ~(size_t)15;
	struct event_node *e;

	if (q->overflow)
		return;
	if (q->count >= inotify_events_max) {
		q->overflow = true;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = text = len = 0;
	}
	e = calloc(1, sizeof(*e) + len);
	if (!e)
		return;
	e->wd = wd;
	e->mask = mask;
	e->cookie = cookie;
	e->len = len;
	if (text)
		memcpy(e->name, name, text);
	if (same_as_last(q, e)) {
		free(e);
		return;
	}
	list_add_tail(&e->link, &q->events);
	q->count++;
	waitq_wake(&q->wait, EPOLLIN | EPOLLRDNORM);
}

static void event_free(struct queue *q, struct event_node *e)
{
	if (e->mask == IN_Q_OVERFLOW)
		q->overflow = false;
	list_del(&e->link);
	free(e);
	q->count--;
}

/* --- watches --- */

static void watch_remove(struct watch *w, bool tell)
{
	struct inode *ino = w->inode;

	if (tell)
		queue_add(w->queue, w->wd, IN_IGNORED, 0, NULL);
	list_del(&w->in_queue);
	list_del(&w->in_inode);
	if (ino->watches && list_empty(&ino->watches->list)) {
		free(ino->watches);
		ino->watches = NULL;
	}
	watch_count--;
	inode_put(ino);
	w->dentry->watchers--;
	dentry_put(w->dentry);
	free(w);
}

static void watch_event(struct watch *w, uint32_t mask, uint32_t cookie, const char *name)
{
	if (!(w->mask & mask & IN_ALL_EVENTS))
		return;
	queue_add(w->queue, w->wd, mask, cookie, name);
	if (w->mask & IN_ONESHOT)
		watch_remove(w, true);
}

/* unlinked: the name is gone (IN_EXCL_UNLINK). */
static void tell_inode(struct inode *ino, uint32_t mask, uint32_t cookie, const char *name,
		       bool unlinked)
{
	struct watch_list *wl = ino ? ino->watches : NULL;
	struct watch *w, *tmp;

	if (!wl)
		return;
	inode_get(ino); /* one-shot watches let go of it */
	list_for_each_safe (w, tmp, &wl->list, in_inode) {
		bool last = &tmp->in_inode == &wl->list;

		if (!unlinked || !(w->mask & IN_EXCL_UNLINK))
			watch_event(w, mask, cookie, name);
		if (last) /* wl may be gone with its last watch */
			break;
	}
	inode_put(ino);
}

/* --- hooks --- */

static void tell_dentry(struct dentry *d, uint32_t mask, bool unlinked)
{
	if (!(watch_count | dnotify_count) || !d || !d->inode)
		return;
	if (dnotify_count && d->parent && d->parent != d && !d->unlinked)
		dnotify_event(d->parent->inode, mask);
	if (S_ISDIR(d->inode->mode))
		mask |= IN_ISDIR;
	if (d->parent && d->parent != d)
		tell_inode(d->parent->inode, mask, 0, d->name, unlinked);
	tell_inode(d->inode, mask, 0, NULL, unlinked);
}

void inotify_dentry(struct dentry *d, uint32_t mask)
{
	tell_dentry(d, mask, false);
}

void inotify_file(struct dentry *d, uint32_t mask)
{
	tell_dentry(d, mask, d && d->unlinked);
}

void inotify_entry(struct inode *dir, uint32_t mask, const char *name, bool is_dir, uint32_t cookie)
{
	if (dnotify_count)
		dnotify_event(dir, mask);
	if (watch_count)
		tell_inode(dir, mask | (is_dir ? IN_ISDIR : 0), cookie, name, false);
}

void inotify_inode(struct inode *ino, uint32_t mask)
{
	if (watch_count)
		tell_inode(ino, mask, 0, NULL, false);
}

void inotify_inode_gone(struct inode *ino)
{
	struct watch_list *wl = ino->watches;

	if (!wl)
		return;
	inode_get(ino);
	for (;;) {
		struct watch *w;

		if (!ino->watches)
			break;
		w = list_first(&ino->watches->list, struct watch, in_inode);
		if (w->mask & IN_DELETE_SELF)
			queue_add(w->queue, w->wd, IN_DELETE_SELF, 0, NULL);
		watch_remove(w, true);
	}
	inode_put(ino);
}

void inotify_unlinked(struct dentry *d, int held)
{
	struct inode *ino = d->inode;
	struct kstat st;

	if (!d->unlinked || !ino || !ino->watches || d->refs != d->watchers + held)
		return;
	if (S_ISDIR(ino->mode) || inode_getattr(ino, &st) || st.nlink == 0)
		inotify_inode_gone(ino);
}

uint32_t inotify_cookie(void)
{
	static uint32_t next;

	return ++next ? next : ++next;
}

/* --- the file --- */

static ssize_t inotify_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct queue *q = f->priv;
	ssize_t done = 0;

	while (list_empty(&q->events)) {
		int err = file_nonblock(f) ? -EAGAIN : wait_on(&q->wait);

		if (err)
			return err;
	}
	while (!list_empty(&q->events)) {
		struct event_node *e = list_first(&q->events, struct event_node, link);
		struct inotify_event head = {
		    .wd = e->wd, .mask = e->mask, .cookie = e->cookie, .len = e->len};

		if (to->left < sizeof(head) + e->len)
			return done ? done : -EINVAL;
		if (uio_put(to, &head, sizeof(head)) != sizeof(head) ||
		    (e->len && uio_put(to, e->name, e->len) != (ssize_t)e->len))
			return done ? done : -EFAULT;
		done += sizeof(head) + e->len;
		event_free(q, e);
	}
	return done;
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct queue *q = f->priv;

	poll_wait(pt, f, &q->wait);
	return list_empty(&q->events) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static long inotify_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct queue *q = f->priv;
	struct event_node *e;
	int32_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	list_for_each (e, &q->events, link)
		bytes += sizeof(struct inotify_event) + e->len;
	return put_user(t, bytes, arg);
}

static int inotify_fdinfo(struct file *f, char *buf, size_t size)
{
	struct queue *q = f->priv;
	struct watch *w;
	size_t len = 0;

	list_for_each (w, &q->watches, in_queue) {
		int n = snprintf(buf + len, size - len,
				 "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0 \n", w->wd,
				 (unsigned long)w->inode->ino, (unsigned long)w->inode->sb->dev,
				 w->mask);

		if (n < 0 || (size_t)n >= size - len)
			break;
		len += n;
	}
	return len;
}

static void inotify_release(struct file *f)
{
	struct queue *q = f->priv;

	while (!list_empty(&q->watches))
		watch_remove(list_first(&q->watches, struct watch, in_queue), false);
	while (!list_empty(&q->events))
		event_free(q, list_first(&q->events, struct event_node, link));
	list_del(&q->all);
	free(q);
}

static const struct file_ops inotify_ops = {
    .name = "inotify",
    .read = inotify_read,
    .llseek = file_llseek_noop,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .show_fdinfo = inotify_fdinfo,
    .release = inotify_release,
};

/* --- the calls --- */

static unsigned queues_of(uid_t uid)
{
	struct queue *q;
	unsigned n = 0;

	list_for_each (q, &queues, all)
		n += q->uid == uid;
	return n;
}

long sys_inotify_init1(struct task *t, unsigned long flags)
{
	struct queue *q;
	struct file *f;
	int fd;

	if ((unsigned)flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	if (queues_of(t->cred->uid) >= inotify_instances_max)
		return -EMFILE;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->uid = t->cred->uid;
	list_init(&q->all);
	list_init(&q->events);
	list_init(&q->watches);
	waitq_init(&q->wait);
	q->next_wd = 1;
	f = file_anon(&inotify_ops, "anon_inode:inotify", 0600, flags & IN_NONBLOCK, q);
	if (!f) {
		free(q);
		return -ENOMEM;
	}
	list_add_tail(&q->all, &queues);
	fd = fd_install(t, f, 0, flags & IN_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_inotify_init(struct task *t)
{
	return sys_inotify_init1(t, 0);
}

/* The queue behind fd, its file counted in *out.  -EBADF, -EINVAL. */
static int queue_get(struct task *t, int fd, struct file **out, struct queue **q)
{
	*out = fd_get(t, fd);
	if (!*out)
		return -EBADF;
	*q = (*out)->priv;
	if ((*out)->ops == &inotify_ops)
		return 0;
	file_put(*out);
	return -EINVAL;
}

static struct watch *watch_find(struct queue *q, const struct inode *ino)
{
	struct watch *w;

	if (!ino->watches)
		return NULL;
	list_for_each (w, &ino->watches->list, in_inode)
		if (w->queue == q)
			return w;
	return NULL;
}

static int watch_add(struct queue *q, struct dentry *d, uint32_t mask)
{
	struct inode *ino = d->inode;
	struct watch *w;

	if (watch_count >= inotify_watches_max)
		return -ENOSPC;
	w = calloc(1, sizeof(*w));
	if (w && !ino->watches) {
		ino->watches = malloc(sizeof(*ino->watches));
		if (ino->watches)
			list_init(&ino->watches->list);
	}
	if (!w || !ino->watches) {
		free(w);
		return -ENOMEM;
	}
	w->queue = q;
	w->inode = inode_get(ino);
	w->dentry = dentry_get(d);
	d->watchers++;
	w->wd = q->next_wd++;
	w->mask = mask;
	list_add_tail(&w->in_queue, &q->watches);
	list_add_tail(&w->in_inode, &ino->watches->list);
	watch_count++;
	return w->wd;
}

static int watch_set(struct queue *q, struct dentry *d, uint32_t mask)
{
	uint32_t keep = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
	struct watch *w = watch_find(q, d->inode);

	if (!w)
		return watch_add(q, d, keep);
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
	return w->wd;
}

long sys_inotify_add_watch(struct task *t, int fd, uaddr_t upath, unsigned long mask)
{
	unsigned lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct path path;
	struct queue *q;
	struct file *f;
	long ret;

	if (!((uint32_t)mask & MASK_VALID))
		return -EINVAL;
	ret = queue_get(t, fd, &f, &q);
	if (ret)
		return ret;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)) {
		file_put(f);
		return -EINVAL;
	}
	ret = path_from_user(t, AT_FDCWD, upath, lookup, &path);
	if (!ret) {
		ret = inode_permission(path.dentry->inode, t->cred, 4 /* R_OK */);
		if (!ret)
			ret = watch_set(q, path.dentry, mask);
		path_put(&path);
	}
	file_put(f);
	return ret;
}

long sys_inotify_rm_watch(struct task *t, int fd, int wd)
{
	struct queue *q;
	struct watch *w;
	struct file *f;
	long ret = queue_get(t, fd, &f, &q);

	if (ret)
		return ret;
	ret = -EINVAL;
	list_for_each (w, &q->watches, in_queue) {
		if (w->wd == wd) {
			watch_remove(w, true);
			ret = 0;
			break;
		}
	}
	file_put(f);
	return ret;
}
