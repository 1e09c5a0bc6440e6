/*
 * pid.c - the numbers of tasks and processes, and who has which.
 *
 * Numbers ascend and wrap as Linux's do, so that a number just freed is not used again at once.  A
 * number stays taken while it names a thread, a process (zombies too), a process group or a
 * session.
 */
#include "kern/task.h"

#include <errno.h>

#define PID_WRAP_TO 300 /* after the first round low numbers are left to daemons (Linux) */

struct list_head process_list = LIST_INIT(process_list);
struct process *init_process, *first_process;
unsigned pids_max;

static struct pid_slot {
	struct task *task;
	struct process *process;
	bool reserved; /* by pid_alloc, not bound yet */
} slots[PID_LIMIT];

static int last_pid;
static bool wrapped;
static unsigned nr_tasks;

struct task *task_find(pid_t tid)
{
	return tid > 0 && tid < PID_LIMIT ? slots[tid].task : NULL;
}

struct process *process_find(pid_t pid)
{
	return pid > 0 && pid < PID_LIMIT ? slots[pid].process : NULL;
}

unsigned task_count(void)
{
	return nr_tasks;
}

static bool names_group(pid_t pid)
{
	struct process *p;

	list_for_each (p, &process_list, all)
		if (p->pgid == pid || p->sid == pid)
			return true;
	return false;
}

int pid_alloc(void)
{
	if (pids_max && nr_tasks > pids_max) /* process 1 is ours and not counted */
		return -EAGAIN;
	for (int tries = 0; tries < PID_LIMIT; tries++) {
		if (++last_pid >= PID_LIMIT) {
			last_pid = PID_WRAP_TO;
			wrapped = true;
		}
		struct pid_slot *s = &slots[last_pid];
		if (s->task || s->process || s->reserved || (wrapped && names_group(last_pid)))
			continue;
		s->reserved = true;
		nr_tasks++;
		return last_pid;
	}
	return -EAGAIN;
}

void pid_bind_task(pid_t tid, struct task *t)
{
	slots[tid].task = t;
}

void pid_bind_process(pid_t pid, struct process *p)
{
	slots[pid].process = p;
}

void pid_release(pid_t pid)
{
	slots[pid] = (struct pid_slot){0};
	nr_tasks--;
}
