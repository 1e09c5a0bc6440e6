/*
 * mailbox.c - calls that arrive in memory shared with a guest thread, and who has such memory.
 *
 * All mailboxes of all guests are units of one memfd; a space maps its own ones, the supervisor all
 * of them.  All threads of a space can write to all of its mailboxes: so a unit stays with the
 * space when its thread ends, for the next thread there, and is wiped and given to another space
 * only after the last host process of this one is reaped.
 *
 * The guest can write anything into its mailbox at any time.  So all that is believed of it is
 * copied out once, when the request is taken; the supervisor's own idea of where a thread is lies
 * in struct vthread alone; nothing there is used as an address or an index.  A thread held here is
 * not stopped: honest ones wait in the stub for a while and then park in a notification; what the
 * dishonest do meanwhile they could do from a second thread as well.
 */
#include "mailbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ahead.h"
#include "carry.h"
#include "early.h"
#include "host.h"
#include "host_cpu.h"
#include "inject.h"
#include "late.h"
#include "poll.h"
#include "regs.h"
#include "seccomp_machine.h"
#include "stub.h"
#include "thread.h"
#include "trap.h"
#include "unwind.h"
#include "vthread.h"

#define UNITS_MAX 8192
#define GRAVES	  256

/* A destroyed thread whose host process may still be there. */
struct grave {
	struct grave *next;
	pid_t host_pid;
	struct turbo_space *space;
	int place;
};

static int units_fd = -1;
static uint8_t *units;
static int unit_free[UNITS_MAX], units_left;
static int unit_fresh; /* the first that nobody has had yet */
static struct grave *graves[GRAVES];
static struct vthread *running;

/* ---- units ---- */

static void *unit_view(int unit)
{
	return units + (size_t)unit * BOX_SIZE;
}

static int unit_get(void)
{
	int unit = units_left > 0 ? unit_free[--units_left] : -1;

	if (unit == unit_fresh)
		unit_fresh++; /* empty, and not even in memory yet */
	else if (unit >= 0)
		memset(unit_view(unit), 0, BOX_SIZE);
	return unit;
}

static void unit_put(int unit)
{
	if (unit >= 0)
		unit_free[units_left++] = unit;
}

int boxes_init(void)
{
	size_t size = (size_t)UNITS_MAX * BOX_SIZE;

	running = NULL;
	units_fd = memfd_create("ukernel-boxes", MFD_CLOEXEC);
	if (units_fd < 0 || ftruncate(units_fd, (off_t)size) < 0)
		return -errno;
	units = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, units_fd, 0);
	if (units == MAP_FAILED) {
		units = NULL;
		return -errno;
	}
	unit_fresh = 0;
	for (units_left = 0; units_left < UNITS_MAX; units_left++)
		unit_free[units_left] = UNITS_MAX - 1 - units_left;
	return 0;
}

void boxes_fini(void)
{
	for (int i = 0; i < GRAVES; i++) {
		while (graves[i] != NULL)
			box_reaped(graves[i]->host_pid);
	}
	if (units != NULL)
		munmap(units, (size_t)UNITS_MAX * BOX_SIZE);
	if (units_fd >= 0)
		close(units_fd);
	units = NULL;
	units_fd = -1;
}

/* ---- spaces ---- */

/* Empty, or as that of `from`. */
static struct turbo_space *space_new(const struct turbo_space *from)
{
	struct turbo_space *s = calloc(1, sizeof(*s));
	int ret = 0;

	if (s == NULL)
		return NULL;
	s->refs = 1;
	s->unit = -1;
	if (from == NULL && turbo_parts.space_init != NULL)
		ret = turbo_parts.space_init(s);
	if (from != NULL && turbo_parts.space_clone != NULL)
		ret = turbo_parts.space_clone(s, from);
	if (ret == 0)
		return s;
	free(s);
	return NULL;
}

static void space_put(struct turbo_space *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	if (turbo_parts.space_fini != NULL)
		turbo_parts.space_fini(s);
	unit_put(s->unit);
	for (int i = 0; i < TURBO_BOXES_MAX; i++)
		unit_put(s->box_unit[i] - 1);
	free(s);
}

static uaddr_t place_address(int place)
{
	return turbo.boxes + (uaddr_t)place * BOX_SIZE;
}

static int place_of(uaddr_t address)
{
	return (int)((address - turbo.boxes) / BOX_SIZE);
}

static int place_get(struct turbo_space *s)
{
	for (int i = 0; i < TURBO_BOXES_MAX / 64; i++) {
		if (~s->used[i] != 0) {
			int bit = __builtin_ctzll(~s->used[i]);

			s->used[i] |= 1ULL << bit;
			return i * 64 + bit;
		}
	}
	return -1;
}

static void place_put(struct turbo_space *s, int place)
{
	if (place >= 0)
		s->used[place / 64] &= ~(1ULL << place % 64);
}

static void order_unit(size_t *n, uaddr_t at, size_t len, int prot, int unit)
{
	stub.orders[(*n)++] =
	    (struct order){.nr = SYS_mmap,
			   .arg = {at, len, (uint64_t)prot, MAP_SHARED | MAP_FIXED,
				   (uint64_t)units_fd, (uint64_t)unit * BOX_SIZE}};
	stub.orders[(*n)++] = (struct order){.nr = SYS_madvise, .arg = {at, len, MADV_DONTFORK}};
}

_Static_assert(TURBO_MODULES == TURBO_PUBLISHED + PAGE_SIZE && SPACE_UNIT == 2 * PAGE_SIZE &&
		   SPACE_UNIT <= BOX_SIZE,
	       "published and modules are one unit");

/* What is on the pages is there before they are: other threads of the space run meanwhile. */
static int space_order(struct turbo_space *s, size_t *n)
{
	s->unit = unit_get();
	if (s->unit < 0)
		return -ENOMEM;
	s->published = unit_view(s->unit);
	s->modules = s->published + PAGE_SIZE / sizeof(*s->published);
	if (turbo_parts.space_given != NULL)
		turbo_parts.space_given(s);
	order_unit(n, TURBO_PUBLISHED, SPACE_UNIT, PROT_READ, s->unit);
	return 0;
}

/* The orders that map a unit have failed after the first `done`.  Where it may be mapped after all
 * it is nobody's for good. */
static void unit_refused(int unit, int error, size_t done)
{
	if (error != -ESRCH && done == 0)
		unit_put(unit);
}

static void space_without(struct turbo_space *s, int error, size_t done)
{
	unit_refused(s->unit, error, done);
	s->unit = -1;
	s->published = s->modules = NULL;
}

int space_give(struct vthread *th)
{
	size_t n = 0, done = 0;
	int ret;

	if (th->space == NULL)
		return -ENOMEM;
	if (th->space->published != NULL)
		return 0;
	ret = space_order(th->space, &n);
	if (ret == 0)
		ret = inject_batch(th, n, &done);
	if (ret < 0 && th->space->unit >= 0)
		space_without(th->space, ret, done);
	return ret;
}

/* ---- mailboxes ---- */

/* An empty mailbox at that place.  The first thread to have it maps it. */
static int place_fill(struct turbo_space *s, int place, struct vthread *th)
{
	size_t n = 0, done = 0;
	bool with_space = s->published == NULL;
	int unit = s->box_unit[place] - 1, ret = 0;

	if (unit >= 0) {
		memset(unit_view(unit), 0, BOX_AT_DATA); /* which says that there is no more */
		return 0;
	}
	unit = unit_get();
	if (unit < 0)
		return -ENOMEM;
	order_unit(&n, place_address(place), BOX_SIZE, PROT_READ | PROT_WRITE, unit);
	if (with_space)
		ret = space_order(s, &n);
	if (ret == 0)
		ret = inject_batch(th, n, &done);
	if (ret == 0) {
		s->box_unit[place] = (uint16_t)(unit + 1);
		return 0;
	}
	unit_refused(unit, ret, done);
	if (with_space && s->unit >= 0)
		space_without(s, ret, done);
	return ret;
}

int box_give(struct vthread *th)
{
	struct turbo_space *s = th->space;
	int place, ret;

	if (s == NULL)
		return -ENOMEM;
	/* A forked child has a place already, where its parent's thread had one. */
	place = th->own_gs != 0 ? place_of(th->own_gs) : place_get(s);
	if (place < 0)
		return -ENOMEM;
	ret = place_fill(s, place, th);
	if (ret < 0) {
		if (th->own_gs == 0)
			place_put(s, place);
		return ret;
	}
	th->own_gs = place_address(place);
	th->dirt = DIRT_ALL; /* gs base is to be set */
	th->box = unit_view(s->box_unit[place] - 1);
	th->box->magic = BOX_MAGIC;
	th->box->stack = th->own_gs + BOX_AT_REGS + REGS_AT_RSP;
	poll_begin(th);
	return 0;
}

/* A thread that finds no memory for its space's state never gets a mailbox. */
void box_cloned(struct vthread *from, struct vthread *th, bool same_space)
{
	if (same_space) {
		th->space = from->space;
		if (th->space != NULL)
			th->space->refs++;
		if (from->own_gs != 0)
			th->dirt = DIRT_ALL; /* it has the other's gs base */
		return;
	}
	th->space = space_new(from->space);
	if (th->space == NULL || from->own_gs == 0)
		return;
	/* Its gs base points to where its parent has a mailbox and it has nothing; the place is
	 * its own. */
	th->own_gs = from->own_gs;
	th->space->used[place_of(th->own_gs) / 64] |= 1ULL << place_of(th->own_gs) % 64;
}

static void grave_open(struct grave *g)
{
	if (g->space != NULL)
		place_put(g->space, g->place);
	space_put(g->space);
	free(g);
}

void box_destroyed(struct vthread *th)
{
	struct grave *g;

	poll_forget(th);
	late_forget(th);
	early_forget(th);
	ahead_forget(th);
	if (th->space == NULL)
		return;
	if (th->box != NULL)
		box_watch(th, false);
	g = malloc(sizeof(*g));
	if (g == NULL)
		return; /* what it had is lost until the end */
	g->space = th->space;
	g->place = th->own_gs != 0 ? place_of(th->own_gs) : -1;
	g->host_pid = th->host_pid;
	th->space = NULL;
	th->box = NULL;
	if (g->host_pid == 0) {
		grave_open(g);
		return;
	}
	g->next = graves[(unsigned)g->host_pid % GRAVES];
	graves[(unsigned)g->host_pid % GRAVES] = g;
}

void box_reaped(pid_t host_pid)
{
	struct grave **link = &graves[(unsigned)host_pid % GRAVES], *g;

	while (*link != NULL && (*link)->host_pid != host_pid)
		link = &(*link)->next;
	g = *link;
	if (g == NULL)
		return;
	*link = g->next;
	grave_open(g);
}

void box_watch(struct vthread *th, bool on)
{
	if (on == (th->box_link != NULL))
		return;
	if (!on) {
		*th->box_link = th->box_next;
		if (th->box_next != NULL)
			th->box_next->box_link = th->box_link;
		th->box_link = NULL;
		return;
	}
	th->box_next = running;
	th->box_link = &running;
	if (running != NULL)
		running->box_link = &th->box_next;
	running = th;
}

struct vthread *box_first_running(void)
{
	return running;
}

/* ---- calls ---- */

static void call_read(struct vthread *th, struct event *out)
{
	const struct box *box = th->box;

	event_fill(out, EVENT_SYSCALL, th);
	th->box_nr = __atomic_load_n(&box->nr, __ATOMIC_RELAXED);
	out->syscall.nr = th->box_nr;
	for (int i = 0; i < 6; i++)
		out->syscall.arg[i] = __atomic_load_n(&box->arg[i], __ATOMIC_RELAXED);
	out->syscall.ip = __atomic_load_n(&box->ret, __ATOMIC_RELAXED);
	out->syscall.abi = SYSCALL_ABI_64;
	carry_begin(th);
}

void box_called(struct vthread *th, struct event *out)
{
	uint32_t state = BOX_CALLED;

	if (th->box == NULL || out->syscall.nr != SYS_sched_yield ||
	    !__atomic_compare_exchange_n(&th->box->state, &state, BOX_PARKED, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	call_read(th, out);
	th->call_nr = UINT64_MAX; /* as in box_notified() */
}

bool box_take(struct vthread *th, struct event *out)
{
	struct box *box = th->box;
	uint32_t state = BOX_REQUEST;

	if (__atomic_load_n(&box->state, __ATOMIC_ACQUIRE) != BOX_REQUEST || th->interrupt_owed)
		return false;
	if (!__atomic_compare_exchange_n(&box->state, &state, BOX_TAKEN, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	turbo_counts.boxed++;
	thread_set_hold(th, HOLD_BOXED);
	th->answer_owed = false;
	th->stop_wanted = false;
	host_cpu_trapped(th);
	call_read(th, out);
	return true;
}

void box_answer(struct vthread *th)
{
	struct box *box = th->box;
	uint32_t state = BOX_TAKEN;

	th->answer = th->result_set ? th->result : -ENOSYS;
	carry_give(th);
	regs_forget(th);
	thread_set_hold(th, HOLD_RUNNING);
	late_give(th);
	__atomic_store_n(&box->arg[0], (uint64_t)th->answer, __ATOMIC_RELAXED);
	/* If it has begun to park, its notification is on the way. */
	th->answer_owed = !__atomic_compare_exchange_n(&box->state, &state, BOX_DONE, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	if (th->answer_owed)
		late_untaken(th);
}

bool box_notified(struct vthread *th, uint64_t id, uaddr_t ip)
{
	if (th->hold == HOLD_BOXED) {
		poll_parked(th);
		thread_set_hold(th, HOLD_NOTIFIED);
		th->notif_id = id;
		th->call_nr = UINT64_MAX; /* not what the kernel was told: never let it through */
		return true;
	}
	if (th->hold != HOLD_RUNNING || !th->answer_owed) {
		if (ip == unwind_called())
			poll_called(th);
		return false;
	}
	poll_parked(th);
	if (ip != unwind_called()) {
		th->answer_owed = false; /* it has written to its mailbox: it loses this one */
		return false;
	}
	/* If it is being stopped, or will ask again, it is owed the answer still. */
	th->answer_owed = !seccomp_reply(id, th->answer);
	return true;
}

void box_left(struct vthread *th)
{
	late_flush();
	thread_set_hold(th, HOLD_STOPPED);
	th->regs_valid = false;
	if (host_ptrace(PTRACE_GETREGS, th->host_pid, 0, &th->regs) < 0)
		return;
	th->regs_valid = true;
	th->dirt = DIRT_NONE;
	if (th->regs.gs_base == th->own_gs)
		th->regs.gs_base = 0;
	unwind_taken(th);
	carry_settled(th);
}
