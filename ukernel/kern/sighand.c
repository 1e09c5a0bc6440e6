/*
 * sighand.c - tables of dispositions: made, shared, copied, reset.
 */
#include "kern/itimer.h"
#include "kern/signal.h"
#include "kern/task.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct sighand *sighand_create(void)
{
	struct sighand *sh = calloc(1, sizeof(*sh));
	if (sh)
		sh->refs = 1;
	return sh;
}

struct sighand *sighand_copy(const struct sighand *from)
{
	struct sighand *sh = sighand_create();
	if (sh)
		memcpy(sh->action, from->action, sizeof(sh->action));
	return sh;
}

void sighand_get(struct sighand *sh)
{
	sh->refs++;
}

void sighand_put(struct sighand *sh)
{
	if (!sh)
		return;
	assert(sh->refs > 0);
	if (--sh->refs == 0)
		free(sh);
}

void sighand_exec(struct sighand *sh)
{
	for (int sig = 1; sig <= NSIG_GUEST; sig++) {
		struct sigaction_entry *a = &sh->action[sig];
		bool ignored = a->handler == (uaddr_t)SIG_IGN;

		memset(a, 0, sizeof(*a));
		if (ignored)
			a->handler = (uaddr_t)SIG_IGN;
	}
}

void signal_exec(struct task *t)
{
	/* Shared beyond the process only by clone(CLONE_SIGHAND) without CLONE_THREAD.  Past the
	 * point of no return memory that runs out may only kill, so share on in that case. */
	if (t->sighand->refs > 1) {
		struct sighand *own = sighand_copy(t->sighand);
		if (own) {
			sighand_put(t->sighand);
			t->sighand = own;
		}
	}
	sighand_exec(t->sighand);
	memset(&t->altstack, 0, sizeof(t->altstack));
	t->restart = NULL;
	posix_timers_delete_all(t->proc);
}
