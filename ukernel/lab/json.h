/*
 * json.h - members of a JSON object, each with a comma behind it.
 */
#ifndef LAB_JSON_H
#define LAB_JSON_H

#include <stdbool.h>
#include <stdio.h>

void json_text(FILE *out, const char *key, const char *s);
/* null where x is not known, or is not a number: JSON has none. */
void json_real(FILE *out, const char *key, double x, bool known);
#endif
