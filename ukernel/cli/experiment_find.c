/*
 * experiment_find.c - what an experiment needs besides us: the workload and the program that plays
 * it, which are installed with us or were built beside us.
 */
#include "cli/cli.h"
#include "cli/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directory that this program lies in. */
static char *program_dir(void)
{
	char *self = realpath("/proc/self/exe", NULL);
	char *slash = self ? strrchr(self, '/') : NULL;

	if (slash)
		*slash = '\0';
	else
		die("cannot tell where this program lies");
	return self;
}

char *workload_find(const char *name)
{
	static const char *const places[] = {"../share/ukernel/workloads", "../workloads"};

	if (access(name, F_OK) == 0 || strchr(name, '/'))
		return xasprintf("%s", name);
	char *dir = program_dir();
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const char *suffix = strstr(name, ".wl") ? "" : ".wl";
		char *path = xasprintf("%s/%s/%s%s", dir, places[i], name, suffix);

		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	die("no workload '%s': neither a file here nor one of %s/../share/ukernel/workloads", name,
	    dir);
}

char *player_find(void)
{
	char *self = program_dir();
	char *built = xasprintf("%s/lab/player", self);
	char *installed = xasprintf("%s/../libexec/ukernel/player", self);
	bool is_built = access(built, X_OK) == 0;

	if (!is_built && access(installed, X_OK) != 0)
		die("the program that plays workloads is not there: %s", installed);
	free(self);
	free(is_built ? installed : built);
	return is_built ? built : installed;
}

char *player_calibrate(const char *player)
{
	char *command = xasprintf("'%s' --calibrate", player);
	FILE *f = popen(command, "re");
	unsigned long loops;

	if (!f || fscanf(f, "%lu", &loops) != 1 || pclose(f) != 0 || !loops)
		die("%s --calibrate does not work here", player);
	free(command);
	return xasprintf("%lu", loops);
}
