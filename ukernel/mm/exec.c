/*
 * exec.c - execve and execveat: a task gets a new program.
 *
 * The new address space is planned (load.c, stack.c), made and filled on a fresh thread of the
 * machine while the old program still stands.  Only when nothing can fail any more do the other
 * threads die and the old space go.  Where Linux would have passed its point of no return, the
 * calls kill the task, as Linux does.
 *
 * Set-uid and set-gid bits have no effect, as under no_new_privs.
 */
#include "mm/exec.h"
#include "fs/file.h"
#include "kern/futex.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/elf.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "mm/script.h"
#include "syscall.h"
#include "trace/explain.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>

#define SCRIPT_DEPTH_MAX 5
#define HEAD_SIZE	 4096 /* one read gets the headers of nearly every program */

/* A program file and what has been learnt of it. */
struct program {
	struct file *file; /* counted */
	char *head;	   /* HEAD_SIZE + 2 bytes, zeros behind head_len */
	size_t head_len;
	struct elf_image img;
};

int exec_open(struct task *t, int dirfd, const char *name, unsigned lookup, struct file **out)
{
	struct path path;
	int err = path_lookup(t, dirfd, name, lookup, &path);

	*out = NULL;
	if (err)
		return err;
	if (S_ISLNK(path.dentry->inode->mode))
		err = -ELOOP;
	else if (!S_ISREG(path.dentry->inode->mode))
		err = -EACCES;
	else
		err = path_open_exec(t, &path, out);
	path_put(&path);
	if (!err)
		err = file_deny_write(*out);
	if (err < 0 && *out) {
		file_put(*out);
		*out = NULL;
	}
	return err;
}

static int program_read(struct program *p)
{
	ssize_t n;

	if (!p->head)
		p->head = malloc(HEAD_SIZE + 2);
	if (!p->head)
		return -ENOMEM;
	n = file_read_kernel(p->file, p->head, HEAD_SIZE, 0);
	if (n < 0)
		return n;
	memset(p->head + n, 0, HEAD_SIZE + 2 - n);
	p->head_len = n;
	return 0;
}

static int program_parse(struct program *p)
{
	uint64_t phoff;
	size_t size;
	void *phdrs;
	int err = elf_header(p->head, p->head_len, &phoff, &size);

	if (err)
		return err;
	if (phoff <= p->head_len && size <= p->head_len - phoff)
		return elf_parse(p->head, p->head + phoff, machine_info.user_hi, &p->img);
	phdrs = malloc(size);
	if (!phdrs)
		return -ENOMEM;
	if (file_read_kernel(p->file, phdrs, size, phoff) == (ssize_t)size)
		err = elf_parse(p->head, phdrs, machine_info.user_hi, &p->img);
	else
		err = -ENOEXEC;
	free(phdrs);
	return err;
}

static void program_finish(struct program *p)
{
	elf_finish(&p->img);
	free(p->head);
	file_put(p->file);
}

/* argv becomes: interpreter, its argument if any, the script, the script's arguments.  The strings
 * live in the program's head, which must outlast args. */
static int script_argv(struct exec_args *args, char *script, char *interp, char *arg)
{
	int extra = arg ? 3 : 2, rest = args->argc > 0 ? args->argc - 1 : 0, n = 0;
	char **v = malloc((extra + rest + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	v[n++] = interp;
	if (arg)
		v[n++] = arg;
	v[n++] = script;
	for (int i = 0; i < rest; i++)
		v[n++] = args->argv[i + 1];
	v[n] = NULL;
	args->argv = v;
	args->argc = n;
	return 0;
}

/*
 * Follow "#!" lines from p to a program that is none.  heads keeps the lines alive, for argv.
 */
static int scripts_follow(struct task *t, struct program *p, struct exec_args *args,
			  char *heads[SCRIPT_DEPTH_MAX])
{
	const char *name = args->filename;
	int err = program_read(p);

	for (int depth = 0; !err && p->head_len >= 2 && !memcmp(p->head, "#!", 2); depth++) {
		size_t len = p->head_len < SCRIPT_HEAD ? p->head_len : SCRIPT_HEAD;
		char *interp, *arg;

		if (depth == SCRIPT_DEPTH_MAX)
			return -ELOOP;
		heads[depth] = p->head;
		p->head = NULL;
		err = script_parse(heads[depth], len, &interp, &arg);
		if (!err && args->inaccessible)
			err = -ENOENT;
		if (!err) {
			char **old = args->argv;

			err = script_argv(args, (char *)name, interp, arg);
			if (!err && depth > 0)
				free(old);
		}
		if (err)
			return err;
		file_put(p->file);
		p->file = NULL;
		name = interp;
		err = exec_open(t, AT_FDCWD, interp, LOOKUP_FOLLOW, &p->file);
		if (!err)
			err = program_read(p);
	}
	return err;
}

static int interp_open(struct task *t, const struct program *prog, struct program *interp)
{
	const struct elf_image *img = &prog->img;
	char *name = malloc(img->interp_len);
	ssize_t n;
	int err = -ENOMEM;

	if (!name)
		return err;
	n = file_read_kernel(prog->file, name, img->interp_len, img->interp_off);
	if (n < 0)
		err = n;
	else if ((size_t)n != img->interp_len)
		err = -EIO;
	else if (name[n - 1])
		err = -ENOEXEC;
	else
		err = exec_open(t, AT_FDCWD, name, LOOKUP_FOLLOW, &interp->file);
	free(name);
	if (err)
		return err;
	err = program_read(interp);
	if (!err && interp->head_len < ELF_HEADER_SIZE)
		err = -EIO;
	if (!err)
		err = program_parse(interp);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int space_plan(struct task *t, struct exec_space *sp, const struct program *prog,
		      const struct program *interp, const struct exec_args *args)
{
	int err;

	sp->ops_max = 2 * (prog->img.nseg + interp->img.nseg) + 1;
	sp->ops = malloc(sp->ops_max * sizeof(*sp->ops));
	sp->zero = malloc(sp->ops_max * sizeof(*sp->zero));
	sp->mm = mm_create();
	if (!sp->ops || !sp->zero || !sp->mm)
		return -ENOMEM;
	mm_layout(t, sp->mm);
	err = exec_stack_reserve(t, sp, args, prog->img.stack_exec);
	if (!err)
		err = exec_load(t, sp, prog->file, &prog->img, interp->file, &interp->img);
	if (!err)
		err = exec_stack_fill(t, sp, args);
	return err;
}

/* For --explain: what the new program finds. */
static void space_explain(const struct task *t, const struct exec_space *sp,
			  const struct exec_args *args)
{
	EXPLAIN(BY_OS, t, "allocate memory for program: a new space");
	for (unsigned i = 0; i < sp->nops; i++) {
		const struct vm_op *op = &sp->ops[i];
		const char *what = op->host_fd < 0		      ? "zeroes"
				   : sp->base && op->addr >= sp->base ? "of its interpreter"
								      : "of the program";

		if (op->addr + op->len == sp->mm->stack_top)
			what = "stack";
		EXPLAIN(BY_OS, t, "map %#llx %5llu KiB %c%c%c %s", (unsigned long long)op->addr,
			(unsigned long long)op->len >> 10, op->prot & PROT_READ ? 'r' : '-',
			op->prot & PROT_WRITE ? 'w' : '-', op->prot & PROT_EXEC ? 'x' : '-', what);
	}
	EXPLAIN(BY_OS, t, "push on its stack: argv (%d), environment (%d)", args->argc, args->envc);
	EXPLAIN(BY_OS, t, "fill registers: pc %#llx, sp %#llx", (unsigned long long)sp->start,
		(unsigned long long)sp->sp);
}

/* Carry the plan out on th. */
static int space_make(struct vthread *th, const struct exec_space *sp)
{
	static const char zeros[PAGE_SIZE];
	struct regs regs = {.rip = sp->start,
			    .rsp = sp->sp,
			    .eflags = 0x202,
			    .cs = 0x33,
			    .ss = 0x2b,
			    .orig_rax = -1UL};
	size_t done;
	int err = machine->vm_apply(th, sp->ops, sp->nops, &done);

	if (err)
		return err;
	for (unsigned i = 0; i < sp->nzero; i++)
		if (machine->mem_write(th, sp->zero[i].addr, zeros, sp->zero[i].len) !=
		    sp->zero[i].len)
			return -EFAULT;
	if (machine->mem_write(th, sp->sp, sp->stack, sp->stack_len) != sp->stack_len)
		return -EFAULT;
	return machine->regs_set(th, &regs);
}

static void space_finish(struct exec_space *sp)
{
	mm_put(sp->mm);
	free(sp->ops);
	free(sp->zero);
	free(sp->stack);
}

/* What a thread owes others when it leaves its address space. */
static void old_space_leave(struct task *t)
{
	int32_t zero = 0;

	if (t->robust_list)
		futex_robust_exit(t);
	t->robust_list = 0;
	if (t->clear_child_tid && mm_shared(t->mm) && put_user(t, zero, t->clear_child_tid) == 0)
		futex_wake_address(t, t->clear_child_tid, 1);
	t->clear_child_tid = 0;
}

static int files_unshare(struct task *t)
{
	struct fdtable *own;

	if (fdtable_refs(t->files) == 1)
		return 0;
	own = fdtable_copy(t->files);
	if (!own)
		return -ENOMEM;
	fdtable_put(t->files, t);
	t->files = own;
	return 0;
}

static void name_set(struct task *t, const char *filename)
{
	const char *slash = strrchr(filename, '/');

	memset(t->comm, 0, sizeof(t->comm));
	strncpy(t->comm, slash ? slash + 1 : filename, sizeof(t->comm) - 1);
	sched_task_renamed(t);
}

/* The point of no return has been passed: t becomes the new program, on th. */
static void task_switch(struct task *t, struct vthread *th, struct exec_space *sp, struct file *exe,
			const struct exec_args *args)
{
	struct process *p = t->proc;

	old_space_leave(t);
	if (t->thread) {
		t->user_ns_base += machine->cpu_ns(t->thread);
		peak_expect(t);
		machine->thread_destroy(t->thread);
	}
	t->thread = th;
	mm_put(t->mm);
	t->mm = sp->mm;
	sp->mm = NULL;
	signal_exec(t);
	fdtable_close_on_exec(t->files, t);
	name_set(t, args->filename);
	file_put(p->exe);
	p->exe = file_get(exe);
	p->arg_start = sp->arg_start;
	p->arg_end = sp->arg_end;
	p->env_start = sp->env_start;
	p->env_end = sp->env_end;
	p->auxv_start = sp->auxv_start;
	p->auxv_len = sp->auxv_len;
	p->did_exec = true;
	p->personality &= ~(unsigned long)READ_IMPLIES_EXEC; /* no 64-bit program has it */
	/* What may not be read may not be looked at in memory either. */
	p->dumpable = !inode_permission(exe->inode, t->cred, R_OK);
	t->set_child_tid = 0;
	t->in_syscall = false;
	task_vfork_release(t);
	EXPLAIN(BY_OS, t, "load program: process %d is now %s", p->pid, t->comm);
	log_debug(mm, "pid %d runs %s at %#lx", p->pid, args->filename, (unsigned long)sp->start);
}

static int program_start(struct task *t, const struct program *prog, const struct program *interp,
			 struct exec_args *args)
{
	struct exec_space sp = {0};
	struct vthread *th = NULL;
	int err = space_plan(t, &sp, prog, interp, args);

	if (err) {
		args->doomed = true;
		goto out;
	}
	err = machine->space_create(t, &th);
	if (err)
		goto out;
	if (__builtin_expect(explain_on, 0))
		space_explain(t, &sp, args);
	err = space_make(th, &sp);
	if (err) {
		args->doomed = true;
		goto out;
	}
	err = files_unshare(t);
	if (!err)
		err = process_kill_others(t);
	if (err)
		goto out;
	if (t->proc->leader != t)
		task_become_leader(t);
	task_switch(t, th, &sp, prog->file, args);
	th = NULL;
out:
	if (th)
		machine->thread_destroy(th);
	space_finish(&sp);
	return err;
}

int task_exec(struct task *t, struct file *file, struct exec_args *given)
{
	struct exec_args own = *given, *args = &own;
	struct program prog = {.file = file_get(file)}, interp = {0};
	char *heads[SCRIPT_DEPTH_MAX] = {0};
	int err;

	args->doomed = false;
	err = file_deny_write(file);
	if (!err)
		err = scripts_follow(t, &prog, args, heads);
	if (!err)
		err = program_parse(&prog);
	if (!err && !prog.file->ops->mmap)
		err = -ENOEXEC;
	if (!err && prog.img.interp_len)
		err = interp_open(t, &prog, &interp);
	if (!err)
		err = program_start(t, &prog, &interp, args);
	for (int i = 0; i < SCRIPT_DEPTH_MAX; i++)
		free(heads[i]);
	program_finish(&prog);
	if (interp.file) {
		file_allow_write(interp.file); /* only the program itself stays busy */
		program_finish(&interp);
	}
	if (args->argv != given->argv)
		free(args->argv);
	given->doomed = args->doomed;
	return err;
}

/* Linux kills what it can no longer return to. */
static long exec_finish(struct task *t, struct file *file, struct exec_args *args, uaddr_t argv,
			uaddr_t envp)
{
	int err = exec_args_read(t, argv, envp, strlen(args->filename), args);

	if (!err)
		err = task_exec(t, file, args);
	exec_args_free(args);
	if (err && args->doomed) {
		log_info(mm, "pid %d: execve of %s: %s", t->proc->pid, args->filename,
			 strerror(-err));
		signal_force(t, SIGSEGV, NULL);
	}
	return err;
}

long sys_execve(struct task *t, uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return sys_execveat(t, AT_FDCWD, path, argv, envp, 0);
}

/* How the program of an execveat by descriptor is called: /dev/fd/N, /dev/fd/N/PATH. */
static char *name_make(int dirfd, const char *path)
{
	char *name;
	int n;

	if (dirfd == AT_FDCWD || path[0] == '/')
		return strdup(path);
	n = path[0] ? asprintf(&name, "/dev/fd/%d/%s", dirfd, path)
		    : asprintf(&name, "/dev/fd/%d", dirfd);
	return n < 0 ? NULL : name;
}

long sys_execveat(struct task *t, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	struct exec_args args = {0};
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file *file = NULL;
	char *given, *name = NULL;
	ssize_t n;
	long ret;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	given = malloc(PATH_MAX);
	if (!given)
		return -ENOMEM;
	ret = n = string_from_user(t, given, path, PATH_MAX);
	if (n == 0 && !(flags & AT_EMPTY_PATH))
		ret = -ENOENT;
	if (ret < 0)
		goto out;
	ret =
	    exec_open(t, dirfd, given, lookup | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &file);
	if (ret < 0)
		goto out;
	args.filename = name = name_make(dirfd, given);
	args.inaccessible = dirfd != AT_FDCWD && given[0] != '/' && fd_cloexec(t, dirfd);
	if (name)
		ret = exec_finish(t, file, &args, argv, envp);
	else
		ret = -ENOMEM;
	file_put(file);
out:
	free(name);
	free(given);
	return ret;
}
