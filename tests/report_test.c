/*
 * report_test.c - from the scheduler's records to intervals, and to a page.
 */
#include "lab/recorder.h"
#include "lab/report.h"
#include "lab/timeline.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

TestSuite(report, .timeout = 30);

static struct timeline *timeline;
static struct metrics *metrics;

static void feed(uint64_t ns, int what, uint64_t id, int cpu, uint64_t arg)
{
	struct sched_record r = {
	    .ns = ns, .id = id, .arg = arg, .cpu = (int16_t)cpu, .what = (uint8_t)what};

	timeline_feed(timeline, &r, NULL);
	metrics_feed(metrics, &r, NULL);
}

static void begin(int cpus)
{
	timeline = timeline_create(cpus);
	metrics = metrics_create(cpus, 0);
	cr_assert(timeline && metrics);
}

static void label(uint64_t id, const char *name)
{
	timeline_label(timeline, id, name, name);
	metrics_label(metrics, id, name, name, 1024, 0);
}

/* The page of what was fed; the caller frees. */
static char *page(const char *title)
{
	struct report_run run = {"rr", "a <summary>", timeline, metrics};
	struct report report = {.title = title, .runs = &run, .nr_runs = 1};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	cr_assert(out);
	cr_assert_eq(report_html(out, &report), 0);
	fclose(out);
	timeline_destroy(timeline);
	metrics_destroy(metrics);
	return text;
}

Test(report, intervals)
{
	begin(1);
	feed(0, SREC_NEW, 5, -1, 0);
	feed(10, SREC_WAKE, 5, -1, ENQ_NEW);
	feed(30, SREC_IN, 5, 0, 100);
	feed(130, SREC_OUT, 5, 0, CHARGE_EXPIRED);
	feed(130, SREC_WAKE, 5, -1, ENQ_EXPIRED);
	feed(150, SREC_IN, 5, 0, 100);
	feed(200, SREC_OUT, 5, 0, CHARGE_EXIT);
	feed(200, SREC_EXIT, 5, -1, 0);
	timeline_finish(timeline, 300);
	cr_assert_eq(timeline->nr_tasks, 1);
	cr_assert_eq(timeline->nr_spans, 4);
	const struct timeline_task *t = &timeline->tasks[0];
	cr_assert_eq(t->cpu_ns, 150);
	cr_assert_eq(t->waiting_ns, 40);
	cr_assert(t->done);
	cr_assert_eq(t->end_ns, 200);
	cr_assert_eq(timeline->end_ns, 300);
	cr_assert_eq(timeline->spans[0].cpu, TIMELINE_WAITS);
	cr_assert_eq(timeline->spans[1].cpu, 0);
	cr_assert_eq(timeline->spans[1].to_ns - timeline->spans[1].from_ns, 100);
	cr_assert_eq(timeline->spans[1].why, CHARGE_EXPIRED);
}

/* A number that is given again is another task. */
Test(report, number_used_again)
{
	begin(1);
	for (int i = 0; i < 2; i++) {
		feed((uint64_t)i * 100, SREC_NEW, 3, -1, 0);
		feed((uint64_t)i * 100, SREC_WAKE, 3, -1, ENQ_NEW);
		feed((uint64_t)i * 100 + 10, SREC_IN, 3, 0, 100);
		feed((uint64_t)i * 100 + 50, SREC_OUT, 3, 0, CHARGE_EXIT);
		feed((uint64_t)i * 100 + 50, SREC_EXIT, 3, -1, 0);
	}
	timeline_finish(timeline, 0);
	cr_assert_eq(timeline->nr_tasks, 2);
	cr_assert_eq(timeline->tasks[0].cpu_ns, 40);
	cr_assert_eq(timeline->tasks[1].cpu_ns, 40);
}

Test(report, names_are_quoted)
{
	begin(1);
	feed(0, SREC_NEW, 1, -1, 0);
	label(1, "</script><b>'\"&");
	feed(0, SREC_WAKE, 1, -1, ENQ_NEW);
	feed(5, SREC_IN, 1, 0, 100);
	feed(1000000, SREC_OUT, 1, 0, CHARGE_SLEEP);
	timeline_finish(timeline, 0);
	metrics_finish(metrics, 1000000);
	char *text = page("<i>title</i>");
	cr_assert_null(strstr(text, "<b>'"));
	cr_assert_null(strstr(text, "<i>title"));
	cr_assert_null(strstr(text, "<summary>'"));
	cr_assert_not_null(strstr(text, "&#60;i&#62;title"));
	/* One end for each script: the name did not end one. */
	int begun = 0, ended = 0;
	for (char *at = text; (at = strstr(at, "<script")); at++)
		begun++;
	for (char *at = text; (at = strstr(at, "</script")); at++)
		ended++;
	cr_assert_eq(begun, ended);
	free(text);
}

Test(report, nothing_happened)
{
	begin(2);
	timeline_finish(timeline, 0);
	metrics_finish(metrics, 0);
	char *text = page("empty");
	cr_assert_not_null(strstr(text, "</html>"));
	cr_assert_null(strstr(text, "nan"));
	cr_assert_null(strstr(text, "inf<"));
	free(text);
}

/* Three tasks in turn, far more often than there are pixels. */
Test(report, a_million_intervals_are_a_small_page)
{
	begin(1);
	for (uint64_t id = 1; id <= 3; id++) {
		feed(0, SREC_NEW, id, -1, 0);
		label(id, id == 1 ? "a" : id == 2 ? "b" : "c");
		feed(0, SREC_WAKE, id, -1, ENQ_NEW);
	}
	for (uint64_t i = 0; i < 600000; i++) {
		uint64_t id = 1 + i % 3;

		feed(i * 1000, SREC_IN, id, 0, 1000);
		feed(i * 1000 + 1000, SREC_OUT, id, 0, CHARGE_EXPIRED);
		feed(i * 1000 + 1000, SREC_WAKE, id, -1, ENQ_EXPIRED);
	}
	timeline_finish(timeline, 0);
	metrics_finish(metrics, 600000000);
	cr_assert_leq(timeline->nr_spans, TIMELINE_SPANS_MAX);
	cr_assert_gt(timeline->cut_ns, 0);
	char *text = page("large");
	cr_assert_lt(strlen(text), 4u << 20);
	free(text);
}

static void count(void *arg, const struct sched_record *r, const struct sched_entity *se)
{
	uint64_t *sum = arg;

	*sum += r->ns + (se && strcmp(se->name, "worker") == 0);
}

Test(report, a_recording_survives_a_file)
{
	struct recording *rec = recorder_start();
	struct sched_entity se = {.id = 7, .name = "worker", .weight = 1024};
	struct sched_record r = {.ns = 5, .id = 7, .what = SREC_NEW};
	uint64_t sum = 0;
	FILE *f = tmpfile();

	sched_listener->record(sched_listener, &r, &se);
	r = (struct sched_record){.ns = 9, .id = 7, .what = SREC_IN};
	sched_listener->record(sched_listener, &r, &se);
	cr_assert_eq(rec->nr_records, 2);
	cr_assert_eq(recording_save(rec, f), 0);
	rewind(f);
	struct recording *back = recording_load(f);
	cr_assert(back);
	recording_replay(back, count, &sum);
	cr_assert_eq(sum, 5 + 1 + 9);
	recording_free(back);
	/* Something else is refused. */
	rewind(f);
	fputs("not a recording, but long enough to be taken for the head of one", f);
	rewind(f);
	cr_assert_null(recording_load(f));
	fclose(f);
}
