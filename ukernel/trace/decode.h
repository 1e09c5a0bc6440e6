/*
 * decode.h - system calls as text: how the parts of the tracer print values.
 *
 * Nothing here changes anything; guest memory that cannot be read is shown as its address.
 */
#ifndef TRACE_DECODE_H
#define TRACE_DECODE_H

#include "abi.h"
#include "machine.h"
#include "syscall.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

/* Text under construction; what does not fit is dropped. */
#define TEXT_MAX 16384
struct text {
	char buf[TEXT_MAX];
	size_t len;
};
void text_clear(struct text *x);
void text_add(struct text *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "bytes" with escapes as C has them; max_shown bytes of it, then "...". */
void text_add_quoted(struct text *x, const void *bytes, size_t len, bool cut);

/* A value and its name.  In a set of flags a row matches when all of its bits are there; rows with
 * several bits come before rows with their parts. */
struct name {
	uint64_t value;
	const char *name;
};
struct name_table {
	const struct name *names; /* ended by a NULL name */
	uint64_t choice_mask;	  /* these bits are one value of its own (O_ACCMODE); 0: none */
	const char *unknown;	  /* comment for what has no name: "O_???" */
};
/* The table for a kind of argument, NULL when it has none. *is_set: flags, not one of several. */
const struct name_table *names_of_kind(enum arg_kind kind, bool *is_set);
void text_add_choice(struct text *x, const struct name_table *t, uint64_t value);
void text_add_flags(struct text *x, const struct name_table *t, uint64_t value);
extern const struct name_table names_poll, names_epoll, names_sa, names_fd_cloexec, names_open,
    names_mode_type, names_dirent;
extern const struct name_table names_si_code_generic, names_si_code_chld, names_si_code_segv,
    names_si_code_fpe, names_si_code_ill, names_si_code_bus, names_si_code_trap;

const char *signal_name(int sig, char buf[24]); /* "SIGINT", "SIGRT_3" */
void text_add_sigset(struct text *x, uint64_t set);
void text_add_errno(struct text *x, int err); /* "ENOENT (No such file or directory)" */
void text_add_mode(struct text *x, unsigned mode);
void text_add_wait_status(struct text *x, int status);
void text_add_siginfo(struct text *x, const struct abi_siginfo *info);

/* Structures by content; false when the guest's memory cannot be read (nothing was added). */
bool text_add_struct(struct text *x, struct task *t, enum arg_kind kind, uaddr_t addr);
bool is_struct_kind(enum arg_kind kind);

/* A call being printed. */
struct call_view {
	struct task *task;
	uint64_t nr;
	const struct syscall_entry *entry; /* NULL: not in the table */
	const uint64_t *arg;
	bool done; /* the result is known: show what the kernel wrote */
	long result;
};
/* Is this argument filled in by the kernel, so that it can only be shown at the end? */
bool waits_for_result(const struct call_view *v, int i);
/* How many of the arguments mean something in this call (open's mode is one that may not). */
int args_shown(const struct call_view *v);
bool is_arg_skipped(const struct call_view *v, int i);
void text_add_arg(struct text *x, const struct call_view *v, int i);
/* Arguments that special.c prints; false: by kind. */
bool text_add_special_arg(struct text *x, const struct call_view *v, int i);
/* Arguments of inter-process communication (ipc.c); false: another kind. */
bool text_add_ipc_arg(struct text *x, const struct call_view *v, int i);
void text_add_address(struct text *x, uint64_t v); /* or NULL */
/* A string of at most max - 1 bytes; longer ones end in "...". */
void text_add_string(struct text *x, struct task *t, uaddr_t addr, size_t max);
/* Kinds with names; false: it has none. */
bool text_add_named(struct text *x, enum arg_kind kind, uint64_t a);
void text_add_result(struct text *x, const struct call_view *v);

/* --trace=FILTER (filter.c) */
int filter_parse(const char *text); /* -EINVAL */
bool filter_wants(uint64_t nr);
bool filter_wants_notes(void); /* the machine's: "patch" was named */

/* --count (count.c) */
void count_call(uint64_t nr, bool failed, uint64_t spent_ns);
void count_print(struct text *x);
#endif
