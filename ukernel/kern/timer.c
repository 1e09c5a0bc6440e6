/*
 * timer.c - one-shot timers: a binary heap by deadline; its top is the machine's alarm.
 *
 * Position 0 of the heap is unused, so that heap_pos 0 can mean "not armed".
 */
#include "kern/timer.h"

#include "lib/log.h"
#include "machine.h"

#include <stdlib.h>

static struct timer **heap;
static unsigned heap_len, heap_cap; /* timers in it; the highest usable position */
static uint64_t alarm_armed_ns;	    /* what the machine was told last */

static void heap_place(struct timer *tm, unsigned pos)
{
	heap[pos] = tm;
	tm->heap_pos = pos;
}

static void heap_up(struct timer *tm, unsigned pos)
{
	for (; pos > 1 && heap[pos / 2]->deadline_ns > tm->deadline_ns; pos /= 2)
		heap_place(heap[pos / 2], pos);
	heap_place(tm, pos);
}

static void heap_down(struct timer *tm, unsigned pos)
{
	for (;;) {
		unsigned child = pos * 2;

		if (child > heap_len)
			break;
		if (child < heap_len && heap[child + 1]->deadline_ns < heap[child]->deadline_ns)
			child++;
		if (heap[child]->deadline_ns >= tm->deadline_ns)
			break;
		heap_place(heap[child], pos);
		pos = child;
	}
	heap_place(tm, pos);
}

void timer_init(struct timer *tm, void (*fire)(struct timer *tm))
{
	tm->deadline_ns = 0;
	tm->fire = fire;
	tm->heap_pos = 0;
}

void timer_arm(struct timer *tm, uint64_t deadline_ns)
{
	timer_cancel(tm);
	if (heap_len + 1 > heap_cap) {
		unsigned cap = heap_cap ? heap_cap * 2 : 64;
		struct timer **bigger = realloc(heap, (cap + 1) * sizeof(*heap));

		if (!bigger) {
			/* 8 bytes a timer: the supervisor itself has no memory left. */
			log_error(time, "no memory for a timer");
			abort();
		}
		heap = bigger;
		heap_cap = cap;
	}
	tm->deadline_ns = deadline_ns;
	heap_up(tm, ++heap_len);
}

void timer_cancel(struct timer *tm)
{
	unsigned pos = tm->heap_pos;

	if (!pos)
		return;
	tm->heap_pos = 0;
	struct timer *last = heap[heap_len--];
	if (last == tm)
		return;
	if (pos > 1 && heap[pos / 2]->deadline_ns > last->deadline_ns)
		heap_up(last, pos);
	else
		heap_down(last, pos);
}

void timers_run(void)
{
	/* Whatever was armed is spent, or is armed again by the next timers_sync(). */
	alarm_armed_ns = 0;
	if (!heap_len)
		return;
	uint64_t now = time_now_ns();
	while (heap_len && heap[1]->deadline_ns <= now) {
		struct timer *tm = heap[1];

		timer_cancel(tm);
		tm->fire(tm);
	}
}

void timers_sync(void)
{
	uint64_t first = heap_len ? heap[1]->deadline_ns : 0;

	/* 0 would switch the alarm off, and the past is as good as any other past. */
	if (heap_len && first == 0)
		first = 1;
	if (first == alarm_armed_ns)
		return;
	/* An alarm that is too early is harmless, and cheaper than moving it back and forth. */
	if (alarm_armed_ns && (first == 0 || alarm_armed_ns < first))
		return;
	alarm_armed_ns = first;
	machine->alarm_set(first);
}

uint64_t time_now_ns(void)
{
	return machine->clock_ns(CLOCK_OF_TICKS);
}

uint64_t time_wall_ns(void)
{
	return machine->clock_ns(CLOCK_OF_WALL);
}

uint64_t time_boot_ns(void)
{
	return machine->clock_ns(CLOCK_OF_BOOT);
}
