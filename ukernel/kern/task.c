/*
 * task.c - tasks and processes as objects: made, counted, given back; and the first two of them.
 */
#include "kern/task.h"

#include "fs/file.h"
#include "fs/inode.h"
#include "ipc/ipc.h"
#include "kern/boot.h"
#include "kern/cred.h"
#include "kern/itimer.h"
#include "mm/mm.h"
#include "trace/costs.h"
#include "trace/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SIGPENDING_MAX 8192
#define NOFILE_SOFT    1024
#define NOFILE_HARD    (1 << 20)
#define STACK_SOFT     (8UL << 20)

struct task *task_get(struct task *t)
{
	t->refs++;
	return t;
}

static void task_free(struct task *t)
{
	if (t->thread)
		machine->thread_destroy(t->thread);
	if (t->files)
		fdtable_put(t->files, t);
	if (t->fs)
		fs_context_put(t->fs);
	if (t->mm)
		mm_put(t->mm);
	if (t->sighand)
		sighand_put(t->sighand);
	sem_undo_leave(t);
	cred_put(t->cred);
	sigpending_flush(&t->pending);
	kstack_finish(&t->kstack);
	process_put(t->proc);
	free(t);
}

void task_put(struct task *t)
{
	if (t && --t->refs == 0)
		task_free(t);
}

struct process *process_get(struct process *p)
{
	p->refs++;
	return p;
}

void process_put(struct process *p)
{
	while (p && --p->refs == 0) {
		struct process *heir = p->heir;

		sigpending_flush(&p->pending);
		file_put(p->exe);
		free(p);
		p = heir;
	}
}

struct task *task_alloc(void)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->refs = 1;
	t->state = TASK_SLEEPING; /* until sched_wake() */
	t->vcpu = -1;
	list_init(&t->in_process);
	sigpending_init(&t->pending);
	t->altstack.flags = SS_DISABLE;
	t->start_ns = time_boot_ns();
	return t;
}

struct process *process_alloc(pid_t pid)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	p->pid = pid;
	p->exit_signal = SIGCHLD;
	p->dumpable = true;
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->all);
	waitq_init(&p->child_wait);
	waitq_init(&p->exit_wait);
	waitq_init(&p->sig_waitq);
	sigpending_init(&p->pending);
	process_timers_init(p);
	return p;
}

void process_add_task(struct process *p, struct task *t)
{
	t->proc = process_get(p);
	list_add_tail(&t->in_process, &p->threads);
	p->nr_threads++;
	pid_bind_task(t->tid, t);
	if (!p->leader) {
		p->leader = task_get(t);
		pid_bind_process(p->pid, p);
		list_add_tail(&p->all, &process_list);
		if (p->parent)
			list_add_tail(&p->sibling, &p->parent->children);
	}
}

static void rlimits_init(struct process *p)
{
	for (int i = 0; i < RLIM_COUNT; i++)
		p->rlimit[i] = (struct rlimit_pair){RLIM_INFINITY, RLIM_INFINITY};
	p->rlimit[RLIMIT_STACK].cur = STACK_SOFT;
	p->rlimit[RLIMIT_CORE].cur = 0;
	p->rlimit[RLIMIT_NPROC] = (struct rlimit_pair){PID_LIMIT - 1, PID_LIMIT - 1};
	p->rlimit[RLIMIT_NOFILE] = (struct rlimit_pair){NOFILE_SOFT, NOFILE_HARD};
	p->rlimit[RLIMIT_MEMLOCK] = (struct rlimit_pair){8UL << 20, 8UL << 20};
	p->rlimit[RLIMIT_SIGPENDING] = (struct rlimit_pair){SIGPENDING_MAX, SIGPENDING_MAX};
	p->rlimit[RLIMIT_MSGQUEUE] = (struct rlimit_pair){819200, 819200};
	p->rlimit[RLIMIT_NICE] = (struct rlimit_pair){0, 0};
	p->rlimit[RLIMIT_RTPRIO] = (struct rlimit_pair){0, 0};
}

/* User 0 has every capability. */
static struct cred *cred_of_root(void)
{
	struct cred *c = cred_alloc(0);

	if (c)
		c->cap_bounding = c->cap_permitted = c->cap_effective = CAP_ALL;
	return c;
}

/* Who the first program is: as the command line says. */
static struct cred *cred_of_box(void)
{
	struct cred *c = cred_alloc(boot_config->ngroups);

	if (!c)
		return NULL;
	c->uid = c->euid = c->suid = c->fsuid = boot_config->uid;
	c->gid = c->egid = c->sgid = c->fsgid = boot_config->gid;
	if (boot_config->ngroups > 0)
		memcpy(c->groups, boot_config->groups,
		       (size_t)boot_config->ngroups * sizeof(c->groups[0]));
	c->cap_bounding = CAP_ALL;
	if (c->uid == 0)
		c->cap_permitted = c->cap_effective = CAP_ALL;
	return c;
}

/* What both have: number, process, dispositions.  Takes over cred.  NULL: no memory. */
static struct task *task_create_fresh(const char *comm, struct cred *cred)
{
	int pid = pid_alloc();
	struct task *t = task_alloc();
	struct process *p = pid > 0 ? process_alloc(pid) : NULL;

	if (!t || !p)
		goto fail;
	t->tid = pid;
	t->cred = cred;
	t->sighand = sighand_create();
	if (!t->cred || !t->sighand)
		goto fail;
	strncpy(t->comm, comm, COMM_LEN - 1);
	rlimits_init(p);
	p->pgid = p->sid = pid;
	p->parent = init_process;
	sched_task_init(t, NULL);
	process_add_task(p, t);
	return t;
fail:
	process_put(p);
	task_put(t);
	return NULL;
}

int process_create_init(void)
{
	struct task *t = task_create_fresh("init", cred_of_root());

	if (!t)
		return -ENOMEM;
	/* It never looks at a signal, and its children need not wait to be buried. */
	for (int sig = 1; sig <= NSIG_GUEST; sig++)
		t->sighand->action[sig].handler = (uint64_t)SIG_IGN;
	t->blocked = ~0ULL;
	t->proc->is_init = true;
	init_process = t->proc;
	return 0;
}

/* A limit of the caller's holds here too; what the kernel itself can hold bounds it. */
static void first_inherit(struct task *t, const struct inheritance *from)
{
	for (int i = 0; i < RLIM_COUNT; i++) {
		struct rlimit_pair *own = &t->proc->rlimit[i];
		uint64_t most = own->max;

		own->cur = from->rlimit[i].cur < most ? from->rlimit[i].cur : most;
		own->max = from->rlimit[i].max < most ? from->rlimit[i].max : most;
	}
	for (int sig = 1; sig <= NSIG_GUEST; sig++)
		if (from->ignored >> (sig - 1) & 1)
			t->sighand->action[sig].handler = (uint64_t)SIG_IGN;
	t->fs->umask = from->umask;
	t->se.nice = from->nice;
}

int task_create_first(void (*first)(struct task *t), struct task **out)
{
	struct task *t = task_create_fresh("", cred_of_box());
	int err = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->first = first;
	t->mm = mm_create();
	t->files = fdtable_create();
	t->fs = fs_context_create(&root_path, &root_path);
	if (!t->mm || !t->files || !t->fs)
		return -ENOMEM;
	if (boot_config->inherited)
		first_inherit(t, boot_config->inherited);
	err = machine->space_create(t, &t->thread);
	if (err == 0)
		err = kstack_init(&t->kstack, task_main, t);
	if (err < 0)
		return err;
	first_process = t->proc;
	*out = t;
	sched_wake(t);
	return 0;
}

uint64_t task_cpu_ns(struct task *t)
{
	return t->user_ns_base + (t->thread ? machine->cpu_ns(t->thread) : 0);
}

uint64_t task_sys_ns(struct task *t)
{
	return t->exiting ? 0 : sched_kernel_ns(t);
}

uint64_t process_sys_ns(struct process *p)
{
	uint64_t sum = p->dead_threads.sys_ns;
	struct task *t;

	list_for_each (t, &p->threads, in_process)
		sum += task_sys_ns(t);
	return sum;
}

uint64_t process_cpu_ns(struct process *p)
{
	uint64_t sum = p->dead_threads.user_ns;
	struct task *t;

	list_for_each (t, &p->threads, in_process)
		sum += task_cpu_ns(t);
	return sum;
}

/* What is traced or counted has to arrive. */
long task_publish(struct task *t, enum published what, uint32_t value)
{
	if (machine->publish && !trace_on && !costs_on)
		machine->publish(t->thread, what, value);
	return value;
}

void task_unpublish(struct task *t)
{
	if (machine->publish_not && t->thread)
		machine->publish_not(t->thread);
}
