/*
 * sched_new.c - `ukernel sched new NAME`: a policy to begin with, and a Makefile that builds it.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 32

extern const char template_policy[], template_makefile[];
__asm__(".section .rodata\n"
	".globl template_policy, template_makefile\n"
	"template_policy: .incbin \"ukernel/cli/template/policy.c.in\"\n"
	".byte 0\n"
	"template_makefile: .incbin \"ukernel/cli/template/Makefile.in\"\n"
	".byte 0\n"
	".text\n");

/* The directory that holds ukernel/policy.h beside this program: of the installation, or of the
 * build.  Freed by the caller. */
static char *include_dir(void)
{
	static const char *const places[] = {"../include", "include"};
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	char *dir = dirname(exe);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *path = xasprintf("%s/%s/ukernel/policy.h", dir, places[i]);
		char *found =
		    access(path, R_OK) == 0 ? realpath(dirname(dirname(path)), NULL) : NULL;
		free(path);
		if (found)
			return found;
	}
	return xasprintf("%s/../include", dir);
}

static void write_file(const char *path, const char *text, const char *name, const char *include)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		die("cannot write %s: %s", path, strerror(errno));
	for (const char *p = text; *p;) {
		if (strncmp(p, "@NAME@", 6) == 0) {
			fputs(name, out);
			p += 6;
		} else if (strncmp(p, "@INCLUDE@", 9) == 0) {
			fputs(include, out);
			p += 9;
		} else {
			fputc(*p++, out);
		}
	}
	if (fclose(out) != 0)
		die("cannot write %s: %s", path, strerror(errno));
}

/* It becomes part of C names, and the name of a structure. */
static void check_name(const char *name)
{
	static const char *const keywords[] = {
	    "auto",    "break",	 "case",     "char",   "const",	   "continue", "default",
	    "do",      "double", "else",     "enum",   "extern",   "float",    "for",
	    "goto",    "if",	 "inline",   "int",    "long",	   "register", "restrict",
	    "return",  "short",	 "signed",   "sizeof", "static",   "struct",   "switch",
	    "typedef", "union",	 "unsigned", "void",   "volatile", "while",    "asm",
	    "typeof",  "runq",	 "bool",
	};
	bool good = isalpha((unsigned char)*name) && strlen(name) <= NAME_MAX_LEN;

	for (const char *p = name; *p; p++)
		good = good && (isalnum((unsigned char)*p) || *p == '_');
	if (!good)
		die("'%s' is no name for a policy: letters, digits and _, a letter first", name);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strcmp(name, keywords[i]) == 0)
			die("'%s' is no name for a policy: it is a word of C", name);
}

int command_sched_new(int argc, char **argv)
{
	struct option_parser parser;
	struct stat st;

	option_parser_init(&parser, "sched_new");
	while (option_next(&parser, argc, argv) != OPT_END) {
		options_print_help(stdout, "sched_new");
		return 0;
	}
	if (optind + 1 != argc)
		die("ukernel sched new wants one NAME");
	const char *name = argv[optind];
	check_name(name);
	if (stat(name, &st) == 0)
		die("there is a %s already", name);
	if (mkdir(name, 0777) != 0)
		die("cannot make the directory %s: %s", name, strerror(errno));
	char *source = xasprintf("%s/%s.c", name, name), *makefile = xasprintf("%s/Makefile", name);
	char *include = include_dir();
	write_file(source, template_policy, name, include);
	write_file(makefile, template_makefile, name, include);
	printf("%s and %s are written.  Now\n  make -C %s\n  ukernel run --sched ./%s/%s.so -- "
	       "PROGRAM\n",
	       source, makefile, name, name, name);
	free(source);
	free(makefile);
	free(include);
	return 0;
}
