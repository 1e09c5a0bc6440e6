/*
 * log.h - what the kernel tells its user: errors always, the rest by subsystem and level.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>

#define LOG_SUBSYSTEMS(X)                                                                          \
	X(boot) X(task) X(mm) X(fs) X(signal) X(sched) X(time) X(net) X(machine) X(syscall)

enum log_subsys {
#define X(name) LOG_##name,
	LOG_SUBSYSTEMS(X)
#undef X
	    LOG_COUNT
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_levels[LOG_COUNT]; /* default LOG_WARN */

/* "SUBSYS[=LEVEL]", "all" for every one; LEVEL is error, warn, info or debug (the default).
 * Returns 0 or -EINVAL. */
int log_set(const char *spec);
/* "boot, task, ..." for messages. */
const char *log_subsystem_names(void);

void log_write(enum log_subsys s, enum log_level l, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_at(s, l, ...)                                                                          \
	do {                                                                                       \
		if (log_levels[LOG_##s] >= (l))                                                    \
			log_write(LOG_##s, (l), __VA_ARGS__);                                      \
	} while (0)
#define log_error(s, ...) log_at(s, LOG_ERROR, __VA_ARGS__)
#define log_warn(s, ...)  log_at(s, LOG_WARN, __VA_ARGS__)
#define log_info(s, ...)  log_at(s, LOG_INFO, __VA_ARGS__)
#define log_debug(s, ...) log_at(s, LOG_DEBUG, __VA_ARGS__)

/* Once per call site: for flags and calls that are refused. */
#define log_once(s, ...)                                                                           \
	do {                                                                                       \
		static bool logged_;                                                               \
		if (!logged_) {                                                                    \
			logged_ = true;                                                            \
			log_warn(s, __VA_ARGS__);                                                  \
		}                                                                                  \
	} while (0)
#endif
