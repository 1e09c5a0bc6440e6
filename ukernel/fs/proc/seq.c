/*
 * seq.c - a growing text buffer.
 */
#include "fs/proc/seq.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *seq_room(struct seq *s, size_t len)
{
	size_t cap = s->cap ? s->cap : 1024;
	char *buf;

	if (s->failed || len > SEQ_MAX || s->len + len > SEQ_MAX) {
		s->failed = true;
		return NULL;
	}
	while (cap < s->len + len)
		cap *= 2;
	if (cap == s->cap)
		return s->buf + s->len;
	buf = realloc(s->buf, cap);
	if (!buf) {
		s->failed = true;
		return NULL;
	}
	s->buf = buf;
	s->cap = cap;
	return buf + s->len;
}

void seq_write(struct seq *s, const void *data, size_t len)
{
	char *to = seq_room(s, len);

	if (!to || !len)
		return;
	memcpy(to, data, len);
	s->len += len;
}

void seq_puts(struct seq *s, const char *text)
{
	seq_write(s, text, strlen(text));
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	size_t guess = 256;

	for (int tries = 0; tries < 2; tries++) {
		char *to = seq_room(s, guess);
		va_list ap;
		int n;

		if (!to)
			return;
		va_start(ap, fmt);
		n = vsnprintf(to, guess, fmt, ap);
		va_end(ap);
		if (n < 0)
			return;
		if ((size_t)n < guess) {
			s->len += n;
			return;
		}
		guess = n + 1;
	}
}

void seq_escape(struct seq *s, const char *text, const char *set)
{
	for (; *text; text++) {
		if (strchr(set, *text))
			seq_printf(s, "\\%03o", (unsigned char)*text);
		else
			seq_write(s, text, 1);
	}
}

void seq_pad(struct seq *s, size_t start, size_t column)
{
	while (!s->failed && s->len - start < column)
		seq_write(s, " ", 1);
}

void seq_free(struct seq *s)
{
	free(s->buf);
	*s = (struct seq){0};
}
