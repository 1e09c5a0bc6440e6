/*
 * main.c - the program: finds the command and hands over.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int print_version(void)
{
	puts("ukernel " UKERNEL_VERSION);
	return 0;
}

/* Output that could not be written is a failure, not a success (a full disk, a closed pipe). */
static int flush_stdout(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "ukernel: cannot write to standard output: %s\n", strerror(errno));
		return status ? status : EXIT_OWN_FAILURE;
	}
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		options_print_help(stderr, NULL);
		return EXIT_OWN_FAILURE;
	}
	if (strcmp(name, "run") == 0)
		return command_run(argc - 1, argv + 1);
	if (strcmp(name, "doctor") == 0)
		return flush_stdout(command_doctor(argc - 1, argv + 1));
	if (strcmp(name, "syscalls") == 0)
		return flush_stdout(command_syscalls(argc - 1, argv + 1));
	if (strcmp(name, "bench") == 0)
		return flush_stdout(command_bench(argc - 1, argv + 1));
	if (strcmp(name, "sched") == 0)
		return flush_stdout(command_sched(argc - 1, argv + 1));
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0 ||
	    strcmp(name, "-V") == 0)
		return flush_stdout(print_version());
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		options_print_help(stdout, argc > 3   ? xasprintf("%s_%s", argv[2], argv[3])
					   : argc > 2 ? argv[2]
						      : NULL);
		return flush_stdout(0);
	}
	if (*name == '-')
		die("unknown option '%s'; options go after a command: ukernel run %s ...", name,
		    name);
	die("no command '%s'; to run a program: ukernel run -- %s", name, name);
}
