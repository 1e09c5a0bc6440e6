/*
 * workload_test.c - workload files, the programs that they stand for, and what a history of records
 * adds up to.
 */
#include "lab/metrics.h"
#include "lab/program.h"
#include "lab/workload.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(workload, .timeout = 20);
TestSuite(metrics, .timeout = 20);

#define MS 1000000ULL

static struct workload *parse(const char *text)
{
	char error[300];
	struct workload *w = workload_parse(text, "w.wl", NULL, error, sizeof(error));

	cr_assert(w, "%s\n%s", error, text);
	return w;
}

/* --- files --- */

Test(workload, errors_name_file_and_line)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "w.wl:1: there is no task"},
	    {"# nothing\n\n", "w.wl:3: there is no task"},
	    {"task\n", "w.wl:1: a task line is"},
	    {"\n\ntask a cpu\n", "w.wl:3: cpu wants a word"},
	    {"task a cpu 5q\n", "w.wl:1: cpu '5q' is not a time"},
	    {"task a cpu 0\n", "is not a time"},
	    {"task a cpu -1\n", "is not a time"},
	    {"task a cpu 1e3\n", "is not a time"},
	    {"task a cpu 9..3\n", "is not a time"},
	    {"task a cpu 99999999999999999999999s\n", "is not a time"},
	    {"task a cpu 5 speed=3\n", "cpu has no key 'speed'"},
	    {"task a cpu 5 burst=3\n", "cpu has no key 'burst'"},
	    {"task a cpu 5 nice=1 nice=2\n", "nice= stands twice"},
	    {"task a cpu 5 nice=20\n", "nice=20 is not a number from -20 to 19"},
	    {"task a cpu 5 cpus=1-\n", "cpus=1- is not a list"},
	    {"task a cpu 5 cpus=64\n", "cpus=64 is not a list"},
	    {"task a cpu 5 class=best\n", "class=best is none of"},
	    {"task a cpu 5 class=fifo\n", "need one another"},
	    {"task a cpu 5 class=deadline\n", "is for the shape periodic"},
	    {"task a cpu 5\ntask a cpu 6\n", "w.wl:2: there is a task 'a' already"},
	    {"task a/b cpu 5\n", "'a/b' is no name"},
	    {"task a dance 5\n", "no shape 'dance'"},
	    {"task a io total=5 sleep=1\n", "total= wants burst="},
	    {"task a io times=5\n", "never run and never sleep"},
	    {"task a periodic C=5 T=4\n", "needs C <= D <= T"},
	    {"task a fork cpu=1 depth=20 width=2\n", "more than 100000 tasks"},
	    {"task a lock\n", "lock wants hold="},
	    {"task a steps \"run 1; lock L\"\n", "a lock is not given back"},
	    {"task a steps \"unlock L; run 1\"\n", "is not held"},
	    {"task a steps \"lock L; run 1; lock L\"\n", "is taken twice"},
	    {"task a steps \"yield\"\n", "never run and never sleep"},
	    {"task a steps \"run\"\n", "wants a word after it"},
	    {"task a steps \"jump 3\"\n", "no step 'jump'"},
	    {"task a steps \"run 1 2\"\n", "has words after it"},
	    {"task a \"cpu 5\n", "a quote is not closed"},
	    {"task a cpu 1 count=100001\n", "is not a number from 1 to 100000"},
	    {"cpus 65\ntask a cpu 1\n", "cpus '65' is not a number from 1 to 64"},
	    {"speed 9\n", "no directive 'speed'"},
	    {"about a b\n", "put it in quotes"},
	    {"cache depth=3\n", "'depth=3' is none of"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char error[300] = "";
		struct workload *w =
		    workload_parse(cases[i].text, "w.wl", NULL, error, sizeof(error));

		cr_expect(!w && strstr(error, cases[i].says), "%s: '%s', not '%s'", cases[i].text,
			  error, cases[i].says);
		workload_free(w);
	}
}

/* Whatever the bytes, a workload or one line comes back. */
Test(workload, rubbish_is_refused)
{
	static const char *const words[] = {
	    "task",    "a",	    "cpu",  "5ms",    "\n",    "steps", "\"",	  "lock",
	    "io",      "=",	    "nice", " ",      "run;",  "~",	"1..2",	  "#",
	    "seed",    "burst=1ms", "b",    "\\",     "\t",    "\r",	"every=", "count=3",
	    "forever", "\xff",	    "x=",   "at=~1s", "cache", "C="};
	uint64_t rng = 1;

	for (int i = 0; i < 20000; i++) {
		char text[400] = "", error[300] = "";

		for (unsigned n = (unsigned)(random_next(&rng) % 20); n; n--) {
			strcat(text, words[random_next(&rng) % (sizeof(words) / sizeof(*words))]);
			strcat(text, random_next(&rng) % 3 ? " " : "");
		}
		struct workload *w = workload_parse(text, "w", NULL, error, sizeof(error));
		cr_assert((w != NULL) != (*error != '\0'), "%s", text);
		workload_free(w);
	}
}

Test(workload, directives_and_instances)
{
	struct workload *w =
	    parse("name \"A name\"\nabout \"what \\\"it\\\" is\" # not this\n"
		  "sched rr\nsched mlfq:boost=1s\ncpus 3\ntick 1ms\nstop 2s\n"
		  "task b cpu 2.5ms count=3 at=1s every=10us cpus=0,2-3 tickets=7\n"
		  "task c run \"make -j4 'a b'\" length=2s nice=-3\n");

	cr_assert_str_eq(w->name, "A name");
	cr_assert_str_eq(w->about, "what \"it\" is");
	cr_assert_eq(w->nr_scheds, 2);
	cr_assert_str_eq(w->scheds[1], "mlfq:boost=1s");
	cr_assert_eq(w->cpus, 3);
	cr_assert_eq(w->stop_ns, 2000 * MS);
	cr_assert_eq(w->nr_tasks, 4);
	cr_assert_str_eq(w->tasks[2].name, "b.2");
	cr_assert_str_eq(w->tasks[2].group, "b");
	cr_assert_eq(w->tasks[2].arrival_ns, 1000 * MS + 20000);
	cr_assert_eq(w->tasks[2].affinity, 0xd);
	cr_assert_eq(w->tasks[2].length_ns, 2500000);
	cr_assert_eq(workload_weight(&w->tasks[2]), 7);
	cr_assert_str_eq(w->tasks[3].shape->command, "make -j4 'a b'");
	cr_assert_eq(workload_weight(&w->tasks[3]), 1991);
	workload_free(w);
}

/* The seed decides what is drawn, wherever it stands; a seed from outside goes first. */
Test(workload, seeds)
{
	const char *text = "task a cpu 1ms..1s count=50 at=~1s\nseed 7\n";
	uint64_t seed = 7, other = 8;
	char error[300];
	struct workload *a = parse(text), *b = parse("task a cpu 1ms..1s count=50 at=~1s\n"),
			*c = workload_parse("task a cpu 1ms..1s count=50 at=~1s\n", "w", &seed,
					    error, sizeof(error)),
			*d = workload_parse(text, "w", &other, error, sizeof(error));
	double mean = 0;

	for (unsigned i = 0; i < 50; i++) {
		cr_assert_eq(a->tasks[i].arrival_ns, c->tasks[i].arrival_ns);
		cr_assert_eq(a->tasks[i].length_ns, c->tasks[i].length_ns);
		cr_assert_neq(a->tasks[i].arrival_ns, b->tasks[i].arrival_ns);
		cr_assert_neq(a->tasks[i].arrival_ns, d->tasks[i].arrival_ns);
		cr_assert(a->tasks[i].length_ns >= MS && a->tasks[i].length_ns <= 1000 * MS);
		mean += (double)a->tasks[i].arrival_ns / 50;
	}
	cr_assert(mean > 0.5e9 && mean < 2e9, "%f", mean);
	workload_free(a);
	workload_free(b);
	workload_free(c);
	workload_free(d);
}

Test(workload, exponential_spans_have_their_mean)
{
	struct span s = {.kind = SPAN_EXPONENTIAL, .ns = 20 * MS};
	uint64_t rng = 3, below_mean = 0;
	double sum = 0;

	for (int i = 0; i < 100000; i++) {
		uint64_t ns = span_draw(&s, &rng);

		sum += (double)ns;
		below_mean += ns < s.ns;
	}
	cr_assert_lt(fabs(sum / 100000 / (20.0 * MS) - 1), 0.02);
	/* 1 - 1/e */
	cr_assert_lt(fabs((double)below_mean / 100000 - 0.6321), 0.01);
}

/* --- programs --- */

/* What the first task does, if it always gets a CPU at once: a letter and ms for each op. */
static void walk(const char *text, const char *expect)
{
	struct workload *w = parse(text);
	struct program p;
	uint64_t now = w->tasks[0].arrival_ns;
	char got[600] = "";

	program_start(&p, &w->tasks[0], now);
	for (int i = 0; i < 30; i++) {
		struct program_op op = program_next(&p, now);
		char *end = got + strlen(got);

		if (op.kind == OP_RUN)
			now += op.ns;
		if (op.kind == OP_SLEEP_UNTIL && op.ns > now)
			now = op.ns;
		sprintf(end, "%s%c%g", i ? " " : "", "RSLUYFWJX"[op.kind],
			op.kind == OP_JOB			     ? (double)op.late_ns / 1e6
			: op.kind == OP_LOCK || op.kind == OP_UNLOCK ? op.arg
								     : (double)op.ns / 1e6);
		if (op.kind == OP_EXIT)
			break;
	}
	cr_expect_str_eq(got, expect, "%s: %s, not %s", text, got, expect);
	workload_free(w);
}

Test(workload, steps_of_the_shapes)
{
	walk("task a cpu 5\n", "R5 X0");
	walk("task a io burst=5 sleep=2 times=2\n", "R5 S7 R5 S14 X0");
	walk("task a io burst=5 sleep=2 total=12 at=100\n", "R5 S107 R5 S114 R2 X0");
	walk("task a io burst=5 sleep=5 for=12\n", "R5 S10 R5 S20 X0");
	walk("task a interactive think=3 burst=1 times=2\n", "S3 R1 S7 R1 X0");
	walk("task a periodic C=2 T=10 D=5 times=2\n", "R2 J-3 S10 R2 J-3 S20 X0");
	walk("task a lock hold=1 before=2 after=3 lock=M\n", "R2 L0 R1 U0 R3 X0");
	walk("task a fork cpu=1 depth=2 width=2\n", "F0 F0 R1 W0 X0");
	walk("task a steps \"run 1; lock A; run 2; lock B; run 1; unlock B; unlock A; yield\"\n",
	     "R1 L0 R2 L1 R1 U1 U0 Y0 X0");
}

/* --- metrics --- */

static void feed(struct metrics *m, uint64_t ms, enum sched_record_what what, uint64_t id, int cpu,
		 uint64_t arg)
{
	metrics_feed(
	    m,
	    &(struct sched_record){
		.ns = ms * MS, .id = id, .arg = arg, .cpu = (int16_t)cpu, .what = (uint8_t)what},
	    NULL);
}

/* Two tasks on one CPU: 1 runs 0-10, 2 runs 10-40, 1 runs 40-50 and sleeps until 60, and so on. */
Test(metrics, a_history_by_hand)
{
	struct metrics *m = metrics_create(1, 0);

	feed(m, 0, SREC_NEW, 1, -1, 0);
	feed(m, 0, SREC_WAKE, 1, -1, ENQ_NEW);
	feed(m, 0, SREC_NEW, 2, -1, 0);
	feed(m, 0, SREC_WAKE, 2, -1, ENQ_NEW);
	metrics_label(m, 2, "two", "g", 3072, 35 * MS);
	feed(m, 0, SREC_IN, 1, 0, 0);
	feed(m, 10, SREC_OUT, 1, 0, CHARGE_PREEMPTED);
	feed(m, 10, SREC_WAKE, 1, -1, ENQ_PREEMPTED);
	feed(m, 10, SREC_IN, 2, 0, 0);
	feed(m, 40, SREC_OUT, 2, 0, CHARGE_EXIT);
	feed(m, 40, SREC_EXIT, 2, -1, 0);
	feed(m, 40, SREC_IN, 1, 0, 0);
	feed(m, 50, SREC_OUT, 1, 0, CHARGE_SLEEP);
	feed(m, 60, SREC_WAKE, 1, -1, ENQ_WAKEUP);
	feed(m, 63, SREC_IN, 1, 0, 0);
	feed(m, 70, SREC_OUT, 1, 0, CHARGE_EXIT);
	feed(m, 70, SREC_EXIT, 1, -1, 0);
	metrics_finish(m, 80 * MS);

	const struct metrics_row *one = m->rows[0], *two = m->rows[1];
	cr_assert_eq(one->cpu_ns, 27 * MS);
	cr_assert_eq(one->waiting_ns, 33 * MS);
	cr_assert_eq(one->preemptions, 1);
	cr_assert_eq(one->slices_voluntary, 2);
	cr_assert_eq(one->wakeups.n, 1);
	cr_assert_eq(samples_rank(&m->rows[0]->wakeups, 0.99), 3 * MS);
	cr_assert_eq(one->completion_ns - one->arrival_ns, 70 * MS);
	cr_assert_eq(two->first_run_ns, 10 * MS);
	cr_assert_eq(two->jobs, 1);
	cr_assert_eq(two->missed, 1);
	cr_assert_eq(two->late_max_ns, 5 * MS);
	/* For 40 ms three quarters were two's; for 20 one could have had all. */
	cr_assert_float_eq(two->entitled_ns, 30e6, 1);
	cr_assert_float_eq(one->entitled_ns, 30e6, 1);
	cr_assert_float_eq(metrics_share(two), 1, 1e-9);
	struct metrics_sum sum = metrics_sum(m);
	cr_assert_eq(sum.switches, 2);
	cr_assert_float_eq(sum.utilisation, 57.0 / 80, 1e-9);
	cr_assert_float_eq(sum.throughput, 25, 1e-9);
	cr_assert_float_eq(sum.response_ms, 5, 1e-9);
	cr_assert_float_eq(sum.turnaround_ms, 55, 1e-9);
	cr_assert_float_eq(sum.jain, (0.9 + 1) * (0.9 + 1) / (2 * (0.81 + 1)), 1e-9);
	metrics_destroy(m);
}

Test(metrics, ranks)
{
	struct samples s = {0};
	uint64_t ns[] = {50, 10, 30, 20, 40};

	cr_assert_eq(samples_rank(&s, 0.5), 0);
	s = (struct samples){.ns = ns, .n = 5};
	cr_assert_eq(samples_rank(&s, 0.5), 30);
	cr_assert_eq(samples_rank(&s, 0.99), 50);
	cr_assert_eq(samples_rank(&s, 0), 10);
	cr_assert_eq(samples_rank(&s, 1), 50);
}

/* In each window one of two equal tasks has all: unfair in windows, fair in the end. */
Test(metrics, windows_see_what_the_whole_hides)
{
	struct metrics *m = metrics_create(1, 10 * MS);

	for (uint64_t id = 1; id <= 2; id++) {
		feed(m, 0, SREC_NEW, id, -1, 0);
		feed(m, 0, SREC_WAKE, id, -1, ENQ_NEW);
	}
	for (uint64_t i = 0; i < 10; i++) {
		feed(m, i * 10, SREC_IN, 1 + i % 2, 0, 0);
		feed(m, i * 10 + 10, SREC_OUT, 1 + i % 2, 0, CHARGE_EXPIRED);
		feed(m, i * 10 + 10, SREC_WAKE, 1 + i % 2, -1, ENQ_EXPIRED);
	}
	metrics_finish(m, 100 * MS);
	struct metrics_sum sum = metrics_sum(m);
	cr_assert_float_eq(sum.jain, 1, 1e-9);
	cr_assert_float_eq(sum.jain_window, 0.5, 1e-9);
	cr_assert_eq(m->windows, 10);
	metrics_destroy(m);
}
