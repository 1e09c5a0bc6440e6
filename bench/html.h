/*
 * html.h - between the page (html.c), its charts (svg.c) and how both write things (words.c).
 */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

#include "bench.h"

/* Text that may hold anything, as HTML shows it. */
void html_text(const char *s, FILE *out);
/* A time as people say it: 830 ns, 2.1 µs, 14 ms. */
void html_time(double ns, char *out, size_t len);
/* The class of a way's colour: "c0" is native. */
unsigned html_colour(const struct bench_report *r, const char *way);
#define HTML_COLOURS 12

/* A number and no time: it has no place on an axis of time. */
bool svg_is_plain(const struct bench_measure *m);
/* Bars on a logarithmic scale, for the measures of a group; nothing when it has no figure. */
bool svg_has_figures(const struct bench_report *r, enum bench_cores cores, const char *group);
void svg_group(const struct bench_report *r, enum bench_cores cores, const char *group, FILE *out);
/* One trap in each backend, one phase after the other, and the floors below. */
void svg_traps(const struct bench_report *r, FILE *out);
#endif
