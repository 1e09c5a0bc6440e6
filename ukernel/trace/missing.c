/*
 * missing.c - calls that were made and are not implemented: said once, and counted at the end.
 *
 * A refusal on purpose (its row's note says so) is what programs are prepared for; it is only
 * worth an info line.
 */
#include "trace/trace.h"

#include "kern/task.h"
#include "lib/log.h"
#include "syscall.h"
#include "trace/decode.h"

#include <errno.h>
#include <string.h>

#define SAID_MAX 10 /* a program that tries every number is not to fill the screen */

static unsigned said, unknown_hits;
static uint64_t hits[SYSCALL_MAX];

static bool is_refusal(uint64_t nr)
{
	return strncmp(syscall_table[nr].note, "refused", 7) == 0;
}

long syscall_missing(struct task *t, uint64_t nr)
{
	bool known = nr < SYSCALL_MAX && syscall_table[nr].name;

	if (known ? hits[nr]++ : unknown_hits++)
		return -ENOSYS;
	if (known && is_refusal(nr)) {
		log_info(syscall, "pid %d (%s): %s: ENOSYS, %s", t->tid, t->comm,
			 syscall_table[nr].name, syscall_table[nr].note);
		return -ENOSYS;
	}
	if (++said > SAID_MAX)
		return -ENOSYS;
	if (known)
		log_warn(syscall,
			 "pid %d (%s): system call %s is not implemented, answering ENOSYS", t->tid,
			 t->comm, syscall_table[nr].name);
	else
		log_warn(syscall, "pid %d (%s): there is no system call %llu, answering ENOSYS",
			 t->tid, t->comm, (unsigned long long)nr);
	return -ENOSYS;
}

void syscall_missing_report(void)
{
	static struct text x;
	unsigned long long all = unknown_hits;

	for (int nr = 0; nr < SYSCALL_MAX; nr++) {
		if (!hits[nr] || is_refusal((uint64_t)nr))
			continue;
		text_add(&x, "%s%s %llu", x.len ? ", " : "", syscall_table[nr].name,
			 (unsigned long long)hits[nr]);
		all += hits[nr];
	}
	/* One call, once, has been said already. */
	if (all < 2)
		return;
	if (unknown_hits)
		text_add(&x, "%sunknown numbers %u", x.len ? ", " : "", unknown_hits);
	log_warn(syscall, "%llu calls were not implemented: %.*s%s", all,
		 x.len < 400 ? (int)x.len : 400, x.buf, x.len < 400 ? "" : "...");
}
