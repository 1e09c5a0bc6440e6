/*
 * futex_test.c - futex(2), and the life of threads that libraries build on it.
 */
#include "box_test.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>

BOX_SUITE(futex);

static uaddr_t word;

static long futex_wait(uint32_t value, uaddr_t timeout)
{
	return SYS(futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, timeout);
}

static long futex_wake(int n)
{
	return SYS(futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n);
}

static void waiter(uint64_t letter)
{
	char text[2] = {(char)letter, 0};

	GUEST_EQ(futex_wait(0, 0), 0);
	guest_log(text);
}

static uaddr_t start_waiters(int n)
{
	uaddr_t ctid = guest_alloc(4 * n);

	word = guest_alloc(4);
	for (int i = 0; i < n; i++)
		GUEST_CHECK(guest_thread(waiter, 'a' + i, ctid + 4 * i) > 0);
	guest_sleep(MS);
	return ctid;
}

static void join(uaddr_t ctid, int n)
{
	for (int i = 0; i < n; i++)
		while (guest_get32(ctid + 4 * i))
			guest_sleep(MS);
}

BOX_TEST(futex, wakes_as_many_as_asked_in_order)
{
	uaddr_t ctid = start_waiters(5);

	GUEST_CHECK(!*guest_log_text);
	GUEST_EQ(futex_wake(2), 2);
	guest_sleep(MS);
	GUEST_CHECK(strcmp(guest_log_text, "ab") == 0);
	GUEST_EQ(futex_wake(100), 3);
	join(ctid, 5);
	GUEST_CHECK(strcmp(guest_log_text, "abcde") == 0);
	GUEST_EQ(futex_wake(100), 0);
}

BOX_TEST(futex, the_value_is_looked_at_first)
{
	word = guest_alloc(4);
	guest_put32(word, 7);
	GUEST_EQ(futex_wait(8, 0), -EAGAIN);
	GUEST_EQ(SYS(futex, word + 1, FUTEX_WAIT, 7, 0), -EINVAL);
	GUEST_EQ(SYS(futex, 8, FUTEX_WAIT, 7, 0), -EFAULT);
	GUEST_EQ(SYS(futex, word, 100, 7, 0), -ENOSYS);
}

BOX_TEST(futex, times_out)
{
	uint64_t began = fake_now_ns(), when;

	word = guest_alloc(4);
	GUEST_EQ(futex_wait(0, guest_timespec(12 * MS)), -ETIMEDOUT);
	GUEST_CHECK(fake_now_ns() - began >= 12 * MS && fake_now_ns() - began < 13 * MS);
	when = fake_now_ns() + 8 * MS;
	GUEST_EQ(SYS(futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, guest_timespec(when),
		     0, FUTEX_BITSET_MATCH_ANY),
		 -ETIMEDOUT);
	GUEST_CHECK(fake_now_ns() >= when && fake_now_ns() < when + MS);
	GUEST_EQ(SYS(futex, word, FUTEX_WAIT_BITSET, 0, 0, 0, 0), -EINVAL);
}

static void bit_waiter(uint64_t bits)
{
	GUEST_EQ(SYS(futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, 0, 0, bits), 0);
	guest_log(bits == 1 ? "1" : "2");
}

BOX_TEST(futex, bitsets_choose)
{
	uaddr_t ctid = guest_alloc(8);

	word = guest_alloc(4);
	guest_thread(bit_waiter, 1, ctid);
	guest_thread(bit_waiter, 2, ctid + 4);
	guest_sleep(MS);
	GUEST_EQ(SYS(futex, word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 2), 1);
	guest_sleep(MS);
	GUEST_CHECK(strcmp(guest_log_text, "2") == 0);
	GUEST_EQ(SYS(futex, word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 4), 0);
	GUEST_EQ(futex_wake(10), 1);
	join(ctid, 2);
}

BOX_TEST(futex, requeue_moves_waiters)
{
	uaddr_t ctid = start_waiters(4), other = guest_alloc(4), first = word;

	GUEST_EQ(SYS(futex, word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 100, other, 9),
		 -EAGAIN);
	GUEST_EQ(SYS(futex, word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, other, 0), 3);
	guest_sleep(MS);
	GUEST_CHECK(strcmp(guest_log_text, "a") == 0);
	word = other;
	GUEST_EQ(futex_wake(100), 2);
	word = first;
	GUEST_EQ(futex_wake(100), 1);
	join(ctid, 4);
	GUEST_EQ(strlen(guest_log_text), 4);
}

static void quick(uint64_t arg)
{
	guest_compute(2 * MS);
}

/* pthread_join: the word is cleared and a waiter on it is woken. */
BOX_TEST(futex, a_thread_says_that_it_ended)
{
	long tid;

	word = guest_alloc(4);
	tid = guest_thread(quick, 0, word);
	GUEST_EQ(SYS(futex, word, FUTEX_WAIT, tid, 0), 0);
	GUEST_EQ(guest_get32(word), 0);
}

static void wake_shared(uint64_t arg)
{
	guest_sleep(3 * MS);
	guest_put32(word, 1);
	GUEST_EQ(SYS(futex, word, FUTEX_WAKE, 1), 1);
	GUEST_EQ(SYS(futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1), 0);
}

BOX_TEST(futex, between_processes)
{
	int status = -1;

	word = SYS(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	guest_fork(wake_shared, 0);
	GUEST_EQ(SYS(futex, word, FUTEX_WAIT, 0, 0), 0);
	GUEST_EQ(guest_get32(word), 1);
	guest_wait(-1, &status, 0);
	GUEST_EQ(status, 0);
}

static uaddr_t robust_head;

static void die_holding(uint64_t arg)
{
	GUEST_EQ(SYS(set_robust_list, robust_head, 24), 0);
	guest_put32(word, SYS(gettid));
	guest_sleep(3 * MS);
}

BOX_TEST(futex, a_robust_list_marks_the_dead)
{
	uaddr_t ctid = guest_alloc(4), node = guest_alloc(32);
	uint64_t head[3];

	robust_head = guest_alloc(24);
	word = node + 16;
	head[0] = node;
	head[1] = 16; /* from a node to its futex */
	head[2] = 0;
	guest_put(robust_head, head, sizeof(head));
	guest_put(node, &robust_head, 8);
	guest_thread(die_holding, 0, ctid);
	join(ctid, 1);
	GUEST_EQ(guest_get32(word) & FUTEX_OWNER_DIED, FUTEX_OWNER_DIED);
}
