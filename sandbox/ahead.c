/*
 * ahead.c - answers that a thread's stub gives before the call reaches us.
 *
 * On one core a call by mailbox costs two switches, far more than many an answer: so the kernel
 * says beforehand what it would say to calls that the thread is likely to make next, and the stub
 * looks for its call among these answers before it asks.
 *
 * They lie in the thread's own mailbox.  A guest that changes them lies to itself.  We keep what we
 * need to take them back on this side, and write answers only while the thread is held in a call,
 * so that its stub never reads a half-written one.  To take one back is one store: a stub that has
 * just found it good was a moment earlier.
 */
#include "ahead.h"

#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "turbo.h"
#include "vthread.h"

#define ANSWERS	     192
#define GOOD_CYCLES  (20 * 1000 * 2500UL) /* 20 ms, roughly */
#define NEXT_CYCLES  (GOOD_CYCLES / 20)	  /* 1 ms for next_only */
#define ARG_AT(i)    (BOX_AT_ARG + 8U * (i))
#define ROUND_UP8(n) (((n) + 7) & ~(size_t)7)

struct ahead {
	struct vthread *th;
	struct ahead *next, **link; /* of those that have any */
	unsigned n;
	uint32_t used;	  /* bytes of box.answers */
	bool stale;	  /* all of them have been taken back */
	uint32_t counted; /* box.ahead_used as last seen */
	struct {
		uint32_t at, nr, arg0; /* at: offset in the mailbox */
		bool next_only;
		bool post; /* and not yet known whether it was made */
	} answer[ANSWERS];
};

static struct ahead *first;

static void live_set(struct ahead *a, bool live)
{
	if (live == (a->link != NULL))
		return;
	if (!live) {
		*a->link = a->next;
		if (a->next != NULL)
			a->next->link = a->link;
		a->link = NULL;
		return;
	}
	a->next = first;
	a->link = &first;
	if (first != NULL)
		first->link = &a->next;
	first = a;
}

static uint64_t *until_of(const struct ahead *a, unsigned i)
{
	struct ahead_answer *at = (void *)((char *)a->th->box + a->answer[i].at);

	return &at->until;
}

/* None is left for the stub to find?  It may say so wrongly: they are its own. */
static bool all_given(const struct ahead *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		if (__atomic_load_n(until_of(a, i), __ATOMIC_RELAXED) != 0)
			return false;
	}
	return true;
}

/* th is held: its stub is not looking. */
static void start_over(struct ahead *a)
{
	a->n = a->used = 0;
	a->stale = false;
	memset(a->th->box->ahead, 0, sizeof(a->th->box->ahead));
}

static struct ahead *ahead_of(struct vthread *th)
{
	struct ahead *a = th->ahead;

	if (th->box == NULL || !th->by_stub ||
	    (th->hold != HOLD_BOXED && th->hold != HOLD_NOTIFIED))
		return NULL;
	if (a == NULL) {
		a = th->ahead = calloc(1, sizeof(*a));
		if (a != NULL)
			a->th = th;
	}
	return a;
}

static void answer_fill(struct ahead_answer *to, const struct foretold *f, uint32_t at, size_t path)
{
	uint32_t data = at + (uint32_t)(sizeof(*to) + ROUND_UP8(path));

	*to = (struct ahead_answer){
	    .nr = (uint32_t)f->nr,
	    .until = __rdtsc() + (f->next_only ? NEXT_CYCLES : GOOD_CYCLES),
	    .arg = f->path_first ? 0 : f->arg0,
	    .result = f->result,
	    .path = (uint32_t)path,
	    .counts = f->counts,
	    .to_at = ARG_AT(f->to),
	    .data = data,
	    .len = (uint32_t)f->len,
	    .arg_at = f->path_first ? BOX_AT_ZERO : ARG_AT(0),
	    .kind = f->post   ? AHEAD_POST
		    : f->keep ? AHEAD_KEEP
			      : AHEAD_ONCE,
	};
	for (int i = 0; i < 2; i++) {
		to->key_at[i] = f->key[i].arg != 0 ? ARG_AT(f->key[i].arg) : BOX_AT_ZERO;
		to->key[i] = f->key[i].arg != 0 ? f->key[i].value : 0;
	}
	if (path > 0)
		memcpy(to->text, f->path, path);
	if (f->len > 0)
		memcpy(to->text + ROUND_UP8(path), f->data, f->len);
}

bool ahead_give(struct vthread *th, const struct foretold *f)
{
	struct ahead *a = ahead_of(th);
	uint32_t at, *list;
	size_t path, size;

	if (a == NULL || f == NULL)
		return a != NULL;
	path = f->path != NULL ? strlen(f->path) + 1 : 0;
	size = sizeof(struct ahead_answer) + ROUND_UP8(path) + f->len;
	if (path > BOX_EARLY_STRING || size > BOX_ANSWERS_MAX)
		return false;
	if (a->stale || a->n == ANSWERS || size > BOX_ANSWERS_MAX - a->used ||
	    (a->used > BOX_ANSWERS_MAX / 4 && all_given(a)))
		start_over(a);
	at = BOX_AT_ANSWERS + a->used;
	list = &th->box->ahead[f->nr % AHEAD_LISTS];
	answer_fill((void *)((char *)th->box + at), f, at, path);
	((struct ahead_answer *)((char *)th->box + at))->next = *list;
	*list = at;
	a->answer[a->n].at = at;
	a->answer[a->n].nr = (uint32_t)f->nr;
	a->answer[a->n].arg0 = (uint32_t)f->arg0;
	a->answer[a->n].post = f->post;
	a->answer[a->n++].next_only = f->next_only;
	a->used += (uint32_t)size;
	live_set(a, true);
	return true;
}

unsigned ahead_used(struct vthread *th)
{
	struct ahead *a = ahead_of(th);
	uint32_t now, before;

	if (a == NULL)
		return 0;
	now = __atomic_load_n(&th->box->ahead_used, __ATOMIC_RELAXED);
	before = a->counted;
	a->counted = now;
	return now - before;
}

/* One that was posted stays until ahead_made() has told of it if the stub was quicker. */
static void take_one_back(struct ahead *a, unsigned i)
{
	if (!a->answer[i].post)
		__atomic_store_n(until_of(a, i), 0, __ATOMIC_RELAXED);
	else if (__atomic_exchange_n(until_of(a, i), 0, __ATOMIC_ACQ_REL) != 0)
		a->answer[i].post = false;
}

void ahead_take_back(enum foretold_kind kind, uint32_t arg0)
{
	for (struct ahead *a = first; a != NULL; a = a->next) {
		for (unsigned i = 0; i < a->n && !a->stale; i++) {
			if (kind == FORETOLD_ALL || a->answer[i].next_only ||
			    (kind == FORETOLD_FD && a->answer[i].arg0 == arg0))
				take_one_back(a, i);
		}
		a->stale |= kind == FORETOLD_ALL;
	}
}

bool ahead_made(void **cookie, uint64_t *nr, uint64_t *arg0)
{
	for (struct ahead *a = first, *next; a != NULL; a = next) {
		next = a->next;
		for (unsigned i = 0; i < a->n; i++) {
			if (!a->answer[i].post ||
			    __atomic_load_n(until_of(a, i), __ATOMIC_ACQUIRE) != 0)
				continue;
			a->answer[i].post = false;
			*cookie = a->th->cookie;
			*nr = a->answer[i].nr;
			*arg0 = a->answer[i].arg0;
			return true;
		}
		if (a->stale)
			live_set(a, false);
	}
	return false;
}

void ahead_forget(struct vthread *th)
{
	if (th->ahead == NULL)
		return;
	live_set(th->ahead, false);
	free(th->ahead);
	th->ahead = NULL;
}
