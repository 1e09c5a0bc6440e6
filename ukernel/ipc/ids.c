/*
 * ids.c - numbers, keys, owners and permissions of System V objects (sysvipc(7), svipc(7)).
 *
 * A number is an index and above it a sequence number, which grows when the indices begin anew, so
 * that a number of something that is gone is not soon that of another.  What an object does is not
 * known here.
 */
#include "ipc/ids.h"

#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "mm/mm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>

#define BUCKETS	   256
#define MEMORY_MAX (512UL << 20)

_Static_assert(sizeof(struct abi_ipc_perm) == 48, "struct ipc64_perm");
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "struct shmid64_ds");
_Static_assert(sizeof(struct abi_semid_ds) == 104, "struct semid64_ds");
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "struct msqid64_ds");
_Static_assert(sizeof(struct abi_shminfo) == 72 && sizeof(struct abi_shm_info) == 48, "shm_info");
_Static_assert(sizeof(struct abi_seminfo) == 40 && sizeof(struct abi_msginfo) == 32, "infos");
_Static_assert(sizeof(struct abi_sembuf) == 6 && sizeof(struct abi_mq_attr) == 64, "small ones");

/* --- memory --- */

static uint64_t memory_used;

int ipc_charge(uint64_t bytes)
{
	if (bytes > MEMORY_MAX - memory_used || memory_charge(bytes))
		return -ENOMEM;
	memory_used += bytes;
	return 0;
}

void ipc_uncharge(uint64_t bytes)
{
	memory_used -= bytes;
	memory_uncharge(bytes);
}

void *ipc_alloc(uint64_t bytes)
{
	void *p;

	if (ipc_charge(bytes))
		return NULL;
	p = calloc(1, bytes);
	if (!p)
		ipc_uncharge(bytes);
	return p;
}

void ipc_free(void *p, uint64_t bytes)
{
	if (p)
		ipc_uncharge(bytes);
	free(p);
}

int64_t ipc_now(void)
{
	return (int64_t)(time_wall_ns() / 1000000000);
}

/* --- keys --- */

static struct list_head *bucket_of(struct ipc_ids *ids, int32_t key)
{
	return &ids->buckets[(uint32_t)key * 2654435761u >> 24];
}

static int ids_init(struct ipc_ids *ids)
{
	if (ids->buckets)
		return 0;
	ids->buckets = calloc(BUCKETS, sizeof(*ids->buckets));
	if (!ids->buckets)
		return -ENOMEM;
	for (int i = 0; i < BUCKETS; i++)
		list_init(&ids->buckets[i]);
	ids->last = IPC_INDEX_MAX;
	return 0;
}

static struct ipc_object *find_key(struct ipc_ids *ids, int32_t key)
{
	struct ipc_object *o;

	list_for_each (o, bucket_of(ids, key), by_key)
		if (o->key == key)
			return o;
	return NULL;
}

void ipc_forget_key(struct ipc_object *o)
{
	list_del(&o->by_key);
	o->key = IPC_PRIVATE;
}

/* --- numbers --- */

static int slots_grow(struct ipc_ids *ids)
{
	unsigned n = ids->slots ? ids->slots * 2 : 64;
	struct ipc_object **slot = realloc(ids->slot, n * sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	memset(slot + ids->slots, 0, (n - ids->slots) * sizeof(*slot));
	ids->slot = slot;
	ids->slots = n;
	return 0;
}

/* The lowest free index, or the one that proc asked for. */
static int index_take(struct ipc_ids *ids, unsigned *seq)
{
	unsigned want = ids->next_id < 0 ? IPC_INDEX_MAX : ids->next_id & (IPC_INDEX_MAX - 1);
	unsigned i = want < IPC_INDEX_MAX ? want : ids->free_from;

	*seq = (unsigned)ids->next_id >> IPC_INDEX_BITS;
	ids->next_id = -1;
	for (;; i++) {
		if (i >= IPC_INDEX_MAX)
			return -ENOSPC;
		while (i >= ids->slots)
			if (slots_grow(ids))
				return -ENOMEM;
		if (!ids->slot[i])
			break;
	}
	if (want < IPC_INDEX_MAX)
		return (int)i;
	ids->free_from = i + 1;
	if (ids->last < IPC_INDEX_MAX && i <= ids->last && ++ids->seq >= IPC_SEQ_MAX)
		ids->seq = 0;
	ids->last = i;
	*seq = ids->seq;
	return (int)i;
}

int ipc_add(struct task *t, struct ipc_ids *ids, struct ipc_object *o, const struct ipc_get *g,
	    uint64_t max)
{
	unsigned seq;
	int i;

	if (ids->used >= (max < IPC_INDEX_MAX ? max : IPC_INDEX_MAX))
		return -ENOSPC;
	i = index_take(ids, &seq);
	if (i < 0)
		return i;
	ids->slot[i] = o;
	ids->used++;
	if ((unsigned)i >= ids->top)
		ids->top = (unsigned)i + 1;
	o->id = (int)(seq << IPC_INDEX_BITS) | i;
	o->key = g->key;
	o->mode = g->flags & 0777;
	o->uid = o->cuid = t->cred->euid;
	o->gid = o->cgid = t->cred->egid;
	o->refs = 1;
	list_init(&o->by_key);
	if (g->key != IPC_PRIVATE)
		list_add(&o->by_key, bucket_of(ids, g->key));
	return o->id;
}

struct ipc_object *ipc_at(struct ipc_ids *ids, int index)
{
	return index >= 0 && (unsigned)index < ids->top ? ids->slot[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_ids *ids, int id)
{
	struct ipc_object *o = id < 0 ? NULL : ipc_at(ids, id & (int)(IPC_INDEX_MAX - 1));

	return o && o->id == id ? o : NULL;
}

int ipc_top_index(const struct ipc_ids *ids)
{
	return ids->top ? (int)ids->top - 1 : 0;
}

void ipc_hold(struct ipc_object *o)
{
	o->refs++;
}

void ipc_put(struct ipc_ids *ids, struct ipc_object *o)
{
	if (--o->refs == 0)
		ids->destroy(o);
}

void ipc_remove(struct ipc_ids *ids, struct ipc_object *o)
{
	unsigned i = (unsigned)o->id & (IPC_INDEX_MAX - 1);

	ids->slot[i] = NULL;
	ids->used--;
	if (i < ids->free_from)
		ids->free_from = i;
	while (ids->top && !ids->slot[ids->top - 1])
		ids->top--;
	ipc_forget_key(o);
	o->removed = true;
	ipc_put(ids, o);
}

int ipc_get(struct task *t, struct ipc_ids *ids, const struct ipc_get *g)
{
	struct ipc_object *o;
	int err = ids_init(ids);

	if (err)
		return err;
	o = g->key == IPC_PRIVATE ? NULL : find_key(ids, g->key);
	if (!o) {
		if (g->key != IPC_PRIVATE && !(g->flags & IPC_CREAT))
			return -ENOENT;
		return g->create(t, g);
	}
	if ((g->flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	err = g->check ? g->check(o, g) : 0;
	if (!err)
		err = ipc_permission(t, o, g->flags);
	return err ? err : o->id;
}

int *ipc_next_id(int which)
{
	return which == 's' ? &shm_ids.next_id : which == 'e' ? &sem_ids.next_id : &msg_ids.next_id;
}

/* --- permissions --- */

int ipc_permission(const struct task *t, const struct ipc_object *o, unsigned flags)
{
	const struct cred *c = t->cred;
	unsigned wanted = (flags >> 6 | flags >> 3 | flags) & 7, granted = o->mode;

	if (c->euid == o->cuid || c->euid == o->uid)
		granted >>= 6;
	else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
		granted >>= 3;
	return (wanted & ~granted) && !cred_capable(c, CAP_IPC_OWNER_BIT) ? -EACCES : 0;
}

int ipc_owner_check(const struct task *t, const struct ipc_object *o)
{
	const struct cred *c = t->cred;

	return c->euid == o->cuid || c->euid == o->uid || cred_capable(c, CAP_SYS_ADMIN_BIT)
		   ? 0
		   : -EPERM;
}

void ipc_perm_fill(const struct ipc_object *o, struct abi_ipc_perm *out)
{
	*out = (struct abi_ipc_perm){
	    .key = o->key,
	    .uid = o->uid,
	    .gid = o->gid,
	    .cuid = o->cuid,
	    .cgid = o->cgid,
	    .mode = o->mode,
	    .seq = (uint16_t)((unsigned)o->id >> IPC_INDEX_BITS),
	};
}

int ipc_perm_set(struct ipc_object *o, const struct abi_ipc_perm *in)
{
	if (in->uid == (uid_t)-1 || in->gid == (gid_t)-1)
		return -EINVAL;
	o->uid = in->uid;
	o->gid = in->gid;
	o->mode = (o->mode & ~0777u) | (in->mode & 0777);
	return 0;
}
