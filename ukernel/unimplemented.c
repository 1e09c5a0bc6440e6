/*
 * unimplemented.c - scaffolding: answers ENOSYS for rows whose handler is not written yet.
 * It goes when every row of syscalls.def has its handler or says NONE.
 */
#include "syscall.h"

#include <errno.h>

#define WEAK_ARG(i, kind, name) , arg_##kind##_t name
#define WEAK_NONE(name, n, ...)
#define WEAK_PARTIAL(name, n, ...) WEAK_FULL(name, n, __VA_ARGS__)
#define WEAK_FULL(sname, n, ...)                                                                   \
	__attribute__((weak)) long sys_##sname(struct task *t ARGS##n(WEAK_ARG, __VA_ARGS__))      \
	{                                                                                          \
		return -ENOSYS;                                                                    \
	}
#define STRIP(...) __VA_ARGS__
#define SYSCALL(nr, name, support, ret, n, args, note) WEAK_##support(name, n, STRIP args)
#include "syscalls.def"
#undef SYSCALL
