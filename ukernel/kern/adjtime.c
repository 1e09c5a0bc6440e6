/*
 * adjtime.c - the calls that steer the wall clock: adjtimex(2), clock_adjtime(2), settimeofday(2).
 *
 * What the vDSO shows is the host's clock, so the box cannot steer it.  It can be asked how it
 * stands: nobody in the box keeps it in step with anything, so it runs free (STA_UNSYNC).
 */
#include "kern/clock.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#define ERROR_UNKNOWN 16000000	   /* us: as of a clock that was never set */
#define TOLERANCE     (500L << 16) /* ppm of the host's oscillator, scaled */
#define TICK_USEC     10000

struct abi_timex {
	uint32_t modes;
	int64_t offset, freq, maxerror, esterror;
	int32_t status;
	int64_t constant, precision, tolerance;
	struct abi_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, unused[11];
};
_Static_assert(sizeof(struct abi_timex) == 208, "struct timex of x86-64");

static long clock_state(struct task *t, uaddr_t buf)
{
	struct abi_timex tx;

	if (get_user(t, tx, buf))
		return -EFAULT;
	if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	tx = (struct abi_timex){
	    .modes = tx.modes,
	    .maxerror = ERROR_UNKNOWN,
	    .esterror = ERROR_UNKNOWN,
	    .status = STA_UNSYNC,
	    .constant = 2,
	    .precision = 1,
	    .tolerance = TOLERANCE,
	    .time = ns_to_timeval(time_wall_ns()),
	    .tick = TICK_USEC,
	};
	return put_user(t, tx, buf) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(struct task *t, uaddr_t buf)
{
	return clock_state(t, buf);
}

long sys_clock_adjtime(struct task *t, int clock, uaddr_t buf)
{
	uint64_t ns;

	if (clock == CLOCK_REALTIME)
		return clock_state(t, buf);
	return clock_now(t, clock, &ns) ? -EINVAL : -EOPNOTSUPP;
}

long sys_settimeofday(struct task *t, uaddr_t tv, uaddr_t tz)
{
	struct abi_timeval now;
	int32_t zone[2];

	if (tv && get_user(t, now, tv))
		return -EFAULT;
	if (tv && (now.usec < 0 || now.usec > 1000000))
		return -EINVAL;
	if (tz && get_user(t, zone, tz))
		return -EFAULT;
	return tv || tz || !cred_capable(t->cred, CAP_SYS_TIME_BIT) ? -EPERM : 0;
}
