/*
 * sim_test.c - what a schedule must never do, and what policies promise, in virtual time.
 */
#include "sim_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

TestSuite(sim, .timeout = 120);

/* --- random workloads --- */

struct text {
	char s[8192];
	size_t len;
	uint64_t rng;
};

static unsigned below(struct text *t, unsigned n)
{
	return (unsigned)(random_next(&t->rng) % n);
}

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->s + t->len, sizeof(t->s) - t->len, fmt, ap);
	va_end(ap);
	cr_assert_lt(t->len, sizeof(t->s));
}

/* A line that comes to an end, of any shape. */
static void add_task(struct text *t, unsigned nth, int cpus, bool classes)
{
	add(t, "task t%u ", nth);
	switch (below(t, 7)) {
	case 0:
		add(t, "cpu %ums..%ums", 1 + below(t, 5), 6 + below(t, 60));
		break;
	case 1:
		add(t, "io burst=~%uus sleep=~%ums times=%u", 100 + below(t, 5000), 1 + below(t, 9),
		    1 + below(t, 20));
		break;
	case 2:
		add(t, "interactive think=%ums burst=1ms total=%ums", 1 + below(t, 20),
		    1 + below(t, 15));
		break;
	case 3:
		add(t, "periodic C=%ums T=20ms times=%u", 1 + below(t, 5), 1 + below(t, 10));
		if (classes && below(t, 2))
			add(t, " class=deadline");
		break;
	case 4:
		add(t, "fork depth=%u width=%u cpu=1ms..4ms", 1 + below(t, 2), 1 + below(t, 3));
		break;
	case 5:
		add(t, "lock lock=L%u before=1ms hold=%uus sleep=~1ms times=%u", below(t, 2),
		    100 + below(t, 3000), 1 + below(t, 10));
		break;
	case 6:
		add(t,
		    "steps \"run 1ms; lock L0; run %uus; lock L2; run 100us; unlock L2; "
		    "unlock L0; yield; run 2ms\" times=%u",
		    100 + below(t, 900), 1 + below(t, 6));
		break;
	}
	add(t, " at=%ums count=%u nice=%d", below(t, 30), 1 + below(t, 3), (int)below(t, 40) - 20);
	if (below(t, 3) == 0)
		add(t, " tickets=%u", 1 + below(t, 300));
	if (below(t, 4) == 0)
		add(t, " cpus=%u", below(t, (unsigned)cpus));
	if (classes && below(t, 5) == 0 && !strstr(strrchr(t->s, '\n'), "class="))
		add(t, " class=%s prio=%u", below(t, 2) ? "fifo" : "rr", 1 + below(t, 99));
	add(t, "\n");
}

static void random_workload(struct text *t, uint64_t seed, bool classes)
{
	*t = (struct text){.rng = seed};
	int cpus = 1 + (int)below(t, 4);

	add(t, "seed %u\ncpus %d\nswitch %uus\n", (unsigned)seed, cpus, below(t, 2) * 5);
	for (unsigned i = 0, n = 1 + below(t, 7); i < n; i++)
		add_task(t, i, cpus, classes);
}

/* What a task that ends has computed in all. */
static uint64_t total_cpu_ns(const struct metrics *m)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < m->nr_rows; i++)
		ns += m->rows[i]->cpu_ns;
	return ns;
}

static void check_sane(struct sim *s, const char *text)
{
	const char *policy = s->config.policy->name;

	cr_assert_eq(s->status, 0, "%s: %s\n%s", policy, s->error, text);
	cr_assert_eq(s->result.done, s->result.tasks, "%s lost a task\n%s", policy, text);
	/* A budget that is used up is waited for, by an idle CPU too. */
	if ((s->config.policy->flags & POLICY_WORK_CONSERVING) && !strstr(text, "class=deadline"))
		cr_assert_eq(s->result.not_conserving, 0, "%s let a CPU idle\n%s", policy, text);
	cr_assert_eq(total_cpu_ns(s->metrics), s->metrics->busy_ns, "%s\n%s", policy, text);
	for (size_t i = 0; i < s->metrics->nr_rows; i++) {
		const struct metrics_row *row = s->metrics->rows[i];

		cr_assert(row->done && row->has_run);
		cr_assert_leq(row->cpu_ns + row->waiting_ns, row->completion_ns - row->arrival_ns);
	}
}

/* No task is lost and no CPU idles, under any policy, in hundreds of workloads. */
Test(sim, nothing_is_lost)
{
	static struct text t;

	for (uint64_t seed = 0; seed < 300; seed++) {
		random_workload(&t, seed, true);
		for (const struct sched_policy *const *p = sched_policies; *p; p++) {
			struct sim s = {.config.check = true, .config.ticked = seed % 2};

			simulate(&s, t.s, (*p)->name);
			check_sane(&s, t.s);
			sim_clear(&s);
		}
	}
}

/* Whoever the scheduler is, without switching costs the same work is done. */
Test(sim, work_does_not_depend_on_the_policy)
{
	static struct text t;

	for (uint64_t seed = 1000; seed < 1100; seed++) {
		uint64_t work = 0;

		random_workload(&t, seed, false);
		char *cost = strstr(t.s, "switch 5us");
		if (cost)
			cost[7] = '0';
		for (const struct sched_policy *const *p = sched_policies; *p; p++) {
			struct sim s = {0};

			simulate(&s, t.s, (*p)->name);
			check_sane(&s, t.s);
			if (work)
				cr_assert_eq(s.metrics->busy_ns, work, "%s: %lu, not %lu\n%s",
					     (*p)->name, (unsigned long)s.metrics->busy_ns,
					     (unsigned long)work, t.s);
			work = s.metrics->busy_ns;
			sim_clear(&s);
		}
	}
}

/* --- to the bit --- */

struct hasher {
	struct sched_listener listener;
	uint64_t hash;
};

static void hash_record(struct sched_listener *l, const struct sched_record *r,
			const struct sched_entity *se)
{
	struct hasher *h = (struct hasher *)l;
	uint64_t words[] = {r->ns, r->id, r->arg, (uint64_t)r->cpu, r->what, se ? se->ran_ns : 0};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		h->hash = (h->hash ^ words[i]) * 0x100000001b3ULL;
}

static void hash_why(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
		     const char *text)
{
	struct hasher *h = (struct hasher *)l;

	for (; *text; text++)
		h->hash = (h->hash ^ (unsigned char)*text) * 0x100000001b3ULL;
}

static uint64_t hash_of(const char *text, const char *sched, bool why)
{
	struct hasher h = {.listener = {hash_record, why ? hash_why : NULL}};
	struct sim s = {.config.listener = &h.listener};

	simulate(&s, text, sched);
	cr_assert_eq(s.status, 0, "%s", s.error);
	sim_clear(&s);
	return h.hash;
}

Test(sim, two_runs_are_equal)
{
	static struct text t;
	unsigned same = 0;

	for (uint64_t seed = 2000; seed < 2100; seed++) {
		random_workload(&t, seed, true);
		for (const struct sched_policy *const *p = sched_policies; *p; p++)
			cr_assert_eq(hash_of(t.s, (*p)->name, true), hash_of(t.s, (*p)->name, true),
				     "%s\n%s", (*p)->name, t.s);
		same +=
		    hash_of(t.s, "lottery:seed=1", false) == hash_of(t.s, "lottery:seed=2", false);
	}
	cr_assert_lt(same, 50, "a seed makes no difference");
}

/* --- what policies promise --- */

Test(sim, shares_converge)
{
	static struct text t;

	for (uint64_t seed = 0; seed < 40; seed++) {
		t = (struct text){.rng = seed};
		add(&t, "seed %u\nstop 100s\n", (unsigned)seed);
		for (unsigned i = 0, n = 2 + below(&t, 5); i < n; i++)
			add(&t, "task t%u cpu forever nice=%d\n", i, (int)below(&t, 12) - 6);
		for (const struct sched_policy *const *p = sched_policies; *p; p++) {
			struct sim s = {0};
			double most = (*p)->flags & POLICY_RANDOM ? 0.12 : 0.01;

			if (!((*p)->flags & POLICY_HONOURS_NICE))
				continue;
			simulate(&s, t.s, (*p)->name);
			cr_assert_eq(s.status, 0, "%s", s.error);
			for (size_t i = 0; i < s.metrics->nr_rows; i++) {
				double share = metrics_share(s.metrics->rows[i]);

				cr_expect_lt(fabs(share - 1), most, "%s: %s has %f of its due\n%s",
					     (*p)->name, s.metrics->rows[i]->name, share, t.s);
			}
			sim_clear(&s);
		}
	}
}

/* Periodic tasks that fill room per mille of the CPU, or a little less. */
static void periodic_workload(struct text *t, uint64_t seed, unsigned room)
{
	unsigned n = 0;

	*t = (struct text){.rng = seed};
	add(t, "stop 3s\n");
	while (room >= 20 && n < 10) {
		unsigned load = seed % 4 == 0 && n == 3 ? room : 10 + below(t, room - 9);
		unsigned period_us = 1000 * (2 + below(t, 80));

		add(t, "task t%u periodic C=%uus T=%uus at=%ums class=deadline\n", n++,
		    load * period_us / 1000, period_us, below(t, 50));
		room -= load;
	}
}

static void check_deadlines(const char *text, const char *sched)
{
	struct sim s = {0};

	simulate(&s, text, sched);
	cr_assert_eq(s.status, 0, "%s", s.error);
	cr_assert_eq(s.result.refused, 0, "%s: %s", sched, text);
	struct metrics_sum sum = metrics_sum(s.metrics);
	cr_assert_gt(sum.jobs, 20);
	cr_assert_eq(sum.missed, 0, "%s: %lu of %lu missed\n%s", sched, (unsigned long)sum.missed,
		     (unsigned long)sum.jobs, text);
	sim_clear(&s);
}

/* Liu and Layland 1973: on one CPU, up to a load of 1, no deadline is missed.  The others admit 95
 * per cent, and have hogs beside. */
Test(sim, deadlines_are_met)
{
	static struct text t;

	for (uint64_t seed = 0; seed < 200; seed++) {
		periodic_workload(&t, seed, 1000);
		check_deadlines(t.s, "edf");
		periodic_workload(&t, seed, 950);
		add(&t, "task hog cpu forever count=2 nice=-5\n");
		for (const struct sched_policy *const *p = sched_policies; *p; p++)
			if ((*p)->flags & POLICY_HONOURS_DEADLINE)
				check_deadlines(t.s, (*p)->name);
	}
}

/* The same kind of set by fixed priorities does miss (the test can see a miss). */
Test(sim, rate_monotonic_misses)
{
	struct sim s = {0};

	simulate(&s,
		 "stop 1s\n"
		 "task fast periodic C=10ms T=20ms class=fifo prio=3\n"
		 "task slow periodic C=17ms T=35ms class=fifo prio=2\n",
		 "prio");
	cr_assert_eq(s.status, 0, "%s", s.error);
	cr_assert_eq(row_of(&s, "fast")->missed, 0);
	cr_assert_gt(row_of(&s, "slow")->missed, 10);
	sim_clear(&s);
}

/* The longest that anybody waited without running in between. */
struct gap_meter {
	struct sched_listener listener;
	uint64_t waits_since_ns[64], longest_ns;
};

static void meter_gap(struct sched_listener *l, const struct sched_record *r,
		      const struct sched_entity *se)
{
	struct gap_meter *g = (struct gap_meter *)l;

	if (r->id >= 64)
		return;
	if (r->what == SREC_WAKE && r->arg != ENQ_CHANGED)
		g->waits_since_ns[r->id] = r->ns;
	else if (r->what == SREC_IN && r->ns - g->waits_since_ns[r->id] > g->longest_ns)
		g->longest_ns = r->ns - g->waits_since_ns[r->id];
}

/* With a boost a task waits for one boost and one turn of each of the others at most. */
Test(sim, mlfq_never_starves_with_boost)
{
	static struct text t;
	unsigned starved = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		uint64_t longest[2];
		unsigned n;

		t = (struct text){.rng = seed};
		n = 3 + below(&t, 8);
		add(&t, "stop 20s\nseed %u\ntask hog cpu forever count=2\n", (unsigned)seed);
		for (unsigned i = 0; i < n; i++)
			add(&t, "task t%u io burst=%ums sleep=%ums\n", i, 4 + below(&t, 5),
			    1 + below(&t, 8));
		for (int boost = 0; boost < 2; boost++) {
			struct gap_meter g = {.listener = {meter_gap, NULL}};
			struct sim s = {.config.listener = &g.listener};

			simulate(&s, t.s,
				 boost ? "mlfq:quantum=10ms,stay=1,boost=200ms"
				       : "mlfq:quantum=10ms,stay=1,boost=0");
			cr_assert_eq(s.status, 0, "%s", s.error);
			longest[boost] = g.longest_ns;
			/* Whoever never ran again shows only here. */
			for (size_t i = 0; i < s.metrics->nr_rows && !boost; i++)
				starved += s.metrics->rows[i]->cpu_ns < 100 * MS;
			sim_clear(&s);
		}
		cr_assert_leq(longest[1], (200 + (n + 2) * 10) * MS, "waited for %f ms\n%s",
			      (double)longest[1] / 1e6, t.s);
	}
	cr_assert_gt(starved, 20, "nobody starves without a boost: this test tests nothing");
}

/* Sha, Rajkumar and Lehoczky 1990: who waits for a lock waits for one critical section. */
Test(sim, inheritance_bounds_inversion)
{
	static struct text t;
	static const char *const scheds[] = {"prio:inherit=0", "prio", "fair", "eevdf", NULL};
	unsigned beyond = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		t = (struct text){.rng = seed};
		unsigned hold = 5 + below(&t, 40), own = 1 + below(&t, 10);

		add(&t,
		    "task low steps \"run 1ms; lock L; run %ums; unlock L\" times=5 class=fifo "
		    "prio=1\n"
		    "task high steps \"run %ums; lock L; run 1ms; unlock L\" times=1 at=%ums "
		    "class=fifo prio=50\n",
		    hold, own, 2 + below(&t, 60));
		for (unsigned i = 0, n = 1 + below(&t, 4); i < n; i++)
			add(&t, "task middle%u cpu %ums at=%ums class=fifo prio=%u\n", i,
			    20 + below(&t, 200), below(&t, 100), 2 + below(&t, 40));
		for (int i = 0; scheds[i]; i++) {
			struct sim s = {0};

			simulate(&s, t.s, scheds[i]);
			check_sane(&s, t.s);
			double ms = turnaround_ms(row_of(&s, "high")), bound = own + 1 + hold;
			if (i > 0)
				cr_assert_leq(ms, bound, "high took %f ms, not %f\n%s", ms, bound,
					      t.s);
			else
				beyond += ms > bound;
			sim_clear(&s);
		}
	}
	cr_assert_gt(beyond, 20, "no inversion without inheritance: this test tests nothing");
}

/* --- the machine itself --- */

Test(sim, what_cannot_go_on_is_said)
{
	static const struct {
		const char *text, *sched, *says;
	} cases[] = {
	    {"task a cpu forever\n", "rr", "line 1: task a has no end"},
	    {"task a run \"make\"\n", "rr", "line 1: task a is a command"},
	    {"task a cpu 1ms cpus=3\n", "rr", "may run on none of the 1 CPUs"},
	    {"task a steps \"lock A; run 1; sleep 1; lock B; run 1; unlock B; unlock A\"\n"
	     "task b steps \"lock B; run 1; sleep 1; lock A; run 1; unlock A; unlock B\"\n",
	     "rr", "a deadlock"},
	    {"task a steps \"lock A; run 1; sleep 1; lock B; run 1; unlock B; unlock A\"\n"
	     "task b steps \"lock B; run 1; sleep 1; lock A; run 1; unlock A; unlock B\"\n",
	     "mlfq", "a deadlock"},
	    {"task a cpu 1ms\n", "rr:slice=-3", "out of range"},
	    {"task a cpu 1ms\n", "rr:speed=3", "no parameter 'speed'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sim s = {0};

		simulate(&s, cases[i].text, cases[i].sched);
		cr_assert_lt(s.status, 0, "%s", cases[i].text);
		cr_assert(strstr(s.error, cases[i].says), "%s", s.error);
		sim_clear(&s);
	}
}

/* A window of the fairness index that ends cuts nothing in two. */
Test(sim, latencies_are_longer_than_windows)
{
	struct sim s = {0};

	simulate(&s, "task late steps \"sleep 10ms; run 1ms\"\ntask hog cpu 500ms\n", "fifo");
	cr_assert_eq(s.status, 0, "%s", s.error);
	struct metrics_sum sum = metrics_sum(s.metrics);
	cr_expect_float_eq(sum.wake_max_us, 490000, 1e-6);
	cr_expect_eq(row_of(&s, "hog")->slice_hist[19], 1); /* 262 ms to 524 ms */
	sim_clear(&s);

	/* Who still waits in the end has waited. */
	simulate(&s,
		 "stop 300ms\ntask late interactive think=10ms burst=1ms\n"
		 "task hog cpu forever\n",
		 "fifo");
	sum = metrics_sum(s.metrics);
	cr_expect_float_eq(sum.wake_max_us, 290000, 1e-6);
	sim_clear(&s);
}

/* Who had a CPU to himself for a long time has to share from now on, and owes nothing. */
Test(sim, time_alone_is_no_debt)
{
	static const char *const policies[] = {"fair", "eevdf", "stride", "lottery", "rr"};

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		struct sim s = {0};

		simulate(&s,
			 "stop 12s\ntask early cpu forever\ntask new cpu forever at=10s\n"
			 "task woken steps \"run 1ms; sleep 10s; run 10s\"\n",
			 policies[i]);
		cr_assert_eq(s.status, 0, "%s: %s", policies[i], s.error);
		double ms = (double)row_of(&s, "early")->cpu_ns / 1e6 - 10000;
		cr_expect_float_eq(ms, 667, 100, "%s: %f", policies[i], ms);
		sim_clear(&s);

		/* Nobody is queued before 11 s, and none is charged. */
		simulate(&s,
			 "cpus 2\nstop 12s\ntask early cpu forever\ntask new cpu forever at=10s\n"
			 "task last cpu forever at=11s\n",
			 policies[i]);
		ms = (double)row_of(&s, "early")->cpu_ns / 1e6 - 11000;
		cr_expect_float_eq(ms, 667, 100, "%s: %f", policies[i], ms);
		sim_clear(&s);
	}
}

/* Nobody waits: no policy has a reason to look at the clock. */
Test(sim, a_lone_task_is_left_alone)
{
	static const char *const policies[] = {"rr",
					       "fair",
					       "eevdf",
					       "mlfq:boost=10ms",
					       "mlfq:boost=10ms,boost_slice=1ms",
					       "rrq",
					       "lottery",
					       "stride",
					       "edf",
					       "prio",
					       "stcf"};

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		struct sim s = {0};

		simulate(&s, "cpus 2\ntask lone cpu 1000s\n", policies[i]);
		cr_assert_eq(s.status, 0, "%s: %s", policies[i], s.error);
		cr_expect_lt(s.result.events, 200, "%s: %lu events", policies[i],
			     (unsigned long)s.result.events);
		sim_clear(&s);
	}
}

Test(sim, a_million_decisions_on_64_cpus)
{
	struct sim s = {0};

	simulate(&s,
		 "cpus 64\ntask hog cpu 400ms count=2500\n"
		 "task io io burst=~2ms sleep=~20ms times=50 count=500\n",
		 "rr:1ms");
	cr_assert_eq(s.status, 0, "%s", s.error);
	cr_assert_gt(s.result.decisions, 1000000);
	cr_assert_eq(s.result.done, 3000);
	sim_clear(&s);
}

Test(sim, switches_cost)
{
	struct sim s = {0};

	simulate(&s, "switch 100us\ntask a cpu 10ms\ntask b cpu 10ms\n", "rr:1ms");
	/* Each slice holds a switch and 900 us of work: 12 slices each, the last one short. */
	cr_assert_gt(s.result.end_ns, 22 * MS);
	cr_assert_lt(s.result.end_ns, 23 * MS);
	sim_clear(&s);
}
