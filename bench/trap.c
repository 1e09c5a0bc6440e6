/*
 * trap.c - where the time of one trap goes, in each backend.
 *
 * The program mask_in_out makes a call that takes eight bytes in and gives eight back, and stamps
 * it with the cycle counter; `ukernel run --costs=json` says what became of it.  Means, not
 * medians.
 */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bench_measure probe = {.name = "mask_in_out"};
#define CALL "rt_sigprocmask"

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void phase_add(struct bench_trap *t, const char *name, double ns)
{
	if (t->n < PHASES_MAX)
		t->phase[t->n++] = (struct bench_phase){name, ns > 0 ? ns : 0};
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
		phase_add(t, "entry and wake-up", number_of(stamps, "arrive_ns"));
		phase_add(t, "receive", number_of(call, "take_ns") / n);
		phase_add(t, "copy in", number_of(call, "copy_in_ns") / n);
		phase_add(t, "handler", number_of(call, "handlers_ns") / n);
		phase_add(t, "copy out", number_of(call, "copy_out_ns") / n);
		phase_add(t, "answer and return", number_of(stamps, "return_ns"));
	}
	json_decref(root);
	return found;
}

static void trap_measure(struct bench_report *r, const struct bench_config *c,
			 const struct bench_way *w, enum bench_cores cores)
{
	char path[] = "/tmp/ukernel-costs.XXXXXX", options[64];
	struct bench_measure m = probe;
	struct bench_config careful = *c;
	static struct bench_child child;
	static struct bench_argv argv;
	int fd = mkstemp(path);

	if (fd < 0)
		return;
	close(fd);
	snprintf(options, sizeof(options), "--costs=json -o %s", path);
	m.options = options;
	careful.quick = false; /* on a busy machine that would be too few calls to tell */
	bench_argv_make(&argv, &careful, w, &m, cores);
	bench_child_run(&child, argv.word, cores, 60);
	struct bench_trap t = {.cores = cores};
	snprintf(t.way, sizeof(t.way), "%s", w->name);
	if (child.status == 0 && read_phases(&t, path)) {
		r->traps = bench_alloc(r->traps, r->nr_traps + 1, sizeof(*r->traps));
		r->traps[r->nr_traps++] = t;
	}
	unlink(path);
}

void bench_trap_run(struct bench_report *r, const struct bench_config *c)
{
	for (unsigned cores = 0; cores < CORES_COUNT; cores++)
		for (unsigned w = 0; w < r->nr_ways && r->cores[cores]; w++)
			if (r->ways[w].kind == WAY_BACKEND && !*r->ways[w].skipped &&
			    !bench_interrupted)
				trap_measure(r, c, &r->ways[w], cores);
}
