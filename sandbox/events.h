/*
 * events.h - the one place where the machine waits.
 */
#ifndef SANDBOX_EVENTS_H
#define SANDBOX_EVENTS_H

#include "machine.h"

struct vthread;

int events_init(const struct machine_config *config);
void events_fini(void);
/* Add the seccomp listener.  ready() fills *out and returns 1, or 0 when there was nothing. */
int events_listen(int host_fd, int (*ready)(struct event *out));
/* One round of epoll.  1: *out filled; 0: nothing for the kernel (look again if you may block);
 * negative errno. */
int events_poll(struct event *out, bool block);
/* What lies between the two is sleep, for machine_config.sleep; the first returns what the second
 * wants to have. */
extern struct machine_sleep *events_sleep;
static inline uint64_t sleep_begin(void)
{
	return events_sleep != NULL ? __builtin_ia32_rdtsc() : 0;
}

static inline void sleep_end(uint64_t began)
{
	if (events_sleep == NULL)
		return;
	events_sleep->woke = __builtin_ia32_rdtsc();
	events_sleep->cycles += events_sleep->woke - began;
}
/* A stop was waited for: the SIGCHLD that it sent is still pending, and stale. */
void events_stale_signal(void);
void events_drop_signal(void); /* the same, and the next event will take a while */
void events_queue(struct vthread *th, const struct event *event);
void events_forget(struct vthread *th);
bool events_dequeue(struct event *out);
uint64_t clock_ns(enum machine_clock clock);
void tick_arm(bool on);
void alarm_set(uint64_t deadline_ns);
int fd_watch(int host_fd, uint32_t events, void *cookie);
void fd_unwatch(int host_fd);

#endif
