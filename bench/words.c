/*
 * words.c - text, times and colours, as page and charts write them.
 */
#include "html.h"

#include <string.h>

void html_text(const char *s, FILE *out)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			putc(*s, out);
		}
	}
}

void html_time(double ns, char *out, size_t len)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {0, "ns"}};
	int i = 0;

	while (ns < units[i].ns * .9995)
		i++;
	snprintf(out, len, "%.3g %s", units[i].ns ? ns / units[i].ns : ns, units[i].name);
}

unsigned html_colour(const struct bench_report *r, const char *way)
{
	for (unsigned w = 0; w < r->nr_ways; w++)
		if (strcmp(r->ways[w].name, way) == 0)
			return w % HTML_COLOURS;
	return 0;
}
