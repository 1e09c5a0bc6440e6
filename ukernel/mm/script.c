/*
 * script.c - "#!" lines (execve(2), interpreter scripts), parsed as Linux does.
 */
#include "mm/script.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int script_parse(char *head, size_t len, char **interp, char **arg)
{
	char *p = head + 2, *limit = head + len, *end;

	end = memchr(p, '\n', limit - p);
	if (!end) {
		char *q = p;

		/* A cut line will do if the name of the interpreter is whole. */
		while (q < limit && is_blank(*q))
			q++;
		while (q < limit && *q && !is_blank(*q))
			q++;
		if (len == SCRIPT_HEAD && q == limit)
			return -ENOEXEC;
		/* A short file goes on in zeros: the name may be empty, but it is there. */
		end = len < SCRIPT_HEAD ? limit + 1 : limit;
	}
	while (end > p && is_blank(end[-1]))
		end--;
	*end = 0;
	while (is_blank(*p))
		p++;
	if (!*p)
		return p == end ? -ENOEXEC : -EACCES;
	*interp = p;
	*arg = NULL;
	while (*p && !is_blank(*p))
		p++;
	if (*p) {
		*p++ = 0;
		while (is_blank(*p))
			p++;
		if (*p)
			*arg = p;
	}
	return 0;
}
