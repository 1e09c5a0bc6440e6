/*
 * report_key.c - which task has which colour: one for each task where there are few, else one for
 * each group, and what is left over shares the last.
 */
#include "lab/report_parts.h"

#include <string.h>

static const char *key_name(const struct timeline_task *t, bool by_group)
{
	return by_group ? t->group : t->name;
}

/* Its colour; a new one if there is one left. */
static int key_colour(struct report_key *key, const char *name)
{
	for (int i = 0; i < key->count; i++)
		if (strcmp(key->name[i], name) == 0)
			return i;
	if (key->count == COLOUR_OTHER)
		return COLOUR_OTHER;
	snprintf(key->name[key->count], sizeof(key->name[0]), "%s", name);
	return key->count++;
}

/* True: everybody has a colour of their own. */
static bool key_try(struct report_key *key, const struct report *report, bool by_group)
{
	memset(key, 0, sizeof(*key));
	key->by_group = by_group;
	for (size_t r = 0; r < report->nr_runs; r++) {
		const struct timeline *tl = report->runs[r].timeline;

		for (size_t i = 0; i < tl->nr_tasks; i++) {
			struct timeline_task *t = &tl->tasks[i];

			/* Who never did anything needs no colour. */
			t->colour = COLOUR_OTHER;
			if (t->cpu_ns || t->waiting_ns)
				t->colour = key_colour(key, key_name(t, by_group));
			if (t->colour == COLOUR_OTHER && t->cpu_ns)
				key->others = true;
		}
	}
	return !key->others;
}

void report_key_make(struct report_key *key, const struct report *report)
{
	if (!key_try(key, report, false))
		key_try(key, report, true);
}

void report_key_html(FILE *out, const struct report_key *key)
{
	fputs("<p class=key>", out);
	for (int i = 0; i < key->count; i++) {
		fprintf(out, "<span><i class=c%d></i>", i);
		report_text(out, key->name[i]);
		fputs("</span> ", out);
	}
	if (key->others)
		fprintf(out, "<span><i class=c%d></i>others</span>", COLOUR_OTHER);
	fputs("</p>\n", out);
}
