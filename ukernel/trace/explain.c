/*
 * explain.c - --explain: lines of the table of limited direct execution.
 *
 * Everything that is printed has happened, or is about to at the next instruction.  "Hardware" is
 * the machine of machine.h: the host's kernel and the CPU together hold a guest, keep its registers
 * and take it out of user mode.  This file knows how to print, not when.
 */
#include "trace/explain.h"

#include "kern/boot.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "sched/record.h"
#include "trace/decode.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OS_WIDTH       46
#define HARDWARE_WIDTH 46

bool explain_on;

static FILE *out;
static uint64_t start_ns;
static struct text cell; /* one kernel thread, and printing does not sleep */
static const struct task *stack_owner;
static bool said_idle;

static void listen(struct sched_listener *l, const struct sched_record *r,
		   const struct sched_entity *se);
static void listen_why(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
		       const char *text);
static struct sched_listener listener = {.record = listen, .why = listen_why};
static const char *policy_name;

void explain_init(const struct boot_config *config)
{
	explain_on = config->explain;
	if (!explain_on)
		return;
	out = config->trace_out;
	policy_name = config->policy->name;
	sched_listener = &listener;
	setvbuf(out, NULL, _IOLBF, TEXT_MAX);
	start_ns = 0;
	fprintf(out, "%9s %4s  %-*s%-*s%s\n", "ms", "task", OS_WIDTH, "OS (kernel mode)",
		HARDWARE_WIDTH, "Hardware", "Program (user mode)");
}

void explain_finish(void)
{
	if (explain_on)
		fflush(out);
}

/* A cell that is too long for its column keeps one space before the next; nothing follows it. */
static void put_cell(enum explain_column who, int tid)
{
	static const int indent[] = {0, OS_WIDTH, OS_WIDTH + HARDWARE_WIDTH};
	char number[12] = "";
	uint64_t now_ns = time_now_ns();

	if (!start_ns)
		start_ns = now_ns;
	if (tid)
		snprintf(number, sizeof(number), "%d", tid);
	uint64_t us = (now_ns - start_ns) / 1000;
	fprintf(out, "%5llu.%03llu %4s  %*s%s\n", (unsigned long long)us / 1000,
		(unsigned long long)us % 1000, number, indent[who], "", cell.buf);
	said_idle = false;
}

void explain_line(enum explain_column who, const struct task *t, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	text_clear(&cell);
	text_add(&cell, "%s", buf);
	put_cell(who, t ? t->tid : 0);
}

void explain_heading(const char *text)
{
	if (explain_on)
		fprintf(out, "--- %s\n", text);
}

/* --- calls --- */

static void view_init(struct call_view *v, struct task *t, const struct event *ev)
{
	uint64_t nr = (uint32_t)ev->syscall.nr;
	bool known =
	    nr < SYSCALL_MAX && ev->syscall.abi == SYSCALL_ABI_64 && syscall_table[nr].name;

	*v = (struct call_view){.task = t,
				.nr = nr,
				.entry = known ? &syscall_table[nr] : NULL,
				.arg = ev->syscall.arg};
}

static void add_call(struct text *x, const struct call_view *v)
{
	if (!v->entry) {
		text_add(x, "system call %llu", (unsigned long long)v->nr);
		return;
	}
	text_add(x, "%s(", v->entry->name);
	for (int i = 0; i < args_shown(v); i++) {
		text_add(x, i ? ", " : "");
		if (waits_for_result(v, i))
			text_add_address(x, v->arg[i]);
		else
			text_add_arg(x, v, i);
	}
	text_add(x, ")");
}

static const char *exception_name(uint32_t trapno)
{
	static const char *const names[] = {
	    [0] = "divide error",     [1] = "debug",
	    [3] = "breakpoint",	      [4] = "overflow",
	    [6] = "invalid opcode",   [13] = "general protection",
	    [14] = "page fault",      [16] = "x87 floating point",
	    [17] = "alignment check", [19] = "SIMD floating point",
	};
	if (trapno < sizeof(names) / sizeof(*names) && names[trapno])
		return names[trapno];
	return "exception";
}

static void explain_fault(struct task *t, const struct event *ev)
{
	struct regs regs = {0};

	machine->regs_get(t->thread, &regs);
	EXPLAIN(BY_PROGRAM, t, "the instruction at %#llx fails", (unsigned long long)regs.rip);
	if (ev->fault.trapno == 14)
		EXPLAIN(BY_HARDWARE, t, "exception 14: page fault at %#llx",
			(unsigned long long)ev->fault.addr);
	else
		EXPLAIN(BY_HARDWARE, t, "exception %u: %s", ev->fault.trapno,
			exception_name(ev->fault.trapno));
	EXPLAIN(BY_HARDWARE, t, "save registers, to kernel mode, to handler");
}

void explain_event(const struct event *ev)
{
	struct task *t = ev->cookie;
	struct call_view v;

	switch (ev->type) {
	case EVENT_SYSCALL:
		view_init(&v, t, ev);
		/* Text of its own: explain_line's argument may be as long as a path. */
		text_clear(&cell);
		add_call(&cell, &v);
		text_add(&cell, "  (trap)");
		put_cell(BY_PROGRAM, t->tid);
		EXPLAIN(BY_HARDWARE, t, "save registers, to kernel mode, to handler");
		break;
	case EVENT_FAULT:
		explain_fault(t, ev);
		break;
	case EVENT_STOPPED:
		EXPLAIN(BY_HARDWARE, t, "stopped: save registers, to kernel mode");
		break;
	case EVENT_DEAD:
		EXPLAIN(BY_HARDWARE, t, "the host has taken the thread away");
		break;
	case EVENT_TICK:
		EXPLAIN(BY_HARDWARE, NULL, "timer interrupt%s",
			ev->ticks > 1 ? " (some were late)" : "");
		break;
	case EVENT_ALARM:
		EXPLAIN(BY_HARDWARE, NULL, "interrupt: a deadline has passed");
		break;
	case EVENT_HOST_FD:
		EXPLAIN(BY_HARDWARE, NULL, "interrupt: host descriptor %d is ready",
			ev->host_fd.fd);
		break;
	case EVENT_HOST_SIGNAL:
		EXPLAIN(BY_HARDWARE, NULL, "interrupt: signal %d from the host",
			ev->host_signal.signo);
		break;
	case EVENT_NONE:
		break;
	}
}

void explain_call(struct task *t)
{
	struct call_view v;

	view_init(&v, t, &t->trap);
	if (v.entry && v.entry->call)
		EXPLAIN(BY_OS, t, "handle trap: table[%llu] is sys_%s", (unsigned long long)v.nr,
			v.entry->name);
	else
		EXPLAIN(BY_OS, t, "handle trap: table[%llu] has no handler",
			(unsigned long long)v.nr);
}

void explain_result(struct task *t, long result)
{
	struct call_view v;

	view_init(&v, t, &t->trap);
	v.done = true;
	v.result = result;
	text_clear(&cell);
	text_add(&cell, "sys_%s returns ", v.entry ? v.entry->name : "?");
	text_add_result(&cell, &v);
	put_cell(BY_OS, t->tid);
}

void explain_signal(const struct task *t, int sig, unsigned long handler)
{
	char name[24];

	signal_name(sig, name);
	if (handler == (unsigned long)SIG_IGN)
		EXPLAIN(BY_OS, t, "%s is ignored", signal_name(sig, name));
	else if (handler == (unsigned long)SIG_DFL)
		EXPLAIN(BY_OS, t, "%s: no handler, its default action", signal_name(sig, name));
	else
		EXPLAIN(BY_OS, t, "%s: push a frame for handler %#lx", signal_name(sig, name),
			handler);
}

void explain_return(struct task *t, int cpu)
{
	EXPLAIN(BY_OS, t, "return-from-trap, on cpu %d", cpu);
	EXPLAIN(BY_HARDWARE, t, "restore registers, to user mode, to its pc");
}

void explain_kernel_stack(const struct task *t)
{
	if (stack_owner == t)
		return;
	if (stack_owner)
		EXPLAIN(BY_OS, t, "switch(): to the kernel stack of task %d", t->tid);
	else
		EXPLAIN(BY_OS, t, "use the kernel stack of task %d", t->tid);
	stack_owner = t;
}

void explain_idle(void)
{
	if (said_idle)
		return;
	EXPLAIN(BY_OS, NULL, "nothing can run: wait for an interrupt");
	said_idle = true;
}

/* --- the scheduler --- */

static void entity_line(const struct sched_entity *se, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void entity_line(const struct sched_entity *se, const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	text_clear(&cell);
	text_add(&cell, "%s", buf);
	put_cell(BY_OS, (int)se->id);
}

static void runs_line(const struct sched_record *r, const struct sched_entity *se)
{
	if (r->arg == SCHED_FOREVER)
		entity_line(se, "scheduler (%s): task %d gets cpu %d", policy_name, (int)se->id,
			    r->cpu);
	else
		entity_line(se, "scheduler (%s): task %d gets cpu %d for %llu us", policy_name,
			    (int)se->id, r->cpu, (unsigned long long)r->arg / 1000);
}

static void listen(struct sched_listener *l, const struct sched_record *r,
		   const struct sched_entity *se)
{
	(void)l;
	if (!se)
		return;
	switch (r->what) {
	case SREC_WAKE:
		if (r->arg == ENQ_NEW || r->arg == ENQ_WAKEUP)
			entity_line(se, "task %d can run: into the run queue", (int)se->id);
		break;
	case SREC_IN:
		runs_line(r, se);
		break;
	case SREC_OUT:
		if (r->arg == CHARGE_SLEEP)
			entity_line(se, "task %d has to wait: leaves cpu %d", (int)se->id, r->cpu);
		else if (r->arg != CHARGE_EXIT)
			entity_line(se, "task %d leaves cpu %d, back into the run queue",
				    (int)se->id, r->cpu);
		break;
	case SREC_PREEMPT:
		entity_line(se, "%s: stop task %d",
			    r->arg == CHARGE_EXPIRED ? "its slice is over" : "another goes first",
			    (int)se->id);
		break;
	}
}

static void listen_why(struct sched_listener *l, uint64_t ns, const struct sched_entity *se,
		       const char *text)
{
	(void)l;
	(void)ns;
	text_clear(&cell);
	text_add(&cell, "  because: %s", text);
	put_cell(BY_OS, se ? (int)se->id : 0);
}
