/*
 * syscall.h - the system-call table: everything here is generated from syscalls.def.
 */
#ifndef UKERNEL_SYSCALL_H
#define UKERNEL_SYSCALL_H

#include "machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

/* Argument and result kinds: X(kind, C type that the handler sees). The decoder (trace.c) knows how
 * to print each. */
#define ARG_KINDS(X)                                                                               \
	X(none, long) /* no argument */                                                            \
	X(int, int)   /* plain numbers */                                                          \
	X(uint, unsigned)                                                                          \
	X(long, long)                                                                              \
	X(ulong, unsigned long)                                                                    \
	X(hex, unsigned long)                                                                      \
	X(fd, int)                                                                                 \
	X(dirfd, int)	 /* AT_FDCWD */                                                            \
	X(path, uaddr_t) /* a NUL-terminated string, in */                                         \
	X(str, uaddr_t)                                                                            \
	X(outstr, uaddr_t) /* the same, out */                                                     \
	X(inbuf, uaddr_t)  /* bytes in; the next size argument is its length */                    \
	X(outbuf, uaddr_t) /* bytes out; the result is how many */                                 \
	X(iniov, uaddr_t)  /* struct iovec array in, its count next */                             \
	X(outiov, uaddr_t)                                                                         \
	X(outfds, uaddr_t) /* int[2] out */                                                        \
	X(addr, uaddr_t)                                                                           \
	X(size, size_t)                                                                            \
	X(off, int64_t)                                                                            \
	X(hexoff, int64_t)                                                                         \
	X(mode, unsigned) /* octal */                                                              \
	X(dev, unsigned)                                                                           \
	X(pid, int)                                                                                \
	X(uid, unsigned)                                                                           \
	X(sig, int)                                                                                \
	X(oflags, int)	/* flag sets, by name */                                                   \
	X(fdflags, int) /* O_CLOEXEC, O_NONBLOCK for a new descriptor */                           \
	X(atflags, int)                                                                            \
	X(prot, int)                                                                               \
	X(mflags, int)                                                                             \
	X(mremapflags, int)                                                                        \
	X(msyncflags, int)                                                                         \
	X(madvice, int)                                                                            \
	X(cloneflags, unsigned long)                                                               \
	X(wflags, int)	/* WNOHANG, ... */                                                         \
	X(accmode, int) /* R_OK, ... */                                                            \
	X(whence, int)                                                                             \
	X(fcntlcmd, unsigned)                                                                      \
	X(ioctlcmd, unsigned)                                                                      \
	X(futexop, int)                                                                            \
	X(epollop, int)                                                                            \
	X(sighow, int)                                                                             \
	X(clock, int)  /* clockid_t */                                                             \
	X(rlimit, int) /* RLIMIT_* */                                                              \
	X(lockop, int) /* LOCK_* */                                                                \
	X(prctlop, int)                                                                            \
	X(archop, int)                                                                             \
	X(whichtimer, int)                                                                         \
	X(rusagewho, int)                                                                          \
	X(idtype, int)                                                                             \
	X(renameflags, unsigned)                                                                   \
	X(epollflags, unsigned long)                                                               \
	X(efdflags, unsigned long)                                                                 \
	X(sfdflags, unsigned long)                                                                 \
	X(tfdflags, unsigned long)                                                                 \
	X(infdflags, unsigned long)                                                                \
	X(mfdflags, unsigned long)                                                                 \
	X(msgflags, unsigned long)                                                                 \
	X(statxmask, unsigned long)                                                                \
	X(timerflags, unsigned long)                                                               \
	X(grndflags, unsigned)                                                                     \
	X(sockdomain, int)                                                                         \
	X(socktype, int)                                                                           \
	X(schedpolicy, int)                                                                        \
	X(ipckey, int)		 /* System V IPC: a key, or IPC_PRIVATE */                         \
	X(ipcget, unsigned long) /* IPC_CREAT, ... and mode bits */                                \
	X(shmatflags, unsigned long)                                                               \
	X(msgqflags, unsigned long)                                                                \
	X(shmctlcmd, int)                                                                          \
	X(semctlcmd, int)                                                                          \
	X(msgctlcmd, int)                                                                          \
	X(ipcds, uaddr_t)   /* what the command before it says */                                  \
	X(sembufs, uaddr_t) /* struct sembuf array in, its count next */                           \
	X(msgbuf, uaddr_t)  /* a type and bytes in; the next argument is how many bytes */         \
	X(mqattr, uaddr_t)  /* struct mq_attr in */                                                \
	X(mqattrout, uaddr_t)                                                                      \
	X(sigeventin, uaddr_t)                                                                     \
	X(kcmptype, int)                                                                           \
	X(msgbufout, uaddr_t) /* the same out; the result is how many */                           \
	X(statp, uaddr_t)     /* pointers to structures, shown by content */                       \
	X(statxp, uaddr_t)                                                                         \
	X(statfsp, uaddr_t)                                                                        \
	X(tsin, uaddr_t) /* struct timespec in, out, ... */                                        \
	X(tsout, uaddr_t)                                                                          \
	X(tvin, uaddr_t)                                                                           \
	X(tvout, uaddr_t)                                                                          \
	X(itvin, uaddr_t)                                                                          \
	X(itvout, uaddr_t)                                                                         \
	X(itsin, uaddr_t)                                                                          \
	X(itsout, uaddr_t)                                                                         \
	X(sigsetin, uaddr_t)                                                                       \
	X(sigsetout, uaddr_t)                                                                      \
	X(sigactin, uaddr_t)                                                                       \
	X(sigactout, uaddr_t)                                                                      \
	X(siginfoin, uaddr_t)                                                                      \
	X(siginfoout, uaddr_t)                                                                     \
	X(pollfds, uaddr_t)                                                                        \
	X(epollev, uaddr_t)                                                                        \
	X(epollevs, uaddr_t)                                                                       \
	X(statusout, uaddr_t) /* wait status, int out */                                           \
	X(rusageout, uaddr_t)                                                                      \
	X(rlimin, uaddr_t)                                                                         \
	X(rlimout, uaddr_t)                                                                        \
	X(utsout, uaddr_t)                                                                         \
	X(dirents, uaddr_t)                                                                        \
	X(argv, uaddr_t)                                                                           \
	X(envp, uaddr_t)                                                                           \
	X(sockaddrin, uaddr_t)                                                                     \
	X(intin, uaddr_t)                                                                          \
	X(intout, uaddr_t)

#define X(kind, type) typedef type arg_##kind##_t;
ARG_KINDS(X)
#undef X

enum arg_kind {
#define X(kind, type) ARG_##kind,
	ARG_KINDS(X)
#undef X
	    ARG_KIND_COUNT
};

/* NONE: known by name, answers ENOSYS, has no handler. */
enum support { SUPPORT_NONE, SUPPORT_PARTIAL, SUPPORT_FULL };

/* Apply M(index, kind, name) to each of the n (kind, name) pairs of a row. */
#define ARGS0(M, ...)
#define ARGS1(M, k, a)	      M(0, k, a)
#define ARGS2(M, k, a, ...)   M(0, k, a) ARGS2_1(M, __VA_ARGS__)
#define ARGS3(M, k, a, ...)   M(0, k, a) ARGS3_1(M, __VA_ARGS__)
#define ARGS4(M, k, a, ...)   M(0, k, a) ARGS4_1(M, __VA_ARGS__)
#define ARGS5(M, k, a, ...)   M(0, k, a) ARGS5_1(M, __VA_ARGS__)
#define ARGS6(M, k, a, ...)   M(0, k, a) ARGS6_1(M, __VA_ARGS__)
#define ARGS2_1(M, k, a)      M(1, k, a)
#define ARGS3_1(M, k, a, ...) M(1, k, a) ARGS3_2(M, __VA_ARGS__)
#define ARGS4_1(M, k, a, ...) M(1, k, a) ARGS4_2(M, __VA_ARGS__)
#define ARGS5_1(M, k, a, ...) M(1, k, a) ARGS5_2(M, __VA_ARGS__)
#define ARGS6_1(M, k, a, ...) M(1, k, a) ARGS6_2(M, __VA_ARGS__)
#define ARGS3_2(M, k, a)      M(2, k, a)
#define ARGS4_2(M, k, a, ...) M(2, k, a) ARGS4_3(M, __VA_ARGS__)
#define ARGS5_2(M, k, a, ...) M(2, k, a) ARGS5_3(M, __VA_ARGS__)
#define ARGS6_2(M, k, a, ...) M(2, k, a) ARGS6_3(M, __VA_ARGS__)
#define ARGS4_3(M, k, a)      M(3, k, a)
#define ARGS5_3(M, k, a, ...) M(3, k, a) ARGS5_4(M, __VA_ARGS__)
#define ARGS6_3(M, k, a, ...) M(3, k, a) ARGS6_4(M, __VA_ARGS__)
#define ARGS5_4(M, k, a)      M(4, k, a)
#define ARGS6_4(M, k, a, ...) M(4, k, a) ARGS6_5(M, __VA_ARGS__)
#define ARGS6_5(M, k, a)      M(5, k, a)

/* Prototypes: long sys_read(struct task *t, int fd, uaddr_t buf, size_t count); */
#define PROTO_ARG(i, kind, name)		       , arg_##kind##_t name
#define SYSCALL(nr, name, support, ret, n, args, note) PROTO_##support(name, n, PROTO_STRIP args)
#define PROTO_STRIP(...)			       __VA_ARGS__
#define PROTO_NONE(name, n, ...)
#define PROTO_PARTIAL(name, n, ...) PROTO_FULL(name, n, __VA_ARGS__)
#define PROTO_FULL(name, n, ...)    long sys_##name(struct task *t ARGS##n(PROTO_ARG, __VA_ARGS__));
#include "syscalls.def"
#undef SYSCALL

struct syscall_entry {
	const char *name;
	long (*call)(struct task *t, const uint64_t arg[6]); /* NULL: ENOSYS */
	const char *note;				     /* what is left out; "" */
	uint8_t support, nargs, ret;
	uint8_t kind[6];
	const char *arg_name[6];
};

#define SYSCALL_MAX 512
extern const struct syscall_entry syscall_table[SYSCALL_MAX];
extern uint64_t syscall_hits[SYSCALL_MAX];

/* Run t's call; unknown numbers give -ENOSYS.  The result is negative errno, or one of the
 * ERESTART* that only the signal code sees. */
long syscall_dispatch(struct task *t, uint64_t nr, const uint64_t arg[6]);
#endif
