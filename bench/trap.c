/*
 * trap.c - where the time of one trap goes, in each backend.
 *
 * The program mask_in_out makes a call that takes eight bytes in and gives eight back, and stamps
 * it with the cycle counter; `ukernel run --costs=json` says what became of it.  Means, not
 * medians.
 *
 * Nobody sees the moment at which the host has the call and begins to wake us up.  The part before
 * is taken to be what a call costs natively behind a filter that lets it pass.
 */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bench_measure probe = {.name = "mask_in_out"};
#define CALL	"rt_sigprocmask"
#define REPEATS 3

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void phase_add(struct bench_trap *t, const char *name, double ns)
{
	if (t->n < PHASES_MAX)
		t->phase[t->n++] = (struct bench_phase){name, ns > 0 ? ns : 0};
}

static double entry_ns; /* natively, behind a filter */

/* From the guest's stamp to our being awake.  Less than the host's call: it was none. */
static void phases_of_arrival(struct bench_trap *t, double ns)
{
	double entry = ns > entry_ns ? entry_ns : 0;

	phase_add(t, "entry", entry);
	phase_add(t, "wake-up", ns - entry);
}

static void entry_measure(const struct bench_config *c)
{
	const struct bench_way native = {.kind = WAY_NATIVE};
	const struct bench_measure m = {.name = "floor_filter", .options = ""};
	static struct bench_child child;
	static struct bench_argv argv;

	bench_argv_make(&argv, c, &native, &m, CORES_ONE);
	for (int i = 0; i < REPEATS && !bench_interrupted; i++) {
		bench_child_run(&child, argv.word, CORES_ONE, 60);
		const char *figure = strstr(child.out, "figure ");
		double ns = figure ? strtod(figure + strlen("figure "), NULL) : 0;
		if (i == 0 || ns < entry_ns)
			entry_ns = ns;
	}
}

static bool read_phases(struct bench_trap *t, const char *path)
{
	json_t *root = json_load_file(path, 0, NULL), *call;
	const json_t *stamps = json_object_get(root, "probe");
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(root, "calls"), i, call)
	{
		const char *name = json_string_value(json_object_get(call, "name"));
		double n = number_of(call, "calls");

		if (!stamps || !name || strcmp(name, CALL) != 0 || n < 100)
			continue;
		found = true;
		phases_of_arrival(t, number_of(stamps, "arrive_ns"));
		phase_add(t, "receive", number_of(call, "take_ns") / n);
		phase_add(t, "copy in", number_of(call, "copy_in_ns") / n);
		phase_add(t, "handler", number_of(call, "handlers_ns") / n);
		phase_add(t, "copy out", number_of(call, "copy_out_ns") / n);
		phase_add(t, "return", number_of(stamps, "return_ns"));
	}
	json_decref(root);
	return found;
}

static bool trap_once(struct bench_trap *t, const struct bench_config *c, const struct bench_way *w)
{
	char path[] = "/tmp/ukernel-costs.XXXXXX", options[64];
	struct bench_measure m = probe;
	struct bench_config careful = *c;
	static struct bench_child child;
	static struct bench_argv argv;
	int fd = mkstemp(path);

	if (fd < 0)
		return false;
	close(fd);
	snprintf(options, sizeof(options), "--costs=json -o %s", path);
	m.options = options;
	careful.quick = false; /* on a busy machine that would be too few calls to tell */
	bench_argv_make(&argv, &careful, w, &m, t->cores);
	bench_child_run(&child, argv.word, t->cores, 60);
	bool good = child.status == 0 && read_phases(t, path);
	unlink(path);
	return good;
}

/* A mean may hold the time of a stranger who had the CPU: the median of several. */
static void trap_measure(struct bench_report *r, const struct bench_config *c,
			 const struct bench_way *w, enum bench_cores cores)
{
	struct bench_trap t = {.cores = cores};
	double got[PHASES_MAX][REPEATS];
	unsigned n = 0;

	snprintf(t.way, sizeof(t.way), "%s", w->name);
	for (int i = 0; i < REPEATS && !bench_interrupted; i++) {
		struct bench_trap one = {.cores = cores};

		if (!trap_once(&one, c, w))
			continue;
		for (unsigned k = 0; k < one.n; k++)
			got[k][n] = one.phase[k].ns;
		memcpy(t.phase, one.phase, sizeof(t.phase));
		t.n = one.n;
		n++;
	}
	if (!n)
		return;
	for (unsigned k = 0; k < t.n; k++)
		t.phase[k].ns = bench_stats_of(got[k], n).median;
	r->traps = bench_alloc(r->traps, r->nr_traps + 1, sizeof(*r->traps));
	r->traps[r->nr_traps++] = t;
}

void bench_trap_run(struct bench_report *r, const struct bench_config *c)
{
	if (!bench_interrupted)
		entry_measure(c);
	for (unsigned cores = 0; cores < CORES_COUNT; cores++)
		for (unsigned w = 0; w < r->nr_ways && r->cores[cores]; w++)
			if (r->ways[w].kind == WAY_BACKEND && !*r->ways[w].skipped &&
			    !bench_interrupted)
				trap_measure(r, c, &r->ways[w], cores);
}
