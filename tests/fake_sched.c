/*
 * fake_sched.c - a core for policies alone, see fake_sched.h.
 */
#include "fake_sched.h"

#include "sched/params.h"
#include "sched/sched.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*fs_hook)(struct fs *fs);

static struct {
	struct runq rq;
	struct sched_entity *curr[SCHED_CPUS_MAX];
	bool resched[SCHED_CPUS_MAX];
	uint64_t since_ns[SCHED_CPUS_MAX];
	uint64_t timer_ns, random, orders;
	struct sched_settings settings;
	struct fs *fs;
} m;

static void *kept; /* the last run's priv */

static struct fs_job *job_of(struct sched_entity *se)
{
	return (struct fs_job *)((char *)se - offsetof(struct fs_job, se));
}

/* --- services --- */

static uint64_t fake_random(struct runq *rq)
{
	return m.random = m.random * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void fake_why(struct runq *rq, struct sched_entity *se, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%10.3f %-8s ", (double)rq->now_ns / 1e6, se ? se->name : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void fake_timer(struct runq *rq, uint64_t at_ns)
{
	m.timer_ns = at_ns;
}

static void fake_resched(struct runq *rq, int cpu)
{
	m.resched[cpu] = m.curr[cpu] != NULL;
}

static void *fake_alloc(size_t size)
{
	return calloc(1, size);
}

static const struct sched_services services = {fake_random,  fake_why,	 fake_timer,
					       fake_resched, fake_alloc, free};

/* --- CPUs and the queue --- */

static void charge(int cpu, enum sched_charge_why why)
{
	struct sched_entity *se = m.curr[cpu];
	uint64_t ran_ns = m.rq.now_ns - m.since_ns[cpu];
	struct fs_job *j = job_of(se);

	m.since_ns[cpu] = m.rq.now_ns;
	se->ran_ns += ran_ns;
	j->ran_ns += ran_ns;
	j->burst_left_ns -= ran_ns;
	if (m.rq.policy->charge)
		m.rq.policy->charge(&m.rq, se, ran_ns, why);
}

static void release(int cpu, enum sched_charge_why why)
{
	struct sched_entity *se = m.curr[cpu];

	charge(cpu, why);
	m.curr[cpu] = NULL;
	m.resched[cpu] = false;
	se->cpu = -1;
	m.rq.nr_running--;
	job_of(se)->running = false;
}

static void enqueue(struct sched_entity *se, enum sched_enqueue_why why)
{
	cr_assert(!se->queued && se->cpu < 0);
	se->queued = true;
	se->wait_since_ns = m.rq.now_ns;
	job_of(se)->queued_ns = m.rq.now_ns;
	m.rq.nr_queued++;
	m.rq.policy->enqueue(&m.rq, se, why);
}

static void give_way(int cpu, bool expired)
{
	struct sched_entity *se = m.curr[cpu];

	if (!expired)
		m.fs->preemptions++;
	release(cpu, expired ? CHARGE_EXPIRED : CHARGE_PREEMPTED);
	enqueue(se, expired ? ENQ_EXPIRED : ENQ_PREEMPTED);
}

static void preempt_for(struct sched_entity *woken)
{
	int victim = -1;

	if (!m.rq.policy->preempts)
		return;
	for (int i = 0; i < m.rq.cpus; i++)
		if (!m.curr[i] && sched_allowed(woken, i))
			return;
	for (int i = 0; i < m.rq.cpus; i++) {
		if (m.resched[i] || !sched_allowed(woken, i))
			continue;
		charge(i, CHARGE_RUNS);
		if (m.rq.policy->preempts(&m.rq, woken, m.curr[i]) &&
		    (victim < 0 || m.rq.policy->preempts(&m.rq, m.curr[victim], m.curr[i])))
			victim = i;
	}
	if (victim >= 0)
		m.resched[victim] = true;
}

/* Before somebody comes: who has not been for a tick (the core's, of 4 ms). */
static void charge_all(void)
{
	for (int i = 0; i < m.rq.cpus; i++)
		if (m.curr[i] && m.rq.now_ns - m.since_ns[i] > 4 * FS_MS)
			charge(i, CHARGE_RUNS);
}

static void pick(int cpu)
{
	struct sched_entity *se = m.rq.nr_queued ? m.rq.policy->pick(&m.rq, cpu) : NULL;
	struct fs_job *j;

	if (!se)
		return;
	j = job_of(se);
	cr_assert(se->queued, "%s picked %s, which was not queued", m.rq.policy->name, se->name);
	cr_assert(sched_allowed(se, cpu), "%s put %s on CPU %d", m.rq.policy->name, se->name, cpu);
	m.fs->decisions++;
	se->queued = false;
	m.rq.nr_queued--;
	m.rq.nr_running++;
	m.curr[cpu] = se;
	se->cpu = se->last_cpu = cpu;
	m.since_ns[cpu] = m.rq.now_ns;
	j->running = true;
	if (j->first_ns == UINT64_MAX)
		j->first_ns = m.rq.now_ns;
	uint64_t waited_ns = m.rq.now_ns - j->queued_ns;
	if (waited_ns > j->wait_max_ns)
		j->wait_max_ns = waited_ns;
	if (j->woken && waited_ns > j->wake_wait_max_ns)
		j->wake_wait_max_ns = waited_ns;
	j->woken = false;
	uint64_t slice_ns = m.rq.policy->slice_ns(&m.rq, se);
	cr_assert_gt(slice_ns, 0);
	se->slice_end_ns =
	    slice_ns >= SCHED_FOREVER - m.rq.now_ns ? SCHED_FOREVER : m.rq.now_ns + slice_ns;
}

/* --- jobs --- */

static void burst_begin(struct fs_job *j)
{
	uint64_t left_ns = j->run_ns ? j->run_ns - j->ran_ns : UINT64_MAX;

	j->burst_left_ns = j->burst_ns && j->burst_ns < left_ns ? j->burst_ns : left_ns;
	j->release_ns = m.rq.now_ns;
	j->releases++;
}

static void deadline_check(struct fs_job *j)
{
	uint64_t within_ns = j->deadline_ns ? j->deadline_ns : j->period_ns;

	if (j->period_ns && m.rq.now_ns > j->release_ns + within_ns)
		j->missed++;
}

static void burst_end(int cpu)
{
	struct fs_job *j = job_of(m.curr[cpu]);
	bool over = j->run_ns && j->ran_ns + (m.rq.now_ns - m.since_ns[cpu]) >= j->run_ns;

	deadline_check(j);
	release(cpu, over ? CHARGE_EXIT : CHARGE_SLEEP);
	if (over) {
		j->alive = false;
		j->done = true;
		j->end_ns = m.rq.now_ns;
		fs_donate(m.fs, j, NULL);
		while (j->se.donors)
			fs_donate(m.fs, job_of(j->se.donors), NULL);
		if (m.rq.policy->task_exit)
			m.rq.policy->task_exit(&m.rq, &j->se);
		return;
	}
	j->sleeping = true;
	j->order = ++m.orders;
	j->wake_ns = m.rq.now_ns + j->sleep_ns;
	if (j->period_ns) {
		j->wake_ns = j->release_ns + j->period_ns;
		/* late: the next release has come already */
		if (j->wake_ns < m.rq.now_ns)
			j->wake_ns = m.rq.now_ns;
	}
}

static void job_arrive(struct fs_job *j)
{
	static char names[FS_JOBS_MAX][8];
	struct sched_entity *se = &j->se;
	unsigned n = (unsigned)(j - m.fs->jobs);

	memset(se, 0, sizeof(*se));
	snprintf(names[n % FS_JOBS_MAX], sizeof(names[0]), "j%u", n);
	sched_list_init(&se->link);
	se->id = n + 1;
	se->name = names[n % FS_JOBS_MAX];
	se->nice = j->nice;
	se->weight = sched_weight_of(j->nice);
	se->class = j->reserve ? SCLASS_DEADLINE : j->class;
	se->rt_priority = j->rt_priority;
	se->latency_nice = j->latency_nice;
	se->tickets = j->tickets;
	se->length_ns = j->length_ns;
	se->affinity = j->affinity ? j->affinity : UINT64_MAX;
	se->cpu = se->last_cpu = -1;
	se->arrival_ns = m.rq.now_ns;
	if (j->reserve) {
		se->dl_runtime = j->budget_ns ? j->budget_ns : j->burst_ns;
		se->dl_period = j->period_ns;
		se->dl_deadline = j->deadline_ns ? j->deadline_ns : j->period_ns;
	}
	j->alive = true;
	if (m.rq.policy->task_init)
		m.rq.policy->task_init(&m.rq, se, NULL);
	burst_begin(j);
	charge_all();
	enqueue(se, ENQ_NEW);
	preempt_for(se);
}

static void job_wake(struct fs_job *j)
{
	j->sleeping = false;
	j->woken = true;
	burst_begin(j);
	charge_all();
	enqueue(&j->se, ENQ_WAKEUP);
	preempt_for(&j->se);
}

static uint64_t job_due_ns(const struct fs_job *j)
{
	if (j->done)
		return UINT64_MAX;
	if (!j->alive)
		return j->arrival_ns;
	return j->sleeping ? j->wake_ns : UINT64_MAX;
}

/* Those who are due now, in the order in which they went to sleep; arrivals first. */
static void jobs_wake(void)
{
	for (;;) {
		struct fs_job *first = NULL;

		for (unsigned i = 0; i < m.fs->nr_jobs; i++) {
			struct fs_job *j = &m.fs->jobs[i];

			if (job_due_ns(j) <= m.rq.now_ns && (!first || j->order < first->order))
				first = j;
		}
		if (!first)
			return;
		if (first->alive)
			job_wake(first);
		else
			job_arrive(first);
	}
}

/* --- time --- */

static void slices_end(void)
{
	for (int i = 0; i < m.rq.cpus; i++) {
		struct sched_entity *se = m.curr[i];

		if (!se || m.resched[i] || !m.rq.nr_queued || se->slice_end_ns > m.rq.now_ns)
			continue;
		charge(i, CHARGE_RUNS);
		uint64_t more = m.rq.policy->renew ? m.rq.policy->renew(&m.rq, se) : 0;
		if (!more)
			give_way(i, true);
		else
			se->slice_end_ns = more == SCHED_FOREVER ? more : m.rq.now_ns + more;
	}
}

static void resched_all(void)
{
	for (int i = 0; i < m.rq.cpus; i++)
		if (m.curr[i] && m.resched[i])
			give_way(i, false);
}

static uint64_t next_event_ns(void)
{
	uint64_t next = m.timer_ns ? m.timer_ns : UINT64_MAX;

	for (unsigned i = 0; i < m.fs->nr_jobs; i++)
		if (job_due_ns(&m.fs->jobs[i]) < next)
			next = job_due_ns(&m.fs->jobs[i]);
	for (int i = 0; i < m.rq.cpus; i++) {
		struct sched_entity *se = m.curr[i];

		if (!se)
			continue;
		uint64_t left = job_of(se)->burst_left_ns, since = m.since_ns[i];
		if (left < UINT64_MAX - since && since + left < next)
			next = since + left;
		if (m.rq.nr_queued && se->slice_end_ns < next)
			next = se->slice_end_ns;
	}
	return next;
}

static void account_idle(uint64_t until_ns)
{
	for (int i = 0; i < m.rq.cpus; i++) {
		if (m.curr[i])
			continue;
		for (unsigned j = 0; j < m.fs->nr_jobs; j++)
			if (m.fs->jobs[j].se.queued && sched_allowed(&m.fs->jobs[j].se, i)) {
				m.fs->idle_wasted_ns += until_ns - m.rq.now_ns;
				break;
			}
	}
}

static void happen(void)
{
	for (int i = 0; i < m.rq.cpus; i++)
		if (m.curr[i] && m.rq.now_ns - m.since_ns[i] >= job_of(m.curr[i])->burst_left_ns)
			burst_end(i);
	slices_end();
	if (m.timer_ns && m.timer_ns <= m.rq.now_ns) {
		m.timer_ns = 0;
		m.rq.policy->timer(&m.rq);
	}
	resched_all();
	jobs_wake();
	slices_end();
	resched_all();
	for (int i = 0; i < m.rq.cpus; i++)
		if (!m.curr[i])
			pick(i);
	m.fs->now_ns = m.rq.now_ns;
	if (fs_hook)
		fs_hook(m.fs);
}

static unsigned jobs_left(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m.fs->nr_jobs; i++)
		n += !m.fs->jobs[i].done;
	return n;
}

void fs_run(struct fs *fs)
{
	char error[200] = "";

	free(kept);
	kept = NULL;
	memset(&m, 0, sizeof(m));
	m.fs = fs;
	cr_assert_eq(sched_params_parse(fs->policy, fs->options, &m.settings, error, sizeof(error)),
		     0, "%s", error);
	m.rq = (struct runq){
	    .policy = fs->policy,
	    .services = &services,
	    .priv = calloc(1, fs->policy->priv_size + 1),
	    .params = m.settings.values,
	    .tick_ns = 1,
	    .seed = m.settings.seed,
	    .cpus = fs->cpus ? fs->cpus : 1,
	    .explain = fs->explain,
	    .curr = m.curr,
	};
	for (unsigned i = 0; i < fs->nr_jobs; i++)
		fs->jobs[i].first_ns = fs->jobs[i].end_ns = UINT64_MAX;
	if (fs->policy->init)
		cr_assert_eq(fs->policy->init(&m.rq), 0);
	while (fs->until_ns ? m.rq.now_ns < fs->until_ns : jobs_left() != 0) {
		uint64_t next = next_event_ns();

		cr_assert_neq(next, UINT64_MAX, "%s leaves %u tasks waiting for ever",
			      fs->policy->name, m.rq.nr_queued);
		account_idle(next);
		m.rq.now_ns = next;
		happen();
	}
	fs->now_ns = m.rq.now_ns;
	/* What still waits has waited. */
	for (unsigned i = 0; i < fs->nr_jobs; i++) {
		struct fs_job *j = &fs->jobs[i];
		if (j->se.queued && m.rq.now_ns - j->queued_ns > j->wait_max_ns)
			j->wait_max_ns = m.rq.now_ns - j->queued_ns;
	}
	if (fs->policy->exit)
		fs->policy->exit(&m.rq);
	kept = m.rq.priv;
}

int fs_admit(struct fs *fs, const struct sched_policy *p, struct sched_entity *se, uint64_t runtime,
	     uint64_t period)
{
	return p->admit(&m.rq, se, runtime, period, period);
}

double fs_response_ms(const struct fs *fs)
{
	double sum = 0;

	for (unsigned i = 0; i < fs->nr_jobs; i++)
		sum += (double)(fs->jobs[i].first_ns - fs->jobs[i].arrival_ns) / 1e6;
	return sum / fs->nr_jobs;
}

double fs_turnaround_ms(const struct fs *fs)
{
	double sum = 0;

	for (unsigned i = 0; i < fs->nr_jobs; i++)
		sum += (double)(fs->jobs[i].end_ns - fs->jobs[i].arrival_ns) / 1e6;
	return sum / fs->nr_jobs;
}

static void settle(void)
{
	resched_all();
	for (int i = 0; i < m.rq.cpus; i++)
		if (!m.curr[i])
			pick(i);
}

void fs_change(struct fs *fs, struct fs_job *job, void (*f)(struct sched_entity *se))
{
	struct sched_entity *se = &job->se;

	if (se->queued)
		m.rq.policy->remove(&m.rq, se);
	else if (se->cpu >= 0)
		charge(se->cpu, CHARGE_RUNS);
	f(se);
	se->weight = sched_weight_of(se->nice);
	if (m.rq.policy->changed)
		m.rq.policy->changed(&m.rq, se);
	if (se->queued) {
		m.rq.policy->enqueue(&m.rq, se, ENQ_CHANGED);
		preempt_for(se);
	} else if (se->cpu >= 0 && (m.rq.nr_queued || !sched_allowed(se, se->cpu))) {
		m.resched[se->cpu] = true;
	}
	settle();
}

static void inherit(struct fs_job *owner)
{
	struct sched_entity *se = &owner->se;

	if (!m.rq.policy->inherit || owner->done)
		return;
	if (se->queued)
		m.rq.policy->remove(&m.rq, se);
	else if (se->cpu >= 0)
		charge(se->cpu, CHARGE_RUNS);
	bool changed = m.rq.policy->inherit(&m.rq, se);
	if (se->queued) {
		m.rq.policy->enqueue(&m.rq, se, ENQ_CHANGED);
		preempt_for(se);
	} else if (changed && se->cpu >= 0 && m.rq.nr_queued) {
		m.resched[se->cpu] = true;
	}
	settle();
}

void fs_donate(struct fs *fs, struct fs_job *donor, struct fs_job *owner)
{
	for (unsigned i = 0; i < fs->nr_jobs; i++) {
		struct sched_entity **p = &fs->jobs[i].se.donors;

		for (; *p; p = &(*p)->next_donor) {
			if (*p != &donor->se)
				continue;
			*p = donor->se.next_donor;
			donor->se.next_donor = NULL;
			inherit(&fs->jobs[i]);
			break;
		}
	}
	if (!owner)
		return;
	donor->se.next_donor = owner->se.donors;
	owner->se.donors = &donor->se;
	inherit(owner);
}
