/*
 * structs.c - structures that guests pass, shown by content.
 */
#include "trace/decode.h"

#include "mm/uaccess.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

typedef long long ll;
typedef unsigned long long ull;

static void add_timespec(struct text *x, const struct abi_timespec *ts)
{
	if (ts->nsec == UTIME_NOW)
		text_add(x, "UTIME_NOW");
	else if (ts->nsec == UTIME_OMIT)
		text_add(x, "UTIME_OMIT");
	else
		text_add(x, "{tv_sec=%lld, tv_nsec=%lld}", (ll)ts->sec, (ll)ts->nsec);
}

static void add_timeval(struct text *x, const struct abi_timeval *tv)
{
	text_add(x, "{tv_sec=%lld, tv_usec=%lld}", (ll)tv->sec, (ll)tv->usec);
}

static void add_stat(struct text *x, const struct abi_stat *st)
{
	text_add(x, "{st_mode=");
	text_add_mode(x, st->mode);
	if (S_ISCHR(st->mode) || S_ISBLK(st->mode))
		text_add(x, ", st_rdev=makedev(%#x, %#x)", major(st->rdev), minor(st->rdev));
	else
		text_add(x, ", st_size=%lld", (ll)st->size);
	text_add(x, ", ...}");
}

static void add_statx(struct text *x, const struct abi_statx *st)
{
	bool is_set;

	text_add(x, "{stx_mask=");
	text_add_flags(x, names_of_kind(ARG_statxmask, &is_set), st->mask);
	text_add(x, ", stx_attributes=%#llx, stx_mode=", (ull)st->attributes);
	text_add_mode(x, st->mode);
	text_add(x, ", stx_size=%llu, ...}", (ull)st->size);
}

static void add_sigaction(struct text *x, const struct abi_sigaction *sa)
{
	text_add(x, "{sa_handler=");
	if (sa->handler == 0)
		text_add(x, "SIG_DFL");
	else if (sa->handler == 1)
		text_add(x, "SIG_IGN");
	else
		text_add(x, "%#llx", (ull)sa->handler);
	text_add(x, ", sa_mask=");
	text_add_sigset(x, sa->mask);
	text_add(x, ", sa_flags=");
	text_add_flags(x, &names_sa, sa->flags);
	if (sa->flags & 0x04000000)
		text_add(x, ", sa_restorer=%#llx", (ull)sa->restorer);
	text_add(x, "}");
}

static void add_si_code(struct text *x, int signo, int code)
{
	const struct name_table *t = &names_si_code_generic;

	if (code > 0 && code < 0x80) {
		switch (signo) {
		case SIGCHLD:
			t = &names_si_code_chld;
			break;
		case SIGSEGV:
			t = &names_si_code_segv;
			break;
		case SIGFPE:
			t = &names_si_code_fpe;
			break;
		case SIGILL:
			t = &names_si_code_ill;
			break;
		case SIGBUS:
			t = &names_si_code_bus;
			break;
		case SIGTRAP:
			t = &names_si_code_trap;
			break;
		}
	}
	text_add_choice(x, t, (uint64_t)(int64_t)code);
}

static void add_chld(struct text *x, const struct abi_siginfo *i)
{
	char name[24];

	text_add(x, ", si_pid=%d, si_uid=%u, si_status=", i->chld.pid, i->chld.uid);
	if (i->code == CLD_EXITED)
		text_add(x, "%d", i->chld.status);
	else
		text_add(x, "%s", signal_name(i->chld.status, name));
	text_add(x, ", si_utime=%lld, si_stime=%lld", (ll)i->chld.utime, (ll)i->chld.stime);
}

void text_add_siginfo(struct text *x, const struct abi_siginfo *i)
{
	char name[24];

	text_add(x, "{si_signo=%s, si_code=", signal_name(i->signo, name));
	add_si_code(x, i->signo, i->code);
	if (i->code == SI_TIMER)
		text_add(x, ", si_timerid=%d, si_overrun=%d", i->timer.tid, i->timer.overrun);
	else if (i->code == SI_USER || i->code == SI_TKILL || i->code == SI_QUEUE)
		text_add(x, ", si_pid=%d, si_uid=%u", i->kill.pid, i->kill.uid);
	else if (i->signo == SIGCHLD && i->code > 0)
		add_chld(x, i);
	else if (i->code > 0 && i->code < 0x80 &&
		 (i->signo == SIGSEGV || i->signo == SIGBUS || i->signo == SIGILL ||
		  i->signo == SIGFPE || i->signo == SIGTRAP))
		text_add(x, ", si_addr=%#llx", (ull)i->fault.addr);
	if (i->code == SI_QUEUE || (i->code == SI_TIMER && i->timer.value.sival_ptr))
		text_add(x, ", si_value={sival_int=%d, sival_ptr=%#llx}", i->kill.value.sival_int,
			 (ull)i->kill.value.sival_ptr);
	text_add(x, "}");
}

static void add_rlim_value(struct text *x, uint64_t v)
{
	if (v == UINT64_MAX)
		text_add(x, "RLIM64_INFINITY");
	else if (v > 1024 && v % 1024 == 0)
		text_add(x, "%llu*1024", (ull)(v / 1024));
	else
		text_add(x, "%llu", (ull)v);
}

static void add_rlimit(struct text *x, const struct abi_rlimit *r)
{
	text_add(x, "{rlim_cur=");
	add_rlim_value(x, r->cur);
	text_add(x, ", rlim_max=");
	add_rlim_value(x, r->max);
	text_add(x, "}");
}

static void add_rusage(struct text *x, const struct abi_rusage *r)
{
	text_add(x, "{ru_utime=");
	add_timeval(x, &r->utime);
	text_add(x, ", ru_stime=");
	add_timeval(x, &r->stime);
	text_add(x, ", ...}");
}

static void add_epoll_event(struct text *x, const struct abi_epoll_event *e)
{
	text_add(x, "{events=");
	text_add_flags(x, &names_epoll, e->events);
	text_add(x, ", data={u32=%u, u64=%llu}}", (uint32_t)e->data, (ull)e->data);
}

static void add_statfs(struct text *x, const struct abi_statfs *s)
{
	text_add(x, "{f_type=%#llx, f_bsize=%lld, f_blocks=%llu, f_bfree=%llu, ...}", (ull)s->type,
		 (ll)s->bsize, (ull)s->blocks, (ull)s->bfree);
}

/* A socket address is as long as the next argument says; the family and a unix path are enough. */
static bool add_sockaddr(struct text *x, struct task *t, uaddr_t addr)
{
	bool is_set;
	const struct name_table *families = names_of_kind(ARG_sockdomain, &is_set);
	uint16_t family;
	char path[64];

	if (get_user(t, family, addr))
		return false;
	text_add(x, "{sa_family=");
	text_add_choice(x, families, family);
	if (family == AF_UNIX && copy_from_user(t, path, addr + 2, sizeof(path)) == 0) {
		text_add(x, ", sun_path=");
		text_add_quoted(x, path, strnlen(path, sizeof(path)), false);
	}
	text_add(x, "}");
	return true;
}

/* All that have a fixed size are read the same way, then printed by kind. */
union any_struct {
	struct abi_stat stat;
	struct abi_statx statx;
	struct abi_statfs statfs;
	struct abi_timespec ts[2];
	struct abi_timeval tv[2];
	uint64_t sigset;
	struct abi_sigaction sigaction;
	struct abi_siginfo siginfo;
	struct abi_rlimit rlimit;
	struct abi_rusage rusage;
	struct abi_utsname uts;
	struct abi_epoll_event epoll;
	int32_t ints[2];
};

static size_t struct_size(enum arg_kind kind)
{
	switch (kind) {
	case ARG_statp:
		return sizeof(struct abi_stat);
	case ARG_statxp:
		return sizeof(struct abi_statx);
	case ARG_statfsp:
		return sizeof(struct abi_statfs);
	case ARG_tsin:
	case ARG_tsout:
	case ARG_tvin:
	case ARG_tvout:
		return sizeof(struct abi_timespec);
	case ARG_itvin:
	case ARG_itvout:
	case ARG_itsin:
	case ARG_itsout:
		return 2 * sizeof(struct abi_timespec);
	case ARG_sigsetin:
	case ARG_sigsetout:
		return 8;
	case ARG_sigactin:
	case ARG_sigactout:
		return sizeof(struct abi_sigaction);
	case ARG_siginfoin:
	case ARG_siginfoout:
		return sizeof(struct abi_siginfo);
	case ARG_rlimin:
	case ARG_rlimout:
		return sizeof(struct abi_rlimit);
	case ARG_rusageout:
		return sizeof(struct abi_rusage);
	case ARG_utsout:
		return sizeof(struct abi_utsname);
	case ARG_epollev:
		return sizeof(struct abi_epoll_event);
	case ARG_outfds:
		return 8;
	case ARG_intin:
	case ARG_intout:
	case ARG_statusout:
		return 4;
	default:
		return 0;
	}
}

bool is_struct_kind(enum arg_kind kind)
{
	return kind == ARG_sockaddrin || struct_size(kind) != 0;
}

static void add_pair(struct text *x, enum arg_kind kind, const union any_struct *u)
{
	bool timeval = kind == ARG_itvin || kind == ARG_itvout;

	text_add(x, "{it_interval=");
	if (timeval)
		add_timeval(x, &u->tv[0]);
	else
		add_timespec(x, &u->ts[0]);
	text_add(x, ", it_value=");
	if (timeval)
		add_timeval(x, &u->tv[1]);
	else
		add_timespec(x, &u->ts[1]);
	text_add(x, "}");
}

bool text_add_struct(struct text *x, struct task *t, enum arg_kind kind, uaddr_t addr)
{
	static union any_struct u; /* one kernel thread, and nothing here sleeps */

	if (kind == ARG_sockaddrin)
		return add_sockaddr(x, t, addr);
	if (copy_from_user(t, &u, addr, struct_size(kind)))
		return false;
	switch (kind) {
	case ARG_statp:
		add_stat(x, &u.stat);
		break;
	case ARG_statxp:
		add_statx(x, &u.statx);
		break;
	case ARG_statfsp:
		add_statfs(x, &u.statfs);
		break;
	case ARG_tsin:
	case ARG_tsout:
		add_timespec(x, &u.ts[0]);
		break;
	case ARG_tvin:
	case ARG_tvout:
		add_timeval(x, &u.tv[0]);
		break;
	case ARG_itvin:
	case ARG_itvout:
	case ARG_itsin:
	case ARG_itsout:
		add_pair(x, kind, &u);
		break;
	case ARG_sigsetin:
	case ARG_sigsetout:
		text_add_sigset(x, u.sigset);
		break;
	case ARG_sigactin:
	case ARG_sigactout:
		add_sigaction(x, &u.sigaction);
		break;
	case ARG_siginfoin:
	case ARG_siginfoout:
		text_add_siginfo(x, &u.siginfo);
		break;
	case ARG_rlimin:
	case ARG_rlimout:
		add_rlimit(x, &u.rlimit);
		break;
	case ARG_rusageout:
		add_rusage(x, &u.rusage);
		break;
	case ARG_utsout:
		text_add(x, "{sysname=\"%.64s\", nodename=\"%.64s\", ...}", u.uts.sysname,
			 u.uts.nodename);
		break;
	case ARG_epollev:
		add_epoll_event(x, &u.epoll);
		break;
	case ARG_outfds:
		text_add(x, "[%d, %d]", u.ints[0], u.ints[1]);
		break;
	case ARG_statusout:
		text_add_wait_status(x, u.ints[0]);
		break;
	default:
		text_add(x, "[%d]", u.ints[0]);
		break;
	}
	return true;
}
