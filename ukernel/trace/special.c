/*
 * special.c - what the rows of syscalls.def cannot say: arguments that count only if another one
 * says so, or that change their meaning with it.
 */
#include "kern/waitq.h"
#include "mm/uaccess.h"
#include "trace/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

typedef unsigned long long ull;

int args_shown(const struct call_view *v)
{
	const uint64_t *a = v->arg;
	int n = v->entry->nargs;

	switch (v->nr) {
	case SYS_open:
		return a[1] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? n : 2;
	case SYS_mq_open:
		return a[1] & O_CREAT ? n : 2;
	case SYS_openat:
		return a[2] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? n : 3;
	case SYS_fcntl:
		return a[1] == F_GETFD || a[1] == F_GETFL || a[1] == F_GETOWN || a[1] == F_GETSIG ||
			       a[1] == F_GETLEASE || a[1] == F_GETPIPE_SZ || a[1] == F_GET_SEALS
			   ? 2
			   : n;
	case SYS_clone:
		return a[0] & CLONE_SETTLS				    ? n
		       : a[0] & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) ? 4
		       : a[0] & CLONE_PARENT_SETTID			    ? 3
									    : 2;
	case SYS_mremap:
		return a[3] & MREMAP_FIXED ? n : 4;
	case SYS_futex:
		switch (a[1] & 0x7f) {
		case FUTEX_WAKE:
		case FUTEX_UNLOCK_PI:
			return 3;
		case FUTEX_WAIT:
		case FUTEX_LOCK_PI:
			return 4;
		default:
			return n;
		}
	default:
		return n;
	}
}

bool is_arg_skipped(const struct call_view *v, int i)
{
	return v->nr == SYS_clone && i == 2 && !(v->arg[0] & (CLONE_PARENT_SETTID | CLONE_PIDFD));
}

/* The rest of a sleep is written only when it was cut short. */
static bool is_unwritten_rest(const struct call_view *v, int i)
{
	bool is_rest =
	    (v->nr == SYS_nanosleep && i == 1) || (v->nr == SYS_clock_nanosleep && i == 3);

	return is_rest && v->done && v->result != -EINTR && v->result != -ERESTART_RESTARTBLOCK;
}

/* clone(2) is called with arguments that its flags give a meaning to, or not. */
static void add_clone_arg(struct text *x, const struct call_view *v, int i)
{
	static const char *const names[] = {"flags", "child_stack", "parent_tid", "child_tidptr",
					    "tls"};

	text_add(x, "%s=", names[i]);
	if (i == 0)
		text_add_named(x, ARG_cloneflags, v->arg[0]);
	else
		text_add_address(x, v->arg[i]);
}

static void add_clone3_args(struct text *x, const struct call_view *v)
{
	struct abi_clone_args a = {0};
	char name[24];

	if (v->arg[1] < sizeof(uint64_t) * 8 ||
	    copy_from_user(v->task, &a, v->arg[0], sizeof(uint64_t) * 8)) {
		text_add_address(x, v->arg[0]);
		return;
	}
	text_add(x, "{flags=");
	text_add_named(x, ARG_cloneflags, a.flags);
	if (a.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
		text_add(x, ", child_tid=%#llx", (ull)a.child_tid);
	if (a.flags & CLONE_PARENT_SETTID)
		text_add(x, ", parent_tid=%#llx", (ull)a.parent_tid);
	text_add(x, ", exit_signal=%s, stack=", signal_name((int)a.exit_signal, name));
	text_add_address(x, a.stack);
	text_add(x, ", stack_size=%#llx", (ull)a.stack_size);
	if (a.flags & CLONE_SETTLS)
		text_add(x, ", tls=%#llx", (ull)a.tls);
	text_add(x, "}");
}

/* Arguments whose meaning hangs on an earlier one; false: print it by kind. */
bool text_add_special_arg(struct text *x, const struct call_view *v, int i)
{
	uint64_t a = v->arg[i];

	if (v->nr == SYS_clone) {
		add_clone_arg(x, v, i);
		return true;
	}
	if (v->nr == SYS_clone3 && i == 0) {
		add_clone3_args(x, v);
		return true;
	}
	if (is_unwritten_rest(v, i)) {
		text_add_address(x, a);
		return true;
	}
	if (v->nr == SYS_fcntl && i == 2) {
		if (v->arg[1] == F_SETFD)
			text_add_flags(x, &names_fd_cloexec, a);
		else if (v->arg[1] == F_SETFL)
			text_add_flags(x, &names_open, a);
		else if (v->arg[1] == F_DUPFD || v->arg[1] == F_DUPFD_CLOEXEC)
			text_add(x, "%d", (int)a);
		else
			return false;
		return true;
	}
	if (v->nr == SYS_prctl && i == 1 && v->arg[0] == 15 /* PR_SET_NAME */) {
		text_add_string(x, v->task, a, 17);
		return true;
	}
	if (v->nr == SYS_futex && i == 3) {
		int op = (int)(v->arg[1] & 0x7f);
		if (op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET && op != FUTEX_LOCK_PI) {
			text_add(x, "%u", (unsigned)a); /* val2 */
			return true;
		}
		return a && text_add_struct(x, v->task, ARG_tsin, a);
	}
	return false;
}
