/*
 * ostep_test.c - the simulated machine against the textbook's simulators, to the last digit.
 */
#include "ostep.h"
#include "sim_run.h"

#include <stdio.h>

TestSuite(ostep, .timeout = 60);

/* What it printed, with digits after the point. */
static bool is_printed(double printed, double got, int digits)
{
	char a[40], b[40];

	if (printed < 0)
		return true;
	snprintf(a, sizeof(a), "%.*f", digits, printed);
	snprintf(b, sizeof(b), "%.*f", digits, got);
	return strcmp(a, b) == 0;
}

static void check_ostep(const struct ostep_case *c)
{
	struct sim s = {0};

	simulate(&s, c->workload, c->sched);
	cr_assert_eq(s.status, 0, "%s: %s", c->command, s.error);
	for (unsigned i = 0; i < s.workload->nr_tasks; i++) {
		const struct metrics_row *row = row_of(&s, s.workload->tasks[i].name);
		double response = (double)(row->first_run_ns - row->arrival_ns) / 1e6;

		cr_assert(row->done);
		cr_expect(is_printed(c->job[i].response, response, 2), "%s: job %u: response %f",
			  c->command, i, response);
		cr_expect(is_printed(c->job[i].turnaround, turnaround_ms(row), 2),
			  "%s: job %u: turnaround %f", c->command, i, turnaround_ms(row));
		cr_expect(is_printed(c->job[i].wait, (double)row->waiting_ns / 1e6, 2),
			  "%s: job %u: wait %f", c->command, i, (double)row->waiting_ns / 1e6);
	}
	struct metrics_sum sum = metrics_sum(s.metrics);
	cr_expect(is_printed(c->average.response, sum.response_ms, 2), "%s: average response %f",
		  c->command, sum.response_ms);
	cr_expect(is_printed(c->average.turnaround, sum.turnaround_ms, 2),
		  "%s: average turnaround %f", c->command, sum.turnaround_ms);
	cr_expect(is_printed(c->average.wait, sum.waiting_ms, 2), "%s: average wait %f", c->command,
		  sum.waiting_ms);
	sim_clear(&s);
}

Test(ostep, scheduler_mlfq_lottery)
{
	for (size_t i = 0; i < sizeof(ostep_cases) / sizeof(*ostep_cases); i++)
		check_ostep(&ostep_cases[i]);
}

Test(ostep, multi)
{
	for (size_t i = 0; i < sizeof(ostep_multi) / sizeof(*ostep_multi); i++) {
		const struct ostep_multi *c = &ostep_multi[i];
		struct sim s = {.config.aligned = true};

		simulate(&s, c->workload, c->sched);
		cr_assert_eq(s.status, 0, "%s: %s", c->command, s.error);
		cr_expect_eq(s.result.end_ns, (uint64_t)c->finished * MS, "%s: finished at %f",
			     c->command, (double)s.result.end_ns / 1e6);
		for (int cpu = 0; cpu < s.workload->cpus; cpu++) {
			double busy = (double)s.result.busy_ns[cpu] * 100 / (double)s.result.end_ns;
			double warm = (double)s.result.warm_ns[cpu] * 100 / (double)s.result.end_ns;

			cr_expect(is_printed(c->cpu[cpu].utilization, busy, 2) &&
				      is_printed(c->cpu[cpu].warm, warm, 2),
				  "%s: CPU %d: %f, warm %f", c->command, cpu, busy, warm);
		}
		sim_clear(&s);
	}
}
