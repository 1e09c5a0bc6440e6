/*
 * time_test.c - sleeping and timers: what wakes when, in virtual time.
 */
#include "box_test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

BOX_SUITE(time);

/* One system call more or less. */
#define NEAR (100 * FAKE_SYSCALL_NS)

BOX_TEST(time, a_sleep_is_exact)
{
	static const uint64_t sleeps[] = {1, 1000, 999999, 5 * MS, 1234567890, 86400000 * MS};

	for (unsigned i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++) {
		uint64_t began = fake_now_ns(), took;

		GUEST_EQ(guest_sleep(sleeps[i]), 0);
		took = fake_now_ns() - began;
		GUEST_CHECK(took >= sleeps[i] && took < sleeps[i] + NEAR);
	}
}

static uint64_t order[100];
static int woken;

static void sleep_and_note(uint64_t ns)
{
	guest_sleep(ns);
	order[woken++] = ns;
}

BOX_TEST(time, sleepers_wake_in_order)
{
	uint64_t seed = 12345;
	int status;

	for (int i = 0; i < 60; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		GUEST_CHECK(guest_fork(sleep_and_note, 100 * MS + (seed >> 33) % 1000 * MS) > 0);
	}
	for (int i = 0; i < 60; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0);
	GUEST_EQ(woken, 60);
	for (int i = 1; i < woken; i++)
		GUEST_CHECK(order[i - 1] <= order[i]);
}

BOX_TEST(time, clock_nanosleep_to_a_moment)
{
	uint64_t when = fake_now_ns() + 30 * MS;

	GUEST_EQ(SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, guest_timespec(when), 0), 0);
	GUEST_CHECK(fake_now_ns() >= when && fake_now_ns() < when + NEAR);
	GUEST_EQ(SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, guest_timespec(1), 0), 0);
	GUEST_EQ(SYS(clock_nanosleep, 99, 0, guest_timespec(1), 0), -EINVAL);
}

BOX_TEST(time, bad_intervals)
{
	int64_t bad[][2] = {{-1, 0}, {0, -1}, {0, 1000000000}};
	uaddr_t at = guest_alloc(16);

	for (int i = 0; i < 3; i++) {
		guest_put(at, bad[i], 16);
		GUEST_EQ(SYS(nanosleep, at, 0), -EINVAL);
	}
	GUEST_EQ(SYS(nanosleep, 8, 0), -EFAULT);
}

static long read_timer(int fd)
{
	uaddr_t at = guest_alloc(8);
	uint64_t n = 0;
	long got = SYS(read, fd, at, 8);

	guest_get(&n, at, 8);
	return got == 8 ? (long)n : got;
}

BOX_TEST(time, timerfd_counts_periods)
{
	int64_t its[4] = {0, 10 * MS, 0, 5 * MS}; /* every 10 ms, first in 5 */
	uaddr_t at = guest_alloc(sizeof(its));
	int fd = SYS(timerfd_create, CLOCK_MONOTONIC, 0);

	GUEST_CHECK(fd >= 0);
	guest_put(at, its, sizeof(its));
	GUEST_EQ(SYS(timerfd_settime, fd, 0, at, 0), 0);
	GUEST_EQ(read_timer(fd), 1);
	guest_compute(42 * MS);
	GUEST_EQ(read_timer(fd), 4);
}

BOX_TEST(time, epoll_times_out)
{
	int fd = SYS(epoll_create1, 0);
	uint64_t began = fake_now_ns();

	GUEST_EQ(SYS(epoll_wait, fd, guest_alloc(12), 1, 15), 0);
	GUEST_CHECK(fake_now_ns() - began >= 15 * MS && fake_now_ns() - began < 16 * MS);
	GUEST_EQ(SYS(epoll_wait, fd, guest_alloc(12), 0, 15), -EINVAL);
}

BOX_TEST(time, clocks_agree)
{
	uaddr_t at = guest_alloc(16);
	int64_t ts[2];

	GUEST_EQ(SYS(clock_gettime, CLOCK_MONOTONIC, at), 0);
	guest_get(ts, at, 16);
	GUEST_CHECK(fake_now_ns() - (uint64_t)(ts[0] * 1000000000 + ts[1]) < NEAR);
	GUEST_EQ(SYS(clock_gettime, CLOCK_REALTIME, at), 0);
	guest_get(ts, at, 16);
	GUEST_CHECK(ts[0] >= 1700000000);
	guest_compute(50 * MS);
	GUEST_EQ(SYS(clock_gettime, CLOCK_PROCESS_CPUTIME_ID, at), 0);
	guest_get(ts, at, 16);
	GUEST_CHECK(ts[0] == 0 && ts[1] >= 50000000 && ts[1] < 52000000);
}
