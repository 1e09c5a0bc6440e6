/*
 * json_write.c - a report as JSON, all rounds of it.  json_read.c reads it.
 */
#include "bench.h"

static void put_string(const char *s, FILE *out)
{
	putc('"', out);
	for (; *s; s++) {
		if ((unsigned char)*s < ' ')
			fprintf(out, "\\u%04x", *s);
		else
			fprintf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	}
	putc('"', out);
}

static void put_pair(const char *name, const char *value, const char *after, FILE *out)
{
	put_string(name, out);
	putc(':', out);
	put_string(value, out);
	fputs(after, out);
}

static void put_cell(const struct bench_report *r, unsigned m, enum bench_cores cores, unsigned w,
		     FILE *out)
{
	const struct bench_cell *cell = bench_cell_of(r, m, cores, w);

	fputs("{", out);
	put_pair("measure", r->measures[m].name, ",", out);
	put_pair("cores", cores == CORES_ONE ? "one" : "all", ",", out);
	put_pair("way", r->ways[w].name, ",", out);
	if (*cell->reason)
		put_pair(cell->skipped ? "skipped" : "failed", cell->reason, ",", out);
	if (cell->n) {
		struct bench_stats s = bench_stats_of(cell->value, cell->n);

		fprintf(out, "\"median\":%.6g,\"q1\":%.6g,\"q3\":%.6g,", s.median, s.q1, s.q3);
	}
	fputs("\"rounds\":[", out);
	for (unsigned i = 0; i < cell->n; i++)
		fprintf(out, "%s%.6g", i ? "," : "", cell->value[i]);
	fputs("]}", out);
}

static void put_cells(const struct bench_report *r, FILE *out)
{
	const char *between = "\n  ";

	fputs(",\n\"results\":[", out);
	for (unsigned m = 0; m < r->nr_measures; m++)
		for (unsigned cores = 0; cores < CORES_COUNT; cores++)
			for (unsigned w = 0; w < r->nr_ways; w++) {
				const struct bench_cell *cell = bench_cell_of(r, m, cores, w);

				if (!cell->n && !*cell->reason)
					continue;
				fputs(between, out);
				put_cell(r, m, cores, w, out);
				between = ",\n  ";
			}
	fputs("]", out);
}

static void put_traps(const struct bench_report *r, FILE *out)
{
	fputs(",\n\"trap\":[", out);
	for (unsigned i = 0; i < r->nr_traps; i++) {
		const struct bench_trap *t = &r->traps[i];

		fputs(i ? ",\n  {" : "\n  {", out);
		put_pair("way", t->way, ",", out);
		put_pair("cores", t->cores == CORES_ONE ? "one" : "all", ",\"ns\":{", out);
		for (unsigned k = 0; k < t->n; k++) {
			put_string(t->phase[k].name, out);
			fprintf(out, ":%.6g%s", t->phase[k].ns, k + 1 < t->n ? "," : "");
		}
		fputs("}}", out);
	}
	fputs("]", out);
}

void bench_json_write(const struct bench_report *r, FILE *out)
{
	fprintf(out, "{\"format\":\"ukernel-bench\",\"version\":1,\"rounds\":%u,\"quick\":%s,",
		r->rounds, r->quick ? "true" : "false");
	fprintf(out, "\"interrupted\":%s,\n\"machine\":{", r->interrupted ? "true" : "false");
	for (unsigned i = 0; i < r->nr_facts; i++)
		put_pair(r->facts[i].name, r->facts[i].text, i + 1 < r->nr_facts ? "," : "", out);
	fputs("},\n\"ways\":[", out);
	for (unsigned w = 0; w < r->nr_ways; w++) {
		static const char *const kinds[] = {"native", "backend", "peer"};

		fputs(w ? ",\n  {" : "\n  {", out);
		put_pair("name", r->ways[w].name, ",", out);
		put_pair("kind", kinds[r->ways[w].kind], ",", out);
		if (*r->ways[w].skipped)
			put_pair("skipped", r->ways[w].skipped, ",", out);
		put_pair("version", r->ways[w].version, "}", out);
	}
	fputs("],\n\"measures\":[", out);
	for (unsigned m = 0; m < r->nr_measures; m++) {
		fputs(m ? ",\n  {" : "\n  {", out);
		put_pair("name", r->measures[m].name, ",", out);
		put_pair("group", r->measures[m].group, ",", out);
		put_pair("unit", r->measures[m].unit, ",", out);
		put_pair("goal", r->measures[m].goal, ",", out);
		put_pair("what", r->measures[m].what, "}", out);
	}
	fputs("]", out);
	put_cells(r, out);
	put_traps(r, out);
	fputs("}\n", out);
}
