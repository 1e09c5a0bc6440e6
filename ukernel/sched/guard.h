/*
 * guard.h - the watchdog: a policy between the core and a policy that nobody has reason to trust.
 *
 * It passes each op on and looks at what comes back.  A policy that picks what it may not, keeps a
 * task waiting longer than a limit, crashes or does not return is named on standard error; then
 * round robin takes over, or the program ends, as told.
 */
#ifndef SCHED_GUARD_H
#define SCHED_GUARD_H

#include "sched/policy.h"

enum guard_mode { GUARD_OFF, GUARD_RR, GUARD_END };

#define GUARD_LIMIT_NS 30000000000ULL

struct guard_settings {
	enum guard_mode mode;
	uint64_t limit_ns; /* that a task may wait for a CPU */
};

/*
 * A policy that does what inner does, watched; NULL: no memory.  Lives as long as the program and
 * serves one run queue at a time.  foreign: inner is no code of ours, and calls to it are guarded
 * against crashes and endless loops.
 */
const struct sched_policy *guard_create(const struct sched_policy *inner, bool foreign,
					const struct guard_settings *settings);
/* What the policy behind policy did wrong in its last run; NULL: nothing, or it is no guard. */
const char *guard_verdict(const struct sched_policy *policy);
/* "rr", "end" or "off", a comma, a limit such as "5s": any of both.  -EINVAL: neither. */
int guard_parse(const char *text, struct guard_settings *out);
/* What GUARD_END calls; ends the process with status 125 unless set. */
extern void (*guard_end)(const char *text);

/* --- guard_known.c: the tasks that exist, by address --- */
struct guard_known {
	struct sched_entity **slot; /* a hash table: NULL is a free place */
	size_t nr, size;
};

/* No memory ends the program. */
void guard_known_add(struct guard_known *k, struct sched_entity *se);
void guard_known_remove(struct guard_known *k, const struct sched_entity *se);
/* se may be any address. */
bool guard_known_has(const struct guard_known *k, const struct sched_entity *se);

/* --- guard_call.c: calls that come back --- */
#include <setjmp.h>

struct guard_call {
	sigjmp_buf back;
	const char *volatile op; /* NULL: our own code runs */
	volatile uint64_t count; /* of calls: the watching thread sees whether it moves */
	const char *volatile trouble;
	uintptr_t text, text_end; /* the object's code */
};

/* Watch the calls of c from this thread.  object: an address in the policy's shared object. */
int guard_call_start(struct guard_call *c, const void *object);
void guard_call_stop(struct guard_call *c);

/*
 * if (GUARD_CALL(c, "pick")) { op; GUARD_RETURN(c); } else { it did not return: c->trouble }
 * as with setjmp(3): local variables that are used after must be volatile.
 */
#define GUARD_CALL(c, name) ((c)->count++, (c)->op = (name), sigsetjmp((c)->back, 0) == 0)
#define GUARD_RETURN(c)	    ((c)->op = NULL)
#endif
