/*
 * run.c - `ukernel run`: from options to a booted kernel, and its first program's status back.
 *
 * This is the one place where the kernel and a machine are put together.
 */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/watch.h"
#include "lib/log.h"
#include "machine.h"
#include "sandbox.h"
#include "trace/costs.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_TICK_NS 4000000

struct run_options {
	struct boot_config config;
	const char *backend, *user, *output, *gantt, *sched, *watchdog;
	bool sched_stats, costs, costs_json;
	char **env; /* of --env, in order */
	unsigned nr_env;
};

/*
 * Keep 0, 1 and 2 from being given to a file of ours when the caller closed them; the guest is
 * told so that it finds them closed.
 */
static void fill_standard_fds(struct boot_config *config)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		config->std_closed[fd] = true;
		int null = open("/dev/null", O_RDWR);
		if (null >= 0 && null != fd)
			dup2(null, fd);
		if (null > 2)
			close(null);
	}
}

/* Descriptors that the caller left open would be open in the guests' host processes too; the
 * guest could not name them, but nobody needs them there. */
static void close_inherited_fds(int keep)
{
	if (keep > 2) {
		close_range(3, (unsigned)keep - 1, 0);
		close_range((unsigned)keep + 1, ~0U, 0);
	} else {
		close_range(3, ~0U, 0);
	}
}

static struct bind_spec *add_bind(struct boot_config *config)
{
	config->binds = xrealloc(config->binds, config->nr_binds + 1, sizeof(*config->binds));
	return &config->binds[config->nr_binds++];
}

static void add_env(struct run_options *o, char *text)
{
	if (!*text || *text == '=')
		die("--env '%s' names no variable; it is NAME or NAME=VALUE", text);
	o->env = xrealloc(o->env, o->nr_env + 1, sizeof(*o->env));
	o->env[o->nr_env++] = text;
}

static void take_watching_option(struct run_options *o, int id, char *arg)
{
	struct boot_config *c = &o->config;

	switch (id) {
	case OPT_run_TRACE:
		c->trace = true;
		c->trace_filter = arg;
		break;
	case OPT_run_COUNT:
		c->count_calls = true;
		break;
	case OPT_run_GANTT:
		o->gantt = arg;
		break;
	case OPT_run_SCHED_STATS:
		o->sched_stats = true;
		break;
	case OPT_run_EXPLAIN:
		c->explain = true;
		break;
	case OPT_run_COSTS:
		if (arg && strcmp(arg, "json") != 0)
			die("--costs=%s: it is --costs or --costs=json", arg);
		o->costs = true;
		o->costs_json = arg != NULL;
		break;
	case OPT_run_OUTPUT:
		o->output = arg;
		break;
	case OPT_run_LOG:
		if (log_set(arg) != 0)
			die("--log wants SUBSYS[=LEVEL], not '%s'; SUBSYS: %s, all; LEVEL: error, "
			    "warn, info, debug",
			    arg, log_subsystem_names());
		break;
	case OPT_run_HELP:
		options_print_help(stdout, "run");
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	case OPT_run_VERSION:
		puts("ukernel " UKERNEL_VERSION);
		exit(fflush(stdout) ? EXIT_OWN_FAILURE : 0);
	}
}

static void take_option(struct run_options *o, int id, char *arg)
{
	struct boot_config *c = &o->config;

	switch (id) {
	case OPT_run_BACKEND:
		o->backend = arg;
		break;
	case OPT_run_CPUS:
		c->cpus = (int)parse_count("cpus", arg, 1, CPUS_MAX);
		break;
	case OPT_run_SCHED_WATCHDOG:
		o->watchdog = arg;
		break;
	case OPT_run_SCHED:
		o->sched = arg;
		break;
	case OPT_run_TICK:
		c->tick_ns = parse_duration_ns("tick", arg, 1000);
		if (c->tick_ns < 100000 || c->tick_ns > 10000000000)
			die("--tick %s is out of range: from 100us to 10s", arg);
		break;
	case OPT_run_ROOT:
		c->root_dir = arg;
		break;
	case OPT_run_BIND:
		parse_bind(arg, add_bind(c));
		break;
	case OPT_run_RW:
		parse_rw(arg, add_bind(c));
		break;
	case OPT_run_RO:
		c->root_read_only = true;
		break;
	case OPT_run_FILES:
		c->files = parse_files(arg);
		break;
	case OPT_run_WORKDIR:
		c->workdir = path_absolute(arg);
		break;
	case OPT_run_ENV:
		add_env(o, arg);
		break;
	case OPT_run_USER:
		o->user = arg;
		break;
	case OPT_run_HOSTNAME:
		if (!*arg || strlen(arg) > 64)
			die("--hostname wants 1 to 64 characters, not '%s'", arg);
		c->hostname = arg;
		break;
	case OPT_run_TIMEOUT:
		c->timeout_ns = parse_duration_ns("timeout", arg, 1000000000);
		if (!c->timeout_ns)
			die("--timeout 0 would end the program before it starts");
		break;
	case OPT_run_MEMORY:
		c->memory_max = parse_size("memory", arg);
		break;
	case OPT_run_PIDS:
		c->pids_max = (unsigned)parse_count("pids", arg, 1, 32768);
		break;
	default:
		take_watching_option(o, id, arg);
		break;
	}
}

/* The index of the variable that text ("NAME" or "NAME=VALUE") is about, or n. */
static size_t find_variable(char **env, size_t n, const char *text)
{
	size_t len = strcspn(text, "="), i;

	for (i = 0; i < n; i++)
		if (strncmp(env[i], text, len) == 0 && env[i][len] == '=')
			break;
	return i;
}

static char **build_environment(const struct run_options *o)
{
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = xrealloc(NULL, n + o->nr_env + 1, sizeof(*env));
	memcpy(env, environ, n * sizeof(*env));
	for (unsigned i = 0; i < o->nr_env; i++) {
		/* NAME alone: the host's value, which is there already, or nothing. */
		if (!strchr(o->env[i], '='))
			continue;
		size_t at = find_variable(env, n, o->env[i]);
		env[at] = o->env[i];
		n += at == n;
	}
	env[n] = NULL;
	return env;
}

static void default_identity(struct boot_config *config)
{
	int n = getgroups(0, NULL);

	config->uid = geteuid();
	config->gid = getegid();
	if (n <= 0)
		return;
	config->groups = xrealloc(NULL, (size_t)n, sizeof(gid_t));
	config->ngroups = getgroups(n, config->groups);
	if (config->ngroups < 0)
		config->ngroups = 0;
}

static void check_root(struct boot_config *config)
{
	struct stat st;

	if (stat(config->root_dir, &st) != 0)
		die("--root: cannot use '%s': %s", config->root_dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		die("--root: '%s' is not a directory", config->root_dir);
	if (access(config->root_dir, R_OK | X_OK) != 0)
		die("--root: you may not read '%s': %s", config->root_dir, strerror(errno));
	refuse_proc("root", config->root_dir);
	char *real = realpath(config->root_dir, NULL);
	if (real)
		config->root_dir = real;
}

/* A named machine is used or refused; auto takes the best that works here. */
static _Noreturn void die_of_backend(const char *name)
{
	char names[128] = "auto";

	for (const struct machine_ops *const *m = machine_list(); *m; m++) {
		strncat(names, ", ", sizeof(names) - strlen(names) - 1);
		strncat(names, (*m)->name, sizeof(names) - strlen(names) - 1);
	}
	die("no backend '%s'; there are %s", name, names);
}

_Noreturn void die_without_machine(const char *backend)
{
	if (strcmp(backend, "auto") == 0)
		die("no backend works here: %s; see ukernel doctor", machine_init_error());
	die("backend %s does not work here: %s; see ukernel doctor", backend, machine_init_error());
}

static void start_machine(struct run_options *o)
{
	struct machine_config mc = {
	    .cpus = o->config.cpus,
	    .tick_ns = o->config.tick_ns,
	    .sleep = costs_sleep(),
	    .note = trace_wants_notes() ? trace_note : NULL,
	};
	int err;

	if (strcmp(o->backend, "auto") != 0 && machine_find(o->backend) == NULL)
		die_of_backend(o->backend);
	machine = machine_start(o->backend, &mc, &machine_info, &err);
	if (machine == NULL)
		die_without_machine(o->backend);
	if (o->costs && !machine_info.cycles_are_time)
		die("--costs: the cycle counter of this CPU does not keep step with time");
	costs_watch_machine();
}

static void open_output(struct run_options *o)
{
	o->config.trace_out = stderr;
	if (!o->output)
		return;
	if (!o->config.trace && !o->config.count_calls && !o->config.explain && !o->sched_stats &&
	    !o->costs)
		o->config.trace = true;
	o->config.trace_out = fopen(o->output, "we");
	if (!o->config.trace_out)
		die("--output: cannot write '%s': %s", o->output, strerror(errno));
}

static int exit_status(int err, int status)
{
	if (err < 0)
		return EXIT_OWN_FAILURE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int command_run(int argc, char **argv)
{
	static struct run_options o = {
	    .backend = "auto",
	    .sched = "fair",
	    .config = {.cpus = 1, .tick_ns = DEFAULT_TICK_NS, .root_dir = "/"},
	};
	struct option_parser parser;
	int id, status = 0;

	o.config.inherited = inherit_from_caller();
	fill_standard_fds(&o.config);
	option_parser_init(&parser, "run");
	while ((id = option_next(&parser, argc, argv)) != OPT_END)
		take_option(&o, id, optarg);
	o.config.policy = policy_open(o.sched, o.watchdog, &o.config.policy_options);
	if (optind == argc)
		die("no program to run; try: ukernel run -- ls -l /");
	o.config.argv = argv + optind;
	o.config.envp = build_environment(&o);
	check_root(&o.config);
	default_identity(&o.config);
	if (o.user)
		parse_user(o.user, o.config.root_dir, &o.config);
	open_output(&o);
	if (trace_init(&o.config) != 0)
		die("--trace: '%s' is no list of system calls or %%classes; see ukernel help run",
		    o.config.trace_filter);
	explain_init(&o.config);
	watch_start(o.gantt, o.sched_stats);
	close_inherited_fds(o.output ? fileno(o.config.trace_out) : -1);

	if (o.costs)
		costs_begin(o.config.trace_out, o.costs_json);
	start_machine(&o);
	int err = kernel_run(&o.config, &status);
	machine->fini();
	trace_finish();
	costs_finish();
	explain_finish();
	watch_finish(&o.config);
	syscall_missing_report();
	return exit_status(err, status);
}
