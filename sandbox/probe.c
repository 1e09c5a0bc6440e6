/*
 * probe.c - which machines there are, and which fits this host.
 */
#include "sandbox.h"

#include <string.h>

static const struct machine_ops *const machines[] = {
	&seccomp_machine,
	&ptrace_machine,
	NULL,
};

const struct machine_ops *const *machine_list(void)
{
	return machines;
}

const struct machine_ops *machine_find(const char *name)
{
	for (int i = 0; machines[i] != NULL; i++) {
		if (strcmp(machines[i]->name, name) == 0)
			return machines[i];
	}
	return NULL;
}
