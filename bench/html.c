/*
 * html.c - a report as one page that needs nothing else: no script, no style, no picture from
 * outside.
 */
#include "html.h"

#include <string.h>

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1000px;padding:0 1em;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.6em}h2{margin-top:2em;border-bottom:1px solid #ccc}h3{margin-bottom:.3em}\n"
    "svg{max-width:100%;height:auto;vertical-align:middle}\n"
    "svg text{font:12px system-ui,sans-serif;fill:#222}\n"
    ".what{text-anchor:end}.tick{text-anchor:middle;fill:#666}.inside{text-anchor:middle;fill:#fff}"
    "svg text.inside{fill:#fff;font-size:11px}\n"
    "svg "
    "text.value{font-size:11px;fill:#444}.grid{stroke:#ddd}.spread{stroke:#000;stroke-width:2}\n"
    "table{border-collapse:collapse;font-size:13px;margin:1em 0}td,th{padding:2px 10px;"
    "text-align:right;border-bottom:1px solid #eee}td:first-child,th:first-child{text-align:left}\n"
    ".legend span{white-space:nowrap;margin-right:1em}.scroll{overflow-x:auto}\n"
    "dl{display:grid;grid-template-columns:max-content auto;gap:2px "
    "1em}dt{color:#666}dd{margin:0}\n"
    ".miss{color:#b00020}\n"
    ".c0{fill:#7f7f7f}.c1{fill:#1f77b4}.c2{fill:#ff7f0e}.c3{fill:#2ca02c}.c4{fill:#9467bd}"
    ".c5{fill:#8c564b}.c6{fill:#e377c2}.c7{fill:#bcbd22}.c8{fill:#17becf}.c9{fill:#d62728}"
    ".c10{fill:#aec7e8}.c11{fill:#ffbb78}\n"
    ".p0{fill:#4e79a7}.p1{fill:#f28e2b}.p2{fill:#59a14f}.p3{fill:#e15759}.p4{fill:#76b7b2}"
    ".p5{fill:#b07aa1}.p6{fill:#9c755f}.p7{fill:#bab0ac}\n";

static const struct {
	const char *name, *title;
} groups[] = {
    {"call", "System calls that do next to nothing"},
    {"file", "Files and names"},
    {"ipc", "Between processes and between threads"},
    {"memory", "Memory, a page"},
    {"process", "Processes, programs, threads"},
    {"sched", "Scheduling"},
    {"whole", "Whole programs"},
};
#define NR_GROUPS (sizeof(groups) / sizeof(*groups))

static void put_head(const struct bench_report *r, FILE *out)
{
	fprintf(out,
		"<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport "
		"content=\"width=device-width\">\n<link rel=icon href=\"data:,\">\n<title>What "
		"ukernel costs"
		"</title>\n<style>\n%s</style>\n<h1>What ukernel costs</h1>\n",
		style);
	fprintf(out,
		"<p>Medians of %u round%s%s%s. In each round every way ran every measure once, one "
		"after the other.</p>\n<dl>\n",
		r->rounds, r->rounds == 1 ? "" : "s", r->quick ? ", quick and rough" : "",
		r->interrupted ? ", interrupted before the end" : "");
	for (unsigned i = 0; i < r->nr_facts; i++) {
		fputs("<dt>", out);
		html_text(r->facts[i].name, out);
		fputs("<dd>", out);
		html_text(r->facts[i].text, out);
		putc('\n', out);
	}
	fputs("</dl>\n", out);
}

static void put_ways(const struct bench_report *r, FILE *out)
{
	fputs("<p class=legend>", out);
	for (unsigned w = 0; w < r->nr_ways; w++) {
		if (*r->ways[w].skipped)
			continue;
		fprintf(
		    out,
		    "<span><svg width=12 height=12><rect class=c%u width=12 height=12 /></svg> ",
		    html_colour(r, r->ways[w].name));
		html_text(r->ways[w].name, out);
		if (*r->ways[w].version) {
			fputs(" (", out);
			html_text(r->ways[w].version, out);
			fputs(")", out);
		}
		fputs("</span> ", out);
	}
	fputs("</p>\n", out);
}

static void put_skipped(const struct bench_report *r, FILE *out)
{
	for (unsigned w = 0; w < r->nr_ways; w++) {
		if (!*r->ways[w].skipped)
			continue;
		fputs("<p>", out);
		html_text(r->ways[w].name, out);
		fputs(" was skipped: ", out);
		html_text(r->ways[w].skipped, out);
		fputs("</p>\n", out);
	}
}

static void put_figure(const struct bench_report *r, unsigned m, enum bench_cores cores, unsigned w,
		       FILE *out)
{
	const struct bench_cell *cell = bench_cell_of(r, m, cores, w);
	const struct bench_cell *native = bench_cell_of(r, m, cores, 0);
	char number[32];

	fputs("<td>", out);
	if (!cell->n) {
		html_text(cell->reason, out);
		return;
	}
	struct bench_stats s = bench_stats_of(cell->value, cell->n);
	bench_number(s.median, number, sizeof(number));
	fprintf(out, "%s", number);
	if (s.median > 0 && s.q3 - s.q1 >= .02 * s.median)
		fprintf(out, " ±%.0f %%", 50 * (s.q3 - s.q1) / s.median);
	if (w > 0 && native->n)
		fprintf(out, "<br>%.2f×",
			s.median / bench_stats_of(native->value, native->n).median);
}

/* A table of the rows of one group that no chart shows, or (group NULL) of all. */
static void put_table(const struct bench_report *r, enum bench_cores cores, const char *group,
		      FILE *out)
{
	fputs("<div class=scroll><table>\n<tr><th>work<th>unit", out);
	for (unsigned w = 0; w < r->nr_ways; w++)
		if (!*r->ways[w].skipped)
			fprintf(out, "<th>%s", r->ways[w].name);
	fputs("<th>goal\n", out);
	for (unsigned m = 0; m < r->nr_measures; m++) {
		bool any = false;

		for (unsigned w = 0; w < r->nr_ways; w++)
			any |= bench_cell_of(r, m, cores, w)->n > 0;
		if (!any || (group && (strcmp(r->measures[m].group, group) != 0 ||
				       !svg_is_plain(&r->measures[m]))))
			continue;
		fputs("<tr><td>", out);
		html_text(r->measures[m].what, out);
		fprintf(out, "<td>%s", r->measures[m].unit);
		for (unsigned w = 0; w < r->nr_ways; w++)
			if (!*r->ways[w].skipped)
				put_figure(r, m, cores, w, out);
		fputs("<td>", out);
		html_text(r->measures[m].goal, out);
		putc('\n', out);
	}
	fputs("</table></div>\n", out);
}

static bool has_plain(const struct bench_report *r, enum bench_cores cores, const char *group)
{
	for (unsigned m = 0; m < r->nr_measures; m++)
		for (unsigned w = 0; w < r->nr_ways; w++)
			if (strcmp(r->measures[m].group, group) == 0 &&
			    svg_is_plain(&r->measures[m]) && bench_cell_of(r, m, cores, w)->n)
				return true;
	return false;
}

static void put_half(const struct bench_report *r, enum bench_cores cores, FILE *out)
{
	fprintf(out,
		"<h2>On %s</h2>\n<p>%s Logarithmic scales: a bar twice as long is many times as "
		"slow. The black line spans the middle half of the rounds.</p>\n",
		bench_cores_name(cores),
		cores == CORES_ONE
		    ? "Everything is bound to the first CPU: the program, and whoever runs it."
		    : "Nothing is bound, and the box has as many virtual CPUs as there are CPUs.");
	put_ways(r, out);
	for (size_t i = 0; i < NR_GROUPS; i++) {
		if (!svg_has_figures(r, cores, groups[i].name))
			continue;
		fprintf(out, "<h3>%s</h3>\n", groups[i].title);
		svg_group(r, cores, groups[i].name, out);
		if (has_plain(r, cores, groups[i].name))
			put_table(r, cores, groups[i].name, out);
	}
	fputs("<details><summary>The figures</summary>\n", out);
	put_table(r, cores, NULL, out);
	fputs("</details>\n", out);
}

void bench_html_write(const struct bench_report *r, FILE *out)
{
	bool floors =
	    svg_has_figures(r, CORES_ONE, "floor") || svg_has_figures(r, CORES_ALL, "floor");

	put_head(r, out);
	put_skipped(r, out);
	for (unsigned cores = 0; cores < CORES_COUNT; cores++)
		if (r->cores[cores])
			put_half(r, cores, out);
	if (r->nr_traps || floors) {
		fputs(
		    "<h2>One trap</h2>\n<p>Where the time of one system call goes that takes eight "
		    "bytes in and gives eight back, and, in grey, what the host itself charges for "
		    "as much: no way of catching calls can be quicker. Entry is taken to be what a "
		    "call costs behind a filter that lets it pass; wake-up ends when the "
		    "supervisor "
		    "runs; return, from beginning to answer to the program's next "
		    "instruction.</p>\n",
		    out);
		svg_traps(r, out);
	}
}
