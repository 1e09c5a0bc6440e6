/*
 * filter.c - --trace=FILTER: which calls get a line.
 *
 * %file and %desc follow from the kinds of the arguments in the table; the other classes are
 * lists, which nothing in the table could tell.
 */
#include "trace/decode.h"

#include <errno.h>
#include <string.h>

static bool wanted[SYSCALL_MAX];
static bool filtered, unknown_wanted = true, notes_wanted;

static const struct {
	const char *name;
	const char *calls; /* with a space on both sides of each */
} classes[] = {
    {"process", " clone clone3 fork vfork execve execveat exit exit_group wait4 waitid kill tkill "
		"tgkill pidfd_send_signal pidfd_open rt_sigqueueinfo rt_tgsigqueueinfo "},
    {"memory", " brk mmap munmap mprotect pkey_mprotect mremap msync mincore madvise mlock mlock2 "
	       "munlock mlockall munlockall mbind set_mempolicy get_mempolicy "},
    {"signal",
     " rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait "
     "rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend sigaltstack kill tkill tgkill pause "
     "signalfd signalfd4 pidfd_send_signal "},
    {"time",
     " nanosleep clock_nanosleep clock_gettime clock_settime clock_getres gettimeofday time "
     "times alarm getitimer setitimer timer_create timer_settime timer_gettime "
     "timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime "},
    {"cred", " getuid geteuid getgid getegid setuid setgid setreuid setregid setresuid setresgid "
	     "getresuid getresgid setfsuid setfsgid getgroups setgroups capget capset prctl "},
    {"sched", " sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler "
	      "sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
	      "sched_setaffinity sched_getaffinity sched_setattr sched_getattr getpriority "
	      "setpriority ioprio_set ioprio_get "},
    {"network",
     " socket socketpair bind listen accept accept4 connect getsockname getpeername "
     "sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown setsockopt getsockopt "},
};

static bool has_kind(const struct syscall_entry *e, enum arg_kind a, enum arg_kind b)
{
	if (e->ret == a || e->ret == b)
		return true;
	for (int i = 0; i < e->nargs; i++)
		if (e->kind[i] == a || e->kind[i] == b)
			return true;
	return false;
}

static bool list_has(const char *calls, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = calls; (at = strstr(at, name)) != NULL; at += len)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

static bool item_matches(const char *item, size_t len, const struct syscall_entry *e)
{
	if (*item != '%')
		return strlen(e->name) == len && memcmp(e->name, item, len) == 0;
	item++;
	len--;
	if (len == 4 && memcmp(item, "file", 4) == 0)
		return has_kind(e, ARG_path, ARG_path);
	if (len == 4 && memcmp(item, "desc", 4) == 0)
		return has_kind(e, ARG_fd, ARG_dirfd);
	if (len == 3 && memcmp(item, "net", 3) == 0) {
		item = "network";
		len = 7;
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, item, len) == 0)
			return list_has(classes[i].calls, e->name);
	return false;
}

int filter_parse(const char *text)
{
	bool invert = *text == '!';

	filtered = true;
	text += invert;
	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t len = strcspn(text, ",");
		bool any = len == 5 && memcmp(text, "patch", 5) == 0;

		notes_wanted |= any;
		for (int nr = 0; nr < SYSCALL_MAX; nr++)
			if (syscall_table[nr].name && item_matches(text, len, &syscall_table[nr]))
				any = wanted[nr] = true;
		if (!any && !(len == 4 && memcmp(text, "none", 4) == 0))
			return -EINVAL;
		text += len;
		text += *text == ',';
	}
	for (int nr = 0; invert && nr < SYSCALL_MAX; nr++)
		wanted[nr] = !wanted[nr];
	unknown_wanted = invert;
	return 0;
}

bool filter_wants(uint64_t nr)
{
	if (!filtered)
		return true;
	return nr < SYSCALL_MAX && syscall_table[nr].name ? wanted[nr] : unknown_wanted;
}

bool filter_wants_notes(void)
{
	return notes_wanted;
}
