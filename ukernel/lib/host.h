/*
 * host.h - how the kernel calls its host: the only place that reads errno.
 *
 *	int fd = host_call(open(path, flags));	(fd or -errno)
 *
 * A call that the host interrupted is made again: the supervisor's own signals arrive as events.
 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <errno.h>
#include <stdbool.h>

/* --costs wants to know how long host calls take (trace/costs.c). */
extern bool host_watch_on;
void host_watch(bool inside);

#define host_call(expr)                                                                            \
	({                                                                                         \
		long host_ret_;                                                                    \
		if (__builtin_expect(host_watch_on, 0))                                            \
			host_watch(true);                                                          \
		do                                                                                 \
			host_ret_ = (long)(expr);                                                  \
		while (host_ret_ < 0 && errno == EINTR);                                           \
		if (__builtin_expect(host_watch_on, 0))                                            \
			host_watch(false);                                                         \
		host_ret_ < 0 ? -(long)errno : host_ret_;                                          \
	})
#endif
