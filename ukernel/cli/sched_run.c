#include "cli/cli.h"
int command_sched_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	die("not yet");
}
