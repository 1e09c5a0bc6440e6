/*
 * filter.h - installs the seccomp program in the zygote.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

struct vthread;

/* Build the program, with a fresh secret in stub.secret, and make th install it.  *listener gets
 * the notification descriptor, which is in our table, too, because th shares it. */
int filter_install(struct vthread *th, int *listener);

#endif
