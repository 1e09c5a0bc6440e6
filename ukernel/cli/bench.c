/*
 * bench.c - `ukernel bench`: what all this costs, beside native and beside others.
 *
 * The work is done by the suite in bench/; here are its command line, and what only the program
 * knows: its own name and its list of backends.
 */
#include "bench.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS	     5
#define ROUNDS_QUICK 3
#define BACKENDS_MAX 16

struct bench_options {
	struct bench_config config;
	struct bench_report report;
	const char *backends[BACKENDS_MAX + 1];
	unsigned nr_backends;
	const char *json, *html;
	bool list;
};

static void on_interrupt(int sig)
{
	(void)sig;
	bench_interrupted = true;
}

/* The measuring program: beside us in the build, in libexec when installed. */
static void find_programs(struct bench_config *c)
{
	static char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		die("cannot find out where I am: %s", strerror(errno));
	self[n] = '\0';
	c->ukernel = self;
	char *dir = xasprintf("%.*s", (int)(strrchr(self, '/') - self), self);
	char *built = xasprintf("%s/bench/measure", dir);
	char *installed = xasprintf("%s/../libexec/ukernel/measure", dir);
	c->measure = access(built, X_OK) == 0 ? built : realpath(installed, NULL);
	if (!c->measure || access(c->measure, X_OK) != 0)
		die("the measuring program is neither %s nor %s", built, installed);
	free(dir);
}

static void add_backend(struct bench_options *o, const char *name)
{
	if (!machine_find(name))
		die("no backend '%s'; ukernel doctor names them", name);
	if (o->nr_backends < BACKENDS_MAX)
		o->backends[o->nr_backends++] = name;
}

static void add_backends(struct bench_options *o, char *list)
{
	char *save = NULL;

	for (char *word = strtok_r(list, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
		add_backend(o, word);
}

static void take_option(struct bench_options *o, int id, char *arg)
{
	switch (id) {
	case OPT_bench_ROUNDS:
		o->config.rounds = (unsigned)parse_count("rounds", arg, 1, 1000);
		break;
	case OPT_bench_BACKEND:
		add_backends(o, arg);
		break;
	case OPT_bench_PEERS:
		o->config.peers = true;
		break;
	case OPT_bench_ONE_CORE:
		o->report.cores[CORES_ONE] = true;
		break;
	case OPT_bench_ALL_CORES:
		o->report.cores[CORES_ALL] = true;
		break;
	case OPT_bench_JSON:
		o->json = arg;
		break;
	case OPT_bench_HTML:
		o->html = arg;
		break;
	case OPT_bench_QUICK:
		o->config.quick = true;
		break;
	case OPT_bench_LIST:
		o->list = true;
		break;
	case OPT_bench_INSTALL_PEERS:
		printf("apt install %s\n", bench_peer_packages);
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	case OPT_bench_HELP:
		options_print_help(stdout, "bench");
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
}

/* Those named, by name or group; all when none is. */
static void select_measures(struct bench_report *r, char **names)
{
	for (char **name = names; *name; name++) {
		bool known = false;

		for (const struct bench_measure *m = bench_measures; m->name; m++)
			known |= strcmp(m->name, *name) == 0 || strcmp(m->group, *name) == 0;
		if (!known)
			die("nothing called '%s' is measured; ukernel bench --list", *name);
	}
	for (const struct bench_measure *m = bench_measures; m->name; m++) {
		bool wanted = !*names;

		for (char **name = names; *name; name++)
			wanted |= strcmp(m->name, *name) == 0 || strcmp(m->group, *name) == 0;
		if (!wanted)
			continue;
		r->measures = xrealloc(r->measures, r->nr_measures + 1, sizeof(*r->measures));
		r->measures[r->nr_measures++] = *m;
	}
}

static int compare(int argc, char **argv)
{
	char why[300];

	if (argc != 3)
		die("usage: ukernel bench compare OLD.json NEW.json");
	const struct bench_report *before = bench_json_read(argv[1], why, sizeof(why));
	const struct bench_report *after =
	    before ? bench_json_read(argv[2], why, sizeof(why)) : NULL;
	if (!after)
		die("%s", why);
	return bench_compare(before, after, stdout) ? 1 : 0;
}

static FILE *open_file(const char *option, const char *path)
{
	if (!path)
		return NULL;
	FILE *f = fopen(path, "we");
	if (!f)
		die("--%s: cannot write '%s': %s", option, path, strerror(errno));
	return f;
}

static void close_file(const char *path, FILE *f)
{
	if (f && fclose(f) != 0)
		die("cannot write '%s': %s", path, strerror(errno));
}

static int run(struct bench_options *o)
{
	struct bench_report *r = &o->report;
	struct sigaction act = {.sa_handler = on_interrupt};
	FILE *json = open_file("json", o->json), *html = open_file("html", o->html);

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	bench_host_describe(r);
	bench_ways_find(r, &o->config);
	bench_run(r, &o->config);
	bench_trap_run(r, &o->config);
	bench_table_print(r, stdout);
	if (json)
		bench_json_write(r, json);
	if (html)
		bench_html_write(r, html);
	close_file(o->json, json);
	close_file(o->html, html);
	return r->interrupted ? 130 : 0;
}

int command_bench(int argc, char **argv)
{
	static struct bench_options o;
	struct option_parser parser;
	cpu_set_t may;
	int id;

	if (argc > 1 && strcmp(argv[1], "compare") == 0)
		return compare(argc - 1, argv + 1);
	option_parser_init(&parser, "bench");
	/* Unlike those of run, names and options may be mixed: nothing here belongs to a guest. */
	char **names = xrealloc(NULL, (size_t)argc + 1, sizeof(*names));
	size_t nr_names = 0;
	while ((id = option_next(&parser, argc, argv)) != OPT_END || optind < argc) {
		if (id == OPT_END)
			names[nr_names++] = argv[optind++];
		else
			take_option(&o, id, optarg);
	}
	names[nr_names] = NULL;
	select_measures(&o.report, names);
	if (o.list) {
		for (unsigned m = 0; m < o.report.nr_measures; m++)
			printf("%-8s %-17s %-3s %s\n", o.report.measures[m].group,
			       o.report.measures[m].name, o.report.measures[m].unit,
			       o.report.measures[m].what);
		return 0;
	}
	find_programs(&o.config);
	if (!o.nr_backends)
		for (const struct machine_ops *const *m = machine_list(); *m; m++)
			add_backend(&o, (*m)->name);
	o.config.backends = o.backends;
	if (!o.config.rounds)
		o.config.rounds = o.config.quick ? ROUNDS_QUICK : ROUNDS;
	bool one_cpu = sched_getaffinity(0, sizeof(may), &may) == 0 && CPU_COUNT(&may) == 1;
	if (!o.report.cores[CORES_ONE] && !o.report.cores[CORES_ALL])
		o.report.cores[CORES_ONE] = o.report.cores[CORES_ALL] = true;
	if (one_cpu)
		o.report.cores[CORES_ALL] = !(o.report.cores[CORES_ONE] = true);
	return run(&o);
}
