/*
 * boot.c - the boot sequence, from a configuration to a running first process, and the way back.
 *
 * What a kernel does at boot is here in its order: the trap table, the handlers of exceptions, the
 * timer, the mounts, the first process.  `--log boot` shows it.
 */
#include "kern/boot.h"

#include "fs/boot.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/stdfile.h"
#include "kern/host_signal.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "lib/log.h"
#include "machine.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "syscall.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

const struct machine_ops *machine;
struct machine_info machine_info;
const struct boot_config *boot_config;

/* Our own failure to start anything, and the status of a program that could not be: else 0. */
static int start_error, refused_status;

/* --- the first program --- */

/* A file that t may execute; *out counted. */
static int program_open(struct task *t, const char *name, struct file **out)
{
	struct path p;
	int err = path_lookup(t, AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err < 0)
		return err;
	if (!S_ISREG(p.dentry->inode->mode))
		err = -EACCES;
	if (err == 0)
		err = inode_permission(p.dentry->inode, t->cred, X_OK);
	path_put(&p);
	return err < 0 ? err : path_open(t, AT_FDCWD, name, O_RDONLY, 0, out);
}

static const char *env_value(char **envp, const char *name)
{
	size_t len = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/* As execvp(3) looks a name up.  *found is malloc()ed. */
static int program_find(struct task *t, const char *name, struct file **out, char **found)
{
	const char *dirs = env_value(boot_config->envp, "PATH");
	int result = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/')) {
		*found = strdup(name);
		return *found ? program_open(t, name, out) : -ENOMEM;
	}
	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		int len = (int)strcspn(dirs, ":");
		char *full = NULL;

		if (asprintf(&full, "%.*s/%s", len ? len : 1, len ? dirs : ".", name) < 0)
			return -ENOMEM;
		int err = program_open(t, full, out);
		if (err == 0) {
			*found = full;
			return 0;
		}
		free(full);
		if (err == -EACCES)
			result = err;
		if (!dirs[len])
			return result;
		dirs += len + 1;
	}
}

static int count_strings(char **v)
{
	int n = 0;

	while (v[n])
		n++;
	return n;
}

/* What a shell makes of a failed execve; a host that has no more to give is our failure. */
static void program_refused(const char *name, int err)
{
	bool memory = err == -ENOMEM && boot_config->memory_max;

	log_error(boot, "cannot run '%s': %s%s", name, strerror(-err),
		  memory ? "; --memory leaves too little" : "");
	switch (-err) {
	case ENOMEM:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case EIO:
		start_error = err;
		break;
	default:
		refused_status =
		    W_EXITCODE(err == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, 0);
	}
}

static int program_start(struct task *t)
{
	const char *name = boot_config->argv[0];
	struct file *file = NULL;
	char *found = NULL;
	int err = program_find(t, name, &file, &found);

	if (err == 0) {
		struct exec_args args = {
		    .argv = boot_config->argv,
		    .envp = boot_config->envp,
		    .argc = count_strings(boot_config->argv),
		    .envc = count_strings(boot_config->envp),
		    .filename = found,
		};
		log_info(boot, "first process: %s, number %d", found, t->tid);
		err = task_exec(t, file, &args);
		if (err == 0 && trace_on)
			trace_first_exec(t, found, args.argv, (unsigned)args.envc);
		file_put(file);
	}
	if (err < 0)
		program_refused(name, err);
	free(found);
	return err;
}

/* The first process's kernel side begins here, on its own stack. */
static void first_main(struct task *t)
{
	start_error = stdfiles_install(t);
	if (start_error < 0)
		log_error(boot, "no standard files: %s", strerror(-start_error));
	if (start_error == 0)
		start_error = vfs_boot_workdir(t, boot_config);
	if (start_error < 0 || program_start(t) < 0)
		process_exit(t, 0);
}

/* --- the sequence --- */

static void log_table(void)
{
	int known = 0, handled = 0;

	for (int i = 0; i < SYSCALL_MAX; i++) {
		known += syscall_table[i].name != NULL;
		handled += syscall_table[i].call != NULL;
	}
	log_info(boot, "trap table: %d calls known, %d with a handler", known, handled);
	EXPLAIN(BY_OS, NULL, "initialise trap table: %d calls, %d handlers", known, handled);
	EXPLAIN(BY_HARDWARE, NULL, "remember where traps go: to us, by %s", machine->name);
}

static int boot(const struct boot_config *config)
{
	struct task *first;
	int err;

	explain_heading("boot");
	log_info(boot, "machine %s: %d virtual CPU(s) on %u, user space %#lx-%#lx", machine->name,
		 config->cpus, machine_info.host_cpus, (unsigned long)machine_info.user_lo,
		 (unsigned long)machine_info.user_hi);
	log_table();
	log_info(boot, "exceptions: as signals to the task that raised them");
	EXPLAIN(BY_OS, NULL, "handlers of exceptions: a signal to who raised it");
	err = sched_init(config->cpus, config->policy, config->policy_options, config->tick_ns);
	if (err < 0)
		return err;
	log_info(boot, "timer: tick of %lu us, policy %s", (unsigned long)config->tick_ns / 1000,
		 config->policy->name);
	EXPLAIN(BY_OS, NULL, "start timer: a tick is %lu us, policy %s",
		(unsigned long)config->tick_ns / 1000, config->policy->name);
	EXPLAIN(BY_HARDWARE, NULL, "timer ready; it interrupts while somebody waits");
	pids_max = config->pids_max;
	memory_max = config->memory_max;
	err = vfs_boot(config);
	if (err < 0)
		return err;
	log_info(boot, "mounts: done");
	EXPLAIN(BY_OS, NULL, "mount the file systems");
	explain_heading("run");
	err = process_create_init();
	if (err == 0)
		err = task_create_first(first_main, &first);
	if (err == 0)
		EXPLAIN(BY_OS, first, "create entry in process list: process %d", first->tid);
	if (err < 0)
		log_error(boot, "cannot make the first process: %s", strerror(-err));
	return err;
}

/* The first process is gone: so has to be whoever it left behind. */
static void kill_rest(void)
{
	struct process *p;

	list_for_each (p, &process_list, all)
		if (!p->is_init && p->state != PROC_ZOMBIE)
			signal_send_process(p, SIGKILL, NULL);
}

int kernel_run(const struct boot_config *config, int *status)
{
	boot_config = config;
	int err = boot(config);
	if (err < 0)
		return err;
	box_timeout_start(config->timeout_ns);
	*status = kernel_loop();
	box_timed_out(status);
	kill_rest();
	kernel_drain();
	sched_fini();
	stdfiles_restore();
	if (refused_status)
		*status = refused_status;
	return start_error;
}
