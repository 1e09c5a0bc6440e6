/*
 * flags.c - the names of constants, one table a kind of argument.
 */
#include "trace/decode.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define N(constant)                                                                                \
	{                                                                                          \
		(uint64_t)(constant), #constant                                                    \
	}
#define TABLE(id, mask, comment, ...)                                                              \
	static const struct name id##_names[] = {__VA_ARGS__, {0, NULL}};                          \
	const struct name_table names_##id = {id##_names, mask, comment};
#define LOCAL_TABLE(id, mask, comment, ...)                                                        \
	static const struct name id##_names[] = {__VA_ARGS__, {0, NULL}};                          \
	static const struct name_table names_##id = {id##_names, mask, comment};

/* glibc gives O_LARGEFILE the value 0 on this machine; the kernel's is this. */
#define O_LARGEFILE_ABI 0100000

TABLE(open, O_ACCMODE, "O_???", N(O_RDONLY), N(O_WRONLY), N(O_RDWR), {O_ACCMODE, "O_ACCMODE"},
      N(O_CREAT), N(O_EXCL), N(O_NOCTTY), N(O_TRUNC), N(O_APPEND), N(O_NONBLOCK), N(O_SYNC),
      N(O_DSYNC), N(O_ASYNC), N(O_DIRECT), {O_LARGEFILE_ABI, "O_LARGEFILE"}, N(O_NOFOLLOW),
      N(O_NOATIME), N(O_CLOEXEC), N(O_PATH), N(O_TMPFILE), N(O_DIRECTORY))
LOCAL_TABLE(fdflags, 0, "O_???", N(O_NONBLOCK), N(O_DIRECT), N(O_CLOEXEC))
LOCAL_TABLE(at, 0, "AT_???", N(AT_SYMLINK_NOFOLLOW), {0x200, "AT_REMOVEDIR"}, N(AT_SYMLINK_FOLLOW),
	    N(AT_NO_AUTOMOUNT), N(AT_EMPTY_PATH), {0x2000, "AT_STATX_FORCE_SYNC"},
	    {0x4000, "AT_STATX_DONT_SYNC"})
LOCAL_TABLE(prot, 0, "PROT_???", N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN),
	    N(PROT_GROWSUP))
LOCAL_TABLE(map, 0xf, "MAP_???", N(MAP_SHARED), N(MAP_PRIVATE),
	    {MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"}, N(MAP_FIXED), N(MAP_ANONYMOUS),
	    N(MAP_32BIT), N(MAP_NORESERVE), N(MAP_POPULATE), N(MAP_NONBLOCK), N(MAP_GROWSDOWN),
	    N(MAP_DENYWRITE), N(MAP_EXECUTABLE), N(MAP_LOCKED), N(MAP_STACK), N(MAP_HUGETLB),
	    N(MAP_SYNC), N(MAP_FIXED_NOREPLACE))
LOCAL_TABLE(mremap, 0, "MREMAP_???", N(MREMAP_MAYMOVE), N(MREMAP_FIXED), {4, "MREMAP_DONTUNMAP"})
LOCAL_TABLE(msync, 0, "MS_???", N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC))
LOCAL_TABLE(madvise, 0, "MADV_???", N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL),
	    N(MADV_WILLNEED), N(MADV_DONTNEED), N(MADV_FREE), N(MADV_REMOVE), N(MADV_DONTFORK),
	    N(MADV_DOFORK), N(MADV_MERGEABLE), N(MADV_UNMERGEABLE), N(MADV_HUGEPAGE),
	    N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP), N(MADV_WIPEONFORK),
	    N(MADV_KEEPONFORK), N(MADV_COLD), N(MADV_PAGEOUT))
LOCAL_TABLE(clone, 0, "CLONE_???", N(CLONE_VM), N(CLONE_FS), N(CLONE_FILES), N(CLONE_SIGHAND),
	    N(CLONE_PIDFD), N(CLONE_PTRACE), N(CLONE_VFORK), N(CLONE_PARENT), N(CLONE_THREAD),
	    N(CLONE_NEWNS), N(CLONE_SYSVSEM), N(CLONE_SETTLS), N(CLONE_PARENT_SETTID),
	    N(CLONE_CHILD_CLEARTID), N(CLONE_DETACHED), N(CLONE_UNTRACED), N(CLONE_CHILD_SETTID),
	    N(CLONE_NEWCGROUP), N(CLONE_NEWUTS), N(CLONE_NEWIPC), N(CLONE_NEWUSER), N(CLONE_NEWPID),
	    N(CLONE_NEWNET), N(CLONE_IO))
LOCAL_TABLE(wait, 0, "W???", N(WNOHANG), N(WSTOPPED), N(WEXITED), N(WCONTINUED), N(WNOWAIT),
	    {0x20000000, "__WNOTHREAD"}, {0x40000000, "__WALL"}, {0x80000000, "__WCLONE"})
LOCAL_TABLE(access, 0, "?_OK", {4, "R_OK"}, {2, "W_OK"}, {1, "X_OK"})
LOCAL_TABLE(rename, 0, "RENAME_???", {1, "RENAME_NOREPLACE"}, {2, "RENAME_EXCHANGE"},
	    {4, "RENAME_WHITEOUT"})
LOCAL_TABLE(grnd, 0, "GRND_???", N(GRND_NONBLOCK), N(GRND_RANDOM), {4, "GRND_INSECURE"})
LOCAL_TABLE(whence, 0, "SEEK_???", {0, "SEEK_SET"}, {1, "SEEK_CUR"}, {2, "SEEK_END"},
	    {3, "SEEK_DATA"}, {4, "SEEK_HOLE"})
LOCAL_TABLE(fcntl, 0, "F_???", N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETFL),
	    {5, "F_GETLK"}, {6, "F_SETLK"}, {7, "F_SETLKW"}, N(F_SETOWN), N(F_GETOWN), N(F_SETSIG),
	    N(F_GETSIG), N(F_SETOWN_EX), N(F_GETOWN_EX), {36, "F_OFD_GETLK"}, {37, "F_OFD_SETLK"},
	    {38, "F_OFD_SETLKW"}, N(F_SETLEASE), N(F_GETLEASE), N(F_NOTIFY), N(F_DUPFD_CLOEXEC),
	    N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS))
LOCAL_TABLE(ioctl, 0, NULL, N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TCSBRK), N(TCXONC),
	    N(TCFLSH), N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP), N(TIOCSPGRP), N(TIOCGSID),
	    N(TIOCSCTTY), N(TIOCNOTTY), N(TIOCOUTQ), N(TIOCGPTN), N(TIOCSPTLCK), N(FIONREAD),
	    N(FIONBIO), N(FIOASYNC), N(FIOCLEX), N(FIONCLEX), {0x40049409, "FICLONE"},
	    {0x80086601, "FS_IOC_GETFLAGS"}, {0x40086602, "FS_IOC_SETFLAGS"})
LOCAL_TABLE(epollop, 0, "EPOLL_CTL_???", N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD))
LOCAL_TABLE(sighow, 0, "SIG_???", N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK))
LOCAL_TABLE(clock, 0, "CLOCK_???", N(CLOCK_REALTIME), N(CLOCK_MONOTONIC),
	    N(CLOCK_PROCESS_CPUTIME_ID), N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW),
	    N(CLOCK_REALTIME_COARSE), N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME),
	    N(CLOCK_REALTIME_ALARM), N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI))
LOCAL_TABLE(rlimit, 0, "RLIMIT_???", {0, "RLIMIT_CPU"}, {1, "RLIMIT_FSIZE"}, {2, "RLIMIT_DATA"},
	    {3, "RLIMIT_STACK"}, {4, "RLIMIT_CORE"}, {5, "RLIMIT_RSS"}, {6, "RLIMIT_NPROC"},
	    {7, "RLIMIT_NOFILE"}, {8, "RLIMIT_MEMLOCK"}, {9, "RLIMIT_AS"}, {10, "RLIMIT_LOCKS"},
	    {11, "RLIMIT_SIGPENDING"}, {12, "RLIMIT_MSGQUEUE"}, {13, "RLIMIT_NICE"},
	    {14, "RLIMIT_RTPRIO"}, {15, "RLIMIT_RTTIME"})
LOCAL_TABLE(lock, 0, "LOCK_???", N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN))
LOCAL_TABLE(prctl, 0, "PR_???", N(PR_SET_PDEATHSIG), N(PR_GET_PDEATHSIG), N(PR_GET_DUMPABLE),
	    N(PR_SET_DUMPABLE), N(PR_GET_KEEPCAPS), N(PR_SET_KEEPCAPS), N(PR_GET_TIMING),
	    N(PR_SET_TIMING), N(PR_SET_NAME), N(PR_GET_NAME), N(PR_GET_SECCOMP), N(PR_SET_SECCOMP),
	    N(PR_CAPBSET_READ), N(PR_CAPBSET_DROP), N(PR_GET_TSC), N(PR_SET_TSC),
	    N(PR_GET_SECUREBITS), N(PR_SET_SECUREBITS), N(PR_SET_TIMERSLACK), N(PR_GET_TIMERSLACK),
	    N(PR_SET_MM), N(PR_SET_CHILD_SUBREAPER), N(PR_GET_CHILD_SUBREAPER),
	    N(PR_SET_NO_NEW_PRIVS), N(PR_GET_NO_NEW_PRIVS), N(PR_GET_TID_ADDRESS),
	    N(PR_SET_THP_DISABLE), N(PR_GET_THP_DISABLE), N(PR_CAP_AMBIENT),
	    N(PR_GET_SPECULATION_CTRL), N(PR_SET_SPECULATION_CTRL), {0x53564d41, "PR_SET_VMA"},
	    N(PR_SET_PTRACER))
LOCAL_TABLE(arch, 0, "ARCH_???", {0x1001, "ARCH_SET_GS"}, {0x1002, "ARCH_SET_FS"},
	    {0x1003, "ARCH_GET_FS"}, {0x1004, "ARCH_GET_GS"}, {0x1011, "ARCH_GET_CPUID"},
	    {0x1012, "ARCH_SET_CPUID"}, {0x3001, "ARCH_CET_STATUS"})
LOCAL_TABLE(itimer, 0, "ITIMER_???", {0, "ITIMER_REAL"}, {1, "ITIMER_VIRTUAL"}, {2, "ITIMER_PROF"})
LOCAL_TABLE(rusage, 0, "RUSAGE_???", {0, "RUSAGE_SELF"}, {0xffffffff, "RUSAGE_CHILDREN"},
	    {1, "RUSAGE_THREAD"})
LOCAL_TABLE(idtype, 0, "P_???", {0, "P_ALL"}, {1, "P_PID"}, {2, "P_PGID"}, {3, "P_PIDFD"})
LOCAL_TABLE(family, 0, "AF_???", N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6), N(AF_NETLINK),
	    N(AF_PACKET), N(AF_ALG), N(AF_VSOCK))
LOCAL_TABLE(socktype, 0xf, "SOCK_???", N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RAW),
	    N(SOCK_SEQPACKET), N(SOCK_CLOEXEC), N(SOCK_NONBLOCK))
LOCAL_TABLE(sched, 0, "SCHED_???", N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH),
	    N(SCHED_IDLE), {6, "SCHED_DEADLINE"})
/* The operation of futex(2) is a number with a flag in it, the other lies above it. */
#define NP(op)                                                                                     \
	N(op),                                                                                     \
	{                                                                                          \
		(op) | FUTEX_PRIVATE_FLAG, #op "_PRIVATE"                                          \
	}
LOCAL_TABLE(futex, 0xff, "FUTEX_???", NP(FUTEX_WAIT), NP(FUTEX_WAKE), NP(FUTEX_FD),
	    NP(FUTEX_REQUEUE), NP(FUTEX_CMP_REQUEUE), NP(FUTEX_WAKE_OP), NP(FUTEX_LOCK_PI),
	    NP(FUTEX_UNLOCK_PI), NP(FUTEX_TRYLOCK_PI), NP(FUTEX_WAIT_BITSET), NP(FUTEX_WAKE_BITSET),
	    NP(FUTEX_WAIT_REQUEUE_PI), NP(FUTEX_CMP_REQUEUE_PI), {13, "FUTEX_LOCK_PI2"},
	    {13 | FUTEX_PRIVATE_FLAG, "FUTEX_LOCK_PI2_PRIVATE"},
	    {FUTEX_CLOCK_REALTIME, "FUTEX_CLOCK_REALTIME"})

LOCAL_TABLE(epollcreate, 0, "EPOLL_???", N(EPOLL_CLOEXEC))
LOCAL_TABLE(efd, 0, "EFD_???", N(EFD_SEMAPHORE), N(EFD_CLOEXEC), N(EFD_NONBLOCK))
LOCAL_TABLE(sfd, 0, "SFD_???", N(SFD_CLOEXEC), N(SFD_NONBLOCK))
LOCAL_TABLE(tfd, 0, "TFD_???", N(TFD_CLOEXEC), N(TFD_NONBLOCK))
LOCAL_TABLE(infd, 0, "IN_???", N(IN_CLOEXEC), N(IN_NONBLOCK))
LOCAL_TABLE(mfd, 0, "MFD_???", N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING), N(MFD_HUGETLB),
	    {8, "MFD_NOEXEC_SEAL"}, {16, "MFD_EXEC"})
LOCAL_TABLE(timer, 0, "TIMER_???", N(TIMER_ABSTIME), {2, "TFD_TIMER_CANCEL_ON_SET"})
LOCAL_TABLE(msg, 0, "MSG_???", N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE), N(MSG_CTRUNC),
	    N(MSG_TRUNC), N(MSG_DONTWAIT), N(MSG_EOR), N(MSG_WAITALL), N(MSG_NOSIGNAL), N(MSG_MORE),
	    N(MSG_CMSG_CLOEXEC))
LOCAL_TABLE(statx, 0, "STATX_???", {0xfff, "STATX_ALL"}, {0x7ff, "STATX_BASIC_STATS"},
	    N(STATX_TYPE), N(STATX_MODE), N(STATX_NLINK), N(STATX_UID), N(STATX_GID),
	    N(STATX_ATIME), N(STATX_MTIME), N(STATX_CTIME), N(STATX_INO), N(STATX_SIZE),
	    N(STATX_BLOCKS), N(STATX_BTIME), {0x1000, "STATX_MNT_ID"})

TABLE(poll, 0, "POLL???", N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLERR), N(POLLHUP), N(POLLNVAL),
      N(POLLRDNORM), N(POLLRDBAND), N(POLLWRNORM), N(POLLWRBAND), N(POLLRDHUP))
TABLE(epoll, 0, "EPOLL???", N(EPOLLIN), N(EPOLLPRI), N(EPOLLOUT), N(EPOLLERR), N(EPOLLHUP),
      N(EPOLLRDNORM), N(EPOLLRDBAND), N(EPOLLWRNORM), N(EPOLLWRBAND), N(EPOLLMSG), N(EPOLLRDHUP),
      N(EPOLLEXCLUSIVE), N(EPOLLWAKEUP), N(EPOLLONESHOT), N(EPOLLET))
TABLE(sa, 0, "SA_???", {0x04000000, "SA_RESTORER"}, N(SA_ONSTACK), N(SA_RESTART), N(SA_NODEFER),
      N(SA_RESETHAND), N(SA_SIGINFO), N(SA_NOCLDSTOP), N(SA_NOCLDWAIT))
TABLE(fd_cloexec, 0, "FD_???", N(FD_CLOEXEC))
TABLE(mode_type, 0, "S_IF???", N(S_IFREG), N(S_IFDIR), N(S_IFCHR), N(S_IFBLK), N(S_IFIFO),
      N(S_IFLNK), N(S_IFSOCK))

TABLE(si_code_generic, 0, NULL, {0, "SI_USER"}, {0x80, "SI_KERNEL"}, {-1ULL, "SI_QUEUE"},
      {-2ULL, "SI_TIMER"}, {-3ULL, "SI_MESGQ"}, {-4ULL, "SI_ASYNCIO"}, {-6ULL, "SI_TKILL"})
TABLE(si_code_chld, 0, NULL, N(CLD_EXITED), N(CLD_KILLED), N(CLD_DUMPED), N(CLD_TRAPPED),
      N(CLD_STOPPED), N(CLD_CONTINUED))
TABLE(si_code_segv, 0, NULL, N(SEGV_MAPERR), N(SEGV_ACCERR), N(SEGV_BNDERR), N(SEGV_PKUERR))
TABLE(si_code_fpe, 0, NULL, N(FPE_INTDIV), N(FPE_INTOVF), N(FPE_FLTDIV), N(FPE_FLTOVF),
      N(FPE_FLTUND), N(FPE_FLTRES), N(FPE_FLTINV), N(FPE_FLTSUB))
TABLE(si_code_ill, 0, NULL, N(ILL_ILLOPC), N(ILL_ILLOPN), N(ILL_ILLADR), N(ILL_ILLTRP),
      N(ILL_PRVOPC), N(ILL_PRVREG), N(ILL_COPROC), N(ILL_BADSTK))
TABLE(si_code_bus, 0, NULL, N(BUS_ADRALN), N(BUS_ADRERR), N(BUS_OBJERR))
TABLE(si_code_trap, 0, NULL, N(TRAP_BRKPT), N(TRAP_TRACE), {3, "TRAP_BRANCH"}, {4, "TRAP_HWBKPT"})

const struct name_table *names_of_kind(enum arg_kind kind, bool *is_set)
{
	static const struct {
		const struct name_table *table;
		bool is_set;
	} tables[ARG_KIND_COUNT] = {
	    [ARG_oflags] = {&names_open, true},
	    [ARG_fdflags] = {&names_fdflags, true},
	    [ARG_atflags] = {&names_at, true},
	    [ARG_prot] = {&names_prot, true},
	    [ARG_mflags] = {&names_map, true},
	    [ARG_mremapflags] = {&names_mremap, true},
	    [ARG_msyncflags] = {&names_msync, true},
	    [ARG_madvice] = {&names_madvise, false},
	    [ARG_cloneflags] = {&names_clone, true},
	    [ARG_wflags] = {&names_wait, true},
	    [ARG_accmode] = {&names_access, true},
	    [ARG_whence] = {&names_whence, false},
	    [ARG_fcntlcmd] = {&names_fcntl, false},
	    [ARG_ioctlcmd] = {&names_ioctl, false},
	    [ARG_futexop] = {&names_futex, true},
	    [ARG_epollop] = {&names_epollop, false},
	    [ARG_sighow] = {&names_sighow, false},
	    [ARG_clock] = {&names_clock, false},
	    [ARG_rlimit] = {&names_rlimit, false},
	    [ARG_lockop] = {&names_lock, true},
	    [ARG_prctlop] = {&names_prctl, false},
	    [ARG_archop] = {&names_arch, false},
	    [ARG_whichtimer] = {&names_itimer, false},
	    [ARG_rusagewho] = {&names_rusage, false},
	    [ARG_idtype] = {&names_idtype, false},
	    [ARG_renameflags] = {&names_rename, true},
	    [ARG_epollflags] = {&names_epollcreate, true},
	    [ARG_efdflags] = {&names_efd, true},
	    [ARG_sfdflags] = {&names_sfd, true},
	    [ARG_tfdflags] = {&names_tfd, true},
	    [ARG_infdflags] = {&names_infd, true},
	    [ARG_mfdflags] = {&names_mfd, true},
	    [ARG_msgflags] = {&names_msg, true},
	    [ARG_timerflags] = {&names_timer, true},
	    [ARG_statxmask] = {&names_statx, true},
	    [ARG_grndflags] = {&names_grnd, true},
	    [ARG_sockdomain] = {&names_family, false},
	    [ARG_socktype] = {&names_socktype, true},
	    [ARG_schedpolicy] = {&names_sched, false},
	};

	*is_set = tables[kind].is_set;
	return tables[kind].table;
}
