/*
 * ipc.h - what the rest of the kernel needs of inter-process communication: System V's shared
 * memory, semaphores and message queues, and POSIX message queues.
 *
 * The box is one IPC namespace.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc_node;
struct seq;
struct task;

/* CLONE_SYSVSEM: child, which has no list yet, shares t's list of what is to be undone.  0 or
 * -ENOMEM. */
int sem_undo_share(struct task *t, struct task *child);
/* t gives up its list; the last one that has it undoes what it says.  Harmless without a list. */
void sem_undo_leave(struct task *t);

/* /proc/sysvipc */
int ipc_show_shm(struct seq *s, const struct proc_node *n);
int ipc_show_sem(struct seq *s, const struct proc_node *n);
int ipc_show_msg(struct seq *s, const struct proc_node *n);

/* /proc/sys/kernel: limits that root may change. */
extern uint64_t shm_max_bytes, shm_all_pages, shm_max_ids, shm_rmid_forced;
extern uint64_t msg_max_bytes, msg_queue_bytes, msg_max_ids;
struct sem_limits {
	uint64_t per_set, all, per_call, ids;
};
extern struct sem_limits sem_limits;
/* The number that the next object is to get (shm_next_id, ...); -1: any.  which: 's'hm, s'e'm,
 * 'm'sg. */
int *ipc_next_id(int which);

/* /proc/sys/fs/mqueue */
extern uint64_t mq_queues_max, mq_msg_max, mq_msg_default, mq_size_max, mq_size_default;
#endif
