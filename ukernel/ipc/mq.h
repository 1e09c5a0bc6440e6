/*
 * mq.h - the inside of POSIX message queues: mq.c has queues as open files, mqmsg.c sends and
 * receives.
 */
#ifndef IPC_MQ_H
#define IPC_MQ_H

#include "abi.h"
#include "fs/file.h"
#include "ipc/abi.h"
#include "ipc/ids.h"

struct mq_msg {
	struct list_head link;
	unsigned prio;
	size_t len;
	char data[];
};

struct mq {
	struct list_head all;	/* while it lives */
	struct list_head named; /* while it has a name */
	struct dentry *dentry;	/* its name and inode: counted while it has the name */
	int64_t maxmsg, msgsize, count;
	uint64_t qsize;		    /* bytes in it */
	uint64_t charged;	    /* against owner's RLIMIT_MSGQUEUE */
	uid_t owner;		    /* who made it */
	struct list_head messages;  /* highest priority first, of those the oldest */
	struct list_head senders;   /* struct mq_wait */
	struct list_head receivers; /* struct mq_wait */
	struct waitq pollers;
	struct process *notify; /* whom a message for nobody is told; counted, NULL: nobody */
	struct abi_sigevent how;
};

/* The queue behind t's descriptor with its file (counted, in *f), or NULL.  access: O_RDONLY, or
 * O_WRONLY, which the file must allow; -1: any. */
struct mq *mq_get(struct task *t, int fd, int access, struct file **f);
/* A message has come that nobody waited for: tell who wanted to know. */
void mq_tell(struct task *t, struct mq *q);
void mq_notify_none(struct mq *q);
#endif
