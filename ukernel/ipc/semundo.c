/*
 * semundo.c - SEM_UNDO: what the end of a process takes back (semop(2)).
 *
 * A list belongs to a task, or to several (CLONE_SYSVSEM: threads), and holds one record for each
 * set that they changed so.  It survives execve.
 */
#include "ipc/ipc.h"
#include "ipc/sem.h"
#include "kern/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sem_undo_list {
	int refs;
	struct list_head undos; /* struct sem_undo, by in_list */
};

static uint64_t undo_bytes(const struct sem_set *set)
{
	return sizeof(struct sem_undo) + set->n * sizeof(int16_t);
}

static int list_make(struct task *t)
{
	if (t->sem_undo)
		return 0;
	t->sem_undo = calloc(1, sizeof(*t->sem_undo));
	if (!t->sem_undo)
		return -ENOMEM;
	t->sem_undo->refs = 1;
	list_init(&t->sem_undo->undos);
	return 0;
}

struct sem_undo *sem_undo_get(struct task *t, struct sem_set *set)
{
	struct sem_undo *u;

	if (list_make(t))
		return NULL;
	list_for_each (u, &t->sem_undo->undos, in_list)
		if (u->set == set)
			return u;
	u = ipc_alloc(undo_bytes(set));
	if (!u)
		return NULL;
	u->set = set;
	list_add(&u->in_list, &t->sem_undo->undos);
	list_add(&u->in_set, &set->undos);
	return u;
}

static void undo_free(struct sem_undo *u)
{
	list_del(&u->in_list);
	list_del(&u->in_set);
	ipc_free(u, undo_bytes(u->set));
}

void sem_undo_clear(struct sem_set *set, int i)
{
	struct sem_undo *u;

	list_for_each (u, &set->undos, in_set) {
		if (i >= 0)
			u->adjust[i] = 0;
		else
			memset(u->adjust, 0, set->n * sizeof(u->adjust[0]));
	}
}

void sem_undo_drop(struct sem_set *set)
{
	struct sem_undo *u, *next;

	list_for_each_safe (u, next, &set->undos, in_set)
		undo_free(u);
}

int sem_undo_share(struct task *t, struct task *child)
{
	int err = list_make(t);

	if (err)
		return err;
	child->sem_undo = t->sem_undo;
	child->sem_undo->refs++;
	return 0;
}

/* What cannot be taken back in full is taken back as far as it goes. */
static void undo_do(struct sem_undo *u, pid_t pid)
{
	struct sem_set *set = u->set;

	for (unsigned i = 0; i < set->n; i++) {
		struct sem *s = &set->sem[i];

		if (!u->adjust[i])
			continue;
		s->value += u->adjust[i];
		if (s->value < 0)
			s->value = 0;
		if (s->value > SEM_VALUE_MAX)
			s->value = SEM_VALUE_MAX;
		s->pid = pid;
	}
	set->sem[0].otime = ipc_now();
	undo_free(u);
	sem_update(set);
}

void sem_undo_leave(struct task *t)
{
	struct sem_undo_list *l = t->sem_undo;

	t->sem_undo = NULL;
	if (!l || --l->refs)
		return;
	while (!list_empty(&l->undos))
		undo_do(list_first(&l->undos, struct sem_undo, in_list),
			t->proc ? t->proc->pid : 0);
	free(l);
}
