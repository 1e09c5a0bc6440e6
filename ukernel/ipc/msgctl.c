/*
 * msgctl.c - msgctl(2) and /proc/sysvipc/msg.
 */
#include "fs/proc/seq.h"
#include "ipc/ipc.h"
#include "ipc/msg.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

/* What Linux reports of limits that it no longer has (linux/msg.h). */
#define POOL_KB	      (32000 * 16384 / 1024)
#define SEGMENT_BYTES 16
#define SEGMENTS_MAX  0xffff

static long msg_info(struct task *t, int cmd, uaddr_t buf)
{
	bool now = cmd == MSG_INFO;
	struct abi_msginfo info = {
	    .msgpool = now ? (int)msg_ids.used : POOL_KB,
	    .msgmap = now ? (int)msg_all_count : 16384,
	    .msgmax = (int)msg_max_bytes,
	    .msgmnb = (int)msg_queue_bytes,
	    .msgmni = (int)msg_max_ids,
	    .msgssz = SEGMENT_BYTES,
	    .msgtql = now ? (int)msg_all_bytes : 16384,
	    .msgseg = SEGMENTS_MAX,
	};

	return put_user(t, info, buf) ? -EFAULT : ipc_top_index(&msg_ids);
}

static long msg_stat(struct task *t, int id, int cmd, uaddr_t buf)
{
	struct msg_queue *q =
	    msg_of(cmd == IPC_STAT ? ipc_find(&msg_ids, id) : ipc_at(&msg_ids, id));
	struct abi_msqid_ds ds;

	if (!q)
		return -EINVAL;
	if (cmd != MSG_STAT_ANY && ipc_permission(t, &q->o, 0444))
		return -EACCES;
	ds = (struct abi_msqid_ds){
	    .stime = q->stime,
	    .rtime = q->rtime,
	    .ctime = q->ctime,
	    .cbytes = q->cbytes,
	    .qnum = q->count,
	    .qbytes = q->max_bytes,
	    .lspid = q->lspid,
	    .lrpid = q->lrpid,
	};
	ipc_perm_fill(&q->o, &ds.perm);
	if (put_user(t, ds, buf))
		return -EFAULT;
	return cmd == IPC_STAT ? 0 : q->o.id;
}

static long msg_set(struct task *t, int id, uaddr_t buf)
{
	struct abi_msqid_ds ds;
	struct msg_queue *q;
	int err;

	if (get_user(t, ds, buf))
		return -EFAULT;
	q = msg_of(ipc_find(&msg_ids, id));
	if (!q)
		return -EINVAL;
	err = ipc_owner_check(t, &q->o);
	if (!err && ds.qbytes > msg_queue_bytes && !cred_capable(t->cred, CAP_SYS_RESOURCE_BIT))
		err = -EPERM;
	if (!err)
		err = ipc_perm_set(&q->o, &ds.perm);
	if (err)
		return err;
	q->max_bytes = ds.qbytes;
	q->ctime = ipc_now();
	msg_wake_all(q);
	return 0;
}

long sys_msgctl(struct task *t, int id, int cmd, uaddr_t buf)
{
	struct msg_queue *q;
	int err;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return msg_info(t, cmd, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return msg_stat(t, id, cmd, buf);
	case IPC_SET:
		return msg_set(t, id, buf);
	case IPC_RMID:
		q = msg_of(ipc_find(&msg_ids, id));
		err = q ? ipc_owner_check(t, &q->o) : -EINVAL;
		if (!err)
			msg_remove(q);
		return err;
	default:
		return -EINVAL;
	}
}

int ipc_show_msg(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
		    "cuid  cgid      stime      rtime      ctime\n");
	for (unsigned i = 0; i < msg_ids.top; i++) {
		const struct msg_queue *q = msg_of(ipc_at(&msg_ids, (int)i));

		if (q)
			seq_printf(s,
				   "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld "
				   "%10ld %10ld\n",
				   q->o.key, q->o.id, q->o.mode, (unsigned long)q->cbytes,
				   (unsigned long)q->count, q->lspid, q->lrpid, q->o.uid, q->o.gid,
				   q->o.cuid, q->o.cgid, (long)q->stime, (long)q->rtime,
				   (long)q->ctime);
	}
	return 0;
}
