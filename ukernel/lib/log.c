/*
 * log.c - the kernel's own messages, on standard error.
 *
 * One write a line, so that lines of the guest do not come between.  It knows nothing of tasks:
 * whoever logs names them.
 */
#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *const subsystem_names[LOG_COUNT] = {
#define X(name) #name,
    LOG_SUBSYSTEMS(X)
#undef X
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

enum log_level log_levels[LOG_COUNT] = {
#define X(name) LOG_WARN,
    LOG_SUBSYSTEMS(X)
#undef X
};

const char *log_subsystem_names(void)
{
#define X(name) ", " #name
	static const char names[] = LOG_SUBSYSTEMS(X);
#undef X
	return names + 2; /* past the first comma */
}

/* The index of text[len] among n names, or -EINVAL. */
static int name_find(const char *const *names, int n, const char *text, size_t len)
{
	for (int i = 0; i < n; i++)
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
			return i;
	return -EINVAL;
}

int log_set(const char *spec)
{
	size_t len = strcspn(spec, "=");
	const char *level_text = spec[len] ? spec + len + 1 : "debug";
	int level = name_find(level_names, 4, level_text, strlen(level_text));

	if (level < 0)
		return level;
	if (len == 3 && memcmp(spec, "all", 3) == 0) {
		for (int i = 0; i < LOG_COUNT; i++)
			log_levels[i] = (enum log_level)level;
		return 0;
	}
	int s = name_find(subsystem_names, LOG_COUNT, spec, len);
	if (s < 0)
		return s;
	log_levels[s] = (enum log_level)level;
	return 0;
}

void log_write(enum log_subsys s, enum log_level l, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n = l <= LOG_WARN ? snprintf(line, sizeof(line), "ukernel: ")
			      : snprintf(line, sizeof(line), "ukernel: %s: ", subsystem_names[s]);

	va_start(ap, fmt);
	int more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (more > 0)
		n += more;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* Nothing can be done about a message that cannot be written. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
