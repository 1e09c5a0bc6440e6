/*
 * abi.h - the structures of System V IPC and of message queues as guests see them: Linux's x86-64
 * layouts.  Sizes are asserted in ids.c.
 */
#ifndef IPC_ABI_H
#define IPC_ABI_H

#include <stdint.h>

struct abi_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint32_t pad2;
	uint64_t unused[2];
};

struct abi_shmid_ds {
	struct abi_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused[2];
};
struct abi_shminfo {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct abi_shm_info {
	int32_t used_ids, pad;
	uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

struct abi_semid_ds {
	struct abi_ipc_perm perm;
	int64_t otime, unused1, ctime, unused2;
	uint64_t nsems, unused[2];
};
struct abi_seminfo {
	int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
struct abi_sembuf {
	uint16_t num;
	int16_t op, flags;
};

struct abi_msqid_ds {
	struct abi_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
struct abi_msginfo {
	int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t msgseg, pad;
};

struct abi_mq_attr {
	int64_t flags, maxmsg, msgsize, curmsgs, reserved[4];
};
#endif
