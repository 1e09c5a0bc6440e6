/*
 * host_cpu.c - which host core runs what.
 *
 * A wake-up across cores costs several times one on the same core, and every trap is two wake-ups.
 * So the supervisor keeps to one core, its home, and guests that trap often live there with it.
 * A guest that computes is sent away, to the other cores, as soon as another guest could use the
 * time; it comes home when it begins to trap often.  With one virtual CPU all stay home.
 *
 * Home is where the host's scheduler had put us at the start.  It is not for ever: when we are
 * found waiting a lot for our own core, we sleep once without being bound to it, and where the host
 * wakes us up is the new home of everyone.
 */
#include "host_cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "events.h"
#include "thread.h"
#include "vthread.h"

#define SLICE_NS      100000 /* the least that the host grants */
#define SPREAD_US     250    /* a guest that has computed for so long may be sent away */
#define SPREAD_MAX_US 64000  /* we look ever less often while nothing changes */
#define NEAR_CYCLES   200000 /* some 80 us between traps: better off at home */
#define AWAY_PACE     (16 * NEAR_CYCLES)
#define SLOW_YIELD    500000	  /* cycles, some 200 us: others had the core */
#define SLOW_PENALTY  1000	  /* waits to sleep through after one */
#define VAIN_PENALTY  16	  /* after a yield that brought nothing */
#define REVIEW_CYCLES 500000000UL /* some 200 ms between looks at our own waiting */
#define WAIT_SHARE    8		  /* move when more than 1/8 of the time was spent waiting */

/* As the host's sched_setattr(2) wants it; not in the C library. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static cpu_set_t cpus_before, home_set, away_set;
static bool pinned, spreads;
static bool short_slice, trades; /* granted; given up for now */
static bool moving; /* unpinned for one sleep: the host's scheduler chooses where we wake up */
static int home;
static int schedstat_fd = -1;
static long spread_us = SPREAD_US;
static unsigned no_yields;
static uint64_t far_waited_ns, far_since_ns;
static uint64_t reviewed_tsc, waited_ns, reviewed_ns;

static void home_set_to(int cpu)
{
	home = cpu;
	CPU_ZERO(&home_set);
	CPU_SET(cpu, &home_set);
	away_set = cpus_before;
	CPU_CLR(cpu, &away_set);
	pinned = sched_setaffinity(0, sizeof(home_set), &home_set) == 0;
}

void host_cpu_init(int cpus)
{
	int cpu = sched_getcpu();

	pinned = spreads = moving = false;
	no_yields = 0;
	reviewed_tsc = __rdtsc();
	reviewed_ns = waited_ns = 0;
	if (cpu < 0 || sched_getaffinity(0, sizeof(cpus_before), &cpus_before) < 0)
		return;
	home_set_to(cpu);
	spreads = pinned && cpus > 1 && CPU_COUNT(&cpus_before) > 1;
	if (pinned && CPU_COUNT(&cpus_before) > 1)
		schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

/* A slice of 0 stands for what everyone has.  False: the host has other rules for us. */
static bool slice_set(uint64_t ns, struct sched_attributes *attr)
{
	attr->size = sizeof(*attr);
	if (syscall(SYS_sched_getattr, 0, attr, sizeof(*attr), 0) < 0 ||
	    attr->policy != SCHED_OTHER)
		return false;
	attr->runtime = ns;
	return syscall(SYS_sched_setattr, 0, attr, 0) == 0;
}

/*
 * On one core the supervisor competes with the guest that it has just resumed.  A short slice makes
 * its virtual deadline the earlier one, so that it gets the core back when it has something to do
 * (Linux 6.12; older hosts ignore the wish; true when it was granted).  Guests do not inherit it:
 * call after zygote_start().
 */
bool host_cpu_short_slice(void)
{
	struct sched_attributes attr = {0};

	trades = false;
	short_slice = slice_set(SLICE_NS, &attr) &&
		      syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0 &&
		      attr.runtime == SLICE_NS;
	return short_slice;
}

void host_cpu_trade(bool on)
{
	struct sched_attributes attr = {0};

	if (short_slice && trades != on && slice_set(on ? 0 : SLICE_NS, &attr))
		trades = on;
}

/* One that computes would never let us in, if it had our real-time priority. */
void host_cpu_ordinary(pid_t guest)
{
	const struct sched_param none = {0};
	int policy = sched_getscheduler(guest) & ~SCHED_RESET_ON_FORK;

	if (policy == SCHED_FIFO || policy == SCHED_RR)
		sched_setscheduler(guest, SCHED_OTHER, &none);
}

void host_cpu_fini(void)
{
	if (pinned)
		sched_setaffinity(0, sizeof(cpus_before), &cpus_before);
	pinned = spreads = false;
	if (schedstat_fd >= 0)
		close(schedstat_fd);
	schedstat_fd = -1;
}

/* How long th has waited for a core in its life. */
static uint64_t thread_waited_ns(struct vthread *th)
{
	uint64_t ran, waited = 0;
	char path[64], buf[96];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)th->host_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
	return sscanf(buf, "%lu %lu", &ran, &waited) == 2 ? waited : 0;
}

/* ---- giving the core to a guest ---- */

/*
 * sched_yield() lets a guest that is about to trap do so, for less than a sleep and a wake-up.  But
 * when the core has other work, a stranger's or a guest that computes, a yield costs a whole slice
 * of someone's, so after a slow one we sleep for a while, like everyone else.
 */
bool host_cpu_yield(struct vthread *to)
{
	uint64_t start, took;

	if (to->away || to->stop_wanted)
		return false;
	if (no_yields > 0) {
		no_yields--;
		return false;
	}
	start = __rdtsc();
	sched_yield();
	took = __rdtsc() - start;
	sleep_end(start);
	if (took > SLOW_YIELD)
		no_yields = SLOW_PENALTY;
	return true;
}

void host_cpu_yield_failed(void)
{
	if (no_yields == 0)
		no_yields = VAIN_PENALTY;
}

/* ---- where home is ---- */

/* How long we have waited for a core since the last look, as one part in how many of the time;
 * large when hardly at all. */
static uint64_t waiting_share(void)
{
	uint64_t ran, waited, now = clock_ns(CLOCK_OF_TICKS), part = UINT64_MAX;
	char buf[96];
	ssize_t n = pread(schedstat_fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return part;
	buf[n] = 0;
	if (sscanf(buf, "%lu %lu", &ran, &waited) != 2)
		return part;
	if (reviewed_ns != 0 && waited > waited_ns)
		part = (now - reviewed_ns) / (waited - waited_ns);
	reviewed_ns = now;
	waited_ns = waited;
	return part;
}

void host_cpu_review(void)
{
	uint64_t now = __rdtsc();

	if (schedstat_fd < 0 || now - reviewed_tsc < REVIEW_CYCLES)
		return;
	reviewed_tsc = now;
	if (waiting_share() < WAIT_SHARE)
		moving = sched_setaffinity(0, sizeof(cpus_before), &cpus_before) == 0;
}

void host_cpu_awake(void)
{
	struct vthread *th;
	int cpu;

	if (!moving)
		return;
	moving = false;
	cpu = sched_getcpu();
	if (cpu < 0 || cpu == home) {
		sched_setaffinity(0, sizeof(home_set), &home_set);
		return;
	}
	home_set_to(cpu);
	for (th = thread_next(NULL); th != NULL; th = thread_next(th)) {
		if (th->host_pid != 0)
			sched_setaffinity(th->host_pid, sizeof(home_set),
					  th->away ? &away_set : &home_set);
	}
}

/* ---- who is at home ---- */

static void thread_place(struct vthread *th, bool away)
{
	if (th->away == away)
		return;
	if (sched_setaffinity(th->host_pid, sizeof(home_set), away ? &away_set : &home_set) == 0)
		th->away = away;
}

void host_cpu_resumed(struct vthread *th)
{
	if (!spreads)
		return;
	th->resumed_tsc = __rdtsc();
	if (!th->away)
		spread_us = SPREAD_US;
}

void host_cpu_trapped(struct vthread *th)
{
	uint64_t ran;

	if (!spreads)
		return;
	ran = __rdtsc() - th->resumed_tsc;
	th->pace += (int64_t)((ran < AWAY_PACE ? ran : AWAY_PACE) - th->pace) / 4;
	if (th->away && !th->far && th->pace < NEAR_CYCLES && th->host_pid != 0)
		thread_place(th, false);
}

long host_cpu_timeout_us(void)
{
	return spreads && threads_running > 1 ? spread_us : -1;
}

/* Nothing has happened for a while, and more than one guest runs: leave one at home, the rest go.
 * If home is empty and the others are crowded, one comes back. */
void host_cpu_spread(void)
{
	struct vthread *th, *stray = NULL;
	int at_home = 0, away = 0;

	if (!spreads || threads_running < 2)
		return;
	if (spread_us < SPREAD_MAX_US)
		spread_us *= 2;
	for (th = thread_next(NULL); th != NULL; th = thread_next(th)) {
		if (th->hold != HOLD_RUNNING)
			continue;
		if (!th->away && at_home++ > 0) {
			thread_place(th, true);
			th->pace = AWAY_PACE;
		}
		away += th->away;
		stray = th->away ? th : stray;
	}
	if (at_home == 0 && away > CPU_COUNT(&away_set)) {
		thread_place(stray, false);
		stray->pace = AWAY_PACE;
	}
}

/* ---- one guest that calls all the time, on another core (turbo) ---- */

bool host_cpu_far_possible(void)
{
	return pinned && !moving && CPU_COUNT(&cpus_before) > 1;
}

void host_cpu_far(struct vthread *th, bool far)
{
	th->far = far;
	thread_place(th, far);
	far_waited_ns = far ? thread_waited_ns(th) : 0;
	far_since_ns = clock_ns(CLOCK_OF_TICKS);
}

bool host_cpu_far_crowded(struct vthread *th)
{
	uint64_t now = clock_ns(CLOCK_OF_TICKS), waited = thread_waited_ns(th);
	bool crowded = (waited - far_waited_ns) * WAIT_SHARE > now - far_since_ns;

	far_waited_ns = waited;
	far_since_ns = now;
	return crowded;
}
