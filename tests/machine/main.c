/*
 * main.c - both machines against the contract of machine.h, with no kernel at all.
 *
 *	machine_test [-b BACKEND] [-c CPUS] [TEST...]	run the tests (each in its own process)
 *	machine_test -p [-b BACKEND] [-c CPUS]		print what the operations cost
 *
 * The guests are a few instructions each (guests.S).  Not Criterion: its worker has a second
 * thread, which would swallow the signals that the machine waits for.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const struct machine_test *const suites[] = {
    trap_tests, life_tests, stop_tests, space_tests, event_tests, hostile_tests,
};

static bool test_run(const struct machine_test *test)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(0);
		boot();
		test->run();
		machine->fini();
		_exit(0);
	}
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += 5) {
		usleep(5000);
		if (ms > 30000) {
			fprintf(stderr, "too long\n");
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	printf("%s %s cpus=%d %s\n", status == 0 ? "ok  " : "FAIL", machine->name, cpus,
	       test->name);
	fflush(stdout);
	return status == 0;
}

static bool test_chosen(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return n == 0;
}

static int suite_run(const struct machine_test *test, char **names, int n)
{
	int failed = 0;

	for (; test->name != NULL; test++) {
		if (test_chosen(test->name, names, n))
			failed += !test_run(test);
	}
	return failed;
}

int main(int argc, char **argv)
{
	const char *backend = NULL;
	bool costs = false;
	int opt, failed = 0;

	while ((opt = getopt(argc, argv, "b:c:p")) != -1) {
		if (opt == 'b')
			backend = optarg;
		else if (opt == 'c')
			cpus = atoi(optarg);
		else if (opt == 'p')
			costs = true;
		else
			return 2;
	}
	for (const struct machine_ops *const *m = machine_list(); *m != NULL; m++) {
		if (backend != NULL && strcmp((*m)->name, backend) != 0)
			continue;
		machine = *m;
		if (costs) {
			bench();
			continue;
		}
		for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
			failed += suite_run(suites[i], argv + optind, argc - optind);
	}
	return failed != 0;
}
