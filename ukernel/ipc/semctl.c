/*
 * semctl.c - semctl(2) and /proc/sysvipc/sem.
 */
#include "fs/proc/seq.h"
#include "ipc/ipc.h"
#include "ipc/sem.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
#define SEM_UNDO_BYTES 20 /* what Linux says of a record that it has no more */

static int64_t set_otime(const struct sem_set *set)
{
	int64_t newest = 0;

	for (unsigned i = 0; i < set->n; i++)
		if (set->sem[i].otime > newest)
			newest = set->sem[i].otime;
	return newest;
}

static long sem_info(struct task *t, int cmd, uaddr_t buf)
{
	struct abi_seminfo info = {
	    .semmap = (int)sem_limits.all,
	    .semmni = (int)sem_limits.ids,
	    .semmns = (int)sem_limits.all,
	    .semmnu = (int)sem_limits.all,
	    .semmsl = (int)sem_limits.per_set,
	    .semopm = (int)sem_limits.per_call,
	    .semume = (int)sem_limits.per_call,
	    .semusz = cmd == SEM_INFO ? (int)sem_ids.used : SEM_UNDO_BYTES,
	    .semvmx = SEM_VALUE_MAX,
	    .semaem = cmd == SEM_INFO ? (int)sem_used : SEM_VALUE_MAX,
	};

	return put_user(t, info, buf) ? -EFAULT : ipc_top_index(&sem_ids);
}

static long sem_stat(struct task *t, int id, int cmd, uaddr_t buf)
{
	struct sem_set *set =
	    sem_of(cmd == IPC_STAT ? ipc_find(&sem_ids, id) : ipc_at(&sem_ids, id));
	struct abi_semid_ds ds;

	if (!set)
		return -EINVAL;
	if (cmd != SEM_STAT_ANY && ipc_permission(t, &set->o, 0444))
		return -EACCES;
	ds = (struct abi_semid_ds){.otime = set_otime(set), .ctime = set->ctime, .nsems = set->n};
	ipc_perm_fill(&set->o, &ds.perm);
	if (put_user(t, ds, buf))
		return -EFAULT;
	return cmd == IPC_STAT ? 0 : set->o.id;
}

static long sem_set_perm(struct task *t, int id, uaddr_t buf)
{
	struct abi_semid_ds ds;
	struct sem_set *set;
	int err;

	if (get_user(t, ds, buf))
		return -EFAULT;
	set = sem_of(ipc_find(&sem_ids, id));
	if (!set)
		return -EINVAL;
	err = ipc_owner_check(t, &set->o);
	if (!err)
		err = ipc_perm_set(&set->o, &ds.perm);
	if (!err)
		set->ctime = ipc_now();
	return err;
}

static long sem_rmid(struct task *t, int id)
{
	struct sem_set *set = sem_of(ipc_find(&sem_ids, id));
	int err = set ? ipc_owner_check(t, &set->o) : -EINVAL;

	if (!err)
		sem_remove(set);
	return err;
}

static long sem_set_value(struct task *t, int id, int i, int value)
{
	struct sem_set *set;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	set = sem_of(ipc_find(&sem_ids, id));
	if (!set || i < 0 || (unsigned)i >= set->n)
		return -EINVAL;
	if (ipc_permission(t, &set->o, 0222))
		return -EACCES;
	sem_undo_clear(set, i);
	set->sem[i].value = value;
	set->sem[i].pid = t->proc->pid;
	set->ctime = ipc_now();
	sem_update(set);
	return 0;
}

/* The values of all, as 16-bit numbers: out, or checked and in. */
static int all_copy(struct task *t, struct sem_set *set, uaddr_t buf, bool in)
{
	size_t bytes = set->n * sizeof(uint16_t);
	uint16_t *v = malloc(bytes);
	int err = v ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && !in && i < set->n; i++)
		v[i] = (uint16_t)set->sem[i].value;
	if (!err)
		err = in ? copy_from_user(t, v, buf, bytes) : copy_to_user(t, buf, v, bytes);
	for (unsigned i = 0; !err && in && i < set->n; i++)
		if (v[i] > SEM_VALUE_MAX)
			err = -ERANGE;
	for (unsigned i = 0; !err && in && i < set->n; i++) {
		set->sem[i].value = v[i];
		set->sem[i].pid = t->proc->pid;
	}
	free(v);
	return err;
}

/* Those who wait for this semaphore: the first operation that they could not do is on it. */
static int count_waiters(const struct sem_set *set, unsigned i, bool zero)
{
	const struct list_head *lists[] = {&set->zero_waiters, &set->waiters};
	const struct sem_wait *w;
	int n = 0;

	for (unsigned k = 0; k < 2; k++)
		list_for_each (w, lists[k], link)
			n += w->blocking->num == i && (w->blocking->op == 0) == zero;
	return n;
}

static long sem_all(struct task *t, struct sem_set *set, int cmd, uaddr_t buf)
{
	int err = all_copy(t, set, buf, cmd == SETALL);

	if (err || cmd == GETALL)
		return err;
	sem_undo_clear(set, -1);
	set->ctime = ipc_now();
	sem_update(set);
	return 0;
}

static long sem_values(struct task *t, int id, int i, int cmd, uaddr_t arg)
{
	struct sem_set *set = sem_of(ipc_find(&sem_ids, id));

	if (!set)
		return -EINVAL;
	if (ipc_permission(t, &set->o, cmd == SETALL ? 0222 : 0444))
		return -EACCES;
	if (cmd == GETALL || cmd == SETALL)
		return sem_all(t, set, cmd, arg);
	if (i < 0 || (unsigned)i >= set->n)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return set->sem[i].value;
	case GETPID:
		return set->sem[i].pid;
	default:
		return count_waiters(set, (unsigned)i, cmd == GETZCNT);
	}
}

long sys_semctl(struct task *t, int id, int i, int cmd, uaddr_t arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return sem_info(t, cmd, arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return sem_stat(t, id, cmd, arg);
	case IPC_SET:
		return sem_set_perm(t, id, arg);
	case IPC_RMID:
		return sem_rmid(t, id);
	case SETVAL:
		return sem_set_value(t, id, i, (int)arg);
	case GETALL:
	case SETALL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_values(t, id, i, cmd, arg);
	default:
		return -EINVAL;
	}
}

int ipc_show_sem(struct seq *s, const struct proc_node *n)
{
	seq_puts(s,
		 "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
		 "ctime\n");
	for (unsigned i = 0; i < sem_ids.top; i++) {
		const struct sem_set *m = sem_of(ipc_at(&sem_ids, (int)i));

		if (m)
			seq_printf(s, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", m->o.key,
				   m->o.id, m->o.mode, m->n, m->o.uid, m->o.gid, m->o.cuid,
				   m->o.cgid, (long)set_otime(m), (long)m->ctime);
	}
	return 0;
}
