/*
 * sem.h - the inside of System V semaphores: sem.c has sets and operations, semctl.c commands,
 * semundo.c what a process's end undoes.
 */
#ifndef IPC_SEM_H
#define IPC_SEM_H

#include "ipc/ids.h"
#include "kern/waitq.h"

#define SEM_VALUE_MAX 32767

struct sem {
	int value;
	pid_t pid; /* of the last operation */
	int64_t otime;
};

struct sem_set {
	struct ipc_object o;
	int64_t ctime;
	struct list_head zero_waiters; /* struct sem_wait that change nothing, oldest first ... */
	struct list_head waiters;      /* ... and those that do */
	struct list_head undos;	       /* struct sem_undo, by in_set */
	unsigned n;
	struct sem sem[];
};

/* What one list of processes is to undo in one set. */
struct sem_undo {
	struct list_head in_set, in_list;
	struct sem_set *set;
	int16_t adjust[]; /* for each semaphore */
};

/* Operations on a set, all or none; one that waits is on one of the set's lists. */
struct sem_wait {
	struct list_head link;
	struct waitq q;
	const struct abi_sembuf *ops;
	unsigned n;
	struct sem_undo *undo; /* with SEM_UNDO */
	pid_t pid;
	const struct abi_sembuf *blocking; /* the one that could not be done ... */
	int before;			   /* ... and what those before it add to its semaphore */
	int status;			   /* SEM_WAITING, or the result */
};
#define SEM_WAITING 1

extern uint64_t sem_used; /* semaphores of all sets */

static inline struct sem_set *sem_of(struct ipc_object *o)
{
	return o ? container_of(o, struct sem_set, o) : NULL;
}

/* Values of set have changed: do what can now be done. */
void sem_update(struct sem_set *set);
/* The set goes: its waiters learn of it (EIDRM). */
void sem_remove(struct sem_set *set);

/* t's undo for set, made if there is none; NULL: no memory. */
struct sem_undo *sem_undo_get(struct task *t, struct sem_set *set);
/* Nothing is to be undone for semaphore i of set any more; -1: for all. */
void sem_undo_clear(struct sem_set *set, int i);
void sem_undo_drop(struct sem_set *set);
#endif
