/*
 * sched_test.c - who runs when: the policies and the dispatcher, in virtual time.
 */
#include "box_test.h"

#include "sched/sched.h"

#include <sched.h>
#include <string.h>

BOX_SUITE(sched);

/* Ten steps of 2 ms, each of which leaves a letter. */
static void letters(uint64_t letter)
{
	char text[2] = {(char)letter, 0};

	for (int i = 0; i < 10; i++) {
		guest_compute(2 * MS);
		guest_log(text);
	}
}

static void three_letters(void)
{
	int status = 0;

	for (char c = 'a'; c <= 'c'; c++)
		GUEST_CHECK(guest_fork(letters, c) > 0);
	for (int i = 0; i < 3; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0 && status == 0);
}

/* How often the running letter changes. */
static int changes(const char *text)
{
	int n = 0;

	for (; text[0] && text[1]; text++)
		n += text[0] != text[1];
	return n;
}

/* Round robin: all begin in order, each gets its turn again and again, and none gets ahead by
 * more than two slices. */
BOX_TEST(sched, rr_takes_turns)
{
	const char *text = guest_log_text;
	int count[3] = {0}, most = 0, least = 0;

	three_letters();
	GUEST_EQ(strlen(text), 30);
	GUEST_CHECK(strchr(text, 'a') < strchr(text, 'b'));
	GUEST_CHECK(strchr(text, 'b') < strchr(text, 'c'));
	GUEST_CHECK(changes(text) >= 6);
	for (int i = 0; i < 15; i++)
		count[text[i] - 'a']++;
	for (int i = 0; i < 3; i++) {
		most = count[i] > most ? count[i] : most;
		least = !i || count[i] < least ? count[i] : least;
	}
	GUEST_CHECK(least > 0 && most - least <= 4);
	if (guest_failures)
		fprintf(stderr, "they ran so: %s\n", text);
}

/* The textbook's cooperative approach: a task that makes no call keeps the processor. */
BOX_TEST(sched, coop_never_preempts, .policy = &sched_coop)
{
	three_letters();
	GUEST_CHECK(strcmp(guest_log_text, "aaaaaaaaaabbbbbbbbbbcccccccccc") == 0);
}

BOX_TEST(sched, coop_stops_nobody, .policy = &sched_coop)
{
	unsigned stops = fake_stops;

	three_letters();
	GUEST_EQ(fake_stops, stops);
}

static void yielder(uint64_t letter)
{
	char text[2] = {(char)letter, 0};

	for (int i = 0; i < 5; i++) {
		guest_log(text);
		GUEST_EQ(SYS(sched_yield), 0);
	}
}

BOX_TEST(sched, yield_alternates, .policy = &sched_coop)
{
	int status;

	guest_fork(yielder, 'a');
	guest_fork(yielder, 'b');
	guest_wait(-1, &status, 0);
	guest_wait(-1, &status, 0);
	GUEST_CHECK(strcmp(guest_log_text, "ababababab") == 0);
}

static void work_10ms(uint64_t arg)
{
	guest_compute(10 * MS);
}

static uint64_t run_eight(void)
{
	uint64_t began = fake_now_ns();
	int status;

	for (int i = 0; i < 8; i++)
		GUEST_CHECK(guest_fork(work_10ms, 0) > 0);
	for (int i = 0; i < 8; i++)
		GUEST_CHECK(guest_wait(-1, &status, 0) > 0);
	return fake_now_ns() - began;
}

/* Eight times 10 ms of work on one, two and four virtual CPUs: none may idle meanwhile. */
BOX_TEST(sched, eight_on_one)
{
	uint64_t took = run_eight();

	GUEST_CHECK(took >= 80 * MS && took < 82 * MS);
}

BOX_TEST(sched, eight_on_two, .cpus = 2)
{
	uint64_t took = run_eight();

	GUEST_CHECK(took >= 40 * MS && took < 48 * MS);
}

BOX_TEST(sched, eight_on_four, .cpus = 4)
{
	uint64_t took = run_eight();

	GUEST_CHECK(took >= 20 * MS && took < 28 * MS);
}

/* One task has no rival: the timer interrupt need not come. */
BOX_TEST(sched, no_tick_without_choice)
{
	unsigned resumes = fake_resumes, stops = fake_stops;

	guest_compute(1000 * MS);
	GUEST_CHECK(fake_resumes - resumes <= 3);
	GUEST_CHECK(fake_stops - stops <= 1);
}

static void sleeper(uint64_t arg)
{
	for (int i = 0; i < 10; i++) {
		uint64_t before = fake_now_ns();

		GUEST_EQ(guest_sleep(5 * MS), 0);
		/* A task that spends its time asleep must not wait for all the others' slices. */
		GUEST_CHECK(fake_now_ns() - before < 5 * MS + 4 * 4 * MS + MS);
	}
}

BOX_TEST(sched, sleeper_is_served)
{
	int status;

	guest_fork(sleeper, 0);
	for (int i = 0; i < 3; i++)
		guest_fork(letters, 'a' + i);
	for (int i = 0; i < 4; i++)
		guest_wait(-1, &status, 0);
}

/* A task that a tick takes off its CPU has used as much of it as it asked for, no less. */
BOX_TEST(sched, preempted_work_is_not_lost)
{
	uint64_t began = fake_now_ns();

	three_letters();
	GUEST_CHECK(fake_now_ns() - began >= 60 * MS);
	GUEST_CHECK(fake_now_ns() - began < 62 * MS);
}

static uint32_t shared_counter;

static void counting_thread(uint64_t arg)
{
	for (int i = 0; i < 100; i++) {
		shared_counter++;
		guest_compute(10000);
		SYS(sched_yield);
	}
}

BOX_TEST(sched, many_threads_on_two, .cpus = 2)
{
	uaddr_t tid = guest_alloc(4 * 20);

	for (int i = 0; i < 20; i++)
		GUEST_CHECK(guest_thread(counting_thread, 0, tid + 4 * i) > 0);
	for (int i = 0; i < 20; i++)
		while (guest_get32(tid + 4 * i))
			GUEST_EQ(guest_sleep(MS), 0);
	GUEST_EQ(shared_counter, 2000);
}
