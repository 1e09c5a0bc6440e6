/*
 * sched_run.c - `ukernel sched run`: a workload under several policies, side by side.
 */
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "lab/report.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPEAT_MAX	1000
#define DEFAULT_TICK_NS 4000000
#define TIMEOUT_NS	60000000000ULL
#define STOP_SLACK_NS	2000000000ULL /* until the whole box ends, after the workload should have */

struct sched_run {
	struct experiment e;
	char **scheds;
	unsigned nr_scheds, repeat;
	bool seed_given, timeout_given, every_task, json, csv;
	const char *html;
	struct outcome *outcomes; /* [nr_scheds][repeat]; a failed one has no metrics */
};

static void add_sched(struct sched_run *s, const char *text)
{
	s->scheds = xrealloc(s->scheds, s->nr_scheds + 1, sizeof(*s->scheds));
	s->scheds[s->nr_scheds++] = xasprintf("%s", text);
}

static void take_option(struct sched_run *s, int id, char *arg)
{
	struct experiment *e = &s->e;

	switch (id) {
	case OPT_sched_run_SCHED_WATCHDOG:
		policy_watchdog = arg;
		break;
	case OPT_sched_run_SCHED:
		add_sched(s, arg);
		break;
	case OPT_sched_run_REPEAT:
		s->repeat = (unsigned)parse_count("repeat", arg, 1, REPEAT_MAX);
		break;
	case OPT_sched_run_SEED:
		e->seed = parse_count("seed", arg, 0, ULONG_MAX - 1);
		s->seed_given = true;
		break;
	case OPT_sched_run_CPUS:
		e->cpus = (int)parse_count("cpus", arg, 1, CPUS_MAX);
		break;
	case OPT_sched_run_TICK:
		e->tick_ns = parse_duration_ns("tick", arg, 1000);
		if (e->tick_ns < 100000 || e->tick_ns > 10000000000)
			die("--tick %s is out of range: from 100us to 10s", arg);
		break;
	case OPT_sched_run_BACKEND:
		e->backend = arg;
		break;
	case OPT_sched_run_TIMEOUT:
		e->timeout_ns = parse_duration_ns("timeout", arg, 1000000000);
		s->timeout_given = true;
		break;
	case OPT_sched_run_TASKS:
		s->every_task = true;
		break;
	case OPT_sched_run_JSON:
		s->json = true;
		break;
	case OPT_sched_run_CSV:
		s->csv = true;
		break;
	case OPT_sched_run_HTML:
		s->html = arg;
		break;
	case OPT_sched_run_HELP:
		options_print_help(stdout, "sched_run");
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
}

/* The options first, then what the workload says, then what is usual. */
static void fill_defaults(struct sched_run *s)
{
	struct experiment *e = &s->e;
	const struct workload *w = e->workload;

	if (!s->nr_scheds)
		for (unsigned i = 0; i < w->nr_scheds; i++)
			add_sched(s, w->scheds[i]);
	if (!s->nr_scheds)
		add_sched(s, "rr");
	if (!e->cpus)
		e->cpus = w->cpus ? w->cpus : 1;
	if (!e->tick_ns)
		e->tick_ns = w->tick_ns ? w->tick_ns : DEFAULT_TICK_NS;
	if (!e->timeout_ns)
		e->timeout_ns = TIMEOUT_NS;
	if (!s->timeout_given && w->stop_ns != WORKLOAD_FOREVER)
		e->timeout_ns = w->stop_ns + STOP_SLACK_NS;
	e->seed = w->seed;
	/* Before the first run, and not before the third. */
	for (unsigned i = 0; i < s->nr_scheds; i++) {
		char *copy = xasprintf("%s", s->scheds[i]);
		const char *options;

		parse_sched(copy, &options);
		free(copy);
	}
}

/* --- output --- */

static struct outcome *outcome_at(struct sched_run *s, unsigned sched, unsigned nth)
{
	return &s->outcomes[sched * s->repeat + nth];
}

/* What runs are compared by: mean turnaround, or response where nobody comes to an end. */
static double key_of(const struct outcome *o)
{
	struct metrics_sum sum = metrics_sum(o->metrics);

	return sum.done ? sum.turnaround_ms : sum.response_ms;
}

/* The run in the middle by that; NULL: none succeeded. */
static struct outcome *median_run(struct sched_run *s, unsigned sched)
{
	struct outcome *best = NULL;
	unsigned good = 0;

	for (unsigned i = 0; i < s->repeat; i++)
		good += outcome_at(s, sched, i)->metrics != NULL;
	for (unsigned i = 0; i < s->repeat; i++) {
		struct outcome *o = outcome_at(s, sched, i);
		unsigned below = 0;

		if (!o->metrics)
			continue;
		for (unsigned k = 0; k < s->repeat; k++) {
			struct outcome *other = outcome_at(s, sched, k);

			below += other->metrics && (key_of(other) < key_of(o) ||
						    (key_of(other) == key_of(o) && k < i));
		}
		if (below == (good - 1) / 2)
			best = o;
	}
	return best;
}

static void print_spread(struct sched_run *s)
{
	for (unsigned i = 0; i < s->nr_scheds; i++) {
		double lo = INFINITY, hi = 0;
		const char *what = "turnaround";
		const char *name = s->scheds[i];

		for (unsigned k = 0; k < s->repeat; k++) {
			struct outcome *o = outcome_at(s, i, k);

			if (!o->metrics)
				continue;
			struct metrics_sum sum = metrics_sum(o->metrics);

			what = sum.done ? "turnaround" : "response";
			lo = fmin(lo, key_of(o));
			hi = fmax(hi, key_of(o));
		}
		printf("%s: mean %s of %u runs from %.3f to %.3f ms\n", name, what, s->repeat, lo,
		       hi);
	}
}

static void print_all(struct sched_run *s)
{
	bool first = true;

	if (s->json)
		putchar('[');
	for (unsigned i = 0; i < s->nr_scheds; i++) {
		const char *name = s->scheds[i];

		for (unsigned k = 0; k < s->repeat; k++) {
			struct outcome *o = outcome_at(s, i, k);

			if (!o->metrics)
				continue;
			if (s->json) {
				fputs(first ? "\n" : ",\n", stdout);
				metrics_print_json(stdout, o->metrics, name);
			} else {
				metrics_print_csv(stdout, o->metrics, name, first);
			}
			first = false;
		}
	}
	if (s->json)
		fputs("\n]\n", stdout);
}

static const char *summary_of(const char *sched)
{
	char *copy = xasprintf("%s", sched);
	const char *options;

	const char *summary = parse_sched(copy, &options)->summary;
	free(copy);
	return summary;
}

/* The runs that succeeded, in the middle each. */
static unsigned collect(struct sched_run *s, struct report_run *runs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nr_scheds; i++) {
		struct outcome *o = median_run(s, i);

		if (o)
			runs[n++] = (struct report_run){.sched = s->scheds[i],
							.summary = summary_of(s->scheds[i]),
							.timeline = o->timeline,
							.metrics = o->metrics};
	}
	return n;
}

static void print_tables(struct sched_run *s, const struct report_run *runs, unsigned n)
{
	struct metrics **m = xrealloc(NULL, n + 1, sizeof(*m));
	const char **names = xrealloc(NULL, n + 1, sizeof(*names));

	for (unsigned i = 0; i < n; i++) {
		m[i] = runs[i].metrics;
		names[i] = runs[i].sched;
		if (s->every_task || n == 1)
			metrics_print(stdout, m[i], names[i], s->every_task);
	}
	if (n > 1)
		metrics_print_comparison(stdout, m, names, n);
	if (s->repeat > 1)
		print_spread(s);
	free(m);
	free(names);
}

static void write_page(struct sched_run *s, const struct report_run *runs, unsigned n)
{
	const struct workload *w = s->e.workload;
	char *how = xasprintf("Real programs, %d virtual CPU%s, tick %" PRIu64 " µs, seed %" PRIu64,
			      s->e.cpus, s->e.cpus == 1 ? "" : "s", s->e.tick_ns / 1000, s->e.seed);
	struct report report = {
	    .title = w->name, .about = w->about, .how = how, .runs = runs, .nr_runs = n};
	FILE *out = fopen(s->html, "we");

	if (!out || report_html(out, &report) < 0 || fclose(out) != 0)
		die("--html: cannot write '%s': %s", s->html, strerror(errno));
	free(how);
}

/* What is known to fail, before anything runs. */
static void check(const struct sched_run *s)
{
	const struct experiment *e = &s->e;
	uint64_t all = e->cpus == CPUS_MAX ? UINT64_MAX : (1ULL << e->cpus) - 1;

	for (unsigned i = 0; i < e->workload->nr_tasks; i++) {
		const struct workload_task *t = &e->workload->tasks[i];

		if (!(t->affinity & all))
			die("%s:%u: task %s may run on none of the %d CPUs", e->file, t->line,
			    t->name, e->cpus);
	}
	if (s->html)
		output_check("html", s->html);
}

static unsigned run_all(struct sched_run *s)
{
	unsigned failed = 0;

	s->outcomes = xrealloc(NULL, (size_t)s->nr_scheds * s->repeat, sizeof(*s->outcomes));
	/* In turn, so that what the host does meanwhile falls on all alike. */
	for (unsigned k = 0; k < s->repeat; k++)
		for (unsigned i = 0; i < s->nr_scheds; i++) {
			struct outcome *o = outcome_at(s, i, k);

			failed += experiment_run(&s->e, s->scheds[i], o) < 0;
			outcome_warn("sched run", s->scheds[i], o);
			if (o->refused && k == 0)
				fprintf(stderr,
					"ukernel: sched run: %s: %u task(s) were refused the "
					"class or the CPUs that they asked for\n",
					s->scheds[i], o->refused);
		}
	return failed;
}

static void finish(struct sched_run *s, struct report_run *runs)
{
	free(runs);
	for (unsigned i = 0; i < s->nr_scheds * s->repeat; i++)
		outcome_free(&s->outcomes[i]);
	free(s->outcomes);
	for (unsigned i = 0; i < s->nr_scheds; i++)
		free(s->scheds[i]);
	free(s->scheds);
	free((char *)s->e.file);
	free((char *)s->e.player);
	free(s->e.loops_per_ms);
}

int command_sched_run(int argc, char **argv)
{
	static struct sched_run s = {.repeat = 1, .e = {.backend = "auto"}};
	struct option_parser parser;
	char error[300];
	int id;

	const char *name = NULL;
	option_parser_init(&parser, "sched_run");
	/* The workload may stand before its options. */
	for (;;) {
		while ((id = option_next(&parser, argc, argv)) != OPT_END)
			take_option(&s, id, optarg);
		if (optind == argc)
			break;
		if (name)
			die("sched run wants one workload, not '%s' and '%s'", name, argv[optind]);
		name = argv[optind++];
	}
	if (!name)
		die("sched run wants a workload; see ukernel help sched run");
	s.e.file = workload_find(name);
	struct workload *w =
	    workload_load(s.e.file, s.seed_given ? &s.e.seed : NULL, error, sizeof(error));
	if (!w)
		die("%s", error);
	s.e.workload = w;
	s.e.player = player_find();
	s.e.loops_per_ms = player_calibrate(s.e.player);
	fill_defaults(&s);
	check(&s);
	unsigned failed = run_all(&s);

	struct report_run *runs = xrealloc(NULL, s.nr_scheds, sizeof(*runs));
	unsigned n = collect(&s, runs);
	if (s.json || s.csv)
		print_all(&s);
	else if (n)
		print_tables(&s, runs, n);
	if (s.html && n)
		write_page(&s, runs, n);
	finish(&s, runs);
	workload_free(w);
	return failed ? EXIT_OWN_FAILURE : 0;
}
