/*
 * early.c - bytes of a guest that its stub has copied with its call.
 *
 * A path, a few bytes to write, a signal mask: reading them from the guest's memory costs a host
 * call, more than the rest of many a call; the stub stores them into the mailbox in no time.  They
 * are what the guest had there when it made the call, and answer for that memory until the kernel
 * writes to any, sleeps, or lets the thread go.
 *
 * They stay in the mailbox, and the guest can change them while they are read: as it can change
 * its memory.  What must not change, where they are said to be from and how many they are, is
 * copied once.  A guest that lies about that lies about what its own memory holds.
 *
 * Not for what two threads agree upon: the word of a futex must be read when the kernel looks at
 * it, or a wake-up in between is lost.
 */
#include "early.h"

#include <string.h>
#include <sys/syscall.h>

#include "carry.h"
#include "module.h"
#include "turbo.h"
#include "vthread.h"

#define ARG(i)		   (BOX_AT_ARG + 8 * (i))
#define STRING(i)	   ARG(i), 0, 0, ~0U
#define STRUCT(i, size)	   ARG(i), 0, size, ~0U
#define ARRAY(i, n, size)  ARG(i), ARG(n), size, ~0U
#define WHEN(i, size, ops) ARG(i), 0, size, ops

#define CALLS_MAX 28

/* Sizes are those of the guest's ABI. */
static const struct fetches {
	struct fetch fetch;
	uint16_t calls[CALLS_MAX];
	uint16_t end; /* 0 */
} fetches[] = {
    {{STRING(0)},
     {SYS_open,	     SYS_stat,	    SYS_lstat,	SYS_access, SYS_readlink,     SYS_unlink,
      SYS_mkdir,     SYS_rmdir,	    SYS_chdir,	SYS_chmod,  SYS_chown,	      SYS_lchown,
      SYS_creat,     SYS_truncate,  SYS_statfs, SYS_utimes, SYS_getxattr,     SYS_lgetxattr,
      SYS_symlink,   SYS_link,	    SYS_rename, SYS_mknod,  SYS_memfd_create, SYS_symlinkat,
      SYS_listxattr, SYS_llistxattr},
     0},
    {{STRING(1)},
     {SYS_openat, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat,
      SYS_unlinkat, SYS_mkdirat, SYS_fchownat, SYS_fchmodat, SYS_utimensat, SYS_renameat,
      SYS_renameat2, SYS_linkat, SYS_mknodat, SYS_openat2, SYS_inotify_add_watch},
     0},
    {{ARRAY(1, 2, 1)}, {SYS_write, SYS_pwrite64, SYS_sendto, SYS_connect, SYS_bind}, 0},
    {{ARRAY(1, 2, 16)}, {SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev}, 0},
    {{STRUCT(1, 56)}, {SYS_sendmsg, SYS_recvmsg}, 0},
    {{ARRAY(0, 1, 8)}, {SYS_poll, SYS_ppoll}, 0},
    {{STRUCT(1, 32)}, {SYS_rt_sigaction, SYS_setitimer}, 0},
    {{STRUCT(1, 16)}, {SYS_setrlimit}, 0},
    {{STRUCT(1, 8)}, {SYS_rt_sigprocmask}, 0},
    {{STRUCT(0, 16)}, {SYS_nanosleep, SYS_utime}, 0},
    {{STRUCT(0, 8)}, {SYS_rt_sigsuspend, SYS_rt_sigtimedwait}, 0},
    {{STRUCT(2, 16)}, {SYS_clock_nanosleep, SYS_prlimit64}, 0},
    {{STRUCT(2, 32)}, {SYS_timerfd_settime, SYS_timer_settime}, 0},
    {{WHEN(3, 12, 1U << 1 | 1U << 3)}, {SYS_epoll_ctl}, 0}, /* ADD and MOD */
    {{ARRAY(3, 4, 1)}, {SYS_setsockopt}, 0},
    {{ARRAY(2, 1, 1)}, {SYS_sched_setaffinity}, 0},
    /* the timeout of FUTEX_WAIT, LOCK_PI, WAIT_BITSET and LOCK_PI2; GETLK, SETLK and SETLKW */
    {{WHEN(3, 16, 1U << 0 | 1U << 6 | 1U << 9 | 1U << 13)}, {SYS_futex}, 0},
    {{WHEN(2, 32, 1U << 5 | 1U << 6 | 1U << 7)}, {SYS_fcntl}, 0},
};

#define FETCHES (sizeof(fetches) / sizeof(fetches[0]))
_Static_assert(SHAPE_FETCH + FETCHES <= SHAPE_PUBLISHED, "numbers of shapes");

static struct vthread *owner;
static uaddr_t owner_from;
static uint32_t owner_len;
static const uint8_t *owner_data;

void early_shapes(struct control *control)
{
	for (size_t i = 0; i < FETCHES; i++) {
		const uint16_t *nr = fetches[i].calls;

		control->fetch[SHAPE_FETCH + i] = fetches[i].fetch;
		/* Call 0 is read(), which brings nothing. */
		for (; *nr != 0; nr++) {
			if (control->shape[*nr] == SHAPE_REQUEST)
				control->shape[*nr] = (uint8_t)(SHAPE_FETCH + i);
		}
	}
}

void early_begin(struct vthread *th)
{
	uaddr_t from = __atomic_load_n(&th->box->early_from, __ATOMIC_RELAXED);
	uint32_t len = __atomic_load_n(&th->box->early, __ATOMIC_RELAXED);

	bool frame = carry_frame(th);

	if (len == 0 || len > (frame ? BOX_FRAME_MAX : BOX_EARLY_MAX) || from + len < from)
		return;
	owner_data = frame ? th->box->frame : th->box->early_data;
	owner = th;
	owner_from = from;
	owner_len = len;
}

void early_end(void)
{
	owner = NULL;
}

void early_forget(struct vthread *th)
{
	if (owner == th)
		owner = NULL;
}

size_t early_have(struct vthread *th, uaddr_t from, void *to, size_t max)
{
	uaddr_t off = from - owner_from;

	if (owner != th || off >= owner_len)
		return 0;
	if (max > owner_len - off)
		max = owner_len - off;
	memcpy(to, owner_data + off, max);
	modules_restore(th, from, to, max);
	return max;
}

bool early_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	uaddr_t off = from - owner_from;

	if (owner != th || off >= owner_len || len > owner_len - off)
		return false;
	return early_have(th, from, to, len) == len;
}
