/*
 * text.c - putting trace lines together: bytes, flags by name, signals, errors.
 */
#include "trace/decode.h"

#include "kern/waitq.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

void text_clear(struct text *x)
{
	x->len = 0;
	x->buf[0] = '\0';
}

void text_add(struct text *x, const char *fmt, ...)
{
	va_list ap;
	size_t room = TEXT_MAX - x->len;

	va_start(ap, fmt);
	int n = vsnprintf(x->buf + x->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		x->len += (size_t)n < room ? (size_t)n : room - 1;
}

void text_add_quoted(struct text *x, const void *bytes, size_t len, bool cut)
{
	static const char codes[] = "abtnvfr"; /* 7 to 13 */
	const unsigned char *b = bytes;

	text_add(x, "\"");
	for (size_t i = 0; i < len; i++) {
		if (b[i] == '"' || b[i] == '\\')
			text_add(x, "\\%c", b[i]);
		else if (b[i] >= 9 && b[i] <= 13)
			text_add(x, "\\%c", codes[b[i] - 7]);
		else if (b[i] >= 32 && b[i] < 127)
			text_add(x, "%c", b[i]);
		else if (i + 1 < len && b[i + 1] >= '0' && b[i + 1] <= '7') /* no part of it */
			text_add(x, "\\%03o", b[i]);
		else
			text_add(x, "\\%o", b[i]);
	}
	text_add(x, cut ? "\"..." : "\"");
}

static const char *name_find(const struct name_table *t, uint64_t value)
{
	for (const struct name *n = t->names; n->name; n++)
		if (n->value == value)
			return n->name;
	return NULL;
}

void text_add_choice(struct text *x, const struct name_table *t, uint64_t value)
{
	const char *name = name_find(t, value);

	if (name)
		text_add(x, "%s", name);
	else if (t->unknown)
		text_add(x, "%#llx /* %s */", (unsigned long long)value, t->unknown);
	else
		text_add(x, "%#llx", (unsigned long long)value);
}

void text_add_flags(struct text *x, const struct name_table *t, uint64_t value)
{
	const char *sep = "";

	if (t->choice_mask) {
		text_add_choice(x, t, value & t->choice_mask);
		value &= ~t->choice_mask;
		sep = "|";
	}
	bool any = t->choice_mask != 0;
	for (const struct name *n = t->names; n->name && value; n++) {
		if (!n->value || (n->value & t->choice_mask) || (value & n->value) != n->value)
			continue;
		text_add(x, "%s%s", sep, n->name);
		value &= ~n->value;
		sep = "|";
		any = true;
	}
	if (value && any)
		text_add(x, "|%#llx", (unsigned long long)value);
	else if (value)
		text_add(x, "%#llx /* %s */", (unsigned long long)value, t->unknown);
	else if (!any)
		text_add(x, "0");
}

const char *signal_name(int sig, char buf[24])
{
	const char *abbreviation = sig > 0 && sig < 32 ? sigabbrev_np(sig) : NULL;

	if (abbreviation)
		snprintf(buf, 24, "SIG%s", abbreviation);
	else if (sig == 32)
		snprintf(buf, 24, "SIGRTMIN");
	else if (sig > 32 && sig <= 64)
		snprintf(buf, 24, "SIGRT_%d", sig - 32);
	else
		snprintf(buf, 24, "%d", sig);
	return buf;
}

void text_add_sigset(struct text *x, uint64_t set)
{
	char name[24];
	const char *sep = "";
	bool inverted = __builtin_popcountll(set) > 42; /* then what is missing is shorter */

	if (inverted)
		set = ~set;
	text_add(x, inverted ? "~[" : "[");
	for (int sig = 1; sig <= 64; sig++) {
		if (!(set >> (sig - 1) & 1))
			continue;
		const char *n = signal_name(sig, name);
		text_add(x, "%s%s", sep, n + (strncmp(n, "SIG", 3) == 0 ? 3 : 0));
		sep = " ";
	}
	text_add(x, "]");
}

void text_add_errno(struct text *x, int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		text_add(x, "%s (%s)", name, strerrordesc_np(err));
	else
		text_add(x, "(errno %d)", err);
}

void text_add_mode(struct text *x, unsigned mode)
{
	if (mode & S_IFMT) {
		text_add_choice(x, &names_mode_type, mode & S_IFMT);
		text_add(x, "|");
	}
	text_add(x, "%#03o", mode & 07777);
}

void text_add_wait_status(struct text *x, int status)
{
	char name[24];

	if (WIFEXITED(status))
		text_add(x, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", WEXITSTATUS(status));
	else if (WIFSTOPPED(status))
		text_add(x, "[{WIFSTOPPED(s) && WSTOPSIG(s) == %s}]",
			 signal_name(WSTOPSIG(status), name));
	else if (WIFCONTINUED(status))
		text_add(x, "[{WIFCONTINUED(s)}]");
	else
		text_add(x, "[{WIFSIGNALED(s) && WTERMSIG(s) == %s%s}]",
			 signal_name(WTERMSIG(status), name),
			 WCOREDUMP(status) ? " && WCOREDUMP(s)" : "");
}
