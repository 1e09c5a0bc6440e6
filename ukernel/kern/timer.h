/*
 * timer.h - one-shot kernel timers on CLOCK_OF_TICKS, kept in order; the earliest arms the
 * machine's alarm.
 */
#ifndef KERN_TIMER_H
#define KERN_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t deadline_ns;		/* CLOCK_OF_TICKS */
	void (*fire)(struct timer *tm); /* runs on the event loop's stack: must not sleep */
	unsigned heap_pos;		/* 0 when not armed */
};

void timer_init(struct timer *tm, void (*fire)(struct timer *tm));
void timer_arm(struct timer *tm, uint64_t deadline_ns); /* re-arms an armed one */
void timer_cancel(struct timer *tm);			/* harmless when not armed */
static inline bool timer_armed(const struct timer *tm)
{
	return tm->heap_pos != 0;
}

/* Called by the event loop on EVENT_ALARM (and harmless at any time). */
void timers_run(void);
/* Tells the machine the earliest deadline; called before the loop waits. */
void timers_sync(void);

uint64_t time_now_ns(void);  /* CLOCK_OF_TICKS */
uint64_t time_wall_ns(void); /* CLOCK_REALTIME */
uint64_t time_boot_ns(void); /* CLOCK_BOOTTIME */
#endif
