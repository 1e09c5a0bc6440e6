/*
 * box_test.h - a Criterion test whose body is the first program of a box on the fake machine.
 *
 *	BOX_TEST(pipe, is_empty)
 *	{
 *		GUEST_EQ(SYS(getpid), 2);
 *	}
 */
#ifndef BOX_TEST_H
#define BOX_TEST_H

#include "fake_machine.h"

#include <criterion/criterion.h>

#define BOX_SUITE(name) TestSuite(name, .timeout = 30)

#define BOX_TEST(suite, name, ...)                                                                 \
	static void suite##_##name##_guest(uint64_t arg);                                          \
	Test(suite, name)                                                                          \
	{                                                                                          \
		struct fake_options options = {__VA_ARGS__};                                       \
		int status = fake_run(suite##_##name##_guest, &options);                           \
		cr_assert_eq(status, 0, "the box ended with %d", status);                          \
		cr_assert_eq(guest_failures, 0, "%d checks failed", guest_failures);               \
	}                                                                                          \
	static void suite##_##name##_guest(uint64_t arg)

#define MS 1000000ULL

/* struct timespec in guest memory */
static inline uaddr_t guest_timespec(uint64_t ns)
{
	int64_t ts[2] = {(int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000)};
	uaddr_t at = guest_alloc(sizeof(ts));

	guest_put(at, ts, sizeof(ts));
	return at;
}

static inline long guest_sleep(uint64_t ns)
{
	return SYS(nanosleep, guest_timespec(ns), 0);
}

static inline void guest_pipe(int fd[2])
{
	uaddr_t at = guest_alloc(8);

	GUEST_EQ(SYS(pipe2, at, 0), 0);
	fd[0] = guest_get32(at);
	fd[1] = guest_get32(at + 4);
}
#endif
