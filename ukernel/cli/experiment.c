/*
 * experiment.c - boots a kernel for a workload, and makes sense of what was recorded.
 *
 * The kernel of each run lives in a process of its own, so that one run cannot leave anything to
 * the next.  It hands back two files: the scheduler's records, and what the player reported (which
 * process is which task, and when the experiment began).
 */
#include "cli/experiment.h"

#include "cli/cli.h"
#include "kern/boot.h"
#include "lab/recorder.h"
#include "machine.h"
#include "sandbox.h"
#include "sched/guard.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_SHARE_LEAST 0.85
#define EXIT_TIMED_OUT	 124
#define EXIT_PLAYER	 128 /* and the number of the signal that has killed it */
#define TASK_NONE	 0   /* ids map to a task's index + 1 */

/* --- the child: a kernel --- */

/* CPU time that the host has given to us and to all guests. */
static uint64_t host_cpu_ns(void)
{
	struct rusage u[2];
	uint64_t us = 0;

	getrusage(RUSAGE_SELF, &u[0]);
	getrusage(RUSAGE_CHILDREN, &u[1]);
	for (int i = 0; i < 2; i++)
		us += (uint64_t)(u[i].ru_utime.tv_sec + u[i].ru_stime.tv_sec) * 1000000 +
		      (uint64_t)(u[i].ru_utime.tv_usec + u[i].ru_stime.tv_usec);
	return us * 1000;
}

/* What the child says after the records. */
struct last_word {
	uint64_t host_ns;
	char verdict[240]; /* of the watchdog; empty: none */
};

static _Noreturn void kernel_child(const struct experiment *e, char *sched, FILE *records)
{
	struct machine_config mc = {.cpus = e->cpus, .tick_ns = e->tick_ns};
	struct boot_config config = {
	    .cpus = e->cpus,
	    .tick_ns = e->tick_ns,
	    .root_dir = "/",
	    .timeout_ns = e->timeout_ns,
	    .trace_out = stderr,
	    .envp = environ,
	    .inherited = inherit_from_caller(),
	};
	int err, status = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	config.policy = parse_sched(sched, &config.policy_options);
	config.argv = (char *[]){
	    (char *)e->player,
	    path_absolute(e->file),
	    xasprintf("%" PRIu64, e->seed),
	    xasprintf("%u", geteuid()),
	    xasprintf("%u", getegid()),
	    e->loops_per_ms,
	    NULL,
	};
	machine = machine_start(e->backend, &mc, &machine_info, &err);
	if (!machine)
		die_without_machine(e->backend);
	struct recording *rec = recorder_start();
	err = kernel_run(&config, &status);
	machine->fini();
	syscall_missing_report();
	struct last_word word = {.host_ns = host_cpu_ns()};
	const char *verdict = guard_verdict(config.policy);
	snprintf(word.verdict, sizeof(word.verdict), "%s", verdict ? verdict : "");
	if (recording_save(rec, records) < 0 || fwrite(&word, sizeof(word), 1, records) != 1 ||
	    fflush(records) != 0)
		die("cannot keep the records: %s", strerror(errno));
	if (WIFSIGNALED(status))
		_exit(EXIT_PLAYER + WTERMSIG(status));
	_exit(err < 0 ? EXIT_OWN_FAILURE : WEXITSTATUS(status));
}

/* --- the parent: what happened --- */

/* A periodic task's job, done late_ns after its deadline. */
struct job {
	uint64_t ns;
	int64_t late_ns;
	unsigned task;
	size_t mark; /* of the timeline, counted from 1; 0: none */
};

/* ns of a time on a virtual CPU, from from_ns on, in which the host ran others. */
struct host_took {
	uint64_t from_ns, to_ns, ns;
};

struct reading {
	const struct experiment *e;
	struct outcome *out;
	uint64_t start_ns, host_ns;
	unsigned *task_of; /* by id, TASK_NONE: not ours */
	size_t nr_ids;
	bool *seen;	 /* by id: it has had a record in the experiment */
	unsigned *order; /* tasks by arrival */
	unsigned arrived;
	uint64_t last_ns;
	FILE *report;
	struct job *jobs; /* in order of time */
	size_t nr_jobs, next_job;
	uint64_t in_ns[CPUS_MAX];
	struct host_took *took;
	size_t nr_took;
};

static void read_job(struct reading *rd, const char *line)
{
	struct job j = {0};

	if (sscanf(line, "job %u %" SCNd64 " %" SCNu64, &j.task, &j.late_ns, &j.ns) != 3 ||
	    j.task >= rd->e->workload->nr_tasks || j.ns < rd->start_ns)
		return;
	if ((rd->nr_jobs & (rd->nr_jobs - 1)) == 0)
		rd->jobs = xrealloc(rd->jobs, rd->nr_jobs ? 2 * rd->nr_jobs : 1, sizeof(j));
	j.ns -= rd->start_ns;
	rd->jobs[rd->nr_jobs++] = j;
}

static bool read_report(struct reading *rd)
{
	char line[160];
	unsigned index;
	uint64_t id;

	rewind(rd->report);
	while (fgets(line, sizeof(line), rd->report)) {
		if (sscanf(line, "start %" SCNu64, &rd->start_ns) == 1)
			continue;
		if (sscanf(line, "refused %u", &index) == 1)
			rd->out->refused++;
		else if (sscanf(line, "task %u %" SCNu64, &index, &id) == 2 && id < rd->nr_ids &&
			 index < rd->e->workload->nr_tasks)
			rd->task_of[id] = index + 1;
		else
			read_job(rd, line);
	}
	return rd->start_ns != 0;
}

static void feed(struct reading *rd, const struct sched_record *r, const struct sched_entity *se)
{
	timeline_feed(rd->out->timeline, r, se);
	metrics_feed(rd->out->metrics, r, se);
	if (r->id && r->ns > rd->last_ns)
		rd->last_ns = r->ns;
}

static void label(struct reading *rd, uint64_t id, const char *name, const struct workload_task *t)
{
	timeline_label(rd->out->timeline, id, name, t->group);
	metrics_label(rd->out->metrics, id, name, t->group, workload_weight(t), t->deadline_ns);
}

/* Tasks arrive when the workload says so, however late they get their first record. */
static void arrive_until(struct reading *rd, uint64_t ns)
{
	const struct workload *w = rd->e->workload;

	for (; rd->arrived < w->nr_tasks; rd->arrived++) {
		const struct workload_task *t = &w->tasks[rd->order[rd->arrived]];
		struct sched_record r = {.ns = t->arrival_ns, .cpu = -1, .what = SREC_NEW};

		if (t->arrival_ns > ns)
			return;
		for (size_t id = 0; id < rd->nr_ids; id++)
			if (rd->task_of[id] == rd->order[rd->arrived] + 1 && !rd->seen[id]) {
				r.id = id;
				break;
			}
		if (!r.id)
			continue;
		rd->seen[r.id] = true;
		feed(rd, &r, NULL);
		label(rd, r.id, t->name, t);
	}
}

static void jobs_until(struct reading *rd, uint64_t ns)
{
	for (; rd->next_job < rd->nr_jobs && rd->jobs[rd->next_job].ns <= ns; rd->next_job++) {
		struct job *j = &rd->jobs[rd->next_job];

		for (size_t id = 0; id < rd->nr_ids; id++) {
			if (rd->task_of[id] != j->task + 1)
				continue;
			metrics_job(rd->out->metrics, id, j->late_ns);
			if (j->late_ns > 0 &&
			    timeline_mark(rd->out->timeline, id, j->ns, (uint64_t)j->late_ns))
				j->mark = rd->out->timeline->nr_marks;
			break;
		}
	}
}

/* Whoever has the virtual CPU: all others are late by it, too. */
static void note_host(struct reading *rd, const struct sched_record *r)
{
	if (r->cpu < 0 || r->cpu >= CPUS_MAX)
		return;
	if (r->what == SREC_IN)
		rd->in_ns[r->cpu] = r->ns;
	if (r->what != SREC_HOST)
		return;
	if ((rd->nr_took & (rd->nr_took - 1)) == 0)
		rd->took = xrealloc(rd->took, rd->nr_took ? 2 * rd->nr_took : 1, sizeof(*rd->took));
	rd->took[rd->nr_took++] = (struct host_took){rd->in_ns[r->cpu], r->ns, r->arg};
}

/* What the host took between the two, on one virtual CPU in the mean.  Of a time that is only in
 * part between them, it is thought to be that part. */
static uint64_t host_between(const struct reading *rd, uint64_t from_ns, uint64_t to_ns)
{
	double sum = 0;

	for (size_t i = 0; i < rd->nr_took; i++) {
		const struct host_took *h = &rd->took[i];
		uint64_t lo = h->from_ns > from_ns ? h->from_ns : from_ns;
		uint64_t hi = h->to_ns < to_ns ? h->to_ns : to_ns;

		if (hi > lo)
			sum += (double)h->ns * (double)(hi - lo) / (double)(h->to_ns - h->from_ns);
	}
	return (uint64_t)(sum / rd->e->cpus);
}

/* Whose fault is it that jobs were late? */
static void judge_jobs(struct reading *rd)
{
	for (size_t i = 0; i < rd->next_job; i++) {
		const struct job *j = &rd->jobs[i];
		uint64_t within_ns = rd->e->workload->tasks[j->task].shape->deadline_ns;
		uint64_t late_ns = (uint64_t)j->late_ns;

		if (j->late_ns <= 0 || j->ns < late_ns + within_ns)
			continue;
		uint64_t host_ns = host_between(rd, j->ns - late_ns - within_ns, j->ns);
		rd->out->metrics->missed_host += host_ns >= late_ns;
		if (j->mark)
			rd->out->timeline->marks[j->mark - 1].host_ns = host_ns;
	}
}

/* What a task forks is part of it; a command's processes are called by what they run. */
static void take_child(struct reading *rd, const struct sched_record *r, unsigned task)
{
	char name[64];
	const struct workload_task *t = &rd->e->workload->tasks[task - 1];

	rd->task_of[r->id] = task;
	rd->seen[r->id] = true;
	feed(rd, r, NULL);
	snprintf(name, sizeof(name), "%.16s %" PRIu64, t->name, r->id);
	label(rd, r->id, name, t);
}

static void take_name(struct reading *rd, const struct sched_record *r,
		      const struct sched_entity *se)
{
	const struct workload_task *t = &rd->e->workload->tasks[rd->task_of[r->id] - 1];
	char name[64];

	/* The first process of a task keeps the task's own name. */
	if (!t->shape->command || strcmp(se->name, "player") == 0)
		return;
	for (size_t id = 0; id < r->id; id++)
		if (rd->task_of[id] == rd->task_of[r->id]) {
			snprintf(name, sizeof(name), "%s %" PRIu64, se->name, r->id);
			label(rd, r->id, name, t);
			return;
		}
}

static void take_record(void *arg, const struct sched_record *raw, const struct sched_entity *se)
{
	struct reading *rd = arg;
	struct sched_record r = *raw;

	if (raw->ns < rd->start_ns)
		return;
	r.ns -= rd->start_ns;
	/* Then whoever is left is ended. */
	if (r.ns >= rd->e->workload->stop_ns)
		return;
	arrive_until(rd, r.ns);
	jobs_until(rd, r.ns);
	note_host(rd, &r);
	if (r.id >= rd->nr_ids)
		return;
	if (r.what == SREC_NEW) {
		rd->task_of[r.id] = TASK_NONE;
		if (r.arg < rd->nr_ids && rd->task_of[r.arg])
			take_child(rd, &r, rd->task_of[r.arg]);
		return;
	}
	if (!rd->task_of[r.id] || !rd->seen[r.id])
		return;
	if (r.what == SREC_NAME && se)
		take_name(rd, &r, se);
	else if (r.what != SREC_NAME)
		feed(rd, &r, NULL);
}

static int by_arrival(const void *a, const void *b, void *tasks)
{
	const struct workload_task *t = tasks;
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	if (t[x].arrival_ns != t[y].arrival_ns)
		return t[x].arrival_ns < t[y].arrival_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int reading_run(struct reading *rd, const struct recording *rec)
{
	const struct workload *w = rd->e->workload;
	struct sched_record begin = {.cpu = -1, .what = SREC_TICK};
	uint64_t end_ns;

	for (size_t i = 0; i < rec->nr_records; i++)
		if (rec->records[i].id >= rd->nr_ids)
			rd->nr_ids = rec->records[i].id + 1;
	rd->task_of = calloc(rd->nr_ids + 1, sizeof(*rd->task_of));
	rd->seen = calloc(rd->nr_ids + 1, sizeof(*rd->seen));
	rd->order = calloc(w->nr_tasks + 1, sizeof(*rd->order));
	rd->out->timeline = timeline_create(rd->e->cpus);
	rd->out->metrics = metrics_create(rd->e->cpus, w->window_ns);
	if (!rd->task_of || !rd->seen || !rd->order || !rd->out->timeline || !rd->out->metrics)
		return -ENOMEM;
	for (unsigned i = 0; i < w->nr_tasks; i++)
		rd->order[i] = i;
	qsort_r(rd->order, w->nr_tasks, sizeof(*rd->order), by_arrival, w->tasks);
	if (!read_report(rd))
		return -EIO;
	feed(rd, &begin, NULL);
	recording_replay(rec, take_record, rd);
	/* The player's own end is none of the experiment's. */
	end_ns = w->stop_ns != WORKLOAD_FOREVER ? w->stop_ns : rd->last_ns;
	arrive_until(rd, end_ns);
	jobs_until(rd, end_ns);
	judge_jobs(rd);
	timeline_finish(rd->out->timeline, end_ns);
	metrics_finish(rd->out->metrics, end_ns);
	/* What a guest was given, and what the host then gave it. */
	rd->out->host_share =
	    rd->out->metrics->busy_ns ? (double)rd->host_ns / (double)rd->out->metrics->busy_ns : 1;
	return 0;
}

static int outcome_read(const struct experiment *e, FILE *records, FILE *report,
			struct outcome *out)
{
	struct reading rd = {.e = e, .out = out, .report = report};
	struct last_word word;
	int err = -EIO;

	rewind(records);
	struct recording *rec = recording_load(records);
	if (rec && fread(&word, sizeof(word), 1, records) == 1) {
		rd.host_ns = word.host_ns;
		err = reading_run(&rd, rec);
	}
	if (!err && word.verdict[0])
		out->metrics->watchdog = xasprintf("%.*s", (int)sizeof(word.verdict), word.verdict);
	recording_free(rec);
	free(rd.task_of);
	free(rd.seen);
	free(rd.order);
	free(rd.jobs);
	free(rd.took);
	return err;
}

/* What is not to differ from run to run: chance. */
static char *with_seed(const struct experiment *e, const char *sched)
{
	const char *options = strchr(sched, ':');

	if (strstr(sched, "seed="))
		return xasprintf("%s", sched);
	return xasprintf("%s%sseed=%" PRIu64, sched,
			 !options     ? ":"
			 : options[1] ? ","
				      : "",
			 e->seed);
}

/* 0, or -EIO after a line that says what came of the child. */
static int judge_child(const struct experiment *e, const char *sched, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (code == EXIT_TIMED_OUT || (WIFEXITED(status) && !code)) {
		if (code && e->workload->stop_ns == WORKLOAD_FOREVER)
			fprintf(stderr, "ukernel: sched run: %s: ended by --timeout\n", sched);
		return 0;
	}
	if (code > EXIT_PLAYER)
		fprintf(stderr,
			"ukernel: sched run: %s: signal %d has killed the program that plays the "
			"workload: did a task send it?\n",
			sched, code - EXIT_PLAYER);
	else
		fprintf(stderr, "ukernel: sched run: %s: the run failed (%s %d)\n", sched,
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : code);
	return -EIO;
}

int experiment_run(const struct experiment *e, const char *sched, struct outcome *out)
{
	FILE *records = tmpfile(), *report = tmpfile();
	int status;

	memset(out, 0, sizeof(*out));
	if (!records || !report)
		die("cannot make a temporary file: %s", strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		/* The player appends; nobody else writes. */
		fcntl(fileno(report), F_SETFL, O_APPEND);
		if (null < 0 || dup2(null, 0) < 0 || dup2(fileno(report), 1) < 0)
			die("no standard files: %s", strerror(errno));
		records = fdopen(dup(fileno(records)), "w+");
		kernel_child(e, with_seed(e, sched), records);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	int err = judge_child(e, sched, status);
	if (!err && outcome_read(e, records, report, out) < 0) {
		fprintf(stderr, "ukernel: sched run: %s: there is no record of the run\n", sched);
		err = -EIO;
	}
	fclose(records);
	fclose(report);
	return err;
}

void outcome_free(struct outcome *out)
{
	timeline_destroy(out->timeline);
	metrics_destroy(out->metrics);
	memset(out, 0, sizeof(*out));
}

void outcome_warn(const char *command, const char *sched, const struct outcome *o)
{
	if (o->metrics && o->host_share < HOST_SHARE_LEAST)
		fprintf(stderr,
			"ukernel: %s: %s: other processes of the host took %.0f %% of the "
			"time: do not trust the figures\n",
			command, sched, 100 * (1 - o->host_share));
}
