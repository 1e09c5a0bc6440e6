/*
 * ids.h - what the three kinds of System V objects have in common: numbers, keys, owners and
 * permissions (sysvipc(7)).
 *
 * Only ipc/ includes this.
 */
#ifndef IPC_IDS_H
#define IPC_IDS_H

#include "ipc/abi.h"
#include "lib/list.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task;

#define IPC_INDEX_BITS 15
#define IPC_INDEX_MAX  (1u << IPC_INDEX_BITS)
#define IPC_SEQ_MAX    (INT32_MAX >> IPC_INDEX_BITS)

#define CAP_IPC_LOCK_BIT  14
#define CAP_IPC_OWNER_BIT 15

/* The head of each object.  It lives while it has a number, and as long as somebody who slept on it
 * has not looked at it again (refs). */
struct ipc_object {
	struct list_head by_key; /* empty: no key, or taken out */
	int id;
	int32_t key;
	uid_t uid, cuid;
	gid_t gid, cgid;
	unsigned mode;
	int refs;
	bool removed; /* the number is gone: EIDRM for who waits */
};

/* All objects of a kind. */
struct ipc_ids {
	struct ipc_object **slot; /* by index: the number's low bits */
	unsigned slots;		  /* allocated */
	unsigned used;		  /* in use */
	unsigned top;		  /* all slots from there on are empty */
	unsigned free_from;	  /* none below is empty */
	unsigned last, seq;	  /* of the newest number */
	int next_id;		  /* the newest shall have this number (proc); -1: any */
	struct list_head *buckets;
	/* Frees an object that has no reference left. */
	void (*destroy)(struct ipc_object *o);
};

/* What a get call needs beside key and flags. */
struct ipc_get {
	/* A new object by ipc_add(): its number or -errno. */
	int (*create)(struct task *t, const struct ipc_get *g);
	/* Is the one found what was asked for?  0 or -errno. */
	int (*check)(const struct ipc_object *o, const struct ipc_get *g);
	int32_t key;
	unsigned flags;
	uint64_t size;
};
/* shmget, semget, msgget: the number or -errno. */
int ipc_get(struct task *t, struct ipc_ids *ids, const struct ipc_get *g);
/* Give o a number and fill in its head; takes over the caller's reference on success.  -ENOSPC:
 * there are max of them. */
int ipc_add(struct task *t, struct ipc_ids *ids, struct ipc_object *o, const struct ipc_get *g,
	    uint64_t max);
/* Borrowed; NULL: there is none with that number. */
struct ipc_object *ipc_find(struct ipc_ids *ids, int id);
/* The same by index, whatever the sequence number. */
struct ipc_object *ipc_at(struct ipc_ids *ids, int index);
/* The highest index in use, 0 when none is (IPC_INFO's result). */
int ipc_top_index(const struct ipc_ids *ids);
/* The key finds o no longer. */
void ipc_forget_key(struct ipc_object *o);
/* The number is given up; drops the reference that ipc_add() took over. */
void ipc_remove(struct ipc_ids *ids, struct ipc_object *o);
void ipc_hold(struct ipc_object *o);
void ipc_put(struct ipc_ids *ids, struct ipc_object *o);

/* May t use o so?  flags: mode bits, those of all three classes count as one.  0 or -EACCES. */
int ipc_permission(const struct task *t, const struct ipc_object *o, unsigned flags);
/* IPC_SET, IPC_RMID: owner and creator only.  0 or -EPERM. */
int ipc_owner_check(const struct task *t, const struct ipc_object *o);
void ipc_perm_fill(const struct ipc_object *o, struct abi_ipc_perm *out);
int ipc_perm_set(struct ipc_object *o, const struct abi_ipc_perm *in); /* 0 or -EINVAL */

/* Memory that the kernel holds for guests: counted against the box's, and within a bound of its
 * own.  0 or -ENOMEM. */
int ipc_charge(uint64_t bytes);
void ipc_uncharge(uint64_t bytes);
/* calloc and free with that. */
void *ipc_alloc(uint64_t bytes);
void ipc_free(void *p, uint64_t bytes);

int64_t ipc_now(void); /* seconds of the wall clock */

extern struct ipc_ids shm_ids, sem_ids, msg_ids;
#endif
