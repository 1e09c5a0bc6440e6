/*
 * syscalls.c - `ukernel syscalls`: the table of system calls, for people and for machines.
 *
 * docs/syscalls.md is this command's output, so that it cannot say anything else than the table.
 */
#include "syscall.h"

#include "cli/cli.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const char *const support_names[] = {"none", "partial", "full"};

static const char *const kind_names[] = {
#define X(kind, type) #kind,
    ARG_KINDS(X)
#undef X
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

static bool is_wanted(const struct syscall_entry *e, char **names)
{
	if (!e->name)
		return false;
	if (!*names)
		return true;
	for (; *names; names++)
		if (strcmp(*names, e->name) == 0)
			return true;
	return false;
}

static void print_arguments(const struct syscall_entry *e)
{
	for (int i = 0; i < e->nargs; i++)
		printf("%s%s", i ? ", " : "", e->arg_name[i]);
}

/* Notes are ours: they hold no control characters. */
static void print_json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void print_json(int nr, const struct syscall_entry *e, bool first)
{
	printf("%s{\"nr\":%d,\"name\":\"%s\",\"support\":\"%s\",\"arguments\":[",
	       first ? "" : ",\n", nr, e->name, support_names[e->support]);
	for (int i = 0; i < e->nargs; i++)
		printf("%s{\"name\":\"%s\",\"kind\":\"%s\"}", i ? "," : "", e->arg_name[i],
		       kind_names[e->kind[i]]);
	printf("],\"result\":\"%s\",\"note\":", kind_names[e->ret]);
	print_json_string(e->note);
	putchar('}');
}

static void print_entry(enum format format, int nr, const struct syscall_entry *e, bool first)
{
	switch (format) {
	case FORMAT_JSON:
		print_json(nr, e, first);
		break;
	case FORMAT_MARKDOWN:
		printf("| %d | `%s(", nr, e->name);
		print_arguments(e);
		printf(")` | %s | %s |\n", support_names[e->support], e->note);
		break;
	case FORMAT_TEXT:
		printf("%3d %-24s %-8s%s%s\n", nr, e->name, support_names[e->support],
		       *e->note ? " " : "", e->note);
		break;
	}
}

static void print_markdown_head(const unsigned count[3])
{
	printf(
	    "# System calls\n\n"
	    "<!-- Generated from ukernel/syscalls.def by `make docs`: do not edit. -->\n\n"
	    "%u calls are supported in full, %u in part (the note says what is left out), and %u\n"
	    "are known by name only. The latter, and every number that is not here, answer\n"
	    "ENOSYS; the host never sees them.\n\n"
	    "| nr | call | support | note |\n| ---: | --- | --- | --- |\n",
	    count[SUPPORT_FULL], count[SUPPORT_PARTIAL], count[SUPPORT_NONE]);
}

static unsigned print_table(enum format format, char **names)
{
	unsigned count[3] = {0}, shown = 0;

	for (int nr = 0; nr < SYSCALL_MAX; nr++)
		if (is_wanted(&syscall_table[nr], names))
			count[syscall_table[nr].support]++;
	if (format == FORMAT_MARKDOWN)
		print_markdown_head(count);
	if (format == FORMAT_JSON)
		putchar('[');
	for (int nr = 0; nr < SYSCALL_MAX; nr++)
		if (is_wanted(&syscall_table[nr], names))
			print_entry(format, nr, &syscall_table[nr], shown++ == 0);
	if (format == FORMAT_JSON)
		puts("]");
	if (format == FORMAT_TEXT && !*names)
		printf("%u full, %u partial, %u none\n", count[SUPPORT_FULL],
		       count[SUPPORT_PARTIAL], count[SUPPORT_NONE]);
	return shown;
}

int command_syscalls(int argc, char **argv)
{
	struct option_parser parser;
	enum format format = FORMAT_TEXT;
	int id;

	option_parser_init(&parser, "syscalls");
	while ((id = option_next(&parser, argc, argv)) != OPT_END) {
		switch (id) {
		case OPT_syscalls_JSON:
			format = FORMAT_JSON;
			break;
		case OPT_syscalls_MARKDOWN:
			format = FORMAT_MARKDOWN;
			break;
		case OPT_syscalls_HELP:
			options_print_help(stdout, "syscalls");
			return 0;
		}
	}
	unsigned shown = print_table(format, argv + optind);
	if (shown < (unsigned)(argc - optind))
		die("no such system call in the table; ukernel syscalls lists them all");
	return 0;
}
