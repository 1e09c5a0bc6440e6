/*
 * select.c - select(2) and pselect6(2), on the same rounds of questions as poll.
 */
#include "fs/poll.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "syscall.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64
#define POLL_EX	  POLLPRI

enum { SET_IN, SET_OUT, SET_EX, SETS };

struct select_call {
	int nfds;
	size_t words;	/* in one set */
	uint64_t *want; /* three sets, then the three of the answer */
	uint64_t *got;
	struct file **files; /* by descriptor */
	uaddr_t uset[SETS];
};

static bool bit_get(const uint64_t *set, int i)
{
	return set[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

static uint32_t wanted_events(const struct select_call *sc, int fd)
{
	return (bit_get(sc->want, fd) ? POLLMASK_IN : 0) |
	       (bit_get(sc->want + sc->words, fd) ? POLLMASK_OUT : 0) |
	       (bit_get(sc->want + 2 * sc->words, fd) ? POLL_EX : 0);
}

static int answer(struct select_call *sc, int fd, uint32_t events)
{
	static const uint32_t mask[SETS] = {POLLMASK_IN, POLLMASK_OUT, POLL_EX};
	int found = 0;

	for (int s = 0; s < SETS; s++) {
		if (!(events & mask[s]) || !bit_get(sc->want + s * sc->words, fd))
			continue;
		sc->got[s * sc->words + fd / WORD_BITS] |= 1ULL << (fd % WORD_BITS);
		found++;
	}
	return found;
}

static int select_ask(struct select_call *sc, struct poll_session *ps)
{
	int found = 0;

	for (int fd = 0; fd < sc->nfds; fd++) {
		struct poll_table *pt = ps && !found ? &ps->pt : NULL;

		if (!sc->files[fd])
			continue;
		if (pt)
			pt->wanted = wanted_events(sc, fd) | POLLERR | POLLHUP;
		found += answer(sc, fd, file_poll(sc->files[fd], pt));
	}
	return found;
}

static long select_wait(struct task *t, struct select_call *sc, uint64_t deadline)
{
	struct poll_session ps;
	bool listen = deadline != 0;
	long found;

	poll_session_init(&ps, t);
	for (;;) {
		int err;

		found = select_ask(sc, listen ? &ps : NULL);
		listen = false;
		if (found || !deadline)
			break;
		if (ps.err) {
			found = ps.err;
			break;
		}
		err = task_sleep_until(deadline);
		if (err == -ETIMEDOUT)
			deadline = 0;
		else if (err) {
			found = -ERESTARTNOHAND;
			break;
		}
	}
	poll_session_end(&ps);
	return found;
}

/* Read the sets and hold every file that is asked about. */
static int select_begin(struct select_call *sc, struct task *t)
{
	size_t bytes = (sc->nfds + 7) / 8;

	sc->want = calloc(2 * SETS * sc->words + 1, sizeof(uint64_t));
	sc->files = calloc(sc->nfds + 1, sizeof(*sc->files));
	if (!sc->want || !sc->files)
		return -ENOMEM;
	sc->got = sc->want + SETS * sc->words;
	for (int s = 0; s < SETS; s++)
		if (sc->uset[s] && copy_from_user(t, sc->want + s * sc->words, sc->uset[s], bytes))
			return -EFAULT;
	for (int fd = 0; fd < sc->nfds; fd++) {
		if (!wanted_events(sc, fd))
			continue;
		sc->files[fd] = fd_get(t, fd);
		if (!sc->files[fd])
			return -EBADF;
	}
	return 0;
}

static void select_end(struct select_call *sc)
{
	for (int fd = 0; sc->files && fd < sc->nfds; fd++)
		file_put(sc->files[fd]);
	free(sc->files);
	free(sc->want);
}

/* Sets are copied in whole longs. */
static int select_write_back(struct select_call *sc, struct task *t)
{
	size_t bytes = (sc->nfds + 7) / 8;

	for (int s = 0; s < SETS; s++)
		if (sc->uset[s] && copy_to_user(t, sc->uset[s], sc->got + s * sc->words, bytes))
			return -EFAULT;
	return 0;
}

static long select_common(struct task *t, int nfds, const uaddr_t uset[SETS], uint64_t deadline)
{
	struct select_call sc = {.nfds = nfds, .uset = {uset[0], uset[1], uset[2]}};
	uint64_t limit = t->proc->rlimit[7 /* RLIMIT_NOFILE */].max;
	long ret;

	if (nfds < 0)
		return -EINVAL;
	/* Descriptors that cannot exist are not looked at. */
	if ((uint64_t)nfds > limit)
		sc.nfds = limit;
	if (sc.nfds > 1 << 20)
		sc.nfds = 1 << 20;
	sc.words = (sc.nfds + WORD_BITS - 1) / WORD_BITS;
	ret = select_begin(&sc, t);
	if (!ret)
		ret = select_wait(t, &sc, deadline);
	if (ret >= 0 && select_write_back(&sc, t))
		ret = -EFAULT;
	select_end(&sc);
	return ret;
}

static int deadline_from_timeval(struct task *t, uaddr_t utv, uint64_t *deadline)
{
	struct abi_timeval tv;

	*deadline = WAIT_FOREVER;
	if (!utv)
		return 0;
	if (get_user(t, tv, utv))
		return -EFAULT;
	if (tv.sec < 0 || tv.usec < 0)
		return -EINVAL;
	tv.sec += tv.usec / 1000000; /* the excess counts as seconds */
	tv.usec %= 1000000;
	if (tv.sec < 1000000000L)
		*deadline = tv.sec || tv.usec
				? time_now_ns() + tv.sec * 1000000000ULL + tv.usec * 1000ULL
				: 0;
	return 0;
}

static void timeval_write_left(struct task *t, uaddr_t utv, uint64_t deadline)
{
	struct abi_timeval tv = {0};
	uint64_t now = time_now_ns();

	if (!utv || deadline == WAIT_FOREVER)
		return;
	if (deadline > now) {
		tv.sec = (deadline - now) / 1000000000;
		tv.usec = (deadline - now) % 1000000000 / 1000;
	}
	(void)put_user(t, tv, utv);
}

long sys_select(struct task *t, int nfds, uaddr_t readfds, uaddr_t writefds, uaddr_t exceptfds,
		uaddr_t timeout)
{
	const uaddr_t sets[SETS] = {readfds, writefds, exceptfds};
	uint64_t deadline;
	long ret = deadline_from_timeval(t, timeout, &deadline);

	if (ret)
		return ret;
	ret = select_common(t, nfds, sets, deadline);
	timeval_write_left(t, timeout, deadline);
	return ret;
}

long sys_pselect6(struct task *t, int nfds, uaddr_t readfds, uaddr_t writefds, uaddr_t exceptfds,
		  uaddr_t timeout, uaddr_t sigmask)
{
	const uaddr_t sets[SETS] = {readfds, writefds, exceptfds};
	struct {
		uaddr_t set;
		uint64_t size;
	} sig = {0, 0};
	uint64_t deadline;
	long ret;

	if (sigmask && get_user(t, sig, sigmask))
		return -EFAULT;
	ret = deadline_from_timespec(t, timeout, &deadline);
	if (!ret)
		ret = temp_mask_begin(t, sig.set, sig.size);
	if (ret)
		return ret;
	ret = select_common(t, nfds, sets, deadline);
	temp_mask_end(t, sig.set, ret);
	timeout_write_left(t, timeout, deadline);
	return ret;
}
