/*
 * lock.c - advisory locks: flock(2), fcntl(2)'s record locks, open file description locks.
 *
 * All locks of an inode hang on it.  A record lock belongs to a descriptor table (which is what
 * Linux means by "process"), an open file description lock and a flock to an open file.  Ranges of
 * one owner are disjoint; setting one cuts, joins or removes those it touches.
 *
 * Locks are known inside only: programs of the host that lock the same file are not seen.
 */
#include "fs/lock.h"

#include "kern/cred.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOCKS_MAX 65536 /* in all: ENOLCK beyond */
#define RANGE_END INT64_MAX

struct lock {
	struct list_head link;	 /* in its inode's list, once held */
	struct list_head in_all; /* all_locks, likewise */
	const struct inode *inode;
	const void *owner;  /* struct fdtable or struct file: compared, never followed */
	bool ofd, whole;    /* F_OFD_*; flock */
	short type;	    /* F_RDLCK, F_WRLCK */
	int64_t start, end; /* both inclusive */
	pid_t pid;
};

struct file_locks {
	struct list_head ranges; /* fcntl: record and open file description locks */
	struct list_head whole;	 /* flock */
	struct waitq wait;
};

/* A task that waits for a record lock: the edges of the graph that must have no cycle. */
struct lock_waiter {
	struct list_head link; /* lock_waiters */
	const void *owner, *blocker;
};
static struct list_head lock_waiters = LIST_INIT(lock_waiters);
static struct list_head all_locks = LIST_INIT(all_locks);
static unsigned lock_count;

static struct file_locks *locks_of(struct inode *ino)
{
	struct file_locks *fl = ino->locks;

	if (fl)
		return fl;
	fl = malloc(sizeof(*fl));
	if (!fl)
		return NULL;
	list_init(&fl->ranges);
	list_init(&fl->whole);
	waitq_init(&fl->wait);
	ino->locks = fl;
	return fl;
}

static struct lock *lock_create(const struct lock *like)
{
	struct lock *l = lock_count < LOCKS_MAX ? malloc(sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	*l = *like;
	list_init(&l->link);
	list_add_tail(&l->in_all, &all_locks);
	lock_count++;
	return l;
}

static void lock_destroy(struct lock *l)
{
	if (!l)
		return;
	list_del(&l->link);
	list_del(&l->in_all);
	free(l);
	lock_count--;
}

static bool same_owner(const struct lock *a, const struct lock *b)
{
	return a->owner == b->owner && a->ofd == b->ofd;
}

/* The lock of somebody else that forbids want; of several the one that starts first. */
static struct lock *conflict_find(struct list_head *locks, const struct lock *want)
{
	struct lock *l, *found = NULL;

	list_for_each (l, locks, link) {
		if (same_owner(l, want) || l->end < want->start || l->start > want->end)
			continue;
		if (l->type != F_WRLCK && want->type != F_WRLCK)
			continue;
		if (!found || l->start < found->start)
			found = l;
	}
	return found;
}

/* --- ranges --- */

/* Take [start, end] out of l.  spare is used, and cleared, when l is cut in two. */
static void lock_cut(struct lock *l, int64_t start, int64_t end, struct lock **spare)
{
	if (l->start < start && l->end > end) {
		struct lock *right = *spare;

		*spare = NULL;
		right->type = l->type;
		right->pid = l->pid;
		right->start = end + 1;
		right->end = l->end;
		list_add(&right->link, &l->link);
		l->end = start - 1;
	} else if (l->start < start) {
		l->end = start - 1;
	} else if (l->end > end) {
		l->start = end + 1;
	} else {
		lock_destroy(l);
	}
}

/* Do the ranges overlap or lie side by side? */
static bool ranges_touch(const struct lock *a, const struct lock *b)
{
	if (a->start > b->end)
		return a->start - 1 == b->end;
	if (b->start > a->end)
		return b->start - 1 == a->end;
	return true;
}

/* Give want->owner the lock want (F_UNLCK: take it away); there is no conflict.  0 or -ENOLCK. */
static int range_set(struct file_locks *fl, const struct lock *want)
{
	struct lock merged = *want, *l, *tmp;
	struct lock *fresh = lock_create(want), *spare = lock_create(want);

	if (!fresh || !spare) {
		lock_destroy(fresh);
		lock_destroy(spare);
		return -ENOLCK;
	}
	list_for_each_safe (l, tmp, &fl->ranges, link) {
		if (!same_owner(l, want) || !ranges_touch(l, want))
			continue;
		if (l->type == want->type) {
			if (l->start < merged.start)
				merged.start = l->start;
			if (l->end > merged.end)
				merged.end = l->end;
			lock_destroy(l);
		} else if (l->end >= want->start && l->start <= want->end) {
			lock_cut(l, want->start, want->end, &spare);
		}
	}
	lock_destroy(spare);
	if (want->type == F_UNLCK) {
		lock_destroy(fresh);
	} else {
		fresh->start = merged.start;
		fresh->end = merged.end;
		list_add_tail(&fresh->link, &fl->ranges);
	}
	waitq_wake(&fl->wait, 0);
	return 0;
}

/* Would owner, waiting for blocker, wait for itself?  steps bounds what a dense net may cost. */
static bool deadlock_found(const void *owner, const void *blocker, unsigned depth, unsigned *steps)
{
	struct lock_waiter *w;

	if (blocker == owner)
		return true;
	if (depth == 0)
		return false;
	list_for_each (w, &lock_waiters, link) {
		if (*steps == 0)
			return false;
		--*steps;
		if (w->owner == blocker && deadlock_found(owner, w->blocker, depth - 1, steps))
			return true;
	}
	return false;
}

/* Sleep until something about the locks changed. */
static int range_wait(struct file_locks *fl, const struct lock *want, const struct lock *blocker)
{
	struct lock_waiter w = {.owner = want->owner, .blocker = blocker->owner};
	unsigned steps = 10000;
	int err;

	if (want->ofd || blocker->ofd)
		return wait_on(&fl->wait);
	if (deadlock_found(w.owner, w.blocker, 16, &steps))
		return -EDEADLK;
	list_add(&w.link, &lock_waiters);
	err = wait_on(&fl->wait);
	list_del(&w.link);
	return err;
}

/* --- struct flock --- */

/* The range that fl names; -EINVAL, -EOVERFLOW. */
static int range_resolve(struct file *f, const struct abi_flock *fl, struct lock *out)
{
	struct kstat st;
	int64_t base = 0;

	if (fl->whence == SEEK_CUR) {
		base = f->pos;
	} else if (fl->whence == SEEK_END) {
		int err = inode_getattr(f->inode, &st);

		if (err)
			return err;
		base = st.size;
	} else if (fl->whence != SEEK_SET) {
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, fl->start, &out->start))
		return -EOVERFLOW;
	if (out->start < 0)
		return -EINVAL;
	out->end = RANGE_END;
	if (fl->len > 0 && __builtin_add_overflow(out->start, fl->len - 1, &out->end))
		return -EOVERFLOW;
	if (fl->len < 0) {
		out->end = out->start - 1;
		out->start += fl->len;
		if (out->start < 0)
			return -EINVAL;
	}
	return 0;
}

static long range_get(struct task *t, struct file *f, struct lock *want, struct abi_flock *fl,
		      uaddr_t arg)
{
	struct lock *l;

	if (want->type == F_UNLCK)
		return -EINVAL;
	l = f->inode->locks ? conflict_find(&f->inode->locks->ranges, want) : NULL;
	fl->type = F_UNLCK;
	if (l) {
		fl->type = l->type;
		fl->whence = SEEK_SET;
		fl->start = l->start;
		fl->len = l->end == RANGE_END ? 0 : l->end - l->start + 1;
		fl->pid = l->ofd ? -1 : l->pid;
	}
	return copy_to_user(t, arg, fl, sizeof(*fl));
}

static long range_apply(struct task *t, struct file *f, int fd, const struct lock *want, bool wait)
{
	struct file_locks *fl = locks_of(f->inode);
	bool slept = false;
	struct lock *l;
	int err;

	if (!fl)
		return -ENOLCK;
	while (want->type != F_UNLCK && (l = conflict_find(&fl->ranges, want)) != NULL) {
		err = wait ? range_wait(fl, want, l) : -EAGAIN;
		if (err)
			return err;
		slept = true;
	}
	err = range_set(fl, want);
	if (!err && slept && want->type != F_UNLCK) {
		struct file *now = fd_get(t, fd);
		struct lock undo = *want;

		/* Closed meanwhile by another thread: the lock would never be given back. */
		if (now != f) {
			undo.type = F_UNLCK;
			(void)range_set(fl, &undo);
			err = -EBADF;
		}
		file_put(now);
	}
	return err;
}

long fcntl_lock(struct task *t, struct file *f, int fd, unsigned cmd, uaddr_t arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	int accmode = f->flags & O_ACCMODE, err;
	struct lock want = {
	    .inode = f->inode, .ofd = ofd, .owner = ofd ? (void *)f : (void *)t->files};
	struct abi_flock fl;

	if (get_user(t, fl, arg))
		return -EFAULT;
	if (ofd && fl.pid)
		return -EINVAL;
	if (fl.type != F_RDLCK && fl.type != F_WRLCK && fl.type != F_UNLCK)
		return -EINVAL;
	want.type = fl.type;
	want.pid = t->proc->pid;
	err = range_resolve(f, &fl, &want);
	if (err)
		return err;
	if (get)
		return range_get(t, f, &want, &fl, arg);
	if ((fl.type == F_RDLCK && accmode == O_WRONLY) ||
	    (fl.type == F_WRLCK && accmode == O_RDONLY))
		return -EBADF;
	return range_apply(t, f, fd, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* --- flock --- */

static struct lock *whole_find(struct file_locks *fl, const struct file *f)
{
	struct lock *l;

	list_for_each (l, &fl->whole, link)
		if (l->owner == f)
			return l;
	return NULL;
}

/* A change of kind is no single step: the old lock is given up first (flock(2)). */
static long flock_apply(struct task *t, struct file *f, short type, bool nonblock)
{
	struct lock want = {.inode = f->inode,
			    .whole = true,
			    .owner = f,
			    .type = type,
			    .end = RANGE_END,
			    .pid = t->proc->pid};
	struct file_locks *fl = locks_of(f->inode);
	struct lock *l;

	if (!fl)
		return -ENOLCK;
	l = whole_find(fl, f);
	if (l && l->type == type)
		return 0;
	if (l) {
		lock_destroy(l);
		waitq_wake(&fl->wait, 0);
	}
	if (type == F_UNLCK)
		return 0;
	while (conflict_find(&fl->whole, &want)) {
		int err = nonblock ? -EAGAIN : wait_on(&fl->wait);

		if (err)
			return err;
	}
	l = whole_find(fl, f); /* another thread may have locked it while we slept */
	if (l)
		l->type = type;
	else if ((l = lock_create(&want)) != NULL)
		list_add_tail(&l->link, &fl->whole);
	return l ? 0 : -ENOLCK;
}

long sys_flock(struct task *t, int fd, int op)
{
	short type;
	struct file *f;
	long ret;

	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		type = F_RDLCK;
		break;
	case LOCK_EX:
		type = F_WRLCK;
		break;
	case LOCK_UN:
		type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	f = fd_get(t, fd);
	if (!f)
		return -EBADF;
	ret = flock_apply(t, f, type, op & LOCK_NB);
	file_put(f);
	return ret;
}

/* --- the end of files, tables and inodes --- */

static void release_owned(struct list_head *locks, const void *owner, struct waitq *wait)
{
	struct lock *l, *tmp;
	bool any = false;

	list_for_each_safe (l, tmp, locks, link) {
		if (l->owner != owner)
			continue;
		lock_destroy(l);
		any = true;
	}
	if (any)
		waitq_wake(wait, 0);
}

void locks_release_posix(struct file *f, struct task *t)
{
	struct file_locks *fl = f->inode->locks;

	if (fl && t && t->files)
		release_owned(&fl->ranges, t->files, &fl->wait);
}

void locks_release_file(struct file *f)
{
	struct file_locks *fl = f->inode->locks;

	if (!fl)
		return;
	release_owned(&fl->whole, f, &fl->wait);
	release_owned(&fl->ranges, f, &fl->wait);
}

void locks_free(struct inode *ino)
{
	struct file_locks *fl = ino->locks;
	struct lock *l, *tmp;

	if (!fl)
		return;
	list_for_each_safe (l, tmp, &fl->whole, link)
		lock_destroy(l);
	list_for_each_safe (l, tmp, &fl->ranges, link)
		lock_destroy(l);
	free(fl);
	ino->locks = NULL;
}

void locks_each(void (*line)(void *ctx, unsigned n, const char *text), void *ctx)
{
	struct lock *l;
	unsigned n = 0;

	list_for_each (l, &all_locks, in_all) {
		unsigned long dev = l->inode->sb ? l->inode->sb->dev : 0;
		char text[128], end[24] = "EOF";

		if (l->end != RANGE_END)
			snprintf(end, sizeof(end), "%ld", (long)l->end);
		snprintf(text, sizeof(text), "%s  ADVISORY  %s %d %02x:%02x:%lu %ld %s",
			 l->whole ? "FLOCK "
			 : l->ofd ? "OFDLCK"
				  : "POSIX ",
			 l->type == F_WRLCK ? "WRITE" : "READ ", l->ofd ? -1 : l->pid, major(dev),
			 minor(dev), (unsigned long)l->inode->ino, (long)l->start, end);
		line(ctx, ++n, text);
	}
}
