/*
 * sched_sim.c - `ukernel sched sim`: a workload under several policies in virtual time.
 *
 * What is printed is a function of the workload, the options and the seed, to the last digit.
 */
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/sim_compare.h"
#include "lab/report.h"
#include "lab/sim.h"
#include "sched/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define REPEAT_MAX 1000

struct sched_sim {
	const char *file;
	struct workload **workloads; /* [repeat]: of seed, seed + 1, ... */
	char **scheds;
	unsigned nr_scheds, repeat;
	int cpus;
	uint64_t tick_ns, seed;
	bool seed_given, aligned, why, every_task, json, csv, compare;
	const char *html, *backend;
	struct report_run *runs; /* [nr_scheds * repeat]: a policy's repetitions side by side */
	unsigned nr_runs;
};

static void add_sched(struct sched_sim *s, const char *text)
{
	s->scheds = xrealloc(s->scheds, s->nr_scheds + 1, sizeof(*s->scheds));
	s->scheds[s->nr_scheds++] = xasprintf("%s", text);
}

static void take_option(struct sched_sim *s, int id, char *arg)
{
	switch (id) {
	case OPT_sched_sim_SCHED_WATCHDOG:
		policy_watchdog = arg;
		break;
	case OPT_sched_sim_SCHED:
		add_sched(s, arg);
		break;
	case OPT_sched_sim_REPEAT:
		s->repeat = (unsigned)parse_count("repeat", arg, 1, REPEAT_MAX);
		break;
	case OPT_sched_sim_SEED:
		s->seed = parse_count("seed", arg, 0, LONG_MAX);
		s->seed_given = true;
		break;
	case OPT_sched_sim_CPUS:
		s->cpus = (int)parse_count("cpus", arg, 1, CPUS_MAX);
		break;
	case OPT_sched_sim_TICK:
		s->tick_ns = parse_duration_ns("tick", arg, 1000);
		if (s->tick_ns < 1000 || s->tick_ns > 3600000000000)
			die("--tick %s is out of range: from 1us to 3600s", arg);
		break;
	case OPT_sched_sim_ALIGNED:
		s->aligned = true;
		break;
	case OPT_sched_sim_WHY:
		s->why = true;
		break;
	case OPT_sched_sim_COMPARE:
		s->compare = true;
		break;
	case OPT_sched_sim_BACKEND:
		s->backend = arg;
		break;
	case OPT_sched_sim_TASKS:
		s->every_task = true;
		break;
	case OPT_sched_sim_JSON:
		s->json = true;
		break;
	case OPT_sched_sim_CSV:
		s->csv = true;
		break;
	case OPT_sched_sim_HTML:
		s->html = arg;
		break;
	case OPT_sched_sim_HELP:
		options_print_help(stdout, "sched_sim");
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
}

/* --- one run --- */

static uint64_t tick_of(const struct sched_sim *s)
{
	uint64_t said = s->workloads[0]->tick_ns;

	return s->tick_ns ? s->tick_ns : said ? said : SIM_TICK_NS;
}

struct watcher {
	struct sched_listener listener; /* first */
	struct timeline *timeline;	/* NULL: nobody draws */
	bool why;
};

static const char *const out_names[] = {
    [CHARGE_RUNS] = "goes on", [CHARGE_PREEMPTED] = "is preempted", [CHARGE_EXPIRED] = "slice over",
    [CHARGE_YIELD] = "yields", [CHARGE_SLEEP] = "sleeps",	    [CHARGE_EXIT] = "is done",
};

static void print_record(const struct sched_record *r, const struct sched_entity *se)
{
	double ms = (double)r->ns / 1e6;

	if (!se)
		return;
	switch (r->what) {
	case SREC_NEW:
		printf("%12.3f %-12s arrives\n", ms, se->name);
		break;
	case SREC_WAKE:
		if (r->arg == ENQ_WAKEUP)
			printf("%12.3f %-12s wakes up\n", ms, se->name);
		break;
	case SREC_IN:
		printf("%12.3f %-12s runs on CPU %d", ms, se->name, r->cpu);
		if (r->arg != SCHED_FOREVER)
			printf(" for up to %.3f ms", (double)r->arg / 1e6);
		putchar('\n');
		break;
	case SREC_OUT:
		printf("%12.3f %-12s %s on CPU %d\n", ms, se->name,
		       out_names[r->arg <= CHARGE_EXIT ? r->arg : 0], r->cpu);
		break;
	case SREC_DEADLINE:
		printf("%12.3f %-12s missed a deadline by %.3f ms\n", ms, se->name,
		       (double)r->arg / 1e6);
		break;
	}
}

static void on_record(struct sched_listener *l, const struct sched_record *r,
		      const struct sched_entity *se)
{
	struct watcher *w = (struct watcher *)l;

	if (w->timeline)
		timeline_feed(w->timeline, r, se);
	if (w->timeline && r->what == SREC_NEW && se) {
		/* "short.3" and "tree/1" belong to "short" and "tree". */
		char *group = xasprintf("%.*s", (int)strcspn(se->name, "./"), se->name);

		timeline_label(w->timeline, r->id, se->name, group);
		free(group);
	}
	if (w->timeline && r->what == SREC_DEADLINE)
		timeline_mark(w->timeline, r->id, r->ns, r->arg);
	if (w->why)
		print_record(r, se);
}

static void on_why(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
		   const char *text)
{
	(void)l;
	printf("%12.3f %-12s   because: %s\n", (double)ns / 1e6, se ? se->name : "", text);
}

static void run_one(struct sched_sim *s, const char *sched, unsigned nth, struct report_run *out)
{
	const struct workload *w = s->workloads[nth];
	char *copy = xasprintf("%s", sched), error[300];
	int cpus = s->cpus ? s->cpus : w->cpus ? w->cpus : 1;
	struct watcher watcher = {
	    .listener = {.record = on_record, .why = s->why ? on_why : NULL},
	    .why = s->why,
	    .timeline = s->html ? timeline_create(cpus) : NULL,
	};
	struct sim_config config = {
	    .workload = w,
	    .cpus = cpus,
	    .tick_ns = tick_of(s),
	    .ticked = s->tick_ns || s->compare,
	    .aligned = s->aligned,
	    .metrics = metrics_create(cpus, w->window_ns),
	    .listener = s->why || s->html ? &watcher.listener : NULL,
	};
	struct sim_result result;

	config.policy = parse_sched(copy, &config.options);
	if (!config.metrics || (s->html && !watcher.timeline))
		die("out of memory");
	if (s->why)
		printf("== %s\n", sched);
	if (sim_run(&config, &result, error, sizeof(error)) < 0) {
		/* "line 3: ..." is about the file. */
		if (strncmp(error, "line ", 5) == 0)
			die("%s:%s", s->file, error + 5);
		die("sched sim: %s: %s", sched, error);
	}
	if (result.refused)
		fprintf(stderr,
			"ukernel: sched sim: %s: %u task(s) did not get the class that "
			"they asked for\n",
			sched, result.refused);
	if (guard_verdict(config.policy))
		config.metrics->watchdog = xasprintf("%s", guard_verdict(config.policy));
	if (watcher.timeline)
		timeline_finish(watcher.timeline, result.end_ns);
	*out = (struct report_run){
	    .sched = s->repeat == 1 ? sched : xasprintf("%s #%" PRIu64, sched, w->seed),
	    .summary = config.policy->summary,
	    .timeline = watcher.timeline,
	    .metrics = config.metrics,
	};
	free(copy);
}

/* --- output --- */

static void print_machine_readable(const struct sched_sim *s)
{
	if (s->json)
		putchar('[');
	for (unsigned i = 0; i < s->nr_runs; i++) {
		if (s->json) {
			fputs(i ? ",\n" : "\n", stdout);
			metrics_print_json(stdout, s->runs[i].metrics, s->runs[i].sched);
		} else {
			metrics_print_csv(stdout, s->runs[i].metrics, s->runs[i].sched, i == 0);
		}
	}
	if (s->json)
		fputs("\n]\n", stdout);
}

static void print_tables(const struct sched_sim *s)
{
	struct metrics **m = xrealloc(NULL, s->nr_runs, sizeof(*m));
	const char **names = xrealloc(NULL, s->nr_runs, sizeof(*names));

	for (unsigned i = 0; i < s->nr_runs; i++) {
		m[i] = s->runs[i].metrics;
		names[i] = s->runs[i].sched;
		if (i % s->repeat == 0)
			metrics_print(stdout, m[i], names[i], s->every_task);
	}
	if (s->nr_runs > 1) {
		puts("== side by side (ms)");
		metrics_print_comparison(stdout, m, names, s->nr_runs);
	}
	free(m);
	free(names);
}

static void write_page(const struct sched_sim *s)
{
	const struct workload *w = s->workloads[0];
	char *how = xasprintf("Virtual time, %d CPU%s, seed %" PRIu64, s->runs[0].metrics->cpus,
			      s->runs[0].metrics->cpus == 1 ? "" : "s", w->seed);
	struct report_run *first = xrealloc(NULL, s->nr_scheds, sizeof(*first));
	struct report report = {.title = w->name,
				.about = w->about,
				.how = how,
				.runs = first,
				.nr_runs = s->nr_scheds};
	FILE *out = fopen(s->html, "we");

	for (unsigned i = 0; i < s->nr_scheds; i++)
		first[i] = s->runs[i * s->repeat];
	if (!out || report_html(out, &report) < 0 || fclose(out) != 0)
		die("--html: cannot write '%s': %s", s->html, strerror(errno));
	free(first);
	free(how);
}

/* --- all of it --- */

static void load(struct sched_sim *s, const char *name)
{
	char error[300];

	s->file = workload_find(name);
	s->workloads = xrealloc(NULL, s->repeat, sizeof(*s->workloads));
	for (unsigned i = 0; i < s->repeat; i++) {
		uint64_t seed = s->seed + i;
		bool own = i == 0 && !s->seed_given;

		s->workloads[i] = workload_load(s->file, own ? NULL : &seed, error, sizeof(error));
		if (!s->workloads[i])
			die("%s", error);
		if (own)
			s->seed = s->workloads[0]->seed;
	}
	if (!s->nr_scheds)
		for (unsigned i = 0; i < s->workloads[0]->nr_scheds; i++)
			add_sched(s, s->workloads[0]->scheds[i]);
	if (!s->nr_scheds)
		add_sched(s, "rr");
	/* Before the first run, and not before the third. */
	for (unsigned i = 0; i < s->nr_scheds; i++) {
		char *copy = xasprintf("%s", s->scheds[i]);
		const char *options;

		parse_sched(copy, &options);
		free(copy);
	}
}

static const char *parse_line(struct sched_sim *s, int argc, char **argv)
{
	struct option_parser parser;
	const char *name = NULL;
	int id;

	option_parser_init(&parser, "sched_sim");
	/* The workload may stand before its options. */
	for (;;) {
		while ((id = option_next(&parser, argc, argv)) != OPT_END)
			take_option(s, id, optarg);
		if (optind == argc)
			break;
		if (name)
			die("sched sim wants one workload, not '%s' and '%s'", name, argv[optind]);
		name = argv[optind++];
	}
	if (!name)
		die("sched sim wants a workload; see ukernel help sched sim");
	if (s->compare && (s->why || s->csv || s->aligned))
		die("--compare goes with none of --why, --csv, --aligned");
	if (s->json && s->csv)
		die("--json and --csv exclude one another");
	if (s->why && (s->json || s->csv))
		die("--why is for people: it goes with neither --json nor --csv");
	return name;
}

static int compare(const struct sched_sim *s)
{
	struct workload **workloads = xrealloc(NULL, s->nr_runs, sizeof(struct workload *));
	const char **scheds = xrealloc(NULL, s->nr_runs, sizeof(*scheds));

	for (unsigned i = 0; i < s->nr_runs; i++) {
		workloads[i] = s->workloads[i % s->repeat];
		scheds[i] = s->scheds[i / s->repeat];
	}
	int status = sim_compare(&(struct sim_comparison){
	    .file = s->file,
	    .backend = s->backend,
	    .tick_ns = tick_of(s),
	    .runs = s->runs,
	    .workloads = workloads,
	    .scheds = scheds,
	    .nr_runs = s->nr_runs,
	    .json = s->json,
	    .html = s->html,
	});
	free(workloads);
	free(scheds);
	return status;
}

int command_sched_sim(int argc, char **argv)
{
	static struct sched_sim s = {.repeat = 1, .backend = "auto"};

	load(&s, parse_line(&s, argc, argv));
	if (s.html)
		output_check("html", s.html);
	s.runs = xrealloc(NULL, (size_t)s.nr_scheds * s.repeat, sizeof(*s.runs));
	for (unsigned i = 0; i < s.nr_scheds; i++)
		for (unsigned k = 0; k < s.repeat; k++)
			run_one(&s, s.scheds[i], k, &s.runs[s.nr_runs++]);
	if (s.compare)
		return compare(&s);
	if (s.json || s.csv)
		print_machine_readable(&s);
	else
		print_tables(&s);
	if (s.html)
		write_page(&s);
	return 0;
}
