/*
 * scaffold.c - stand-ins for parts that are still being built; each goes when its part lands.
 */
#include "fs/file.h"
#include "fs/lock.h"
#include "kern/itimer.h"
#include "kern/task.h"

#define WEAK __attribute__((weak))

WEAK void process_timers_init(struct process *p)
{
	list_init(&p->posix_timers);
}
WEAK void process_timers_exit(struct process *p)
{
}
WEAK void cpu_limit_changed(struct process *p)
{
}
WEAK void posix_timers_delete_all(struct process *p)
{
}
WEAK void locks_release_posix(struct file *f, struct task *t)
{
}
WEAK void locks_release_file(struct file *f)
{
}
