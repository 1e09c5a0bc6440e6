/*
 * sched_core_test.c - the scheduler's mechanism in virtual time, seen through its records: slices
 * below and above the tick, wake-up preemption, affinity, migrations, changes, inheritance.
 */
#include "box_test.h"

#include "sched/record.h"
#include "sched/sched.h"

#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

BOX_SUITE(sched_core);

#define US	   1000ULL
#define TASKS	   64
#define CPUS_SEEN  4
#define SLICES_MAX 4096

/* --- a listener that adds up --- */

static struct {
	struct sched_listener l;
	unsigned count[SREC_EXIT + 1];
	unsigned ins[TASKS][CPUS_SEEN], migrations[TASKS], in_slices;
	uint64_t in_ns[CPUS_SEEN], ran_ns[TASKS];
	uint64_t slice_ns[SLICES_MAX]; /* of those that ended by expiry */
	unsigned nr_slices;
} seen;

static void seen_record(struct sched_listener *l, const struct sched_record *r,
			const struct sched_entity *se)
{
	(void)l;
	(void)se;
	seen.count[r->what]++;
	if (r->id >= TASKS || r->cpu >= CPUS_SEEN)
		return;
	if (r->what == SREC_IN) {
		seen.ins[r->id][r->cpu]++;
		seen.in_ns[r->cpu] = r->ns;
	} else if (r->what == SREC_OUT) {
		uint64_t ran_ns = r->ns - seen.in_ns[r->cpu];

		seen.ran_ns[r->id] += ran_ns;
		if (r->arg == CHARGE_EXPIRED && seen.nr_slices < SLICES_MAX)
			seen.slice_ns[seen.nr_slices++] = ran_ns;
	} else if (r->what == SREC_MIGRATE) {
		seen.migrations[r->id]++;
	}
}

static void listen(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.l.record = seen_record;
	sched_listener = &seen.l;
}

/* --- slices --- */

static void hog_60ms(uint64_t arg)
{
	(void)arg;
	guest_compute(60 * MS);
}

static void two_hogs(void)
{
	int status;

	listen();
	for (int i = 0; i < 2; i++)
		GUEST_CHECK(guest_fork(hog_60ms, 0) > 0);
	for (int i = 0; i < 2; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
}

/* A slice of half a millisecond is no longer than that, whatever the tick. */
BOX_TEST(sched_core, short_slices_are_exact, .policy_options = "slice=500us")
{
	two_hogs();
	GUEST_CHECK(seen.nr_slices > 200);
	for (unsigned i = 0; i < seen.nr_slices; i++)
		GUEST_CHECK(seen.slice_ns[i] >= 500 * US && seen.slice_ns[i] < 510 * US);
	GUEST_EQ(seen.count[SREC_TICK], 0);
}

/* One as long as the tick ends with it, not with the one after. */
BOX_TEST(sched_core, long_slices_end_at_the_nearest_tick, .policy_options = "slice=4ms")
{
	uint64_t sum = 0;

	two_hogs();
	GUEST_CHECK(seen.nr_slices > 20);
	for (unsigned i = 0; i < seen.nr_slices; i++) {
		GUEST_CHECK(seen.slice_ns[i] >= 2 * MS && seen.slice_ns[i] <= 6 * MS);
		sum += seen.slice_ns[i];
	}
	sum /= seen.nr_slices;
	GUEST_CHECK(sum > 3900 * US && sum < 4100 * US);
}

BOX_TEST(sched_core, tick_sets_the_grain, .policy_options = "slice=1ms", .tick_ns = 1000000)
{
	two_hogs();
	GUEST_CHECK(seen.nr_slices > 100);
	GUEST_CHECK(seen.count[SREC_TICK] > 100 && seen.count[SREC_TICK] < 130);
}

BOX_TEST(sched_core, nothing_ticks_without_a_choice, .cpus = 2)
{
	two_hogs();
	GUEST_CHECK(seen.count[SREC_TICK] <= 2);
	GUEST_EQ(seen.count[SREC_PREEMPT], 0);
}

/* A boost that would change nothing stops nobody. */
BOX_TEST(sched_core, no_boost_without_a_choice, .policy = &sched_mlfq,
	 .policy_options = "quantum=1ms,boost=5ms")
{
	int status;

	listen();
	GUEST_CHECK(guest_fork(hog_60ms, 0) > 0);
	GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
	GUEST_CHECK(seen.count[SREC_TICK] <= 1);
	GUEST_CHECK(seen.count[SREC_PREEMPT] <= 1);
	GUEST_CHECK(seen.ran_ns[3] >= 60 * MS);
}

/* --- wake-ups --- */

static void waker(uint64_t arg)
{
	int32_t prio = (int32_t)arg;
	uaddr_t param = guest_alloc(4);

	guest_put32(param, (uint32_t)prio);
	if (prio)
		GUEST_EQ(SYS(sched_setscheduler, 0, SCHED_FIFO, param), 0);
	for (int i = 0; i < 20; i++) {
		uint64_t before = fake_now_ns();

		GUEST_EQ(guest_sleep(MS), 0);
		uint64_t took = fake_now_ns() - before;
		GUEST_CHECK(prio ? took < MS + 20 * US : took < 40 * MS);
	}
}

/* Who is urgent does not wait for a slice to end. */
BOX_TEST(sched_core, wakeup_preempts, .policy = &sched_prio)
{
	int status;

	listen();
	guest_fork(waker, 7);
	guest_fork(hog_60ms, 0);
	guest_fork(hog_60ms, 0);
	for (int i = 0; i < 3; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
	GUEST_CHECK(seen.count[SREC_PREEMPT] >= 20);
}

/* The least urgent of those who run goes. */
BOX_TEST(sched_core, wakeup_takes_the_least_urgent, .policy = &sched_prio, .cpus = 2)
{
	int status;
	long low, high;

	listen();
	high = guest_fork(hog_60ms, 0);
	low = guest_fork(hog_60ms, 0);
	GUEST_EQ(SYS(setpriority, PRIO_PROCESS, low, 19), 0);
	GUEST_EQ(SYS(setpriority, PRIO_PROCESS, high, -5), 0);
	guest_fork(waker, 7);
	unsigned low_ins = 0, high_ins = 0;
	for (int i = 0; i < 3; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
	for (int c = 0; c < 2; c++) {
		low_ins += seen.ins[low][c];
		high_ins += seen.ins[high][c];
	}
	GUEST_CHECK(low_ins >= 20 && high_ins <= 3);
}

/* --- affinity --- */

static void pin(long pid, uint64_t mask)
{
	uaddr_t at = guest_alloc(8);

	guest_put(at, &mask, sizeof(mask));
	GUEST_EQ(SYS(sched_setaffinity, pid, 8, at), 0);
}

BOX_TEST(sched_core, affinity_holds, .cpus = 4)
{
	long pid[6];
	int status;

	listen();
	for (int i = 0; i < 6; i++) {
		pid[i] = guest_fork(hog_60ms, 0);
		pin(pid[i], 1ULL << (i & 1));
	}
	uint64_t began = fake_now_ns();
	memset(seen.ins, 0, sizeof(seen.ins));
	for (int i = 0; i < 6; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
	/* Three on each of two CPUs. */
	GUEST_CHECK(fake_now_ns() - began > 175 * MS);
	for (int i = 0; i < 6; i++)
		for (int c = 0; c < 4; c++)
			if (c != (i & 1))
				GUEST_EQ(seen.ins[pid[i]][c], 0);
}

/* A running task whose CPU is taken from it moves, and that is counted. */
BOX_TEST(sched_core, moves_are_counted, .cpus = 2)
{
	long pid;
	int status;

	listen();
	pid = guest_fork(hog_60ms, 0);
	pin(pid, 1);
	for (int i = 0; i < 10; i++) {
		GUEST_EQ(guest_sleep(MS), 0);
		pin(pid, i & 1 ? 1 : 2);
	}
	GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
	GUEST_CHECK(seen.migrations[pid] >= 10 && seen.migrations[pid] <= 11);
	if (guest_failures)
		fprintf(stderr, "it moved %u times\n", seen.migrations[pid]);
}

/* --- what is asked for --- */

static void spin_forever(uint64_t arg)
{
	(void)arg;
	guest_compute(100000 * MS);
}

/* CPU time of two tasks over two seconds as their weights say: nice 0 is 1024, nice 19 is 15. */
static void share(int nice, uint64_t want_permille)
{
	long a, b;
	int status;

	listen();
	a = guest_fork(spin_forever, 0);
	b = guest_fork(spin_forever, 0);
	GUEST_EQ(SYS(setpriority, PRIO_PROCESS, 0, -20), 0);
	GUEST_EQ(SYS(setpriority, PRIO_PROCESS, b, nice), 0);
	GUEST_EQ(guest_sleep(6000 * MS), 0);
	SYS(kill, a, 9);
	SYS(kill, b, 9);
	guest_wait(a, &status, 0);
	guest_wait(b, &status, 0);
	uint64_t permille = seen.ran_ns[a] * 1000 / seen.ran_ns[b];
	GUEST_CHECK(permille > want_permille * 95 / 100 && permille < want_permille * 105 / 100);
	if (guest_failures)
		fprintf(stderr, "nice %d: the share was %.2f : 1\n", nice, permille / 1e3);
}

BOX_TEST(sched_core, fair_shares_by_weight, .policy = &sched_fair)
{
	share(19, 1024000 / 15);
}

BOX_TEST(sched_core, eevdf_shares_by_weight, .policy = &sched_eevdf)
{
	share(19, 1024000 / 15);
}

BOX_TEST(sched_core, fair_shares_a_little, .policy = &sched_fair)
{
	share(5, 1024000 / 335);
}

/* --- the interactive beside the busy --- */

/* A task that sleeps a millisecond at a time beside four that never do. */
static void sleeper_beside_hogs(uint64_t most_ns)
{
	uint64_t worst = 0, over = 0;
	long pid[4];
	int status;

	for (int i = 0; i < 4; i++)
		pid[i] = guest_fork(spin_forever, 0);
	guest_sleep(50 * MS);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = fake_now_ns();

		guest_sleep(MS);
		uint64_t late = fake_now_ns() - before - MS;
		worst = late > worst ? late : worst;
		over += late >= most_ns;
		guest_compute(20 * US);
	}
	GUEST_CHECK(over <= 10); /* p99 */
	if (guest_failures)
		fprintf(stderr, "%llu of 1000 late, the worst by %llu us\n",
			(unsigned long long)over, (unsigned long long)worst / 1000);
	for (int i = 0; i < 4; i++) {
		SYS(kill, pid[i], 9);
		guest_wait(pid[i], &status, 0);
	}
}

BOX_TEST(sched_core, fair_serves_sleepers, .policy = &sched_fair)
{
	sleeper_beside_hogs(MS);
}

BOX_TEST(sched_core, eevdf_serves_sleepers, .policy = &sched_eevdf)
{
	sleeper_beside_hogs(MS);
}

static void work_1ms(uint64_t arg)
{
	(void)arg;
	guest_compute(MS);
}

/* What a shell and an editor do, while four others compute: half of the short-lived children are
 * served at once, bursts are not cut up, and the hogs are not switched more often than each tick.
 */
BOX_TEST(sched_core, fair_is_a_good_default, .policy = &sched_fair)
{
	unsigned quick = 0, stops;
	long pid[4], child;
	int status;

	for (int i = 0; i < 4; i++)
		pid[i] = guest_fork(spin_forever, 0);
	guest_sleep(50 * MS);
	for (int i = 0; i < 100; i++) {
		uint64_t before = fake_now_ns();

		child = guest_fork(work_1ms, 0);
		guest_wait(child, &status, 0);
		quick += fake_now_ns() - before < 2 * MS;
		GUEST_CHECK(fake_now_ns() - before < 25 * MS);
	}
	GUEST_CHECK(quick >= 50);
	for (int i = 0; i < 20; i++) {
		guest_sleep(100 * MS);
		uint64_t before = fake_now_ns();
		guest_compute(10 * MS);
		GUEST_CHECK(fake_now_ns() - before < 12 * MS);
	}
	stops = fake_stops;
	guest_sleep(2000 * MS);
	GUEST_CHECK(fake_stops - stops <= 510);
	for (int i = 0; i < 4; i++) {
		SYS(kill, pid[i], 9);
		guest_wait(pid[i], &status, 0);
	}
}

/* --- inheritance --- */

enum { LOCK_A, LOCK_B };
static uaddr_t locks;
static uint64_t got_lock_ns;

static void set_fifo(int prio)
{
	uaddr_t param = guest_alloc(4);

	guest_put32(param, (uint32_t)prio);
	GUEST_EQ(SYS(sched_setscheduler, 0, prio ? SCHED_FIFO : SCHED_OTHER, param), 0);
}

static long lock(int n)
{
	return SYS(futex, locks + 4 * (unsigned)n, FUTEX_LOCK_PI, 0, 0);
}

static long unlock(int n)
{
	return SYS(futex, locks + 4 * (unsigned)n, FUTEX_UNLOCK_PI);
}

static void low_holder(uint64_t arg)
{
	(void)arg;
	GUEST_EQ(lock(LOCK_A), 0);
	guest_compute(10 * MS); /* preempted in here */
	GUEST_EQ(unlock(LOCK_A), 0);
	guest_compute(10 * MS);
}

/* Holds B and waits for A. */
static void middle_link(uint64_t arg)
{
	(void)arg;
	set_fifo(2);
	GUEST_EQ(lock(LOCK_B), 0);
	GUEST_EQ(lock(LOCK_A), 0);
	GUEST_EQ(unlock(LOCK_A), 0);
	GUEST_EQ(unlock(LOCK_B), 0);
}

static void medium_hog(uint64_t arg)
{
	(void)arg;
	set_fifo(5);
	guest_compute(50 * MS);
}

static void high_waiter(uint64_t arg)
{
	uint64_t began = fake_now_ns();

	set_fifo(9);
	GUEST_EQ(lock((int)arg), 0);
	got_lock_ns = fake_now_ns() - began;
	GUEST_EQ(unlock((int)arg), 0);
}

/* The low one must first become low: a thread starts with its maker's priority. */
static void low_first(uint64_t arg)
{
	set_fifo(1);
	low_holder(arg);
}

static void run_inversion(bool chain, uint64_t least, uint64_t most)
{
	uaddr_t tid = guest_alloc(16);

	listen();
	locks = guest_alloc(16);
	set_fifo(20);
	for (unsigned i = 0; i < 4; i++)
		guest_put32(tid + 4 * i, i == 1 && !chain ? 0 : 1);
	GUEST_CHECK(guest_thread(low_first, 0, tid) > 0);
	guest_sleep(MS);
	if (chain)
		GUEST_CHECK(guest_thread(middle_link, 0, tid + 4) > 0);
	guest_sleep(MS);
	GUEST_CHECK(guest_thread(medium_hog, 0, tid + 8) > 0);
	GUEST_CHECK(guest_thread(high_waiter, chain ? LOCK_B : LOCK_A, tid + 12) > 0);
	for (unsigned i = 0; i < 4; i++)
		while (guest_get32(tid + 4 * i))
			guest_sleep(5 * MS);
	GUEST_CHECK(got_lock_ns >= least && got_lock_ns < most);
	if (guest_failures)
		fprintf(stderr, "the lock came after %llu us\n",
			(unsigned long long)got_lock_ns / 1000);
}

/* Without inheritance the medium one's 50 ms come first. */
BOX_TEST(sched_core, inversion_is_there, .policy = &sched_prio, .policy_options = "inherit=0")
{
	run_inversion(false, 50 * MS, 70 * MS);
}

BOX_TEST(sched_core, inheritance_bounds_it, .policy = &sched_prio)
{
	run_inversion(false, 1 * MS, 11 * MS);
	GUEST_CHECK(seen.count[SREC_INHERIT] >= 2);
}

BOX_TEST(sched_core, inheritance_goes_down_a_chain, .policy = &sched_prio)
{
	run_inversion(true, 1 * MS, 11 * MS);
}
