/*
 * load.c - from what --sched says to a policy: one of the list, or a shared object of the user's
 * own.
 */
#include "sched/load.h"

#include "sched/params.h"
#include "sched/sched.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(char *error, size_t size, const char *what)
{
	snprintf(error, size, "%s", what);
	return -EINVAL;
}

/* Is p such that the core may call it? */
static int policy_check(const struct sched_policy *p, char *error, size_t size)
{
	if (p->abi != SCHED_POLICY_ABI) {
		snprintf(error, size,
			 "it was built for version %u of the policy interface, this is %u: build "
			 "it anew against this policy.h",
			 p->abi, SCHED_POLICY_ABI);
		return -EINVAL;
	}
	if (!p->name || !*p->name || !p->summary)
		return fail(error, size, "the policy has no name or summary");
	if (!p->enqueue || !p->remove || !p->pick || !p->slice_ns)
		return fail(error, size,
			    "the policy lacks enqueue(), remove(), pick() or slice_ns()");
	if (p->task_size > sizeof(((struct sched_entity *)0)->priv))
		return fail(error, size, "the policy keeps more of a task than se->priv has");
	for (const struct policy_param *q = p->params; q && q->key; q++) {
		if (q->def && q->help)
			continue;
		snprintf(error, size, "its parameter %s lacks a default or a help text", q->key);
		return -EINVAL;
	}
	return 0;
}

static const struct sched_policy *load_object(const char *path, char *error, size_t size)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!object) {
		snprintf(error, size, "cannot load it: %s", dlerror());
		return NULL;
	}
	const struct sched_policy *const *p = dlsym(object, "ukernel_sched_policy");
	if (!p || !*p) {
		fail(error, size, "no policy in it: it has to end with SCHED_POLICY_EXPORT()");
		return NULL;
	}
	return policy_check(*p, error, size) < 0 ? NULL : *p;
}

const struct sched_policy *sched_policy_open(const char *spec, const char **options,
					     const struct guard_settings *watchdog, char *error,
					     size_t size)
{
	struct guard_settings settings = {.mode = GUARD_OFF, .limit_ns = GUARD_LIMIT_NS};
	struct sched_settings values;
	const struct sched_policy *p = NULL;
	size_t n = strcspn(spec, ":");
	char *name = strndup(spec, n);
	bool foreign;

	if (!name) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	*options = spec[n] ? spec + n + 1 : NULL;
	foreign = strchr(name, '/') != NULL;
	if (!*name)
		snprintf(error, size, "it has no name; ukernel sched list names them");
	else if (foreign)
		p = load_object(name, error, size);
	else if (!(p = sched_policy_find(name)))
		snprintf(error, size,
			 "there is none of that name; ukernel sched list names them, ./%s.so would "
			 "be your own",
			 name);
	free(name);
	if (!p)
		return NULL;
	if (sched_params_parse(p, *options, &values, error, size) < 0)
		return NULL;
	settings.mode = foreign ? GUARD_RR : GUARD_OFF;
	if (watchdog)
		settings = *watchdog;
	if (settings.mode == GUARD_OFF)
		return p;
	p = guard_create(p, foreign, &settings);
	if (!p)
		snprintf(error, size, "out of memory");
	return p;
}
