/*
 * shmctl.c - shmctl(2) and /proc/sysvipc/shm: what is known of segments, and their end.
 *
 * SHM_LOCK is kept and counted; the host may still swap the memory out.
 */
#include "ipc/shm.h"

#include "fs/proc/seq.h"
#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static long shm_limits(struct task *t, uaddr_t buf)
{
	struct abi_shminfo info = {.shmmax = shm_max_bytes,
				   .shmmin = 1,
				   .shmmni = shm_max_ids,
				   .shmseg = shm_max_ids,
				   .shmall = shm_all_pages};

	return put_user(t, info, buf) ? -EFAULT : ipc_top_index(&shm_ids);
}

static long shm_usage(struct task *t, uaddr_t buf)
{
	struct abi_shm_info info = {.used_ids = (int)shm_ids.used, .shm_tot = shm_pages};

	for (unsigned i = 0; i < shm_ids.top; i++) {
		struct shm_segment *s = shm_of(ipc_at(&shm_ids, (int)i));

		if (s)
			info.shm_rss += shm_resident(s) / PAGE_SIZE;
	}
	return put_user(t, info, buf) ? -EFAULT : ipc_top_index(&shm_ids);
}

static long shm_stat(struct task *t, int id, int cmd, uaddr_t buf)
{
	struct shm_segment *s =
	    shm_of(cmd == IPC_STAT ? ipc_find(&shm_ids, id) : ipc_at(&shm_ids, id));
	struct abi_shmid_ds ds;

	if (!s)
		return -EINVAL;
	if (cmd != SHM_STAT_ANY && ipc_permission(t, &s->o, 0444))
		return -EACCES;
	ds = (struct abi_shmid_ds){
	    .segsz = s->size,
	    .atime = s->atime,
	    .dtime = s->dtime,
	    .ctime = s->ctime,
	    .cpid = s->cpid,
	    .lpid = s->lpid,
	    .nattch = s->nattch,
	};
	ipc_perm_fill(&s->o, &ds.perm);
	if (put_user(t, ds, buf))
		return -EFAULT;
	return cmd == IPC_STAT ? 0 : s->o.id;
}

static long shm_set(struct task *t, int id, uaddr_t buf)
{
	struct abi_shmid_ds ds;
	struct shm_segment *s;
	int err;

	if (get_user(t, ds, buf))
		return -EFAULT;
	s = shm_of(ipc_find(&shm_ids, id));
	if (!s)
		return -EINVAL;
	err = ipc_owner_check(t, &s->o);
	if (!err)
		err = ipc_perm_set(&s->o, &ds.perm);
	if (!err)
		s->ctime = ipc_now();
	return err;
}

static long shm_rmid(struct task *t, int id)
{
	struct shm_segment *s = shm_of(ipc_find(&shm_ids, id));
	int err = s ? ipc_owner_check(t, &s->o) : -EINVAL;

	if (!err)
		shm_doom(s);
	return err;
}

/* Bytes that uid has locked. */
static uint64_t locked_by(uid_t uid)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < shm_ids.top; i++) {
		struct shm_segment *s = shm_of(ipc_at(&shm_ids, (int)i));

		if (s && (s->o.mode & SHM_LOCKED) && s->locker == uid)
			sum += s->size;
	}
	return sum;
}

static long shm_lock(struct task *t, int id, bool lock)
{
	struct shm_segment *s = shm_of(ipc_find(&shm_ids, id));
	uint64_t limit = t->proc->rlimit[RLIMIT_MEMLOCK].cur;
	bool free = cred_capable(t->cred, CAP_IPC_LOCK_BIT);

	if (!s)
		return -EINVAL;
	if (!free && t->cred->euid != s->o.uid && t->cred->euid != s->o.cuid)
		return -EPERM;
	if (!lock) {
		s->o.mode &= ~(unsigned)SHM_LOCKED;
		return 0;
	}
	if (!free && !limit)
		return -EPERM;
	if (s->o.mode & SHM_LOCKED)
		return 0;
	if (!free && locked_by(t->cred->uid) + s->size > limit)
		return -ENOMEM;
	s->o.mode |= SHM_LOCKED;
	s->locker = t->cred->uid;
	return 0;
}

long sys_shmctl(struct task *t, int id, int cmd, uaddr_t buf)
{
	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return shm_limits(t, buf);
	case SHM_INFO:
		return shm_usage(t, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(t, id, cmd, buf);
	case IPC_SET:
		return shm_set(t, id, buf);
	case IPC_RMID:
		return shm_rmid(t, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(t, id, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

int ipc_show_shm(struct seq *s, const struct proc_node *n)
{
	seq_puts(s,
		 "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		 "gid  cuid  cgid      atime      dtime      ctime                   rss         "
		 "         swap\n");
	for (unsigned i = 0; i < shm_ids.top; i++) {
		struct shm_segment *m = shm_of(ipc_at(&shm_ids, (int)i));

		if (m)
			seq_printf(s,
				   "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10ld %10ld "
				   "%10ld %21lu %21lu\n",
				   m->o.key, m->o.id, m->o.mode, (unsigned long)m->size, m->cpid,
				   m->lpid, (unsigned long)m->nattch, m->o.uid, m->o.gid, m->o.cuid,
				   m->o.cgid, (long)m->atime, (long)m->dtime, (long)m->ctime,
				   (unsigned long)shm_resident(m), 0UL);
	}
	return 0;
}
