/*
 * policy.c - policies by name: what --sched says, and `ukernel sched list` and `show`.
 */
#include "cli/policy.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "sched/load.h"
#include "sched/params.h"
#include "sched/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *policy_watchdog;

const struct sched_policy *policy_open(const char *spec, const char *watchdog, const char **options)
{
	struct guard_settings settings = {.mode = GUARD_RR, .limit_ns = GUARD_LIMIT_NS};
	char error[400];

	if (strcmp(spec, "list") == 0) {
		policy_list(stdout);
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
	if (watchdog && guard_parse(watchdog, &settings) < 0)
		die("--sched-watchdog wants rr, end or off and a limit such as 30s, not '%s'",
		    watchdog);
	const struct sched_policy *p =
	    sched_policy_open(spec, options, watchdog ? &settings : NULL, error, sizeof(error));
	if (!p)
		die("scheduling policy '%s': %s", spec, error);
	return p;
}

void policy_list(FILE *out)
{
	for (const struct sched_policy *const *p = sched_policies; *p; p++)
		fprintf(out, "%-8s %s\n", (*p)->name, (*p)->summary);
}

/* The rest of the options of a subcommand that has none but --help. */
static void only_help(const char *command, int argc, char **argv)
{
	struct option_parser parser;

	option_parser_init(&parser, command);
	while (option_next(&parser, argc, argv) != OPT_END) {
		options_print_help(stdout, command);
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
}

int command_sched_list(int argc, char **argv)
{
	only_help("sched_list", argc, argv);
	policy_list(stdout);
	return 0;
}

static const struct {
	uint32_t flag;
	const char *text;
} promises[] = {
    {POLICY_WORK_CONSERVING, "no CPU idles while a task that may run there waits"},
    {POLICY_PREEMPTIVE, "takes a CPU from a task that does not let go"},
    {POLICY_NO_STARVATION, "every waiting task runs in the end"},
    {POLICY_FAIR, "equal tasks get equal CPU time in the long run"},
    {POLICY_HONOURS_NICE, "CPU time in proportion to nice weights, or to tickets"},
    {POLICY_HONOURS_RT, "FIFO and RR tasks run before the others, by priority"},
    {POLICY_HONOURS_DEADLINE, "DEADLINE tasks get their runtime within their deadline"},
    {POLICY_INHERITS, "who holds a lock is as urgent as who waits for it"},
    {POLICY_RANDOM, "random, repeatable by seed"},
    {POLICY_NEEDS_LENGTH, "best when tasks declare their length"},
};

static void show_text(const char *text)
{
	while (*text) {
		int n = (int)strcspn(text, "\n");

		printf("%.*s\n", n, text);
		text += n;
		text += *text == '\n';
	}
}

static const char *type_text(const struct policy_param *p)
{
	return p->type == PARAM_TIME ? "TIME" : p->type == PARAM_BOOL ? "yes|no" : "N";
}

static void show(const struct sched_policy *p)
{
	printf("%s: %s\n\n", p->name, p->summary);
	if (p->about) {
		show_text(p->about);
		putchar('\n');
	}
	puts("Promises:");
	for (size_t i = 0; i < sizeof(promises) / sizeof(*promises); i++)
		if (p->flags & promises[i].flag)
			printf("  %s\n", promises[i].text);
	puts("\nParameters (--sched NAME:KEY=VALUE,...), with their defaults:");
	for (const struct policy_param *q = p->params; q && q->key; q++) {
		char *form = xasprintf("%s=%s%s", q->key, type_text(q), q->list ? "[/...]" : "");

		printf("  %-24s %-6s %s\n", form, q->def, q->help);
		free(form);
	}
	printf("  %-24s %-6s %s\n", "seed=N", "0", "of everything that is left to chance");
}

int command_sched_show(int argc, char **argv)
{
	only_help("sched_show", argc, argv);
	if (optind == argc)
		die("which policy?  ukernel sched list names them");
	for (int i = optind; i < argc; i++) {
		const char *options;

		if (i > optind)
			putchar('\n');
		show(policy_open(argv[i], "off", &options));
	}
	return 0;
}

const struct sched_policy *parse_sched(char *text, const char **options)
{
	return policy_open(text, policy_watchdog, options);
}
