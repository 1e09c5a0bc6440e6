/*
 * abi.h - the structures that guests and the kernel exchange: Linux's x86-64 layouts, in our own
 * words.  Sizes and offsets are asserted in abi.c.
 */
#ifndef UKERNEL_ABI_H
#define UKERNEL_ABI_H

#include <stdint.h>

struct abi_timespec {
	int64_t sec, nsec;
};
struct abi_timeval {
	int64_t sec, usec;
};
struct abi_itimerspec {
	struct abi_timespec interval, value;
};
struct abi_itimerval {
	struct abi_timeval interval, value;
};

struct abi_iovec {
	uint64_t base, len;
};

struct abi_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad0;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct abi_timespec atime, mtime, ctime;
	int64_t unused[3];
};

struct abi_statx_timestamp {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct abi_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad1;
	uint64_t ino, size, blocks, attributes_mask;
	struct abi_statx_timestamp atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};

struct abi_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};

struct abi_rusage {
	struct abi_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd,
	    msgrcv, nsignals, nvcsw, nivcsw;
};

struct abi_rlimit {
	uint64_t cur, max;
};

struct abi_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad3;
};

struct abi_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct abi_tms {
	int64_t utime, stime, cutime, cstime;
};

union abi_sigval {
	int32_t sival_int;
	uint64_t sival_ptr;
};

/* 128 bytes; the union's arms as Linux's asm-generic/siginfo.h lays them out. */
struct abi_siginfo {
	int32_t signo, err, code, pad0;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			union abi_sigval value; /* rt: sigqueue, mq */
		} kill;
		struct {
			int32_t tid, overrun;
			union abi_sigval value;
			int32_t sys_private;
		} timer;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t utime, stime; /* clock ticks */
		} chld;
		struct {
			uint64_t addr;
			int16_t addr_lsb;
			uint64_t lower, upper;
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t bytes[112];
	};
};

struct abi_sigaction {
	uint64_t handler, flags, restorer, mask;
};
struct abi_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};
struct abi_sigevent {
	union abi_sigval value;
	int32_t signo, notify;
	int32_t tid;
	uint8_t pad[44];
};

/* struct ucontext as the kernel writes it on the stack (asm/sigcontext.h, asm/ucontext.h). */
struct abi_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
	    eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate;
	uint64_t reserved[8];
};
struct abi_ucontext {
	uint64_t flags, link;
	struct abi_stack stack;
	struct abi_sigcontext mcontext;
	uint64_t sigmask;
};

struct abi_pollfd {
	int32_t fd;
	int16_t events, revents;
};

struct abi_epoll_event {
	uint32_t events;
	uint64_t data;
} __attribute__((packed));

struct abi_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};

struct abi_open_how {
	uint64_t flags, mode, resolve;
};

struct abi_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};

struct abi_robust_list_head {
	uint64_t list;
	int64_t futex_offset;
	uint64_t list_op_pending;
};

struct abi_winsize {
	uint16_t row, col, xpixel, ypixel;
};

struct abi_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};

struct abi_msghdr {
	uint64_t name;
	uint32_t namelen, pad;
	uint64_t iov, iovlen, control, controllen;
	uint32_t flags, pad2;
};

struct abi_signalfd_siginfo {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, sival_int;
	uint64_t sival_ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
#endif
