/*
 * options.c - the option table: getopt's view of it, and --help.
 *
 * It knows nothing of what an option does.
 */
#include "cli/options.h"

#include "cli/cli.h"

#include <string.h>

const struct command_desc command_table[] = {
#define COMMAND(name, args, help) {#name, args, help},
#define SECTION(command, heading)
#define OPTION(command, id, short_name, long_name, arg, complete, help)
#include "cli/options.def"
#undef COMMAND
#undef SECTION
#undef OPTION
    {NULL, NULL, NULL},
};

const struct option_desc option_table[] = {
#define COMMAND(name, args, help)
#define SECTION(command, heading) {#command, heading, 0, 0, NULL, NULL, NULL, NULL},
#define OPTION(command, id, short_name, long_name, arg, complete, help)                            \
	{#command, NULL, OPT_##command##_##id, short_name, long_name, arg, complete, help},
#include "cli/options.def"
#undef COMMAND
#undef SECTION
#undef OPTION
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

void option_parser_init(struct option_parser *p, const char *command)
{
	size_t n = 0, s = 0;

	memset(p, 0, sizeof(*p));
	p->command = command;
	p->shorts[s++] = '+'; /* the first operand ends the options: the rest is the guest's */
	p->shorts[s++] = ':';
	for (const struct option_desc *o = option_table; o->command && n < OPTIONS_MAX - 1; o++) {
		if (o->section || strcmp(o->command, command) != 0)
			continue;
		int has_arg = !o->arg	       ? no_argument
			      : *o->arg == '[' ? optional_argument
					       : required_argument;
		p->longs[n++] = (struct option){o->long_name, has_arg, NULL, o->id};
		if (o->short_name) {
			p->shorts[s++] = o->short_name;
			/* -tX would be a puzzle: an optional argument goes with the long name. */
			if (has_arg == required_argument)
				p->shorts[s++] = ':';
		}
	}
}

static int id_of_short(const struct option_parser *p, int c)
{
	for (const struct option_desc *o = option_table; o->command; o++) {
		if (o->section || o->short_name != c)
			continue;
		for (const struct option *l = p->longs; l->name; l++)
			if (l->val == o->id)
				return o->id;
	}
	return c;
}

/* "sched_run" is two words to its user. */
static const char *name_shown(const char *name)
{
	static char shown[64];

	snprintf(shown, sizeof(shown), "%s", name);
	for (char *p = shown; *p; p++)
		if (*p == '_')
			*p = ' ';
	return shown;
}

static _Noreturn void die_of_option(const struct option_parser *p, const char *before,
				    const char *option, const char *after)
{
	die("%s '%s'%s; see ukernel help %s", before, option, after, name_shown(p->command));
}

int option_next(struct option_parser *p, int argc, char **argv)
{
	/* The word that getopt is about to look at, for the message. */
	int at = optind;

	opterr = 0;
	int c = getopt_long(argc, argv, p->shorts, p->longs, NULL);
	if (c == -1)
		return OPT_END;
	if (c == ':')
		die_of_option(p, "option", argv[optind - 1], " needs an argument");
	if (c == '?') {
		char letter[] = {'-', (char)optopt, '\0'};

		if (optopt > 0 && optopt < 256)
			die_of_option(p, "unknown option", letter, "");
		if (optopt > OPT_END) /* a known long option that takes none */
			die_of_option(p, "option", argv[optind - 1], " takes no argument");
		die_of_option(p, "unknown or ambiguous option", argv[at], "");
	}
	return c < 256 ? id_of_short(p, c) : c;
}

/* Print text from column col on, broken at spaces before WIDTH, later lines indented by indent. */
#define WIDTH 80
static void print_wrapped(FILE *out, const char *text, int col, int indent)
{
	const char *gap = "";

	while (*text) {
		int len = (int)strcspn(text, " ");
		if (*gap && col + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			col = indent;
			gap = "";
		}
		col += fprintf(out, "%s%.*s", gap, len, text);
		gap = " ";
		text += len;
		text += *text == ' ';
	}
	putc('\n', out);
}

static void print_option(FILE *out, const struct option_desc *o)
{
	const int indent = 26;
	int col = fprintf(out, o->short_name ? "  -%c, " : "      ", o->short_name);
	const char *sep = !o->arg || *o->arg == '[' ? "" : " ";

	col += fprintf(out, "--%s%s%s", o->long_name, sep, o->arg ? o->arg : "");
	if (col >= indent - 1) {
		putc('\n', out);
		col = 0;
	}
	fprintf(out, "%*s", indent - col, "");
	print_wrapped(out, o->help, indent, indent);
}

static void print_command(FILE *out, const struct command_desc *c)
{
	fprintf(out, "usage: ukernel %s%s%s\n\n%s.\n", name_shown(c->name), *c->args ? " " : "",
		c->args, c->help);
	bool first = true;
	for (const struct option_desc *o = option_table; o->command; o++) {
		if (strcmp(o->command, c->name) != 0)
			continue;
		if (first || o->section)
			putc('\n', out);
		first = false;
		if (o->section)
			fprintf(out, "%s:\n", o->section);
		else
			print_option(out, o);
	}
	if (strcmp(c->name, "run") == 0)
		fputs("\nThe exit status is PROGRAM's, 128+N if signal N killed it, 125 if ukernel "
		      "itself\nfailed, 126 if PROGRAM cannot be executed, 127 if there is none.\n",
		      out);
}

void options_print_help(FILE *out, const char *command)
{
	if (command) {
		for (const struct command_desc *c = command_table; c->name; c++)
			if (strcmp(c->name, command) == 0) {
				print_command(out, c);
				return;
			}
		die("no command '%s'; see ukernel help", command);
	}
	fputs("usage: ukernel COMMAND [ARG...]\n\n"
	      "A Linux kernel in one ordinary process: programs run in it unmodified, and each of\n"
	      "their system calls is carried out by ukernel, not by the host.\n\n",
	      out);
	for (const struct command_desc *c = command_table; c->name; c++) {
		int col = fprintf(out, "  %-10s ", name_shown(c->name));

		print_wrapped(out, c->help, col, col);
	}
	fputs("\nTry: ukernel run -- ls -l /\n     ukernel help run\n", out);
}
