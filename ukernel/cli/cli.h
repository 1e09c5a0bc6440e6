/*
 * cli.h - what the files of the command line share.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "kern/boot.h"

#include <stdbool.h>
#include <stdint.h>

#define EXIT_OWN_FAILURE 125 /* ukernel failed, not the guest (as docker and env(1) have it) */

/* One line "ukernel: ..." and exit with 125. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same about a machine that machine_start() could not start. */
_Noreturn void die_without_machine(const char *backend);
/* malloc and friends that die. */
void *xrealloc(void *old, size_t n, size_t size);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Commands: take the arguments after the command's name (argv[0] is that name), return the exit
 * status. */
int command_run(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_syscalls(int argc, char **argv);
int command_sched(int argc, char **argv);     /* sched.c: finds the second word */
int command_sched_run(int argc, char **argv); /* sched_run.c */
int command_sched_list(int argc, char **argv);
int command_sched_show(int argc, char **argv);
int command_sched_new(int argc, char **argv);
int command_sched_sim(int argc, char **argv); /* sched_sim.c */
int command_bench(int argc, char **argv);

/* What the program is to have from us; static.  Call it first of all. */
const struct inheritance *inherit_from_caller(void);

/* --- values of options (parse.c): each dies with a line that names the option --- */
/* Ends with a message where path cannot be written: now, and not after an hour's run. */
void output_check(const char *option, const char *path);
unsigned long parse_count(const char *option, const char *text, unsigned long min,
			  unsigned long max);
enum files_trust parse_files(const char *text);
uint64_t parse_size(const char *option, const char *text);	 /* bytes */
uint64_t parse_duration_ns(const char *option, const char *text, /* "1.5", "20ms" ... */
			   uint64_t unit_ns);			 /* unit of a bare number */
/* text as an absolute path without "." and "..", against the current directory; the caller frees.
 */
char *path_absolute(const char *text);
/* Dies if path is of the host's proc. */
void refuse_proc(const char *option, const char *path);
void parse_bind(const char *text, struct bind_spec *out);
/* "NAME[:OPTIONS]" of --sched, checked; *options points into it (NULL: none).  Of policy.c;
 * policy_open() there has more to say. */
const struct sched_policy *parse_sched(char *text, const char **options);
void parse_rw(const char *text, struct bind_spec *out);
/* Fills uid, gid and groups. */
void parse_user(const char *text, const char *root_dir, struct boot_config *config);
#endif
