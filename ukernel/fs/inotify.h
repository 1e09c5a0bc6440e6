/*
 * inotify.h - inotify(7): the hooks that the rest of the file layer calls.
 *
 * Events come from operations on our own tree; what the host changes in a host directory is not
 * seen.  All hooks are cheap when nobody watches, and never sleep.
 */
#ifndef FS_INOTIFY_H
#define FS_INOTIFY_H

#include "fs/inode.h"

#include <stdbool.h>
#include <stdint.h>

/* After something happened to what d names: IN_ATTRIB, IN_MODIFY.  Tells the watches on d's inode
 * and, with the name, those on its directory. IN_ISDIR is added here. */
void inotify_dentry(struct dentry *d, uint32_t mask);
/* The same of what is done through an open file: IN_OPEN, IN_ACCESS, IN_MODIFY, IN_CLOSE_WRITE,
 * IN_CLOSE_NOWRITE.  IN_EXCL_UNLINK keeps it from a watch when d's name is gone. */
void inotify_file(struct dentry *d, uint32_t mask);
/* After an entry of dir changed: IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO.  cookie ties
 * the two halves of a move (inotify_cookie()); 0 otherwise. */
void inotify_entry(struct inode *dir, uint32_t mask, const char *name, bool is_dir,
		   uint32_t cookie);
/* IN_MOVE_SELF, IN_ATTRIB (link count), to the inode's own watches. */
void inotify_inode(struct inode *ino, uint32_t mask);
/* The last name and the last use of ino are gone: IN_DELETE_SELF, IN_IGNORED, watches dropped. */
void inotify_inode_gone(struct inode *ino);
/* d may have been unlinked and lost a reference: if nobody but watches and held others (the caller)
 * has it any more, and its inode has no other name, the inode is gone for its watches. */
void inotify_unlinked(struct dentry *d, int held);
uint32_t inotify_cookie(void);

/* /proc/sys/fs/inotify: events in one queue, queues of one user, watches in all. */
extern uint64_t inotify_events_max, inotify_instances_max, inotify_watches_max;

/* dnotify.c: fcntl(F_NOTIFY), fed from here.  -ENOTDIR, -ENOMEM. */
struct file;
struct task;
extern unsigned dnotify_count; /* none: the hooks need not ask */
long fcntl_notify(struct task *t, struct file *f, int fd, unsigned long arg);
void dnotify_event(const struct inode *dir, uint32_t in_mask);
void dnotify_file_gone(struct file *f);
#endif
