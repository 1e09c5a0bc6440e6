/*
 * params.c - reads what --sched NAME:key=value,... says, by the policy's own table.
 *
 * Nothing here knows a policy: a new parameter is a row in the policy's file.
 */
#include "sched/params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256 /* of one value */
#define NS_MAX	 1e18

/* ---- one value ---- */

static bool time_parse(const char *text, int64_t *out)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1e6}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *end;
	double n = strtod(text, &end);

	if (end == text)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0) {
			n *= units[i].ns;
			if (!(n >= -NS_MAX && n <= NS_MAX))
				return false;
			*out = (int64_t)(n + (n < 0 ? -0.5 : 0.5));
			return true;
		}
	}
	return false;
}

static bool bool_parse(const char *text, int64_t *out)
{
	static const char *const words[] = {"no", "yes", "0", "1", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i & 1;
			return true;
		}
	}
	return false;
}

static bool int_parse(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return end != text && !*end && !errno;
}

static bool one_parse(enum sched_param_type type, const char *text, int64_t *out)
{
	switch (type) {
	case PARAM_TIME:
		return time_parse(text, out);
	case PARAM_BOOL:
		return bool_parse(text, out);
	default:
		return int_parse(text, out);
	}
}

int sched_value_parse(const struct policy_param *p, const char *text, struct sched_value *v,
		      char *error, size_t size)
{
	char copy[TEXT_MAX], *rest = copy, *part;

	v->count = 0;
	if (strlen(text) >= sizeof(copy)) {
		snprintf(error, size, "%s has too long a value", p->key);
		return -EINVAL;
	}
	strcpy(copy, text);
	while ((part = strsep(&rest, p->list ? "/" : ""))) {
		int64_t n;

		if (v->count == SCHED_VALUES_MAX) {
			snprintf(error, size, "%s takes at most %d values", p->key,
				 SCHED_VALUES_MAX);
			return -EINVAL;
		}
		if (!one_parse(p->type, part, &n)) {
			snprintf(error, size, "%s wants %s, not '%s'", p->key,
				 p->type == PARAM_TIME	 ? "a time such as 4ms"
				 : p->type == PARAM_BOOL ? "yes or no"
							 : "a number",
				 part);
			return -EINVAL;
		}
		if (p->type != PARAM_BOOL && (n < p->min || n > p->max)) {
			struct sched_value lo = {1, {p->min}}, hi = {1, {p->max}};
			char lo_text[40], hi_text[40];

			sched_value_print(p, &lo, lo_text, sizeof(lo_text));
			sched_value_print(p, &hi, hi_text, sizeof(hi_text));
			snprintf(error, size, "%s=%s is out of range: from %s to %s", p->key, part,
				 lo_text, hi_text);
			return -EINVAL;
		}
		v->v[v->count++] = n;
	}
	return 0;
}

static int time_print(int64_t ns, char *out, size_t size)
{
	const char *unit = ns % 1000 ? "ns" : ns % 1000000 ? "us" : ns % 1000000000 ? "ms" : "s";
	int64_t per = ns % 1000 ? 1 : ns % 1000000 ? 1000 : ns % 1000000000 ? 1000000 : 1000000000;

	return snprintf(out, size, "%lld%s", (long long)(ns / per), ns ? unit : "");
}

void sched_value_print(const struct policy_param *param, const struct sched_value *v, char *out,
		       size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < v->count && at + 1 < size; i++) {
		if (i)
			out[at++] = '/';
		int n = param->type == PARAM_TIME
			    ? time_print(v->v[i], out + at, size - at)
			    : snprintf(out + at, size - at, "%lld", (long long)v->v[i]);
		at += (size_t)n;
	}
}

/* ---- the line ---- */

static int setting_parse(const struct sched_policy *policy, char *text, bool first,
			 struct sched_settings *set, char *error, size_t size)
{
	const struct policy_param *p = policy->params;
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	if (strcmp(text, "seed") == 0 && value) {
		char *end;

		errno = 0;
		set->seed = strtoull(value, &end, 0);
		if (end != value && !*end && !errno && !strchr(value, '-'))
			return 0;
		snprintf(error, size, "seed wants a number, not '%s'", value);
		return -EINVAL;
	}
	for (int i = 0; p && p[i].key; i++) {
		if (strcmp(p[i].key, text) == 0 && (value || p[i].type == PARAM_BOOL))
			return sched_value_parse(&p[i], value ? value : "yes", &set->values[i],
						 error, size);
	}
	if (!value && first && p && p[0].key)
		return sched_value_parse(&p[0], text, &set->values[0], error, size);
	snprintf(error, size, "policy %s has no parameter '%s'", policy->name, text);
	return -EINVAL;
}

int sched_params_parse(const struct sched_policy *policy, const char *text,
		       struct sched_settings *set, char *error, size_t size)
{
	const struct policy_param *p = policy->params;
	char *copy, *rest, *part;
	int err = 0;

	set->seed = 0;
	for (int i = 0; p && p[i].key; i++) {
		if (i == SCHED_PARAMS_MAX) {
			snprintf(error, size, "policy %s has too many parameters", policy->name);
			return -EINVAL;
		}
		err = sched_value_parse(&p[i], p[i].def, &set->values[i], error, size);
		if (err < 0)
			return err;
	}
	if (!text || !*text)
		return 0;
	rest = copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	for (bool first = true; err == 0 && (part = strsep(&rest, ",")); first = false)
		err = setting_parse(policy, part, first, set, error, size);
	free(copy);
	return err;
}
