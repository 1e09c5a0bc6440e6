/*
 * metrics.c - adds up the records of a schedule.
 *
 * Entitlement is that of an ideal machine that divides its virtual CPUs among the runnable tasks by
 * weight at every instant (generalized processor sharing: Parekh and Gallager 1993).  Two clocks
 * make it cheap: v counts what one unit of weight is entitled to while more tasks can run than
 * there are virtual CPUs, u the time in which each has a virtual CPU to itself.
 */
#include "lab/metrics.h"

#include <stdlib.h>
#include <string.h>

struct metrics_private {
	struct metrics_row **by_id;
	size_t nr_ids;
	struct metrics_row **live; /* not done */
	size_t nr_live;
	uint64_t *last_on; /* [cpus]: id of the task that ran there last */
	uint64_t now_ns, window_start_ns;
	bool started, failed;
	/* runnable: */
	uint64_t weight;
	size_t nr_runnable;
	double v, u;
};

#define IDS_MAX (1u << 24)

struct metrics *metrics_create(int cpus, uint64_t window_ns)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->priv = calloc(1, sizeof(*m->priv));
	m->cpus = cpus;
	m->window_ns = window_ns ? window_ns : METRICS_WINDOW_NS;
	m->jain_min = 1;
	if (m->priv)
		m->priv->last_on = calloc((size_t)cpus, sizeof(uint64_t));
	if (!m->priv || !m->priv->last_on) {
		metrics_destroy(m);
		return NULL;
	}
	return m;
}

void metrics_destroy(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nr_rows; i++) {
		free(m->rows[i]->name);
		free(m->rows[i]->group);
		free(m->rows[i]->wakeups.ns);
		free(m->rows[i]);
	}
	free(m->rows);
	free(m->watchdog);
	if (m->priv) {
		free(m->priv->by_id);
		free(m->priv->live);
		free(m->priv->last_on);
	}
	free(m->priv);
	free(m);
}

static struct metrics_row *find_row(const struct metrics *m, uint64_t id)
{
	return id < m->priv->nr_ids ? m->priv->by_id[id] : NULL;
}

/* Room for one more in an array of pointers, which doubles. */
static bool grow(struct metrics_row ***array, size_t n)
{
	if (n && (n & (n - 1)))
		return true;
	struct metrics_row **more = reallocarray(*array, n ? 2 * n : 1, sizeof(**array));
	if (more)
		*array = more;
	return more;
}

static bool make_id(struct metrics_private *p, uint64_t id)
{
	size_t want = p->nr_ids ? p->nr_ids : 64;

	if (id >= IDS_MAX)
		return false;
	while (want <= id)
		want *= 2;
	if (want == p->nr_ids)
		return true;
	struct metrics_row **more = reallocarray(p->by_id, want, sizeof(*more));
	if (!more)
		return false;
	memset(more + p->nr_ids, 0, (want - p->nr_ids) * sizeof(*more));
	p->by_id = more;
	p->nr_ids = want;
	return true;
}

static struct metrics_row *add_row(struct metrics *m, uint64_t id, uint64_t parent)
{
	struct metrics_private *p = m->priv;
	struct metrics_row *row = calloc(1, sizeof(*row)), *from;

	if (!row || !make_id(p, id) || !grow(&m->rows, m->nr_rows) || !grow(&p->live, p->nr_live)) {
		free(row);
		p->failed = true;
		return NULL;
	}
	from = find_row(m, parent);
	row->id = id;
	row->weight = 1024;
	row->name = strdup(from ? from->name : "");
	row->group = strdup(from ? from->group : "");
	row->cpu = -1;
	row->arrival_ns = row->state_ns = row->since_ns = p->now_ns;
	p->by_id[id] = row;
	m->rows[m->nr_rows++] = row;
	row->live_at = p->nr_live;
	p->live[p->nr_live++] = row;
	return row;
}

static void set_text(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return;
	free(*field);
	*field = copy;
}

/* --- entitlement --- */

static void entitle(struct metrics *m, struct metrics_row *row)
{
	struct metrics_private *p = m->priv;

	if (row->state != ROW_SLEEPS)
		row->entitled_ns += row->weight * (p->v - row->from_v) + (p->u - row->from_u);
	row->from_v = p->v;
	row->from_u = p->u;
}

static void set_weight(struct metrics *m, struct metrics_row *row, unsigned weight)
{
	if (!weight || row->weight == weight)
		return;
	entitle(m, row);
	if (row->state != ROW_SLEEPS)
		m->priv->weight += (uint64_t)weight - row->weight;
	row->weight = weight;
}

/* What row did up to now is added up; it stays in its state. */
static void account(struct metrics *m, struct metrics_row *row)
{
	struct metrics_private *p = m->priv;
	uint64_t ns = p->now_ns - row->since_ns;

	entitle(m, row);
	if (row->state == ROW_WAITS) {
		row->waiting_ns += ns;
	} else if (row->state == ROW_RUNS) {
		row->cpu_ns += ns;
		m->busy_ns += ns;
	}
	row->since_ns = p->now_ns;
}

static void set_state(struct metrics *m, struct metrics_row *row, int state)
{
	struct metrics_private *p = m->priv;

	account(m, row);
	if ((row->state == ROW_SLEEPS) != (state == ROW_SLEEPS)) {
		p->weight += state == ROW_SLEEPS ? -(uint64_t)row->weight : row->weight;
		p->nr_runnable += state == ROW_SLEEPS ? (size_t)-1 : 1;
	}
	row->state = state;
	row->state_ns = p->now_ns;
}

/* --- time --- */

static void clocks_to(struct metrics *m, uint64_t ns)
{
	struct metrics_private *p = m->priv;
	double dt = (double)(ns - p->now_ns);

	if (p->nr_runnable > (size_t)m->cpus)
		p->v += dt * m->cpus / (double)p->weight;
	else
		p->u += dt;
	p->now_ns = ns;
}

/* Jain, Chiu and Hawe 1984: (sum x)^2 / (n sum x^2), of what each task got of its due.  A task
 * that slept for most of the window says nothing. */
static void close_window(struct metrics *m)
{
	struct metrics_private *p = m->priv;
	double sum = 0, squares = 0;
	unsigned n = 0;

	for (size_t i = 0; i < p->nr_live; i++) {
		struct metrics_row *row = p->live[i];

		account(m, row);
		double due = row->entitled_ns - row->window_entitled_ns;
		uint64_t ran = row->cpu_ns - row->window_cpu_ns;
		uint64_t waited = row->waiting_ns - row->window_waiting_ns;
		row->window_entitled_ns = row->entitled_ns;
		row->window_cpu_ns = row->cpu_ns;
		row->window_waiting_ns = row->waiting_ns;
		if (ran + waited < m->window_ns / 2 || due <= 0)
			continue;
		double x = (double)ran / due;
		sum += x;
		squares += x * x;
		n++;
	}
	p->window_start_ns += m->window_ns;
	if (n < 2 || squares <= 0)
		return;
	double jain = sum * sum / (n * squares);
	m->windows++;
	m->jain_sum += jain;
	if (jain < m->jain_min)
		m->jain_min = jain;
}

static void time_to(struct metrics *m, uint64_t ns)
{
	struct metrics_private *p = m->priv;

	if (!p->started) {
		p->started = true;
		m->start_ns = p->now_ns = p->window_start_ns = ns;
	}
	if (ns < p->now_ns) /* records of two virtual CPUs may cross by a little */
		return;
	while (ns - p->window_start_ns >= m->window_ns) {
		if (!p->nr_runnable) {
			p->window_start_ns +=
			    (ns - p->window_start_ns) / m->window_ns * m->window_ns;
			break;
		}
		clocks_to(m, p->window_start_ns + m->window_ns);
		close_window(m);
	}
	clocks_to(m, ns);
	m->end_ns = ns;
}

/* --- what happens to a task --- */

static void sample_add(struct samples *s, uint64_t ns)
{
	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 8;
		uint64_t *more = reallocarray(s->ns, size, sizeof(*more));

		if (!more)
			return;
		s->ns = more;
		s->size = size;
	}
	s->ns[s->n++] = ns;
	s->sorted = false;
}

static void task_in(struct metrics *m, struct metrics_row *row, int cpu)
{
	struct metrics_private *p = m->priv;

	m->decisions++;
	if (row->waking)
		sample_add(&row->wakeups, p->now_ns - row->state_ns);
	row->waking = false;
	set_state(m, row, ROW_RUNS);
	if (!row->has_run)
		row->first_run_ns = p->now_ns;
	row->has_run = true;
	if (row->cpu >= 0 && row->cpu != cpu)
		row->migrations++;
	row->cpu = cpu;
	if (cpu >= 0 && cpu < m->cpus && p->last_on[cpu] != row->id) {
		m->switches += p->last_on[cpu] != 0;
		p->last_on[cpu] = row->id;
	}
}

static void task_out(struct metrics *m, struct metrics_row *row, uint64_t why)
{
	uint64_t us = (m->priv->now_ns - row->state_ns) / 1000;
	unsigned bucket = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	if (row->state != ROW_RUNS)
		return;
	row->slice_hist[bucket < SLICE_BUCKETS ? bucket : SLICE_BUCKETS - 1]++;
	if (why == CHARGE_PREEMPTED || why == CHARGE_EXPIRED)
		row->preemptions++;
	else
		row->slices_voluntary++;
	set_state(m, row, ROW_SLEEPS);
}

static void miss_job(struct metrics_row *row, uint64_t late_ns)
{
	row->missed++;
	if (late_ns > row->late_max_ns)
		row->late_max_ns = late_ns;
}

static void task_done(struct metrics *m, struct metrics_row *row)
{
	struct metrics_private *p = m->priv;

	if (row->done)
		return;
	set_state(m, row, ROW_SLEEPS);
	row->done = true;
	row->completion_ns = p->now_ns;
	if (row->deadline_ns)
		metrics_job(m, row->id,
			    (int64_t)(p->now_ns - (row->arrival_ns + row->deadline_ns)));
	p->by_id[row->id] = NULL;
	p->live[row->live_at] = p->live[--p->nr_live];
	p->live[row->live_at]->live_at = row->live_at;
}

void metrics_feed(struct metrics *m, const struct sched_record *r, const struct sched_entity *se)
{
	struct metrics_row *row = find_row(m, r->id);

	time_to(m, r->ns);
	if (!r->id || r->what == SREC_TICK)
		return;
	if (r->what == SREC_NEW || !row)
		row = add_row(m, r->id, r->what == SREC_NEW ? r->arg : 0);
	if (!row)
		return;
	switch (r->what) {
	case SREC_WAKE:
		set_state(m, row, ROW_WAITS);
		row->waking = r->arg == ENQ_WAKEUP || (row->waking && r->arg == ENQ_CHANGED);
		break;
	case SREC_IN:
		task_in(m, row, r->cpu);
		break;
	case SREC_OUT:
		task_out(m, row, r->arg);
		break;
	case SREC_HOST:
		row->host_ns += r->arg;
		break;
	case SREC_EXIT:
		task_done(m, row);
		break;
	case SREC_NEW:
	case SREC_NAME:
	case SREC_CHANGED:
		if (!se)
			break;
		if (r->what != SREC_CHANGED)
			set_text(&row->name, se->name);
		if (row->group && !*row->group)
			set_text(&row->group, se->name);
		set_weight(m, row, se->tickets ? se->tickets : se->weight);
		break;
	}
}

void metrics_label(struct metrics *m, uint64_t id, const char *name, const char *group,
		   unsigned weight, uint64_t deadline_ns)
{
	struct metrics_row *row = find_row(m, id);

	if (!row)
		return;
	set_text(&row->name, name);
	set_text(&row->group, group);
	set_weight(m, row, weight);
	row->deadline_ns = deadline_ns;
}

void metrics_job(struct metrics *m, uint64_t id, int64_t late_ns)
{
	struct metrics_row *row = find_row(m, id);

	if (!row)
		return;
	row->jobs++;
	if (late_ns > 0)
		miss_job(row, (uint64_t)late_ns);
}

void metrics_finish(struct metrics *m, uint64_t end_ns)
{
	struct metrics_private *p = m->priv;

	time_to(m, end_ns);
	for (size_t i = 0; i < p->nr_live; i++) {
		struct metrics_row *row = p->live[i];

		account(m, row);
		if (row->waking && row->state == ROW_WAITS)
			sample_add(&row->wakeups, p->now_ns - row->state_ns);
		if (row->deadline_ns && p->now_ns > row->arrival_ns + row->deadline_ns)
			metrics_job(m, row->id,
				    (int64_t)(p->now_ns - row->arrival_ns - row->deadline_ns));
	}
}
