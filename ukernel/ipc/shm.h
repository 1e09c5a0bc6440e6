/*
 * shm.h - the inside of System V shared memory: shm.c makes and attaches, shmctl.c shows and
 * removes.
 */
#ifndef IPC_SHM_H
#define IPC_SHM_H

#include "ipc/ids.h"

struct file;

struct shm_segment {
	struct ipc_object o;
	struct file *file; /* the memory; counted */
	uint64_t size, nattch;
	int64_t atime, dtime, ctime;
	pid_t cpid, lpid;
	uid_t locker; /* with SHM_LOCKED: whose RLIMIT_MEMLOCK it counts against */
};

extern uint64_t shm_pages; /* of all segments */

static inline struct shm_segment *shm_of(struct ipc_object *o)
{
	return o ? container_of(o, struct shm_segment, o) : NULL;
}

/* Nobody shall find s by its key, and it goes when the last attachment has gone: perhaps now. */
void shm_doom(struct shm_segment *s);
uint64_t shm_resident(const struct shm_segment *s); /* bytes */
#endif
