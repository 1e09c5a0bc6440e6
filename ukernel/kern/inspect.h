/*
 * inspect.h - may one task look into another?
 */
#ifndef KERN_INSPECT_H
#define KERN_INSPECT_H

#include <stdbool.h>

struct task;

/* With the real credentials: same users and groups, no more capabilities, not undumpable; or
 * CAP_SYS_PTRACE.  A process may always look into itself. */
bool task_may_inspect(const struct task *t, const struct task *other);
#endif
