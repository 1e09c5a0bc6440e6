/*
 * seq.h - a growing text buffer: what a file of procfs is generated into.
 */
#ifndef FS_PROC_SEQ_H
#define FS_PROC_SEQ_H

#include <stdbool.h>
#include <stddef.h>

struct seq {
	char *buf;
	size_t len, cap;
	bool failed; /* out of memory, or longer than SEQ_MAX: what was added since is lost */
};

#define SEQ_MAX (64u << 20)

void seq_printf(struct seq *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void seq_write(struct seq *s, const void *data, size_t len);
void seq_puts(struct seq *s, const char *text);
/* text with the characters of set as \ooo, as mountinfo and maps have them. */
void seq_escape(struct seq *s, const char *text, const char *set);
/* Spaces up to column (counted from the byte offset start). */
void seq_pad(struct seq *s, size_t start, size_t column);
/* Room for len more bytes to be filled by the caller; NULL when there is none. */
char *seq_room(struct seq *s, size_t len);
void seq_free(struct seq *s);
#endif
