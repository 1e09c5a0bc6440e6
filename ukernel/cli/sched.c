/*
 * sched.c - `ukernel sched`: finds the second word and hands over.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} subcommands[] = {
    {"list", command_sched_list}, {"show", command_sched_show}, {"sim", command_sched_sim},
    {"run", command_sched_run},	  {"new", command_sched_new},
};

/* Its line of the option table. */
static void print_help_line(FILE *out, const char *name)
{
	for (const struct command_desc *c = command_table; c->name; c++)
		if (strncmp(c->name, "sched_", 6) == 0 && strcmp(c->name + 6, name) == 0)
			fprintf(out, "  ukernel sched %-6s %s\n", name, c->help);
}

int command_sched(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(subcommands) / sizeof(*subcommands); i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	if (!*name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		options_print_help(*name ? stdout : stderr, "sched");
		for (size_t i = 0; i < sizeof(subcommands) / sizeof(*subcommands); i++)
			print_help_line(*name ? stdout : stderr, subcommands[i].name);
		return *name ? 0 : EXIT_OWN_FAILURE;
	}
	die("no command 'sched %s'; see ukernel sched --help", name);
}
