/*
 * options.h - the option table as data, and what is made from it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <getopt.h>
#include <stdio.h>

enum option_id {
	OPT_END = 256, /* above every short option's character */
#define COMMAND(name, args, help)
#define SECTION(command, heading)
#define OPTION(command, id, short_name, long_name, arg, complete, help) OPT_##command##_##id,
#include "cli/options.def"
#undef COMMAND
#undef SECTION
#undef OPTION
};

struct command_desc {
	const char *name, *args, *help;
};

struct option_desc {
	const char *command;
	const char *section; /* a heading: nothing but command is set with it */
	int id;
	char short_name; /* 0: none */
	const char *long_name, *arg, *complete, *help;
};

extern const struct command_desc command_table[]; /* ended by a NULL name */
extern const struct option_desc option_table[];	  /* ended by a NULL command */

#define OPTIONS_MAX 40
struct option_parser {
	const char *command;
	struct option longs[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX + 3];
};

/* Make getopt_long's arrays for a command. */
void option_parser_init(struct option_parser *p, const char *command);
/* The next option's identifier, OPT_END when there is none left (optind is then the first
 * operand).  A bad option prints one line and exits with 125. */
int option_next(struct option_parser *p, int argc, char **argv);

/* The usage of one command, or of all (NULL), for people. */
void options_print_help(FILE *out, const char *command);
#endif
