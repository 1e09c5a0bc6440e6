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

#define host_call(expr)                                                                            \
	({                                                                                         \
		long host_ret_;                                                                    \
		do                                                                                 \
			host_ret_ = (long)(expr);                                                  \
		while (host_ret_ < 0 && errno == EINTR);                                           \
		host_ret_ < 0 ? -(long)errno : host_ret_;                                          \
	})
#endif
