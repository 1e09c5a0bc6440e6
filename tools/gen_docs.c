/*
 * gen_docs.c - writes what follows from the option table: the bash completion, and the option part
 * of the manual page.
 *
 * usage: gen_docs completion|man
 */
#include "lib/log.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name, *args, *help;
};
struct option {
	const char *command, *section;
	char short_name;
	const char *long_name, *arg, *complete, *help;
};

static const struct command commands[] = {
#define COMMAND(name, args, help) {#name, args, help},
#define SECTION(command, heading)
#define OPTION(command, id, short_name, long_name, arg, complete, help)
#include "cli/options.def"
#undef COMMAND
#undef SECTION
#undef OPTION
};

static const struct option options[] = {
#define COMMAND(name, args, help)
#define SECTION(command, heading) {#command, heading, 0, NULL, NULL, NULL, NULL},
#define OPTION(command, id, short_name, long_name, arg, complete, help)                            \
	{#command, NULL, short_name, long_name, arg, complete, help},
#include "cli/options.def"
#undef COMMAND
#undef SECTION
#undef OPTION
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define X(name) #name " "
static const char subsystems[] = LOG_SUBSYSTEMS(X) "all";
#undef X

/* --- the manual page, as scdoc reads it --- */

static void print_scdoc(const char *s)
{
	for (; *s; s++) {
		if (strchr("_*\\#", *s))
			putchar('\\');
		putchar(*s);
	}
}

static void print_man_option(const struct option *o)
{
	if (o->short_name)
		printf("*-%c*, ", o->short_name);
	printf("*--%s*", o->long_name);
	if (o->arg) {
		printf(*o->arg == '[' ? "" : " ");
		print_scdoc(o->arg);
	}
	printf("\n\t");
	print_scdoc(o->help);
	printf("\n\n");
}

/* "sched_run" is two words to its user. */
static void print_name(const char *name)
{
	for (; *name; name++)
		putchar(*name == '_' ? ' ' : *name);
}

static void print_man(void)
{
	for (size_t c = 0; c < COUNT(commands); c++) {
		printf("## ukernel ");
		print_name(commands[c].name);
		putchar(' ');
		print_scdoc(commands[c].args);
		printf("\n\n");
		print_scdoc(commands[c].help);
		printf(".\n\n");
		for (size_t i = 0; i < COUNT(options); i++) {
			if (strcmp(options[i].command, commands[c].name) != 0)
				continue;
			if (options[i].section)
				printf("_%s_\n\n", options[i].section);
			else
				print_man_option(&options[i]);
		}
	}
}

/* --- the completion --- */

#define ALL_FILES "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))"
#define SAID_BY(command, field)                                                                    \
	"$(\"$program\" " command " 2>/dev/null | awk '{ print $" field " }')"
#define WORDS(words) "COMPREPLY=($(compgen -W \"" words "\" -- \"$cur\"))"

/* What may stand where no option does. */
static const struct {
	const char *command, *complete;
} operands[] = {
    {"syscalls", WORDS(SAID_BY("syscalls", "2"))},
    {"bench", "[[ ${COMP_WORDS[2]} == compare ]] && { " ALL_FILES
	      "; return; }\n\t\t" WORDS("compare " SAID_BY("bench --list", "1, $2"))},
    {"sched_run", ALL_FILES},
    {"sched_sim", ALL_FILES},
    {"sched_show", WORDS(SAID_BY("sched list", "1"))},
};

static const char *completion_of(const struct option *o)
{
	static char buf[512];

	if (strcmp(o->complete, "@file") == 0)
		return ALL_FILES;
	if (strcmp(o->complete, "@dir") == 0)
		return "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))";
	if (strcmp(o->complete, "@user") == 0)
		return "COMPREPLY=($(compgen -u -- \"$cur\"))";
	if (strcmp(o->complete, "@sched") == 0)
		return WORDS(SAID_BY("sched list", "1"));
	if (strcmp(o->complete, "@none") == 0)
		return "COMPREPLY=()";
	snprintf(buf, sizeof(buf), WORDS("%s"),
		 strcmp(o->complete, "@log") == 0 ? subsystems : o->complete);
	return buf;
}

static void print_words(const char *command)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct option *o = &options[i];
		if (o->section || strcmp(o->command, command) != 0)
			continue;
		printf(" --%s", o->long_name);
		if (o->short_name)
			printf(" -%c", o->short_name);
	}
}

static int takes_argument(const struct option *o, const char *command)
{
	return !o->section && strcmp(o->command, command) == 0 && o->arg && *o->arg != '[';
}

/* After an option that takes an argument: that. */
static void print_arguments(const char *command)
{
	printf("\tcase $prev in\n");
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct option *o = &options[i];
		if (!takes_argument(o, command))
			continue;
		printf("\t--%s", o->long_name);
		if (o->short_name)
			printf(" | -%c", o->short_name);
		printf(")\n\t\t%s\n\t\treturn\n\t\t;;\n", completion_of(o));
	}
	printf("\tesac\n");
}

/* A function for the words of a command other than run. */
static void print_command(const char *command)
{
	printf("_ukernel_%s()\n{\n", command);
	print_arguments(command);
	printf("\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	print_words(command);
	printf("\" -- \"$cur\"))\n");
	for (size_t i = 0; i < COUNT(operands); i++)
		if (strcmp(operands[i].command, command) == 0)
			printf("\telse\n\t\t%s\n", operands[i].complete);
	printf("\tfi\n}\n");
}

static void print_commands(void)
{
	printf("COMPREPLY=($(compgen -W \"");
	for (size_t c = 0; c < COUNT(commands); c++)
		if (!strchr(commands[c].name, '_'))
			printf("%s%s", c ? " " : "", commands[c].name);
	printf("\" -- \"$cur\"))\n");
}

/* A command of two words: the second, then its options. */
static void print_second_words(const char *first)
{
	size_t len = strlen(first);

	printf("\t%s)\n\t\tif ((COMP_CWORD == 2)); then\n\t\t\tCOMPREPLY=($(compgen -W \"", first);
	for (size_t c = 0; c < COUNT(commands); c++)
		if (strncmp(commands[c].name, first, len) == 0 && commands[c].name[len] == '_')
			printf(" %s", commands[c].name + len + 1);
	printf("\" -- \"$cur\"))\n\t\t\treturn\n\t\tfi\n\t\tcase ${COMP_WORDS[2]} in\n");
	for (size_t c = 0; c < COUNT(commands); c++) {
		if (strncmp(commands[c].name, first, len) != 0 || commands[c].name[len] != '_')
			continue;
		printf("\t\t%s) _ukernel_%s ;;\n", commands[c].name + len + 1, commands[c].name);
	}
	printf("\t\tesac\n\t\treturn\n\t\t;;\n");
}

static int has_second_words(const char *name)
{
	size_t len = strlen(name);

	for (size_t c = 0; c < COUNT(commands); c++)
		if (strncmp(commands[c].name, name, len) == 0 && commands[c].name[len] == '_')
			return 1;
	return 0;
}

/* Every command but run completes its options, or the names of commands. */
static void print_simple_commands(void)
{
	printf("\tcase ${COMP_WORDS[1]} in\n\trun) ;;\n\thelp)\n\t\t");
	print_commands();
	printf("\t\treturn\n\t\t;;\n");
	for (size_t c = 0; c < COUNT(commands); c++) {
		if (strcmp(commands[c].name, "run") == 0 || strcmp(commands[c].name, "help") == 0)
			continue;
		if (strchr(commands[c].name, '_'))
			continue;
		if (has_second_words(commands[c].name)) {
			print_second_words(commands[c].name);
			continue;
		}
		printf("\t%s)\n\t\t_ukernel_%s\n\t\treturn\n\t\t;;\n", commands[c].name,
		       commands[c].name);
	}
	printf("\tesac\n");
}

/* Find where the guest's own command line begins. */
static void print_program_search(void)
{
	const char *bar = "";

	printf("\t# What follows the program's name is the program's own.\n"
	       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t--)\n\t\t\t((i++))\n\t\t\tbreak\n\t\t\t;;\n\t\t");
	for (size_t i = 0; i < COUNT(options); i++) {
		if (!takes_argument(&options[i], "run"))
			continue;
		printf("%s--%s", bar, options[i].long_name);
		bar = " | ";
		if (options[i].short_name)
			printf(" | -%c", options[i].short_name);
	}
	printf(") ((i++)) ;;\n\t\t-*) ;;\n\t\t*) break ;;\n\t\tesac\n\tdone\n"
	       "\tif ((i < COMP_CWORD)); then\n"
	       "\t\t_command_offset \"$i\" 2>/dev/null || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	       "\t\treturn\n\tfi\n");
}

static void print_completion(void)
{
	printf("# bash completion for ukernel; generated from ukernel/cli/options.def\n"
	       "# shellcheck shell=bash disable=SC2207\n");
	for (size_t c = 0; c < COUNT(commands); c++)
		if (strcmp(commands[c].name, "run") != 0 && !has_second_words(commands[c].name))
			print_command(commands[c].name);
	printf("_ukernel()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal program=${COMP_WORDS[0]} i\n"
	       "\tCOMPREPLY=()\n"
	       "\tif ((COMP_CWORD == 1)); then\n\t\t");
	print_commands();
	printf("\t\treturn\n\tfi\n");
	print_simple_commands();
	print_program_search();
	print_arguments("run");
	printf("\tif [[ $prev != -- && $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	print_words("run");
	printf("\" -- \"$cur\"))\n\telse\n\t\tCOMPREPLY=($(compgen -c -- \"$cur\"))\n\tfi\n}\n"
	       "complete -F _ukernel ukernel\n");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "completion") == 0)
		print_completion();
	else if (argc == 2 && strcmp(argv[1], "man") == 0)
		print_man();
	else
		return fputs("usage: gen_docs completion|man\n", stderr), 2;
	return fflush(stdout) != 0;
}
