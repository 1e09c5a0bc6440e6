/*
 * msg.h - the inside of System V message queues: msg.c sends and receives, msgctl.c commands.
 */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include "ipc/ids.h"
#include "kern/waitq.h"

struct msg {
	struct list_head link;
	int64_t type;
	size_t len;
	char data[];
};

struct msg_queue {
	struct ipc_object o;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, count, max_bytes;
	pid_t lspid, lrpid;
	struct list_head messages;  /* struct msg, oldest first */
	struct list_head receivers; /* struct msg_receiver, who waits */
	struct waitq senders;
};

extern uint64_t msg_all_bytes, msg_all_count; /* in all queues */

static inline struct msg_queue *msg_of(struct ipc_object *o)
{
	return o ? container_of(o, struct msg_queue, o) : NULL;
}

/* Who waits shall look again (the limit or the permissions have changed). */
void msg_wake_all(struct msg_queue *q);
/* The queue goes with its messages; who waits learns of it (EIDRM). */
void msg_remove(struct msg_queue *q);
#endif
