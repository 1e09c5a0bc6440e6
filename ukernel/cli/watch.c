/*
 * watch.c - --gantt and --sched-stats: from the recording of a run to a page and a table.
 */
#include "cli/watch.h"

#include "cli/cli.h"
#include "lab/metrics.h"
#include "lab/recorder.h"
#include "lab/report.h"
#include "lab/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_MAX 72

static struct recording *recording;
static const char *gantt_file;
static bool print_stats;

void watch_start(const char *gantt, bool stats)
{
	if (!gantt && !stats)
		return;
	if (gantt)
		output_check("gantt", gantt);
	gantt_file = gantt ? path_absolute(gantt) : NULL;
	print_stats = stats;
	recording = recorder_start();
}

struct sinks {
	struct timeline *timeline;
	struct metrics *metrics;
};

/* Programs of the same name are told apart by their number. */
static void feed(void *arg, const struct sched_record *r, const struct sched_entity *se)
{
	struct sinks *s = arg;
	char name[RECORD_NAME_LEN + 24];

	timeline_feed(s->timeline, r, se);
	metrics_feed(s->metrics, r, se);
	if (!se || (r->what != SREC_NEW && r->what != SREC_NAME))
		return;
	snprintf(name, sizeof(name), "%s %" PRIu64, se->name, r->id);
	timeline_label(s->timeline, r->id, name, se->name);
	metrics_label(s->metrics, r->id, name, se->name, 0, 0);
}

static char *command_line(char **argv)
{
	char *text = xasprintf("%s", argv[0]);

	for (int i = 1; argv[i] && strlen(text) <= TITLE_MAX; i++) {
		char *longer = xasprintf("%s %s", text, argv[i]);

		free(text);
		text = longer;
	}
	if (strlen(text) > TITLE_MAX)
		strcpy(text + TITLE_MAX - 3, "...");
	return text;
}

static void write_page(const struct boot_config *config, const struct sinks *s, const char *sched)
{
	char *command = command_line(config->argv);
	char *how =
	    xasprintf("%d virtual CPU%s, tick %" PRIu64 " µs, %zu tasks", config->cpus,
		      config->cpus == 1 ? "" : "s", config->tick_ns / 1000, s->metrics->nr_rows);
	struct report_run run = {.sched = sched,
				 .summary = config->policy->summary,
				 .timeline = s->timeline,
				 .metrics = s->metrics};
	struct report report = {.title = command, .how = how, .runs = &run, .nr_runs = 1};
	FILE *out = fopen(gantt_file, "we");

	if (!out || report_html(out, &report) < 0)
		fprintf(stderr, "ukernel: --gantt: cannot write '%s': %s\n", gantt_file,
			strerror(errno));
	if (out)
		fclose(out);
	free(how);
	free(command);
}

void watch_finish(const struct boot_config *config)
{
	if (!recording)
		return;
	struct sinks s = {timeline_create(config->cpus), metrics_create(config->cpus, 0)};
	if (!s.timeline || !s.metrics)
		die("out of memory");
	char *sched = xasprintf("%s%s%s", config->policy->name, config->policy_options ? ":" : "",
				config->policy_options ? config->policy_options : "");
	recording_replay(recording, feed, &s);
	timeline_finish(s.timeline, 0);
	metrics_finish(s.metrics, s.timeline->end_ns);
	if (recording->dropped)
		fprintf(stderr,
			"ukernel: only the first %u events were kept, %" PRIu64
			" came after them\n",
			RECORDS_MAX, recording->dropped);
	if (print_stats)
		metrics_print(config->trace_out, s.metrics, sched, s.metrics->nr_rows <= 40);
	if (gantt_file)
		write_page(config, &s, sched);
	free(sched);
	timeline_destroy(s.timeline);
	metrics_destroy(s.metrics);
	recording_free(recording);
}
