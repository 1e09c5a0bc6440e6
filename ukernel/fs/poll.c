/*
 * poll.c - poll(2) and ppoll(2), and what select and epoll share with them.
 *
 * Each round asks every file.  In the first one the caller is entered in every wait queue that
 * the files name, so a change between the question and the sleep cannot be missed.
 */
#include "fs/poll.h"

#include "kern/task.h"
#include "kern/timer.h"
#include "syscall.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct poll_entry {
	struct wait_entry we;
	struct poll_entry *next;
};

static void session_wait(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_session *ps = (struct poll_session *)pt;
	struct poll_entry *pe = malloc(sizeof(*pe));

	if (!pe) {
		ps->err = -ENOMEM;
		return;
	}
	wait_entry_init(&pe->we, ps->task);
	waitq_add(q, &pe->we);
	pe->next = ps->entries;
	ps->entries = pe;
}

void poll_session_init(struct poll_session *ps, struct task *t)
{
	*ps = (struct poll_session){.pt = {.wait = session_wait}, .task = t};
}

void poll_session_end(struct poll_session *ps)
{
	while (ps->entries) {
		struct poll_entry *pe = ps->entries;

		ps->entries = pe->next;
		waitq_del(&pe->we);
		free(pe);
	}
}

/* --- time --- */

static uint64_t deadline_after(uint64_t ns)
{
	uint64_t now = time_now_ns();

	return ns < WAIT_FOREVER - now ? now + ns : WAIT_FOREVER;
}

uint64_t deadline_from_ms(int64_t ms)
{
	if (ms < 0)
		return WAIT_FOREVER;
	return ms ? deadline_after(ms * 1000000ULL) : 0;
}

int deadline_from_timespec(struct task *t, uaddr_t uts, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = WAIT_FOREVER;
	if (!uts)
		return 0;
	if (get_user(t, ts, uts))
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec > 999999999)
		return -EINVAL;
	if (ts.sec < 1000000000L) /* beyond thirty years: for ever */
		*deadline =
		    ts.sec || ts.nsec ? deadline_after(ts.sec * 1000000000ULL + ts.nsec) : 0;
	return 0;
}

void timeout_write_left(struct task *t, uaddr_t uts, uint64_t deadline)
{
	struct abi_timespec ts = {0};
	uint64_t now = time_now_ns();

	if (!uts || deadline == WAIT_FOREVER)
		return;
	if (deadline > now) {
		ts.sec = (deadline - now) / 1000000000;
		ts.nsec = (deadline - now) % 1000000000;
	}
	(void)put_user(t, ts, uts); /* a read-only timeout is not an error */
}

/* --- signal masks --- */

int temp_mask_begin(struct task *t, uaddr_t usig, size_t sigsetsize)
{
	sigmask_t mask;

	if (!usig)
		return 0;
	if (sigsetsize != sizeof(mask))
		return -EINVAL;
	if (get_user(t, mask, usig))
		return -EFAULT;
	signal_set_temp_mask(t, mask);
	return 0;
}

void temp_mask_end(struct task *t, uaddr_t usig, long result)
{
	if (!usig || !t->restore_mask || result == -ERESTARTNOHAND || result == -EINTR)
		return;
	t->restore_mask = false;
	signal_set_mask(t, t->saved_mask);
}

/* --- poll --- */

struct poll_call {
	struct abi_pollfd *fds;
	struct file **files;
	unsigned n;
};

/* Ask each file.  How many have something to say. */
static int poll_ask(struct poll_call *pc, struct poll_session *ps)
{
	int found = 0;

	for (unsigned i = 0; i < pc->n; i++) {
		struct abi_pollfd *p = &pc->fds[i];
		uint32_t wanted = (uint16_t)p->events | POLLERR | POLLHUP;
		/* With an answer in hand there will be no sleep: no need to listen. */
		struct poll_table *pt = ps && !found ? &ps->pt : NULL;

		p->revents = 0;
		if (p->fd < 0)
			continue;
		if (pt)
			pt->wanted = wanted;
		p->revents = pc->files[i] ? file_poll(pc->files[i], pt) & wanted : POLLNVAL;
		found += p->revents != 0;
	}
	return found;
}

static long poll_wait_events(struct task *t, struct poll_call *pc, uint64_t deadline)
{
	struct poll_session ps;
	bool listen = deadline != 0;
	long found;

	poll_session_init(&ps, t);
	for (;;) {
		int err;

		found = poll_ask(pc, listen ? &ps : NULL);
		listen = false;
		if (found || !deadline)
			break;
		if (ps.err) {
			found = ps.err;
			break;
		}
		err = task_sleep_until(deadline);
		if (err == -ETIMEDOUT)
			deadline = 0; /* one last look */
		else if (err) {
			found = poll_ask(pc, NULL);
			if (!found)
				found = -ERESTARTNOHAND;
			break;
		}
	}
	poll_session_end(&ps);
	return found;
}

static void poll_call_end(struct poll_call *pc, struct task *t)
{
	for (unsigned i = 0; pc->files && i < pc->n; i++)
		file_put(pc->files[i]);
	free(pc->files);
	free(pc->fds);
}

static int poll_call_begin(struct poll_call *pc, struct task *t, uaddr_t ufds, unsigned n)
{
	*pc = (struct poll_call){.n = n};
	if (n > t->proc->rlimit[7 /* RLIMIT_NOFILE */].cur || n > (1u << 20))
		return -EINVAL;
	pc->fds = malloc(n * sizeof(*pc->fds) + 1);
	pc->files = calloc(n + 1, sizeof(*pc->files));
	if (!pc->fds || !pc->files)
		return -ENOMEM;
	if (copy_from_user(t, pc->fds, ufds, n * sizeof(*pc->fds)))
		return -EFAULT;
	for (unsigned i = 0; i < n; i++)
		if (pc->fds[i].fd >= 0)
			pc->files[i] = fd_get(t, pc->fds[i].fd);
	return 0;
}

/* The whole array goes back in one copy; fd and events are what was read. */
static int poll_write_back(struct poll_call *pc, struct task *t, uaddr_t ufds)
{
	return copy_to_user(t, ufds, pc->fds, pc->n * sizeof(*pc->fds)) ? -EFAULT : 0;
}

static long poll_common(struct task *t, uaddr_t ufds, unsigned nfds, uint64_t deadline)
{
	struct poll_call pc;
	long ret = poll_call_begin(&pc, t, ufds, nfds);

	if (!ret)
		ret = poll_wait_events(t, &pc, deadline);
	if (ret >= 0 && poll_write_back(&pc, t, ufds))
		ret = -EFAULT;
	poll_call_end(&pc, t);
	return ret;
}

/* After a signal without a handler the rest of the time goes on. */
static long poll_restart(struct task *t)
{
	long ret = poll_common(t, t->restart_arg[0], t->restart_arg[1], t->restart_arg[2]);

	if (ret == -ERESTARTNOHAND) {
		t->restart = poll_restart;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

long sys_poll(struct task *t, uaddr_t fds, unsigned nfds, int timeout)
{
	uint64_t deadline = deadline_from_ms(timeout);
	long ret = poll_common(t, fds, nfds, deadline);

	if (ret == -ERESTARTNOHAND) {
		t->restart = poll_restart;
		t->restart_arg[0] = fds;
		t->restart_arg[1] = nfds;
		t->restart_arg[2] = deadline;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

long sys_ppoll(struct task *t, uaddr_t fds, unsigned nfds, uaddr_t timeout, uaddr_t sigmask,
	       size_t sigsetsize)
{
	uint64_t deadline;
	long ret = deadline_from_timespec(t, timeout, &deadline);

	if (!ret)
		ret = temp_mask_begin(t, sigmask, sigsetsize);
	if (ret)
		return ret;
	ret = poll_common(t, fds, nfds, deadline);
	temp_mask_end(t, sigmask, ret);
	timeout_write_left(t, timeout, deadline);
	return ret;
}
