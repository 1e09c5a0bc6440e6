/*
 * decode.c - arguments and results of a call, each printed by the kind that its row states.
 *
 * What the rows cannot say (whether open's mode means anything) is in special.c.
 */
#include "trace/decode.h"

#include "kern/waitq.h"
#include "mm/uaccess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define BYTES_SHOWN   32
#define STRINGS_SHOWN 32
#define ITEMS_SHOWN   16

typedef long long ll;
typedef unsigned long long ull;

static bool is_out_kind(enum arg_kind kind)
{
	switch (kind) {
	case ARG_outbuf:
	case ARG_outstr:
	case ARG_outiov:
	case ARG_outfds:
	case ARG_statp:
	case ARG_statxp:
	case ARG_statfsp:
	case ARG_tsout:
	case ARG_tvout:
	case ARG_itvout:
	case ARG_itsout:
	case ARG_sigsetout:
	case ARG_sigactout:
	case ARG_siginfoout:
	case ARG_epollevs:
	case ARG_statusout:
	case ARG_rusageout:
	case ARG_rlimout:
	case ARG_utsout:
	case ARG_dirents:
	case ARG_intout:
	case ARG_ipcds:
	case ARG_msgbufout:
	case ARG_mqattrout:
		return true;
	default:
		return false;
	}
}

bool waits_for_result(const struct call_view *v, int i)
{
	return is_out_kind(v->entry->kind[i]);
}

void text_add_address(struct text *x, uint64_t v)
{
	if (v)
		text_add(x, "%#llx", (ull)v);
	else
		text_add(x, "NULL");
}

static void add_bytes(struct text *x, struct task *t, uaddr_t addr, uint64_t len)
{
	char bytes[BYTES_SHOWN];
	size_t shown = len < BYTES_SHOWN ? len : BYTES_SHOWN;

	if (!addr || copy_from_user(t, bytes, addr, shown))
		text_add_address(x, addr);
	else
		text_add_quoted(x, bytes, shown, len > shown);
}

/* A string of at most max - 1 bytes; longer ones end in "...". */
void text_add_string(struct text *x, struct task *t, uaddr_t addr, size_t max)
{
	static char s[4096]; /* one kernel thread, and nothing here sleeps */
	ssize_t len = addr ? string_from_user(t, s, addr, max) : -EFAULT;

	if (len >= 0)
		text_add_quoted(x, s, (size_t)len, false);
	else if (len == -ENAMETOOLONG && copy_from_user(t, s, addr, max - 1) == 0)
		text_add_quoted(x, s, max - 1, true);
	else
		text_add_address(x, addr);
}

/* argv or envp: a NULL-ended array of strings. */
static void add_strings(struct text *x, struct task *t, uaddr_t addr, bool content)
{
	uint64_t p;
	int n = 0;

	if (!addr || get_user(t, p, addr)) {
		text_add_address(x, addr);
		return;
	}
	if (!content) {
		while (n < 65536 && get_user(t, p, addr + 8 * (unsigned)n) == 0 && p)
			n++;
		text_add(x, "%#llx /* %d var%s */", (ull)addr, n, n == 1 ? "" : "s");
		return;
	}
	text_add(x, "[");
	for (; p; n++) {
		text_add(x, n ? ", " : "");
		if (n == STRINGS_SHOWN) {
			text_add(x, "...");
			break;
		}
		text_add_string(x, t, p, 256);
		if (get_user(t, p, addr + 8 * (unsigned)(n + 1)))
			break;
	}
	text_add(x, "]");
}

/* An iovec array; of the bytes only the first limit count (what a read has filled). */
static void add_iovecs(struct text *x, struct task *t, uaddr_t addr, uint64_t count, uint64_t limit)
{
	struct abi_iovec iov;

	if (!addr || (count && get_user(t, iov, addr))) {
		text_add_address(x, addr);
		return;
	}
	text_add(x, "[");
	for (uint64_t i = 0; i < count; i++) {
		text_add(x, i ? ", " : "");
		if (i == ITEMS_SHOWN || get_user(t, iov, addr + i * sizeof(iov))) {
			text_add(x, "...");
			break;
		}
		uint64_t n = iov.len < limit ? iov.len : limit;
		text_add(x, "{iov_base=");
		add_bytes(x, t, iov.base, n);
		text_add(x, ", iov_len=%llu}", (ull)iov.len);
		limit -= n;
	}
	text_add(x, "]");
}

static void add_pollfds(struct text *x, struct task *t, uaddr_t addr, uint64_t count, bool after)
{
	struct abi_pollfd p;
	bool any = false;

	if (!addr) {
		text_add_address(x, addr);
		return;
	}
	text_add(x, "[");
	for (uint64_t i = 0; i < count; i++) {
		if (i == ITEMS_SHOWN || get_user(t, p, addr + i * sizeof(p))) {
			text_add(x, any ? ", ..." : "...");
			break;
		}
		if (after && !p.revents)
			continue;
		text_add(x, "%s{fd=%d, %s=", any ? ", " : "", p.fd, after ? "revents" : "events");
		text_add_flags(x, &names_poll, (uint16_t)(after ? p.revents : p.events));
		text_add(x, "}");
		any = true;
	}
	text_add(x, "]");
}

static void add_epoll_events(struct text *x, const struct call_view *v, uaddr_t addr)
{
	if (!v->done || v->result < 0 || !addr) {
		text_add_address(x, addr);
		return;
	}
	text_add(x, "[");
	for (long i = 0; i < v->result; i++) {
		text_add(x, i ? ", " : "");
		if (i == ITEMS_SHOWN ||
		    !text_add_struct(x, v->task, ARG_epollev,
				     addr + (uint64_t)i * sizeof(struct abi_epoll_event))) {
			text_add(x, "...");
			break;
		}
	}
	text_add(x, "]");
}

/* The argument after i that says how long it is. */
static uint64_t length_after(const struct call_view *v, int i)
{
	for (int k = i + 1; k < v->entry->nargs; k++) {
		enum arg_kind kind = v->entry->kind[k];
		if (kind == ARG_size || kind == ARG_ulong || kind == ARG_uint)
			return v->arg[k];
	}
	return 0;
}

static void add_clone_flags(struct text *x, const struct name_table *t, uint64_t flags)
{
	char name[24];

	/* The signal at exit lies in the low byte. */
	if (flags & ~0xffULL)
		text_add_flags(x, t, flags & ~0xffULL);
	if (flags & 0xff)
		text_add(x, "%s%s", flags & ~0xffULL ? "|" : "", signal_name(flags & 0xff, name));
	if (!flags)
		text_add(x, "0");
}

/* Kinds with names. */
bool text_add_named(struct text *x, enum arg_kind kind, uint64_t a)
{
	bool is_set;
	const struct name_table *t = names_of_kind(kind, &is_set);

	if (!t)
		return false;
	if (kind == ARG_cloneflags)
		add_clone_flags(x, t, a);
	else if (kind == ARG_prot && a == 0)
		text_add(x, "PROT_NONE");
	else if (kind == ARG_accmode && a == 0)
		text_add(x, "F_OK");
	else if (kind == ARG_clock && (int)a < 0)
		text_add(x, "%d", (int)a);
	else if (is_set)
		text_add_flags(x, t, kind == ARG_cloneflags ? a : (uint32_t)a);
	else
		text_add_choice(x, t, (uint32_t)a);
	return true;
}

static void add_number(struct text *x, enum arg_kind kind, uint64_t a)
{
	char name[24];

	switch (kind) {
	case ARG_int:
	case ARG_fd:
	case ARG_pid:
		text_add(x, "%d", (int)a);
		break;
	case ARG_uid:
		text_add(x, "%d", (int)a); /* -1 is "leave it" */
		break;
	case ARG_uint:
		text_add(x, "%u", (unsigned)a);
		break;
	case ARG_long:
	case ARG_off:
		text_add(x, "%lld", (ll)a);
		break;
	case ARG_ulong:
	case ARG_size:
		text_add(x, "%llu", (ull)a);
		break;
	case ARG_hex:
	case ARG_hexoff:
		text_add(x, "%#llx", (ull)a);
		break;
	case ARG_mode:
		text_add_mode(x, (unsigned)a);
		break;
	case ARG_dev:
		text_add(x, "%#x", (unsigned)a);
		break;
	case ARG_dirfd:
		if ((int)a == AT_FDCWD)
			text_add(x, "AT_FDCWD");
		else
			text_add(x, "%d", (int)a);
		break;
	case ARG_sig:
		text_add(x, "%s", signal_name((int)a, name));
		break;
	default:
		text_add_address(x, a);
		break;
	}
}

static void add_out_bytes(struct text *x, const struct call_view *v, int i)
{
	if (v->done && v->result >= 0)
		add_bytes(x, v->task, v->arg[i], (uint64_t)v->result);
	else
		text_add_address(x, v->arg[i]);
}

void text_add_arg(struct text *x, const struct call_view *v, int i)
{
	enum arg_kind kind = v->entry->kind[i];
	uint64_t a = v->arg[i];
	bool failed = v->done && v->result < 0;

	if (text_add_special_arg(x, v, i) || text_add_named(x, kind, a) ||
	    text_add_ipc_arg(x, v, i))
		return;
	switch (kind) {
	case ARG_path:
		text_add_string(x, v->task, a, 4096);
		return;
	case ARG_str:
		text_add_string(x, v->task, a, 256);
		return;
	case ARG_inbuf:
		add_bytes(x, v->task, a, length_after(v, i));
		return;
	case ARG_outbuf:
		add_out_bytes(x, v, i);
		return;
	case ARG_outstr:
		if (failed)
			text_add_address(x, a);
		else
			text_add_string(x, v->task, a, 4096);
		return;
	case ARG_iniov:
		add_iovecs(x, v->task, a, length_after(v, i), UINT64_MAX);
		return;
	case ARG_outiov:
		if (failed)
			text_add_address(x, a);
		else
			add_iovecs(x, v->task, a, length_after(v, i), (uint64_t)v->result);
		return;
	case ARG_argv:
		add_strings(x, v->task, a, true);
		return;
	case ARG_envp:
		add_strings(x, v->task, a, false);
		return;
	case ARG_pollfds:
		add_pollfds(x, v->task, a, length_after(v, i), false);
		return;
	case ARG_epollevs:
		add_epoll_events(x, v, a);
		return;
	default:
		break;
	}
	if (is_struct_kind(kind) && a && !(is_out_kind(kind) && failed) &&
	    text_add_struct(x, v->task, kind, a))
		return;
	add_number(x, kind, a);
}

static void add_restart(struct text *x, long result)
{
	switch (-result) {
	case ERESTARTSYS:
		text_add(x, "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
		break;
	case ERESTARTNOINTR:
		text_add(x, "? ERESTARTNOINTR (To be restarted)");
		break;
	case ERESTARTNOHAND:
		text_add(x, "? ERESTARTNOHAND (To be restarted if no handler)");
		break;
	default:
		text_add(x, "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
		break;
	}
}

/* poll shows what it found behind the result, because it overwrites its argument. */
static void add_poll_result(struct text *x, const struct call_view *v)
{
	if (v->result == 0) {
		text_add(x, " (Timeout)");
	} else if (v->result > 0) {
		text_add(x, " (");
		add_pollfds(x, v->task, v->arg[0], v->arg[1], true);
		if (v->nr == SYS_ppoll && v->arg[2]) {
			text_add(x, ", left ");
			text_add_struct(x, v->task, ARG_tsin, v->arg[2]);
		}
		text_add(x, ")");
	}
}

static void add_flags_result(struct text *x, const struct call_view *v)
{
	bool of_fd = v->arg[1] == F_GETFD;

	text_add(x, "%#lx", v->result);
	if (of_fd && !v->result)
		return;
	text_add(x, " (flags ");
	text_add_flags(x, of_fd ? &names_fd_cloexec : &names_open, (uint64_t)v->result);
	text_add(x, ")");
}

void text_add_result(struct text *x, const struct call_view *v)
{
	long r = v->result;

	if (r < 0 && r >= -4095) {
		if (-r >= ERESTARTSYS && -r <= ERESTART_RESTARTBLOCK) {
			add_restart(x, r);
			return;
		}
		text_add(x, "-1 ");
		text_add_errno(x, (int)-r);
		return;
	}
	enum arg_kind kind = v->entry ? v->entry->ret : ARG_long;
	if (v->nr == SYS_fcntl && (v->arg[1] == F_GETFL || v->arg[1] == F_GETFD))
		add_flags_result(x, v);
	else if (kind == ARG_none)
		text_add(x, "?");
	else if (kind == ARG_addr)
		text_add(x, "%#llx", (ull)r);
	else if (kind == ARG_mode)
		text_add(x, "%#03o", (unsigned)r);
	else if (kind == ARG_schedpolicy)
		text_add_named(x, kind, (uint64_t)r);
	else
		text_add(x, "%ld", r);
	if (v->nr == SYS_poll || v->nr == SYS_ppoll)
		add_poll_result(x, v);
}
