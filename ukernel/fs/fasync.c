/*
 * fasync.c - O_ASYNC: a signal when a file becomes ready.
 *
 * Like an epoll item it listens on every queue that the file's poll op names, for as long as the
 * flag is on; each wake-up is told to the owner, with the descriptor and what happened if a signal
 * of its own choice was asked for (F_SETSIG).
 */
#include "fs/fasync.h"

#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct fasync_hook {
	struct wait_entry we;
	struct fasync_hook *next;
};

struct fasync {
	struct poll_table pt; /* first */
	struct file *file;
	int fd;
	bool failed;
	struct fasync_hook *hooks;
};

/* May the one who named the owner send it signals?  (kill(2)'s rule.) */
static bool may_tell(const struct file *f, const struct process *p)
{
	const struct cred *c = p->leader ? p->leader->cred : NULL;

	if (!c)
		return false;
	return f->owner_euid == 0 || f->owner_euid == c->suid || f->owner_euid == c->uid ||
	       f->owner_uid == c->suid || f->owner_uid == c->uid;
}

static void fill(struct abi_siginfo *info, const struct fasync *fa, uint32_t events)
{
	static const struct {
		uint32_t bit;
		int code;
		int64_t band;
	} kinds[] = {
	    {EPOLLHUP, POLL_HUP, EPOLLHUP | EPOLLERR},
	    {EPOLLERR, POLL_ERR, EPOLLERR},
	    {EPOLLPRI, POLL_PRI, EPOLLPRI | EPOLLRDBAND},
	    {EPOLLIN, POLL_IN, EPOLLIN | EPOLLRDNORM},
	    {EPOLLOUT, POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND},
	};

	*info = (struct abi_siginfo){.signo = fa->file->owner_sig, .code = POLL_IN};
	info->poll.fd = fa->fd;
	info->poll.band = EPOLLIN | EPOLLRDNORM;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(events & kinds[i].bit))
			continue;
		info->code = kinds[i].code;
		info->poll.band = kinds[i].band;
		break;
	}
}

static void tell(const struct fasync *fa, uint32_t events)
{
	struct file *f = fa->file;
	int sig = f->owner_sig ? f->owner_sig : SIGIO;
	struct abi_siginfo info;
	const struct abi_siginfo *with = NULL;
	struct process *p;
	struct task *t;

	if (f->owner_sig) {
		fill(&info, fa, events);
		with = &info;
	}
	if (f->owner_type == F_OWNER_TID) {
		t = task_find(f->owner_pid);
		if (t && may_tell(f, t->proc))
			signal_send_task(t, sig, with);
		return;
	}
	list_for_each (p, &process_list, all) {
		if ((f->owner_type == F_OWNER_PGRP ? p->pgid : p->pid) != f->owner_pid)
			continue;
		if (may_tell(f, p))
			signal_send_process(p, sig, with);
	}
}

static bool hook_wake(struct wait_entry *we, uint32_t events)
{
	struct fasync *fa = we->data;

	if (fa->file->owner_pid)
		tell(fa, events);
	return false;
}

static void hook_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct fasync *fa = (struct fasync *)pt;
	struct fasync_hook *h = calloc(1, sizeof(*h));

	if (!h) {
		fa->failed = true;
		return;
	}
	list_init(&h->we.link);
	h->we.wake = hook_wake;
	h->we.data = fa;
	h->next = fa->hooks;
	fa->hooks = h;
	waitq_add(q, &h->we);
}

void fasync_gone(struct file *f)
{
	struct fasync *fa = f->async;

	if (!fa)
		return;
	while (fa->hooks) {
		struct fasync_hook *h = fa->hooks;

		fa->hooks = h->next;
		waitq_del(&h->we);
		free(h);
	}
	free(fa);
	f->async = NULL;
}

int fasync_set(struct file *f, int fd, bool on)
{
	struct fasync *fa;

	fasync_gone(f);
	if (!on || !f->ops->poll)
		return 0;
	fa = calloc(1, sizeof(*fa));
	if (!fa)
		return -ENOMEM;
	fa->pt.wait = hook_add;
	fa->pt.wanted = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP;
	fa->file = f;
	fa->fd = fd;
	f->async = fa;
	(void)f->ops->poll(f, &fa->pt);
	if (!fa->failed)
		return 0;
	fasync_gone(f);
	return -ENOMEM;
}
