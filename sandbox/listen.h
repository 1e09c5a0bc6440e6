/*
 * listen.h - waiting in the seccomp listener itself.
 */
#ifndef SANDBOX_LISTEN_H
#define SANDBOX_LISTEN_H

#include <signal.h>
#include <stdbool.h>

/* signals: those that are read from events.c's signalfd, and blocked meanwhile. */
void listen_init(const sigset_t *signals);
void listen_fini(void);

/* May the next wait be in listen_receive()?  possible: nothing but a notification or one of the
 * signals can be what we wait for.  False: their signalfd tells of the signals again, but for those
 * that listen_next_signal() has. */
bool listen_sleeps(bool possible);
/* A signal that came outside of the signalfd; 0: none. */
int listen_next_signal(void);

/* ioctl(listener, op, request).  0 or a negative errno; -EINTR also when listen_next_signal() has
 * something. */
long listen_receive(int listener, unsigned long op, void *request);

#endif
