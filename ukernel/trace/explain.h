/*
 * explain.h - --explain: what happens, as the textbook's table of limited direct execution.
 *
 * One line an event, printed where the thing happens, in the column of who does it: the kernel
 * (supervisor), the hardware (the machine under us), or the program.  A site that nobody watches
 * costs one test of explain_on.  Nothing here sleeps or changes anything.
 */
#ifndef TRACE_EXPLAIN_H
#define TRACE_EXPLAIN_H

#include <stdbool.h>

struct task;
struct event;
struct boot_config;

enum explain_column { BY_OS, BY_HARDWARE, BY_PROGRAM };

extern bool explain_on;

/* Before the kernel starts: the head of the table. */
void explain_init(const struct boot_config *config);
/* After it has ended. */
void explain_finish(void);

/* One line; t may be NULL where it is about nobody in particular. */
void explain_line(enum explain_column who, const struct task *t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A heading of its own: "@ boot", "@ run". */
void explain_heading(const char *text);

#define EXPLAIN(...)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(explain_on, 0))                                               \
			explain_line(__VA_ARGS__);                                                 \
	} while (0)

/* From the event loop: what the machine has just reported, before the kernel looks at it. */
void explain_event(const struct event *ev);
/* The handler of t's call is about to be called / has returned. */
void explain_call(struct task *t);
void explain_result(struct task *t, long result);
/* A signal is acted on: handler is its address, or SIG_DFL or SIG_IGN. */
void explain_signal(const struct task *t, int sig, unsigned long handler);
/* t goes to user mode on cpu. */
void explain_return(struct task *t, int cpu);
/* The CPU's stack pointer moves: which kernel stack is in use from now on. */
void explain_kernel_stack(const struct task *t);
/* There is nothing to run. */
void explain_idle(void);
#endif
