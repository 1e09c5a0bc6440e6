/*
 * doctor.c - `ukernel doctor`: what this host offers, what that means, and what to do about it.
 */
#include "cli/cli.h"
#include "cli/options.h"
#include "sandbox.h"

#include <stdio.h>

int command_doctor(int argc, char **argv)
{
	struct host_probe probe;
	char why[256] = "";

	host_probe(&probe);
	const struct machine_ops *m = machine_choose(&probe, why, sizeof(why));
	printf("auto takes %s: %s\n", m ? m->name : "nothing", why);
	return m ? 0 : 1;
}
