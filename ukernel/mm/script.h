/*
 * script.h - the first line of an interpreter script.
 */
#ifndef MM_SCRIPT_H
#define MM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_HEAD 256 /* of the line, Linux looks at no more */

/* head holds the file's first len bytes, "#!" among them, and at least two zeros behind them; it is
 * cut up.  0 with *interp and *arg (NULL: none) pointing into it, -ENOEXEC, or -EACCES when the
 * name is there but empty (Linux looks it up and finds a directory). */
int script_parse(char *head, size_t len, char **interp, char **arg);
#endif
