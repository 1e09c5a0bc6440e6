/*
 * trace.c - --trace: one line a system call, signal and death, spelled as strace spells them.
 *
 * A line is begun when the call is made and ended when it is answered.  If something else has to
 * be printed in between, it is broken off ("<unfinished ...>") and taken up again later
 * ("<... read resumed>").
 */
#include "trace/trace.h"

#include "kern/boot.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "trace/decode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT_COLUMN 40

bool trace_on;

static FILE *out;
static bool show_lines, show_counts, interactive, to_file;
static struct task *open_task; /* its line has been begun and not ended; NULL: none */
static size_t open_column;
static struct text line; /* one kernel thread, and printing does not sleep */

int trace_init(const struct boot_config *config)
{
	if (config->trace_filter && filter_parse(config->trace_filter) != 0)
		return -EINVAL;
	out = config->trace_out;
	show_lines = config->trace;
	show_counts = config->count_calls;
	trace_on = show_lines || show_counts;
	if (!trace_on)
		return 0;
	to_file = out != stderr;
	interactive = isatty(fileno(out));
	setvbuf(out, NULL, _IOLBF, TEXT_MAX);
	return 0;
}

static void write_line(void)
{
	fwrite(line.buf, 1, line.len, out);
	text_clear(&line);
}

/* As strace does: in a file always, else when there is somebody to be told apart from. */
static void add_prefix(struct task *t)
{
	if (to_file)
		text_add(&line, "%-5d ", t->tid);
	else if (task_count() > 2) /* process 1 is the kernel's own */
		text_add(&line, "[pid %5d] ", t->tid);
}

/* Something is about to be printed: break off another task's line. */
static void break_open_line(void)
{
	if (!open_task)
		return;
	fputs(" <unfinished ...>\n", out);
	open_task = NULL;
}

bool trace_wants_notes(void)
{
	return show_lines && filter_wants_notes();
}

void trace_note(const char *text)
{
	break_open_line();
	fprintf(out, "patch: %s\n", text);
}

static void add_name(struct text *x, const struct call_view *v)
{
	if (v->entry)
		text_add(x, "%s", v->entry->name);
	else if (v->task->trap.syscall.abi == SYSCALL_ABI_32)
		text_add(x, "int80_%#llx", (unsigned long long)v->nr);
	else
		text_add(x, "syscall_%#llx", (unsigned long long)v->nr);
}

static void view_init(struct call_view *v, struct task *t)
{
	uint64_t nr = (uint32_t)t->trap.syscall.nr;
	bool known =
	    nr < SYSCALL_MAX && t->trap.syscall.abi == SYSCALL_ABI_64 && syscall_table[nr].name;

	*v = (struct call_view){.task = t,
				.nr = nr,
				.entry = known ? &syscall_table[nr] : NULL,
				.arg = t->trap.syscall.arg};
}

static void add_unknown_args(struct text *x, const struct call_view *v)
{
	for (int i = 0; i < 6; i++)
		text_add(x, "%s%#llx", i ? ", " : "", (unsigned long long)v->arg[i]);
}

/* Arguments from the from-th on; at entry those that the kernel fills in have to wait, and all
 * that follow.  Returns the next to print. */
static int add_args(struct text *x, const struct call_view *v, int from)
{
	int n = args_shown(v), i;

	for (i = from; i < n; i++) {
		if (is_arg_skipped(v, i))
			continue;
		/* The comma is part of what comes before, as strace breaks its lines. */
		if (i > from || (i > 0 && !v->done))
			text_add(x, ", ");
		if (!v->done && waits_for_result(v, i))
			break;
		text_add_arg(x, v, i);
	}
	return i;
}

void trace_enter(struct task *t)
{
	struct call_view v;

	if (show_counts)
		t->trace.start_ns = time_now_ns();
	view_init(&v, t);
	t->trace.shown = show_lines && filter_wants(v.nr);
	if (!t->trace.shown)
		return;
	break_open_line();
	add_prefix(t);
	add_name(&line, &v);
	text_add(&line, "(");
	if (v.entry)
		t->trace.next_arg = (uint8_t)add_args(&line, &v, 0);
	else
		add_unknown_args(&line, &v);
	open_task = t;
	open_column = line.len;
	write_line();
	if (interactive)
		fflush(out); /* it may stay like this for long */
}

/* Go on with t's line, wherever it is. */
static void resume_line(struct task *t, const struct call_view *v)
{
	if (open_task == t) {
		open_task = NULL;
		return;
	}
	break_open_line();
	open_column = 0;
	add_prefix(t);
	text_add(&line, "<... ");
	add_name(&line, v);
	text_add(&line, " resumed>");
}

static void add_result_column(void)
{
	size_t column = open_column + line.len;

	if (column < RESULT_COLUMN - 1)
		text_add(&line, "%*s", (int)(RESULT_COLUMN - 1 - column), "");
	text_add(&line, " = ");
}

/* sigreturn's argument is the frame; what matters in it is the mask, now in force. */
static void add_restored_mask(struct task *t)
{
	text_add(&line, "{mask=");
	text_add_sigset(&line, t->blocked);
	text_add(&line, "}");
}

void trace_exit(struct task *t, long result)
{
	struct call_view v;

	view_init(&v, t);
	if (show_counts)
		count_call(v.nr, result < 0 && result >= -4095, time_now_ns() - t->trace.start_ns);
	if (!t->trace.shown)
		return;
	t->trace.shown = false;
	v.done = true;
	v.result = result;
	resume_line(t, &v);
	if (v.nr == SYS_rt_sigreturn && v.entry)
		add_restored_mask(t);
	else if (v.entry)
		add_args(&line, &v, t->trace.next_arg);
	text_add(&line, ")");
	add_result_column();
	text_add_result(&line, &v);
	text_add(&line, "\n");
	write_line();
}

void trace_first_exec(struct task *t, const char *file, char *const argv[], unsigned nenv)
{
	if (!show_lines || !filter_wants(SYS_execve))
		return;
	add_prefix(t);
	text_add(&line, "execve(");
	text_add_quoted(&line, file, strlen(file), false);
	text_add(&line, ", [");
	for (int i = 0; argv[i]; i++) {
		text_add(&line, i ? ", " : "");
		text_add_quoted(&line, argv[i], strlen(argv[i]), false);
	}
	text_add(&line, "], /* %u vars */)", nenv);
	open_column = 0;
	add_result_column();
	text_add(&line, "0\n");
	write_line();
}

void trace_signal(struct task *t, int sig, const struct abi_siginfo *info)
{
	struct abi_siginfo none = {.signo = sig, .code = 0x80 /* SI_KERNEL */};
	char name[24];

	if (!show_lines)
		return;
	break_open_line();
	add_prefix(t);
	text_add(&line, "--- %s ", signal_name(sig, name));
	text_add_siginfo(&line, info ? info : &none);
	text_add(&line, " ---\n");
	write_line();
}

void trace_stop(struct task *t, int sig)
{
	char name[24];

	if (!show_lines)
		return;
	break_open_line();
	add_prefix(t);
	text_add(&line, "--- stopped by %s ---\n", signal_name(sig, name));
	write_line();
}

/* The call in which t died has no result. */
static void end_call(struct task *t)
{
	struct call_view v;

	view_init(&v, t);
	bool is_exit = v.entry && v.entry->ret == ARG_none;
	if (show_counts)
		count_call(v.nr, false, 0);
	if (!t->trace.shown)
		return;
	t->trace.shown = false;
	bool was_open = open_task == t;
	resume_line(t, &v);
	text_add(&line, was_open && !is_exit ? " <unfinished ...>)" : ")");
	add_result_column();
	text_add(&line, "?\n");
	write_line();
}

void trace_task_end(struct task *t, int status)
{
	char name[24];

	if (t->in_syscall)
		end_call(t);
	if (!show_lines)
		return;
	break_open_line();
	add_prefix(t);
	if (WIFSIGNALED(status))
		text_add(&line, "+++ killed by %s%s +++\n", signal_name(WTERMSIG(status), name),
			 WCOREDUMP(status) ? " (core dumped)" : "");
	else
		text_add(&line, "+++ exited with %d +++\n", WEXITSTATUS(status));
	write_line();
}

void trace_finish(void)
{
	if (!trace_on)
		return;
	if (open_task)
		break_open_line();
	if (show_counts) {
		text_clear(&line);
		count_print(&line);
		write_line();
	}
	fflush(out);
}
