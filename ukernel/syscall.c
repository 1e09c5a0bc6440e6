/*
 * syscall.c - the trap table, and dispatch through it.
 *
 * Nothing here knows what a call does: the rows of syscalls.def say which handler gets which
 * arguments.  A number outside the table never reaches the host: it is ENOSYS.
 */
#include "syscall.h"

#include "trace/trace.h"

#define STRIP(...) __VA_ARGS__

/* One adapter per implemented row turns raw registers into typed arguments. */
#define CALL_ARG(i, kind, name) , (arg_##kind##_t)arg[i]
#define CALL_NONE(name, n, ...)
#define CALL_PARTIAL(name, n, ...) CALL_FULL(name, n, __VA_ARGS__)
#define CALL_FULL(sname, n, ...)                                                                   \
	static long call_##sname(struct task *t, const uint64_t arg[6])                            \
	{                                                                                          \
		(void)arg;                                                                         \
		return sys_##sname(t ARGS##n(CALL_ARG, __VA_ARGS__));                              \
	}
#define SYSCALL(nr, name, support, ret, n, args, note) CALL_##support(name, n, STRIP args)
#include "syscalls.def"
#undef SYSCALL

#define PTR_NONE(sname)		NULL
#define PTR_PARTIAL(sname)	call_##sname
#define PTR_FULL(sname)		call_##sname
#define KIND_ARG(i, kind, name) ARG_##kind,
#define NAME_ARG(i, kind, name) #name,
#define KINDS(n, ...)		ARGS##n(KIND_ARG, __VA_ARGS__)
#define NAMES(n, ...)		ARGS##n(NAME_ARG, __VA_ARGS__)
#define SYSCALL(nr, sname, sup, rkind, n, args, text)                                              \
	[nr] = {.name = #sname,                                                                    \
		.call = PTR_##sup(sname),                                                          \
		.note = text,                                                                      \
		.support = SUPPORT_##sup,                                                          \
		.nargs = (n),                                                                      \
		.ret = ARG_##rkind,                                                                \
		.kind = {KINDS(n, STRIP args)},                                                    \
		.arg_name = {NAMES(n, STRIP args)}},
const struct syscall_entry syscall_table[SYSCALL_MAX] = {
#include "syscalls.def"
};
#undef SYSCALL

uint64_t syscall_hits[SYSCALL_MAX];

long syscall_dispatch(struct task *t, uint64_t nr, const uint64_t arg[6])
{
	nr = (uint32_t)nr; /* Linux looks at eax alone */
	if (nr >= SYSCALL_MAX)
		return syscall_missing(t, nr);
	syscall_hits[nr]++;
	if (!syscall_table[nr].call)
		return syscall_missing(t, nr);
	return syscall_table[nr].call(t, arg);
}
