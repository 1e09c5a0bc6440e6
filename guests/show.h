/*
 * show.h - for guests whose checks are too many to write down: each call is printed with its
 * result, and the native run says what is right.
 */
#ifndef GUESTS_SHOW_H
#define GUESTS_SHOW_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Print a call with its result: a number, or the name of the error. */
#define SHOW(call)                                                                                 \
	({                                                                                         \
		errno = 0;                                                                         \
		long ret_ = (long)(call);                                                          \
		if (ret_ == -1 && errno)                                                           \
			printf("%s: %s\n", #call, strerrorname_np(errno));                         \
		else                                                                               \
			printf("%s: %ld\n", #call, ret_);                                          \
		ret_;                                                                              \
	})

/* The same for a call whose good result varies: a descriptor, an address. */
#define SHOW_OK(call)                                                                              \
	({                                                                                         \
		errno = 0;                                                                         \
		long ret_ = (long)(call);                                                          \
		printf("%s: %s\n", #call, ret_ == -1 ? strerrorname_np(errno) : "ok");             \
		ret_;                                                                              \
	})
#endif
